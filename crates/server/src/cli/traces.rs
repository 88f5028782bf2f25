//! Where a server's traces go.

use crate::trace::{Sampling, Spans};

/// Traces for an OpenTelemetry collector.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Traces {
    /// Send traces to this OpenTelemetry collector (http://host:4318, OTLP over HTTP); without it
    /// nothing is traced
    #[arg(long, value_name = "URL", env = "ONSALE_TRACES")]
    traces: Option<String>,
    /// Share of the requests that are traced, from 0 to 1
    #[arg(
        long,
        value_name = "SHARE",
        env = "ONSALE_TRACES_SAMPLE",
        default_value_t = 0.01,
        value_parser = share
    )]
    traces_sample: f64,
    /// Let a --trusted-proxy choose in its `traceparent` which of its requests are traced: it must
    /// begin traces itself, and not pass on what callers wrote
    #[arg(long, env = "ONSALE_TRACES_FOLLOW_PROXY")]
    traces_follow_proxy: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok();
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "a number from 0 to 1 is wanted, 0.01 for one request in a hundred".into())
}

/// What sends them, if anything does.
#[cfg(feature = "traces")]
pub(super) type Exporting = Option<crate::trace::export::Exporting>;
/// Nothing does.
#[cfg(not(feature = "traces"))]
pub(super) type Exporting = ();

impl Traces {
    fn sampling(&self) -> Sampling {
        Sampling {
            share: self.traces_sample,
            follow_proxy: self.traces_follow_proxy,
        }
    }

    fn url(&self) -> Option<&str> {
        self.traces.as_deref().filter(|url| !url.is_empty())
    }

    /// Starts sending. Must be called inside the runtime.
    #[cfg(feature = "traces")]
    pub(super) fn start(&self) -> anyhow::Result<(Option<Spans>, Exporting)> {
        use crate::trace::export;
        use anyhow::Context as _;
        let Some(url) = self.url() else {
            return Ok((None, None));
        };
        let url = export::CollectorUrl::parse(url).context("--traces")?;
        let (spans, exporting) = export::start(&url, self.sampling()).context("--traces")?;
        Ok((Some(spans), Some(exporting)))
    }

    /// Says that it cannot be done, if it is asked for.
    #[cfg(not(feature = "traces"))]
    pub(super) fn start(&self) -> anyhow::Result<(Option<Spans>, Exporting)> {
        if self.url().is_none() {
            return Ok((None, ()));
        }
        let Sampling {
            share,
            follow_proxy,
        } = self.sampling();
        anyhow::bail!(
            "--traces (a share of {share}, following the proxy: {follow_proxy}): this onsale was \
             built without traces; build it with `cargo build --release -p onsale-server --features \
             traces`"
        )
    }
}

/// Sends what is left.
#[cfg(feature = "traces")]
pub(super) async fn finish(exporting: Exporting) {
    if let Some(exporting) = exporting {
        exporting.finish().await;
    }
}

/// There is nothing left.
#[cfg(not(feature = "traces"))]
pub(super) async fn finish((): Exporting) {}
