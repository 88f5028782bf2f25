//! The last minute at a glance: the counts of `/metrics` as rates, gauges as they are, and times as
//! quantiles.
//!
//! Works on the text that Prometheus is given, so that whatever is recorded is in both, and nothing
//! has to be listed here. A sample is taken every few seconds; what is shown is the difference
//! between now and the oldest sample kept.
//!
//! **Invariant.** At most [`SAMPLES_MOST`] samples are kept.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// What is looked back at.
const MINUTE: Duration = Duration::from_secs(60);
/// Samples kept, one more than fit into a minute at the pace they are taken.
const SAMPLES_MOST: usize = 13;

/// Everything recorded, as it was at one moment.
#[derive(Debug, Default)]
struct Exposition {
    counters: BTreeMap<String, f64>,
    gauges: BTreeMap<String, f64>,
    histograms: BTreeMap<String, Buckets>,
}

/// A histogram: how many were at most so much.
#[derive(Clone, Debug, Default, PartialEq)]
struct Buckets {
    /// Upper bound and count, ascending; the last bound is infinite.
    at_most: Vec<(f64, f64)>,
    sum: f64,
}

/// What happened within the last minute.
#[derive(Debug, serde::Serialize)]
pub struct Latest {
    /// How far back this looks, in seconds: a minute, or less in a server's first.
    seconds: f64,
    counters: BTreeMap<String, Rate>,
    gauges: BTreeMap<String, f64>,
    histograms: BTreeMap<String, Spread>,
}

/// A count.
#[derive(Debug, PartialEq, serde::Serialize)]
struct Rate {
    /// Since the server started.
    total: f64,
    per_second: f64,
}

/// What was measured. Quantiles are worked out from buckets, as Prometheus does it: one that is
/// beyond the last bound is that bound. Null where nothing was measured.
#[derive(Debug, PartialEq, serde::Serialize)]
struct Spread {
    count: f64,
    per_second: f64,
    mean: Option<f64>,
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

/// The samples of the last minute.
#[derive(Debug)]
pub(super) struct Samples(VecDeque<(Instant, Exposition)>);

impl Samples {
    pub(super) const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Keeps what `text` says, and forgets what is older than anybody looks back.
    pub(super) fn keep(&mut self, text: &str, at: Instant) {
        self.0.push_back((at, Exposition::read(text)));
        while self.0.len() > SAMPLES_MOST
            || self.0.get(1).is_some_and(|(next, _)| at - *next >= MINUTE)
        {
            self.0.pop_front();
        }
    }

    /// What has happened since the oldest sample.
    pub(super) fn until(&self, text: &str, now: Instant) -> Latest {
        let now_says = Exposition::read(text);
        let nothing = Exposition::default();
        let (since, before) = match self.0.front() {
            Some((at, before)) => (now - *at, before),
            None => (Duration::ZERO, &nothing),
        };
        now_says.since(before, since.as_secs_f64())
    }
}

impl Exposition {
    /// Reads Prometheus text of our own making: a line that is not understood is left out.
    fn read(text: &str) -> Self {
        let mut read = Self::default();
        let mut kinds = BTreeMap::new();
        for line in text.lines() {
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                kinds.extend(kind.split_once(' '));
            } else if let Some((series, value)) = line.rsplit_once(' ')
                && !line.starts_with('#')
                && let Ok(value) = value.parse()
            {
                read.take(&kinds, series, value);
            }
        }
        read
    }

    fn take(&mut self, kinds: &BTreeMap<&str, &str>, series: &str, value: f64) {
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        match kinds.get(name) {
            Some(&"counter") => {
                self.counters.insert(series.to_owned(), value);
            }
            Some(&"gauge") => {
                self.gauges.insert(series.to_owned(), value);
            }
            _ => self.take_part(kinds, name, labels.trim_end_matches('}'), value),
        }
    }

    /// A histogram's line is named after it and what it says of it.
    fn take_part(&mut self, kinds: &BTreeMap<&str, &str>, name: &str, labels: &str, value: f64) {
        let Some((family, part)) = name.rsplit_once('_') else {
            return;
        };
        if kinds.get(family) != Some(&"histogram") {
            return;
        }
        let (bound, others): (Vec<&str>, Vec<&str>) = labels
            .split(',')
            .filter(|label| !label.is_empty())
            .partition(|label| label.starts_with("le="));
        let series = if others.is_empty() {
            family.to_owned()
        } else {
            format!("{family}{{{}}}", others.join(","))
        };
        let buckets = self.histograms.entry(series).or_default();
        match part {
            "sum" => buckets.sum = value,
            "bucket" => {
                let bound = bound.first().and_then(|label| {
                    let text = label.trim_start_matches("le=").trim_matches('"');
                    text.parse().ok()
                });
                buckets
                    .at_most
                    .extend(bound.map(|bound: f64| (bound, value)));
            }
            _ => {}
        }
    }

    fn since(self, before: &Self, seconds: f64) -> Latest {
        let per_second = |count: f64| if seconds > 0.0 { count / seconds } else { 0.0 };
        let counters = self.counters.into_iter().map(|(series, total)| {
            let earlier = before.counters.get(&series).copied().unwrap_or(0.0);
            let per_second = per_second(total - earlier);
            (series, Rate { total, per_second })
        });
        let histograms = self.histograms.into_iter().map(|(series, buckets)| {
            let new = buckets.without(before.histograms.get(&series));
            let count = new.count();
            let spread = Spread {
                count,
                per_second: per_second(count),
                mean: (count > 0.0).then(|| new.sum / count),
                p50: new.quantile(0.5),
                p95: new.quantile(0.95),
                p99: new.quantile(0.99),
            };
            (series, spread)
        });
        Latest {
            seconds,
            counters: counters.collect(),
            gauges: self.gauges,
            histograms: histograms.collect(),
        }
    }
}

impl Buckets {
    fn count(&self) -> f64 {
        self.at_most.last().map_or(0.0, |(_, count)| *count)
    }

    fn without(mut self, before: Option<&Self>) -> Self {
        let Some(before) = before else { return self };
        for ((_, count), (_, earlier)) in self.at_most.iter_mut().zip(&before.at_most) {
            *count -= earlier;
        }
        self.sum -= before.sum;
        self
    }

    /// What this share of the measurements was at most, with those of a bucket spread evenly over it.
    fn quantile(&self, share: f64) -> Option<f64> {
        let count = self.count();
        if count <= 0.0 {
            return None;
        }
        let wanted = share * count;
        let (mut below, mut counted) = (0.0, 0.0);
        for (bound, at_most) in &self.at_most {
            if *at_most >= wanted {
                if bound.is_infinite() {
                    return Some(below);
                }
                let within = (wanted - counted) / (at_most - counted).max(f64::MIN_POSITIVE);
                return Some(below + (bound - below) * within);
            }
            (below, counted) = (*bound, *at_most);
        }
        Some(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "\
# TYPE answers counter
answers{status=\"2xx\"} 100

# TYPE hot gauge
hot 3

# TYPE wait_seconds histogram
wait_seconds_bucket{le=\"0.1\"} 10
wait_seconds_bucket{le=\"1\"} 10
wait_seconds_bucket{le=\"+Inf\"} 10
wait_seconds_sum 0.5
wait_seconds_count 10
";
    const AFTER: &str = "\
# TYPE answers counter
answers{status=\"2xx\"} 700
answers{status=\"5xx\"} 6

# TYPE hot gauge
hot 5

# TYPE wait_seconds histogram
wait_seconds_bucket{le=\"0.1\"} 60
wait_seconds_bucket{le=\"1\"} 109
wait_seconds_bucket{le=\"+Inf\"} 110
wait_seconds_sum 30.5
wait_seconds_count 110
";

    fn latest() -> Latest {
        let start = Instant::now();
        let mut samples = Samples::new();
        samples.keep(BEFORE, start);
        samples.until(AFTER, start + Duration::from_secs(60))
    }

    #[test]
    fn counts_become_rates_and_gauges_stay() {
        let latest = latest();
        let rate = |total, per_second| Rate { total, per_second };
        assert_eq!(
            latest.counters["answers{status=\"2xx\"}"],
            rate(700.0, 10.0)
        );
        // What was never counted before was none.
        assert_eq!(latest.counters["answers{status=\"5xx\"}"], rate(6.0, 0.1));
        assert_eq!(latest.gauges["hot"], 5.0);
    }

    #[test]
    fn quantiles_are_of_the_last_minute_alone() {
        let latest = latest();
        let spread = &latest.histograms["wait_seconds"];
        assert_eq!((spread.count, spread.mean), (100.0, Some(0.3)));
        // 50 of the 100 new ones were at most 0.1, 49 more at most 1.
        assert_eq!(spread.p50, Some(0.1));
        let p95 = spread.p95.unwrap();
        assert!((p95 - (0.1 + 0.9 * 45.0 / 49.0)).abs() < 1e-9, "{p95}");
        assert_eq!(spread.p99, Some(1.0));
    }

    #[test]
    fn beyond_the_last_bound_is_that_bound_and_nothing_is_null() {
        let start = Instant::now();
        let mut samples = Samples::new();
        samples.keep(AFTER, start);
        let quiet = samples.until(AFTER, start + Duration::from_secs(5));
        assert_eq!(quiet.histograms["wait_seconds"].p99, None);
        let late = AFTER.replace("+Inf\"} 110", "+Inf\"} 9000");
        let late = samples.until(&late, start + Duration::from_secs(5));
        assert_eq!(late.histograms["wait_seconds"].p50, Some(1.0));
    }

    #[test]
    fn no_more_is_kept_than_a_minute_of_samples() {
        let start = Instant::now();
        let mut samples = Samples::new();
        for tick in 0..100 {
            samples.keep(BEFORE, start + Duration::from_secs(5) * tick);
            assert!(samples.0.len() <= SAMPLES_MOST);
        }
        let (oldest, newest) = (samples.0[0].0, samples.0[samples.0.len() - 1].0);
        assert_eq!(newest - oldest, MINUTE);
    }

    #[test]
    fn text_that_is_not_understood_is_left_out() {
        let read = Exposition::read("what\n# HELP x y\nx{a=\"b\n\n# TYPE c counter\nc nan?\nc 1\n");
        assert_eq!(read.counters.len(), 1);
        assert!(read.gauges.is_empty() && read.histograms.is_empty());
    }
}
