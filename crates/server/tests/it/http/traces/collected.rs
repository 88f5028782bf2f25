//! Traces at a collector that speaks OTLP over HTTP, and at one that does not.

use super::{BROWSER, TRACE, hold, pay, traceparent};
use crate::support::client::Client;
use crate::support::process::{SHOW, prepare};
use crate::support::server::Server;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

impl Collector {
    /// Its address.
    async fn listen(&self) -> String {
        async fn take(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) {
            assert_eq!(headers["content-type"], "application/x-protobuf");
            let batch = ExportTraceServiceRequest::decode(body).unwrap();
            collector.0.lock().unwrap().push(batch);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    fn spans(&self) -> Vec<Span> {
        let batches = self.0.lock().unwrap();
        let resources = batches.iter().flat_map(|batch| &batch.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }
}

fn text(attributes: &[KeyValue], name: &str) -> String {
    let found = attributes.iter().find(|it| it.key == name);
    match found.and_then(|it| it.value.clone()) {
        Some(AnyValue {
            value: Some(Value::StringValue(text)),
        }) => text,
        Some(AnyValue {
            value: Some(Value::IntValue(number)),
        }) => number.to_string(),
        _ => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn one<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut named = spans.iter().filter(|span| span.name == name);
    let found = named.next().unwrap_or_else(|| panic!("{name}: {spans:#?}"));
    assert!(named.next().is_none(), "one {name}");
    found
}

#[tokio::test]
async fn a_hold_is_one_trace_from_the_browser_to_the_commit() {
    let collector = Collector::default();
    let url = collector.listen().await;
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).await;
    let all = [("ONSALE_TRACES", &*url), ("ONSALE_TRACES_SAMPLE", "1")];
    let server = Server::start_with(dir.path(), &all).await;
    let mut client = Client::connect(&server.address(), 1).await.unwrap();
    client.traceparent = Some(traceparent());
    let held = hold(&mut client, 3).await;
    let request_id = client.request_id.clone();
    server.stop().await;

    let spans = collector.spans();
    assert_eq!(spans.len(), 5, "{spans:#?}");
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE));
    let request = one(&spans, "POST /api/v1/performances/{id}/holds");
    assert_eq!(hex(&request.parent_span_id), BROWSER);
    assert_eq!(request.kind, SpanKind::Server as i32);
    let fact = |name: &str| text(&request.attributes, name);
    assert_eq!(fact("http.response.status_code"), "201");
    assert_eq!(fact("http.request.method"), "POST");
    assert_eq!(fact("http.route"), "/api/v1/performances/{id}/holds");
    assert_eq!(fact("onsale.request_id"), request_id);
    let lane = one(&spans, "lane");
    assert_eq!(lane.parent_span_id, request.span_id);
    assert_eq!(
        text(&lane.attributes, "onsale.performance"),
        SHOW.to_string()
    );
    for part in ["wait", "decide", "append"] {
        let part = one(&spans, part);
        assert_eq!(part.parent_span_id, lane.span_id);
        assert_eq!(text(&part.attributes, "onsale.batch.commands"), "1");
        assert!(lane.start_time_unix_nano <= part.start_time_unix_nano);
        assert!(part.end_time_unix_nano <= lane.end_time_unix_nano);
    }
    assert!(request.start_time_unix_nano <= lane.start_time_unix_nano);
    assert!(lane.end_time_unix_nano <= request.end_time_unix_nano);
    let batches = collector.0.lock().unwrap();
    let resource = batches[0].resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(text(&resource.attributes, "service.name"), "onsale");
    assert!(!format!("{batches:?}").contains(&held.to_string()));
}

#[tokio::test]
async fn a_payment_is_in_the_trace_of_the_request_that_began_it() {
    let collector = Collector::default();
    let url = collector.listen().await;
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).await;
    let all = [("ONSALE_TRACES", &*url), ("ONSALE_TRACES_SAMPLE", "1")];
    let server = Server::start_with(dir.path(), &all).await;
    let mut client = Client::connect(&server.address(), 1).await.unwrap();
    let held = hold(&mut client, 3).await;
    client.traceparent = Some(traceparent());
    let (status, order) = pay(&mut client, held, 3, "4242424242424242").await;
    assert_eq!(
        (status, &order["state"]),
        (200, &"confirmed".into()),
        "{order}"
    );
    server.stop().await;

    let mut spans = collector.spans();
    spans.retain(|span| hex(&span.trace_id) == TRACE);
    let request = one(
        &spans,
        "POST /api/v1/performances/{id}/holds/{hold_id}/checkout",
    );
    let lane = one(&spans, "lane");
    let banks = spans.iter().filter(|span| span.name == "payment provider");
    assert_eq!(banks.clone().count(), 2, "authorise and capture");
    for part in banks.chain([lane]) {
        assert_eq!(part.parent_span_id, request.span_id);
    }
    assert!(!format!("{:?}", collector.spans()).contains("ada@example.org"));
}

/// What has become of spans, so far.
async fn counted(client: &mut Client, outcome: &str) -> u64 {
    let metrics = client.text("/metrics").await.unwrap();
    let name = format!("onsale_trace_spans{{outcome=\"{outcome}\"}} ");
    let found = metrics.lines().find_map(|line| line.strip_prefix(&name));
    found.map_or(0, |number| number.parse().unwrap())
}

/// Asks for something small until spans have come to that. The longest that an answer took.
async fn ask_until(client: &mut Client, outcome: &str) -> Duration {
    let began = Instant::now();
    let mut longest = Duration::ZERO;
    while counted(client, outcome).await == 0 {
        assert!(began.elapsed() < PATIENCE, "no span was {outcome}");
        for _ in 0..500 {
            let asked = Instant::now();
            let (status, _) = client
                .send("GET", "/api/v1/rooms/keys", None)
                .await
                .unwrap();
            assert_eq!(status, 200);
            longest = longest.max(asked.elapsed());
        }
    }
    longest
}

/// A server that has everything traced, by whoever listens there.
async fn traced_by(data: &std::path::Path, url: &str) -> (Server, Client) {
    prepare(data).await;
    let all = [("ONSALE_TRACES", url), ("ONSALE_TRACES_SAMPLE", "1")];
    let server = Server::start_with(data, &all).await;
    let client = Client::connect(&server.address(), 1).await.unwrap();
    (server, client)
}

#[tokio::test]
async fn a_collector_that_hangs_costs_spans_and_no_request_waits_for_it() {
    // Connections are taken by the operating system, and nobody ever answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let (server, mut client) = traced_by(dir.path(), &url).await;
    let longest = ask_until(&mut client, "dropped").await;
    // A batch is waited for for 5 s; so would be who waited for one.
    assert!(longest < Duration::from_secs(4), "{longest:?}");
    hold(&mut client, 3).await;
    let stopping = Instant::now();
    server.stop().await;
    let took = stopping.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn a_collector_that_is_away_costs_spans_and_fails_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let dir = tempfile::tempdir().unwrap();
    let (server, mut client) = traced_by(dir.path(), &url).await;
    hold(&mut client, 3).await;
    ask_until(&mut client, "lost").await;
    assert_eq!(counted(&mut client, "sent").await, 0);
    server.stop().await;
}
