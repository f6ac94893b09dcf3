// SPDX-License-Identifier: GPL-2.0-or-later

//! A collector of OpenTelemetry: each event as a log record, and the numbers of events and losses as
//! metrics, by OTLP over HTTP. What it is too busy for, or not there to take, is sent again for a
//! while. The SDK's own batches drop records of which nobody is told, so here is another one.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, anyhow};
use async_trait::async_trait;
use opentelemetry::{
    InstrumentationScope, KeyValue,
    logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity},
    metrics::{Counter, MeterProvider},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    LogExporter, MetricExporter, Protocol, RetryPolicy, WithExportConfig, WithHttpConfig,
};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    logs::{LogBatch, LogExporter as _, LogProcessor, SdkLogRecord, SdkLogger, SdkLoggerProvider},
    metrics::{PeriodicReader, SdkMeterProvider},
};
use prost::Message;

use super::Sink;
use crate::events::event::{Event, Verdict};

/// How long a collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long the same logs are sent again before they are lost. Others wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before they are sent again, the first time and at most, unless the collector
/// says how long.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

/// How often metrics are sent. They are sums: what did not arrive is in the next.
const METRICS: Duration = Duration::from_secs(10);

/// How many logs are sent at once.
const BATCH: usize = 512;

/// The name of this sink in what is lost.
pub const NAME: &str = "otlp";

/// The collector.
pub struct Collector {
    exporter: LogExporter,
    /// Logs that wait to be sent, and for how many reports each stands.
    batch: Batch,
    counts: Vec<u64>,
    /// How many of the last ones the collector refused though it took others.
    rejected: Arc<AtomicU64>,
    lost: u64,
    /// Why, if that was not said yet.
    unsaid: Option<anyhow::Error>,
    logger: SdkLogger,
    metrics: SdkMeterProvider,
    events: Counter<u64>,
    losses: Counter<u64>,
}

impl Collector {
    /// The one at this URL, such as `http://localhost:4318`.
    pub fn new(url: &str) -> Result<Self> {
        Self::with_patience(url, PATIENCE).with_context(|| url.to_owned())
    }

    fn with_patience(url: &str, patience: Duration) -> Result<Self> {
        let url = url.trim_end_matches('/');
        let resource = Resource::builder().with_service_name("krsi").build();
        let rejected = Arc::new(AtomicU64::new(0));
        let client = Client {
            http: reqwest::blocking::Client::builder()
                .timeout(TIMEOUT.min(patience))
                .build()?,
            rejected: rejected.clone(),
        };
        let again = RetryPolicy::recommended()
            .with_max_retries(usize::MAX)
            .with_initial_delay(PAUSES.0)
            .with_max_delay(PAUSES.1);
        let mut exporter = LogExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(patience)
            .with_http_client(client)
            .with_retry_policy(again)
            .with_endpoint(format!("{url}/v1/logs"))
            .build()?;
        exporter.set_resource(&resource);
        let batch = Batch::default();
        let logs = SdkLoggerProvider::builder()
            .with_log_processor(batch.clone())
            .build();
        let metric_exporter = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(TIMEOUT)
            .with_endpoint(format!("{url}/v1/metrics"))
            .build()?;
        let reader = PeriodicReader::builder(metric_exporter).with_interval(METRICS);
        let metrics = SdkMeterProvider::builder()
            .with_reader(reader.build())
            .with_resource(resource)
            .build();
        let meter = metrics.meter("krsi");
        Ok(Self {
            exporter,
            batch,
            counts: Vec::new(),
            rejected,
            lost: 0,
            unsaid: None,
            logger: logs.logger("krsi"),
            events: meter.u64_counter("krsi.events").build(),
            losses: meter.u64_counter("krsi.lost").build(),
            metrics,
        })
    }

    /// Sends the logs that wait; an error if any is lost.
    fn send(&mut self) -> Result<()> {
        let logs = self.batch.take();
        if logs.is_empty() {
            return Ok(());
        }
        let logs: Vec<_> = logs.iter().map(|(log, scope)| (log, scope)).collect();
        let sent = futures_executor::block_on(self.exporter.export(LogBatch::new(&logs)));
        let mut counts = std::mem::take(&mut self.counts);
        if let Err(e) = sent {
            self.lost += counts.iter().sum::<u64>();
            return Err(e).context("logs");
        }
        let rejected = (self.rejected.swap(0, Relaxed) as usize).min(counts.len());
        if rejected == 0 {
            return Ok(());
        }
        // It does not say which: those that stand for the most, so that never more was lost.
        counts.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
        self.lost += counts[..rejected].iter().sum::<u64>();
        Err(anyhow!(
            "the collector rejected {rejected} of {} logs",
            counts.len()
        ))
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
                self.losses.add(*count, &attributes);
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
        self.counts.push(event.reports());
        if self.counts.len() >= BATCH {
            // What was not sent is counted already: it is no loss of this event.
            self.unsaid = self.send().err().or(self.unsaid.take());
        }
        Ok(())
    }

    fn kept(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    fn flush(&mut self) -> Result<()> {
        let unsaid = self.unsaid.take();
        let sent = self.send();
        unsaid.map_or(sent, Err)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // The last sums. That logs can't be sent, either, was said.
        let _ = self.metrics.shutdown();
    }
}

/// Logs that wait to be sent.
#[derive(Clone, Debug, Default)]
struct Batch(Arc<Mutex<Vec<(SdkLogRecord, InstrumentationScope)>>>);

impl Batch {
    fn take(&self) -> Vec<(SdkLogRecord, InstrumentationScope)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LogProcessor for Batch {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        let mut logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logs.push((record.clone(), scope.clone()));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Sends requests, and sees how many logs of one that was taken were not, which the SDK tells nobody.
#[derive(Debug)]
struct Client {
    http: reqwest::blocking::Client,
    rejected: Arc<AtomicU64>,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.http.send_bytes(request).await?;
        if response.status().is_success() {
            let answer = ExportLogsServiceResponse::decode(response.body().clone());
            let partial = answer.ok().and_then(|answer| answer.partial_success);
            let rejected = partial.map_or(0, |partial| partial.rejected_log_records);
            self.rejected.store(rejected.max(0) as u64, Relaxed);
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests;
