// SPDX-License-Identifier: GPL-2.0-or-later

//! A collector of OpenTelemetry: each event as a log record, and the numbers of events and losses as
//! metrics, by OTLP over HTTP.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use opentelemetry::{
    KeyValue,
    logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity},
    metrics::{Counter, MeterProvider},
};
use opentelemetry_otlp::{LogExporter, MetricExporter, Protocol, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    logs::{LogBatch, SdkLogger, SdkLoggerProvider},
    metrics::SdkMeterProvider,
};

use super::Sink;
use crate::event::{Event, Verdict};

/// How long a collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How many logs are sent at once: fewer than the SDK keeps before it drops some.
const BATCH: u64 = 512;

/// The name of this sink in what is lost.
pub const NAME: &str = "otlp";

/// The collector.
pub struct Collector {
    logs: SdkLoggerProvider,
    logger: SdkLogger,
    metrics: SdkMeterProvider,
    events: Counter<u64>,
    lost: Counter<u64>,
    /// Logs that wait to be sent.
    waiting: u64,
    /// Logs that the collector did not take.
    failed: Arc<AtomicU64>,
    /// Why, if that was not said yet.
    unsaid: Option<anyhow::Error>,
}

impl Collector {
    /// The one at this URL, such as `http://localhost:4318`.
    pub fn new(url: &str) -> Result<Self> {
        let url = url.trim_end_matches('/');
        let resource = Resource::builder().with_service_name("krsi").build();
        let failed = Arc::new(AtomicU64::new(0));
        let exporter = LogExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(TIMEOUT)
            .with_endpoint(format!("{url}/v1/logs"))
            .build()
            .with_context(|| url.to_owned())?;
        let logs = SdkLoggerProvider::builder()
            .with_batch_exporter(Counted {
                exporter,
                failed: failed.clone(),
            })
            .with_resource(resource.clone())
            .build();
        let exporter = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(TIMEOUT)
            .with_endpoint(format!("{url}/v1/metrics"))
            .build()
            .with_context(|| url.to_owned())?;
        let metrics = SdkMeterProvider::builder()
            .with_periodic_exporter(exporter)
            .with_resource(resource)
            .build();
        let meter = metrics.meter("krsi");
        Ok(Self {
            logger: logs.logger("krsi"),
            events: meter.u64_counter("krsi.events").build(),
            lost: meter.u64_counter("krsi.lost").build(),
            logs,
            metrics,
            waiting: 0,
            failed,
            unsaid: None,
        })
    }

    /// Sends the logs that wait.
    fn send(&mut self) -> Result<()> {
        self.waiting = 0;
        self.logs.force_flush().context("logs")
    }

    fn count(&self, event: &Event) {
        match event {
            Event::Report(report) => {
                let verdict = report.verdict.to_string();
                let attributes = [
                    KeyValue::new("krsi.policy", report.policy.clone()),
                    KeyValue::new("krsi.behaviour", report.behaviour.clone()),
                    KeyValue::new("krsi.verdict", verdict),
                ];
                self.events.add(report.count, &attributes);
            }
            Event::Lost {
                behaviour,
                count,
                place,
            } => {
                let attributes = [
                    KeyValue::new("krsi.behaviour", behaviour.clone()),
                    KeyValue::new("krsi.place", place.clone()),
                ];
                self.lost.add(*count, &attributes);
            }
        }
    }
}

impl Sink for Collector {
    fn take(&mut self, event: &Event) -> Result<()> {
        self.count(event);
        // That this collector takes none it can't be told but by the sum, when it takes some again.
        if matches!(event, Event::Lost { place, .. } if place == NAME) {
            return Ok(());
        }
        let mut record = self.logger.create_log_record();
        record.set_body(AnyValue::from(event.to_string()));
        record.add_attribute("krsi.event", event.to_json());
        match event {
            Event::Report(report) => {
                record
                    .set_timestamp(SystemTime::UNIX_EPOCH + Duration::from_micros(report.time_us));
                record.set_severity_number(match report.verdict {
                    Verdict::Denied => Severity::Warn,
                    Verdict::WouldDeny => Severity::Info2,
                    Verdict::Reported => Severity::Info,
                });
                record.add_attribute("krsi.policy", report.policy.clone());
                record.add_attribute("krsi.behaviour", report.behaviour.clone());
                record.add_attribute("krsi.verdict", report.verdict.to_string());
            }
            Event::Lost { .. } => record.set_severity_number(Severity::Error),
        }
        self.logger.emit(record);
        self.waiting += 1;
        if self.waiting >= BATCH {
            // What was not sent is counted already: it is no loss of this event.
            self.unsaid = self.send().err();
        }
        Ok(())
    }

    fn lost(&mut self) -> u64 {
        self.failed.swap(0, Relaxed)
    }

    fn flush(&mut self) -> Result<()> {
        let unsaid = self.unsaid.take();
        self.send()?;
        if let Some(error) = unsaid {
            return Err(error);
        }
        self.metrics.force_flush().context("metrics")
    }
}

/// Counts the logs that can't be sent, of which the SDK tells nobody how many there are.
#[derive(Debug)]
struct Counted {
    exporter: LogExporter,
    failed: Arc<AtomicU64>,
}

impl opentelemetry_sdk::logs::LogExporter for Counted {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let logs = batch.iter().count() as u64;
        let result = self.exporter.export(batch).await;
        if result.is_err() {
            self.failed.fetch_add(logs, Relaxed);
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    };
    use prost::Message;
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{TcpListener, TcpStream},
        sync::mpsc::{Sender, channel},
        thread,
    };

    /// Answers requests of HTTP, and hands on what they had: path and body.
    fn serve(stream: TcpStream, requests: &Sender<(String, Vec<u8>)>) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        loop {
            let (mut first, mut length) = (String::new(), 0);
            if reader.read_line(&mut first)? == 0 {
                return Ok(());
            }
            loop {
                let mut header = String::new();
                reader.read_line(&mut header)?;
                let header = header.trim().to_lowercase();
                if header.is_empty() {
                    break;
                }
                if let Some(value) = header.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            let _ = requests.send((path, body));
            (&stream).write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n",
            )?;
        }
    }

    #[test]
    fn a_collector_gets_each_event_and_their_number() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                thread::spawn(move || serve(stream, &sender));
            }
        });

        let mut collector = Collector::new(&url).unwrap();
        let report = crate::event::tests::report("env_audit");
        collector.take(&Event::Report(Box::new(report))).unwrap();
        collector.take(&Event::lost("mount", 7, "kernel")).unwrap();
        collector.flush().unwrap();

        let (mut bodies, mut names) = (Vec::new(), Vec::new());
        for (path, body) in requests.try_iter() {
            match path.as_str() {
                "/v1/logs" => {
                    let request = ExportLogsServiceRequest::decode(&*body).unwrap();
                    let scopes = request.resource_logs.into_iter().flat_map(|r| r.scope_logs);
                    let records = scopes.flat_map(|scope| scope.log_records);
                    bodies.extend(records.map(|record| format!("{:?}", record.body)));
                }
                "/v1/metrics" => {
                    let request = ExportMetricsServiceRequest::decode(&*body).unwrap();
                    let scopes = request
                        .resource_metrics
                        .into_iter()
                        .flat_map(|r| r.scope_metrics);
                    names.extend(
                        scopes
                            .flat_map(|scope| scope.metrics)
                            .map(|metric| metric.name),
                    );
                }
                _ => panic!("{path}"),
            }
        }
        assert_eq!(bodies.len(), 2, "{bodies:?}");
        assert!(bodies[0].contains("LD_PRELOAD"), "{bodies:?}");
        assert!(bodies[1].contains("lost: 7 reports of mount"), "{bodies:?}");
        names.sort();
        names.dedup();
        assert_eq!(names, ["krsi.events", "krsi.lost"]);
    }

    #[test]
    fn what_no_collector_takes_is_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let mut collector = Collector::new(&url).unwrap();
        for _ in 0..3 {
            let report = crate::event::tests::report("env_audit");
            collector.take(&Event::Report(Box::new(report))).unwrap();
        }
        collector.take(&Event::lost("", 7, NAME)).unwrap();
        assert!(collector.flush().is_err());
        assert_eq!((collector.lost(), collector.lost()), (3, 0));
    }
}
