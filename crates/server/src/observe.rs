//! Logs and metrics: set up once a process.

mod latest;
mod lines;

pub use latest::Latest;

use latest::Samples;
use lines::{JsonLines, TextFields};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
static SAMPLES: Mutex<Samples> = Mutex::new(Samples::new());

/// Measurements are folded into their buckets at least this often, so that they take no more room
/// the longer nobody looks; and so often what they came to is kept for [`latest()`].
const FOLD_EVERY: Duration = Duration::from_secs(5);

/// Upper bounds, seconds.
const LATENCIES: [f64; 12] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0,
];
/// Upper bounds of how long an answer takes: finer where a shop that is well answers.
const ANSWERS: [f64; 20] = [
    0.000_1, 0.000_25, 0.000_5, 0.000_75, 0.001, 0.001_5, 0.002, 0.003, 0.004, 0.006, 0.008, 0.012,
    0.016, 0.025, 0.05, 0.1, 0.25, 0.5, 2.0, 10.0,
];
/// Upper bounds, counts.
const COUNTS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 100.0, 250.0, 1_000.0, 4_096.0];

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line, for programs.
    Json,
}

/// Logs go to the standard error; `RUST_LOG` chooses what, `info` where it is not set. What is
/// written for a request carries its `request_id` and its `trace_id`.
pub fn start_logs(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::NONE)
        .with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => logs
            .with_target(false)
            .fmt_fields(TextFields::default())
            .try_init(),
        LogFormat::Json => logs
            .json()
            .flatten_event(true)
            .map_event_format(JsonLines)
            .try_init(),
    };
    // A second start in one process (tests) keeps the first.
    drop(started);
}

/// Starts recording metrics. Must be called inside the runtime.
pub fn start_metrics() {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCIES)
        .and_then(|builder| {
            let answers = Matcher::Full("onsale_http_answer_seconds".to_owned());
            builder.set_buckets_for_metric(answers, &ANSWERS)
        })
        .and_then(|builder| builder.set_buckets(&COUNTS))
        .map(PrometheusBuilder::build_recorder);
    let Ok(recorder) = recorder else { return };
    let handle = recorder.handle();
    if METRICS.set(handle.clone()).is_ok() && metrics::set_global_recorder(recorder).is_ok() {
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(FOLD_EVERY);
            loop {
                tick.tick().await;
                handle.run_upkeep();
                samples().keep(&handle.render(), Instant::now());
            }
        });
    }
}

/// What has been recorded, as Prometheus text.
#[must_use]
pub fn metrics() -> Option<String> {
    METRICS.get().map(PrometheusHandle::render)
}

/// What has been recorded within the last minute.
#[must_use]
pub fn latest() -> Option<Latest> {
    let text = metrics()?;
    Some(samples().until(&text, Instant::now()))
}

fn samples() -> std::sync::MutexGuard<'static, Samples> {
    SAMPLES.lock().unwrap_or_else(PoisonError::into_inner)
}
