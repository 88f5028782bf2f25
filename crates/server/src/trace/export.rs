//! Spans to an OpenTelemetry collector: OTLP over HTTP, in batches.
//!
//! **Invariants.** What is sent at once, what waits and how long anything takes is bounded. A
//! collector that is away, slow or wrong costs spans, which are counted, and nothing else. Its state
//! is logged when it changes, not each time.

use super::collector::Collector;
use super::spans::{Fact, Kind, Sampling, Span, Spans};
use axum::http::Uri;
use axum::http::uri::Scheme;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_otlp::{
    Protocol, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _, SpanLinks};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Most spans that are sent at once.
const BATCH_MOST: usize = 512;

/// How long spans wait for more of them.
const GATHER: Duration = Duration::from_secs(1);

/// How long the collector may take for a batch, from the connection to its answer.
const BATCH_DEADLINE: Duration = Duration::from_secs(5);

/// How long a server that stops may spend on the spans that are left.
const FINISH_DEADLINE: Duration = Duration::from_secs(3);

/// Where the collector of `--traces` takes spans, unless the URL says more.
const TRACES_PATH: &str = "/v1/traces";

/// Why nothing can be sent there.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// Not an address of a collector.
    #[error("`{0}` is not a collector's address, as in http://127.0.0.1:4318")]
    NotACollector(String),
    /// TLS is asked for.
    #[error(
        "the server speaks plain HTTP to a collector: run one beside it, which passes traces on \
         over TLS, and name that"
    )]
    Tls,
    /// The exporter does not like what it finds in the environment.
    #[error("traces cannot be sent: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// The address of a collector, `http://host:port`, with a path if it is not the usual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorUrl {
    authority: String,
    path: String,
}

impl CollectorUrl {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, TracesError> {
        let wrong = || TracesError::NotACollector(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => {}
            Some(scheme) if *scheme == Scheme::HTTPS => return Err(TracesError::Tls),
            _ => return Err(wrong()),
        }
        let authority = uri.authority().ok_or_else(wrong)?;
        // What is secret belongs into OTEL_EXPORTER_OTLP_HEADERS, not into an argument.
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(TracesError::NotACollector("…".to_owned()));
        }
        let port = authority.port_u16().unwrap_or(80);
        let path = match uri.path() {
            "" | "/" => TRACES_PATH,
            path => path,
        };
        Ok(Self {
            authority: format!("{}:{port}", authority.host()),
            path: path.to_owned(),
        })
    }

    fn endpoint(&self) -> String {
        format!("http://{}{}", self.authority, self.path)
    }
}

/// What sends spans, until it is told to finish.
pub struct Exporting {
    finish: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Sends what is traced to the collector at `url`. Must be called inside the runtime. A collector
/// that is away is no error: it may come.
pub fn start(url: &CollectorUrl, sampling: Sampling) -> Result<(Spans, Exporting), TracesError> {
    let client = Collector {
        authority: url.authority.clone(),
    };
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url.endpoint())
        .with_timeout(BATCH_DEADLINE)
        // Its pauses would hold up a thread of the runtime.
        .with_retry_policy(RetryPolicy::disabled())
        .build()?;
    exporter.set_resource(&resource());
    let (spans, waiting) = Spans::new(sampling);
    let (finish, finishing) = oneshot::channel();
    let task = tokio::spawn(Export::new(exporter).run(waiting, finishing));
    Ok((spans, Exporting { finish, task }))
}

/// Which program this is. The usual `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` are heeded.
fn resource() -> Resource {
    let is_named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
    let builder = Resource::builder();
    let builder = if is_named {
        builder
    } else {
        builder.with_service_name("onsale")
    };
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    builder.with_attribute(version).build()
}

impl Exporting {
    /// Sends what is left, within a deadline.
    pub async fn finish(mut self) {
        // Whoever listens may have gone: then there is nothing to finish.
        let _ = self.finish.send(());
        if tokio::time::timeout(FINISH_DEADLINE, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
            tracing::warn!("the collector did not take the last traces in time");
        }
    }
}

struct Export {
    exporter: SpanExporter,
    scope: InstrumentationScope,
    /// As far as is known.
    collector_is_away: bool,
}

impl Export {
    fn new(exporter: SpanExporter) -> Self {
        let scope = InstrumentationScope::builder("onsale")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        Self {
            exporter,
            scope,
            collector_is_away: false,
        }
    }

    async fn run(mut self, mut waiting: mpsc::Receiver<Span>, mut finish: oneshot::Receiver<()>) {
        let mut batch = Vec::with_capacity(BATCH_MOST);
        loop {
            let is_last = gather(&mut waiting, &mut batch, &mut finish).await;
            self.send(&mut batch).await;
            if is_last {
                break;
            }
        }
        // Nothing is traced any more: what waits is the rest.
        waiting.close();
        while waiting.recv_many(&mut batch, BATCH_MOST).await > 0 {
            self.send(&mut batch).await;
        }
    }

    async fn send(&mut self, batch: &mut Vec<Span>) {
        let count = batch.len();
        if count == 0 {
            return;
        }
        let data = batch.drain(..).map(|span| data_of(span, &self.scope));
        let sent = self.exporter.export(data.collect());
        let failure = match tokio::time::timeout(BATCH_DEADLINE, sent).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {BATCH_DEADLINE:?}")),
        };
        let outcome = if failure.is_none() { "sent" } else { "lost" };
        metrics::counter!("onsale_trace_spans", "outcome" => outcome).increment(count as u64);
        match failure {
            Some(error) if !self.collector_is_away => {
                self.collector_is_away = true;
                tracing::warn!(error, "the collector does not take traces: they are let go");
            }
            None if self.collector_is_away => {
                self.collector_is_away = false;
                tracing::info!("the collector takes traces again");
            }
            Some(_) | None => {}
        }
    }
}

/// Fills a batch: until it is full, or its first span has waited long enough. Whether it is the last.
async fn gather(
    waiting: &mut mpsc::Receiver<Span>,
    batch: &mut Vec<Span>,
    finish: &mut oneshot::Receiver<()>,
) -> bool {
    let mut enough = None;
    while batch.len() < BATCH_MOST {
        let most = BATCH_MOST - batch.len();
        let patience = async {
            match enough {
                Some(enough) => tokio::time::sleep_until(enough).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // An error: whoever would say so has gone without a word.
            _ = &mut *finish => return true,
            count = waiting.recv_many(batch, most) => {
                if count == 0 {
                    return true;
                }
                enough.get_or_insert_with(|| Instant::now() + GATHER);
            }
            () = patience => return false,
        }
    }
    false
}

fn data_of(span: Span, scope: &InstrumentationScope) -> SpanData {
    let id = |id: super::SpanId| SpanId::from_bytes(id.get().to_be_bytes());
    let facts = span.facts.into_iter().map(|(name, fact)| {
        let value = match fact {
            Fact::Text(text) => Value::from(text),
            Fact::Number(number) => Value::from(number),
        };
        KeyValue::new(name, value)
    });
    SpanData {
        span_context: SpanContext::new(
            TraceId::from_bytes(span.trace.get().to_be_bytes()),
            id(span.id),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: span.parent.map_or(SpanId::INVALID, id),
        parent_span_is_remote: span.parent_is_remote,
        span_kind: match span.kind {
            Kind::Server => SpanKind::Server,
            Kind::Internal => SpanKind::Internal,
            Kind::Client => SpanKind::Client,
        },
        name: span.name,
        start_time: span.began,
        end_time: span.ended,
        attributes: facts.collect(),
        dropped_attributes_count: 0,
        events: Default::default(),
        links: SpanLinks::default(),
        status: span.fault.map_or(Status::Unset, Status::error),
        instrumentation_scope: scope.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_a_plain_address() {
        let read = |text: &str| CollectorUrl::parse(text).map(|url| url.endpoint());
        for (text, endpoint) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://collector:4318/", "http://collector:4318/v1/traces"),
            ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
            (
                "http://tempo/otlp/v1/traces",
                "http://tempo:80/otlp/v1/traces",
            ),
        ] {
            assert_eq!(read(text).unwrap(), endpoint);
        }
        assert!(matches!(read("https://tempo:4318"), Err(TracesError::Tls)));
        for text in ["", "127.0.0.1:4318", "/v1/traces", "ftp://tempo", "http://"] {
            assert!(
                matches!(read(text), Err(TracesError::NotACollector(_))),
                "{text}"
            );
        }
        let secret = read("http://ada:secret@tempo:4318")
            .unwrap_err()
            .to_string();
        assert!(!secret.contains("secret"), "{secret}");
    }
}
