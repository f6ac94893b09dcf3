// SPDX-License-Identifier: GPL-2.0-or-later

//! A collector that answers as a test wants, made of the protocol's own messages. A real one takes
//! events in `make server`.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use opentelemetry_proto::tonic::collector::{
    logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceRequest},
    metrics::v1::ExportMetricsServiceRequest,
};

use super::*;

/// How long the same logs are sent again.
const SHORT: Duration = Duration::from_secs(2);

/// Says what comes before the body of the nth request's answer, and that body.
type Answer = fn(usize) -> (&'static str, Vec<u8>);

/// Path and body of requests.
type Requests = Receiver<(String, Vec<u8>)>;

fn ok(_: usize) -> (&'static str, Vec<u8>) {
    ("200 OK", Vec::new())
}

/// Answers requests of HTTP, and hands on what they had.
fn serve(
    stream: TcpStream,
    requests: &Sender<(String, Vec<u8>)>,
    answer: Answer,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    for number in 0.. {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first)? == 0 {
            break;
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
        let (status, body) = answer(number);
        let length = body.len();
        write!(
            &stream,
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n"
        )?;
        (&stream).write_all(&body)?;
    }
    Ok(())
}

/// A collector at this address, and what it is asked.
fn collector(address: &str, answer: Answer) -> (String, Requests) {
    let listener = TcpListener::bind(address).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            thread::spawn(move || serve(stream, &sender, answer));
        }
    });
    (url, requests)
}

/// An address where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// So many reports that each stand for five.
fn take(collector: &mut Collector, number: usize) {
    for _ in 0..number {
        let mut report = crate::events::event::tests::report("env_audit");
        report.count = 5;
        collector.take(&Event::Report(Box::new(report))).unwrap();
    }
}

/// The bodies of the logs of requests.
fn logs(requests: &[(String, Vec<u8>)]) -> Vec<String> {
    let requests = requests.iter().filter(|(path, _)| path == "/v1/logs");
    let requests = requests.map(|(_, body)| ExportLogsServiceRequest::decode(&**body).unwrap());
    let scopes = requests
        .flat_map(|r| r.resource_logs)
        .flat_map(|r| r.scope_logs);
    let records = scopes.flat_map(|scope| scope.log_records);
    records.map(|record| format!("{:?}", record.body)).collect()
}

#[test]
fn a_collector_gets_each_event_and_their_number() {
    let (url, requests) = collector("127.0.0.1:0", ok);
    let mut collector = Collector::with_patience(&url, SHORT).unwrap();
    take(&mut collector, 1);
    collector.take(&Event::lost("mount", 7, "kernel")).unwrap();
    assert_eq!(collector.kept(), 12);
    collector.flush().unwrap();
    assert_eq!((collector.kept(), collector.lost()), (0, 0));
    drop(collector);

    let requests: Vec<_> = requests.try_iter().collect();
    let bodies = logs(&requests);
    assert_eq!(bodies.len(), 2, "{bodies:?}");
    assert!(bodies[0].contains("LD_PRELOAD"), "{bodies:?}");
    assert!(bodies[1].contains("lost: 7 reports of mount"), "{bodies:?}");
    let metrics = requests.iter().filter(|(path, _)| path == "/v1/metrics");
    let metrics = metrics.map(|(_, body)| ExportMetricsServiceRequest::decode(&**body).unwrap());
    let scopes = metrics
        .flat_map(|r| r.resource_metrics)
        .flat_map(|r| r.scope_metrics);
    let mut names: Vec<_> = scopes
        .flat_map(|s| s.metrics)
        .map(|metric| metric.name)
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names, ["krsi.events", "krsi.lost"]);
}

#[test]
fn what_no_collector_takes_is_counted_by_reports() {
    let url = format!("http://{}", nobody());
    let mut collector = Collector::with_patience(&url, SHORT).unwrap();
    take(&mut collector, 3);
    collector.take(&Event::lost("", 7, NAME)).unwrap();
    collector.take(&Event::lost("", 7, "file")).unwrap();
    assert!(collector.flush().is_err());
    assert_eq!((collector.lost(), collector.lost()), (15, 0));
}

#[test]
fn one_that_comes_a_moment_later_gets_all() {
    let address = nobody();
    let mut sink = Collector::with_patience(&format!("http://{address}"), SHORT).unwrap();
    take(&mut sink, 3);
    let later = thread::spawn(move || {
        thread::sleep(SHORT / 4);
        collector(&address, ok)
    });
    sink.flush().unwrap();
    let (_, requests) = later.join().unwrap();
    assert_eq!(logs(&requests.try_iter().collect::<Vec<_>>()).len(), 3);
    assert_eq!(sink.lost(), 0);
}

#[test]
fn one_that_is_busy_is_asked_again_when_it_says() {
    let (url, requests) = collector("127.0.0.1:0", |number| match number {
        0 => ("503 Service Unavailable\r\nretry-after: 1", Vec::new()),
        _ => ok(number),
    });
    let mut collector = Collector::with_patience(&url, 2 * SHORT).unwrap();
    take(&mut collector, 3);
    let began = std::time::Instant::now();
    collector.flush().unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!((requests.try_iter().count(), collector.lost()), (2, 0));
}

#[test]
fn one_that_stays_busy_or_refuses_loses_what_it_was_sent() {
    for status in [
        |_| ("429 Too Many Requests", Vec::new()),
        |_| ("503 Service Unavailable\r\nretry-after: 3600", Vec::new()),
        |_| ("400 Bad Request", Vec::new()),
    ] {
        let (url, _requests) = collector("127.0.0.1:0", status);
        let mut collector = Collector::with_patience(&url, SHORT).unwrap();
        take(&mut collector, 3);
        let began = std::time::Instant::now();
        assert!(collector.flush().is_err());
        assert!(began.elapsed() < 3 * SHORT);
        assert_eq!(collector.lost(), 15);
    }
}

#[test]
fn one_that_answers_too_late_loses_what_it_was_sent() {
    let (url, _requests) = collector("127.0.0.1:0", |number| {
        thread::sleep(2 * SHORT);
        ok(number)
    });
    let mut collector = Collector::with_patience(&url, SHORT).unwrap();
    take(&mut collector, 3);
    let began = std::time::Instant::now();
    assert!(collector.flush().is_err());
    assert!(began.elapsed() < 2 * SHORT);
    assert_eq!(collector.lost(), 15);
}

#[test]
fn what_one_rejects_of_what_it_takes_is_counted() {
    let (url, _requests) = collector("127.0.0.1:0", |_| {
        let partial = ExportLogsPartialSuccess {
            rejected_log_records: 2,
            error_message: "too old".into(),
        };
        let answer = ExportLogsServiceResponse {
            partial_success: Some(partial),
        };
        ("200 OK", answer.encode_to_vec())
    });
    let mut collector = Collector::with_patience(&url, SHORT).unwrap();
    take(&mut collector, 3);
    let error = collector.flush().unwrap_err();
    assert!(error.to_string().contains("2 of 3"), "{error}");
    assert_eq!(collector.lost(), 10);
}

#[test]
fn a_batch_that_is_full_and_lost_is_said_at_the_next_flush() {
    let url = format!("http://{}", nobody());
    let mut collector = Collector::with_patience(&url, SHORT / 4).unwrap();
    take(&mut collector, BATCH);
    assert_eq!(collector.lost(), 5 * BATCH as u64);
    assert!(collector.flush().is_err());
    collector.flush().unwrap();
}
