//! What others see of the shop while the crowd is there: a probe in a process of its own, and the
//! server's own clock. Both know from the crowd's script when the rush begins and ends.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};

/// Before the rush, in it, after it.
pub(super) const PHASES: [&str; 3] = ["before", "during", "after"];
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const NS_PER_MS: f64 = 1e6;

/// From when to when each phase is, by the machine's clock, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Phases([(u64, u64); 3]);

impl Phases {
    /// From the crowd's lines that begin with `audit phase`; `None` until it has said them all.
    pub(super) fn read(console: &str) -> Option<Self> {
        let mut times = [None; 3];
        for line in console.lines() {
            let Some(said) = line.strip_prefix("audit\tphase\t") else {
                continue;
            };
            let mut fields = said.split('\t');
            let name = fields.next()?;
            let at = PHASES.iter().position(|phase| *phase == name)?;
            let mut time = || fields.next()?.parse::<f64>().ok();
            times[at] = Some((time()? as u64, time()? as u64));
        }
        Some(Self([times[0]?, times[1]?, times[2]?]))
    }

    fn of(&self, at_ms: u64) -> Option<usize> {
        let within = |(from, until): &(u64, u64)| (*from..*until).contains(&at_ms);
        self.0.iter().position(within)
    }
}

/// What was measured of one step in one phase, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Delays {
    pub(super) count: usize,
    pub(super) median: f64,
    pub(super) p99: f64,
}

/// The probe's answers by step, each with one list a phase.
#[derive(Debug, Default)]
pub(super) struct Probed {
    answers: BTreeMap<String, [Vec<f64>; 3]>,
    /// What it was refused, and how often.
    pub(super) refused: BTreeMap<String, u64>,
}

impl Probed {
    pub(super) fn read(text: &str, phases: &Phases) -> Result<Self> {
        let mut probed = Self::default();
        for line in text.lines() {
            let fields: Vec<_> = line.split('\t').collect();
            let [step, due_ms, value] = fields[..] else {
                // The last line of a probe that was stopped while it wrote.
                continue;
            };
            let due_ms = due_ms.parse().with_context(|| format!("no time: {line}"))?;
            if step == "refused" {
                *probed.refused.entry(value.to_owned()).or_default() += 1;
            } else if let Some(phase) = phases.of(due_ms) {
                let micros: f64 = value.parse().with_context(|| format!("no time: {line}"))?;
                let answers = probed.answers.entry(step.to_owned()).or_default();
                answers[phase].push(micros / 1_000.0);
            }
        }
        for phases in probed.answers.values_mut() {
            for delays in phases {
                delays.sort_by(f64::total_cmp);
            }
        }
        Ok(probed)
    }

    pub(super) fn get(&self, step: &str, phase: usize) -> Result<Delays> {
        let sorted = self.answers.get(step).map(|phases| &phases[phase]);
        let sorted = sorted.filter(|sorted| !sorted.is_empty());
        let sorted =
            sorted.with_context(|| format!("the probe had no {step} {} it", PHASES[phase]))?;
        let share = |share: f64| {
            let at = (sorted.len() as f64 * share) as usize;
            sorted[at.min(sorted.len() - 1)]
        };
        Ok(Delays {
            count: sorted.len(),
            median: share(0.5),
            p99: share(0.99),
        })
    }
}

/// What the server had counted at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark {
    /// Answers by kind: how many took no longer than so many seconds.
    answers: BTreeMap<String, Vec<(f64, u64)>>,
    at_ms: u64,
    /// How long its threads have been ready to run and had no processor, all together.
    waited_ms: f64,
}

impl Mark {
    fn take(server: SocketAddr, process: u32) -> Result<Self> {
        Ok(Self {
            answers: answers(&get(server, "/metrics")?),
            at_ms: now_ms(),
            waited_ms: waited_ms(process),
        })
    }
}

/// Marks at the beginning and the end of each phase.
pub(super) struct Marks {
    server: SocketAddr,
    process: u32,
    console: PathBuf,
    phases: Option<Phases>,
    taken: Vec<Mark>,
}

impl Marks {
    pub(super) const fn new(server: SocketAddr, process: u32, console: PathBuf) -> Self {
        Self {
            server,
            process,
            console,
            phases: None,
            taken: Vec::new(),
        }
    }

    /// Looks whether it is time for the next. Called often.
    pub(super) fn look(&mut self) -> Result<()> {
        let Some(phases) = self.phases else {
            let console = fs::read_to_string(&self.console).unwrap_or_default();
            self.phases = Phases::read(&console);
            return Ok(());
        };
        let mut times = phases.0.iter().flat_map(|(from, until)| [*from, *until]);
        let next = times.nth(self.taken.len());
        if next.is_some_and(|at_ms| now_ms() >= at_ms) {
            self.taken.push(Mark::take(self.server, self.process)?);
        }
        Ok(())
    }

    pub(super) fn phases(&self) -> Result<Phases> {
        self.phases.context("the crowd never said when it comes")
    }

    fn pair(&self, phase: usize) -> Result<(&Mark, &Mark)> {
        let both = self.taken.get(phase * 2).zip(self.taken.get(phase * 2 + 1));
        both.with_context(|| format!("the server was not looked at {} it", PHASES[phase]))
    }

    /// So long took 99 of 100 answers at most, in milliseconds, by the server's clock; and how many
    /// there were.
    pub(super) fn p99_at_most(&self, kind: &str, phase: usize) -> Result<(f64, u64)> {
        let (from, until) = self.pair(phase)?;
        let none = Vec::new();
        let before = from.answers.get(kind).unwrap_or(&none);
        let after = until.answers.get(kind).unwrap_or(&none);
        Ok(at_most(before, after, 0.99))
    }

    /// For how much of the time a thread of the server was ready and had no processor: 1.0 is one
    /// thread all the time.
    pub(super) fn waiting(&self, phase: usize) -> Result<f64> {
        let (from, until) = self.pair(phase)?;
        let passed_ms = until.at_ms.saturating_sub(from.at_ms).max(1) as f64;
        Ok((until.waited_ms - from.waited_ms) / passed_ms)
    }
}

/// The bound under which a share of what came between two looks at a histogram lies, in milliseconds.
fn at_most(before: &[(f64, u64)], after: &[(f64, u64)], share: f64) -> (f64, u64) {
    let since: Vec<_> = after
        .iter()
        .enumerate()
        .map(|(at, (bound, count))| {
            let known = before.get(at).map_or(0, |(_, count)| *count);
            (*bound, count - known)
        })
        .collect();
    let all = since.last().map_or(0, |(_, count)| *count);
    let wanted = all as f64 * share;
    let found = since.iter().find(|(_, count)| *count as f64 >= wanted);
    (found.map_or(f64::NAN, |(bound, _)| bound * 1_000.0), all)
}

fn answers(metrics: &str) -> BTreeMap<String, Vec<(f64, u64)>> {
    let mut answers = BTreeMap::<String, Vec<_>>::new();
    for line in metrics.lines() {
        let bucket = || {
            let labels = line.strip_prefix("onsale_http_answer_seconds_bucket{")?;
            let (labels, count) = labels.split_once("} ")?;
            let label = |name: &str| {
                let (_, rest) = labels.split_once(&format!("{name}=\""))?;
                rest.split_once('"').map(|(value, _)| value)
            };
            let bound = label("le")?.replace("+Inf", "inf");
            Some((
                label("kind")?,
                bound.parse().ok()?,
                count.trim().parse().ok()?,
            ))
        };
        if let Some((kind, bound, count)) = bucket() {
            answers
                .entry(kind.to_owned())
                .or_default()
                .push((bound, count));
        }
    }
    answers
}

fn get(server: SocketAddr, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&server, ANSWER_LIMIT)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn waited_ms(process: u32) -> f64 {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return 0.0;
    };
    let waited = threads.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().nth(1)?.parse::<f64>().ok()
    });
    waited.sum::<f64>() / NS_PER_MS
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "audit\tphase\tbefore\t1000\t2000\nnoise\n\
        audit\tphase\tduring\t2500\t4000\naudit\tphase\tafter\t5000\t6000\n";

    #[test]
    fn an_answer_belongs_to_the_phase_in_which_it_was_due() {
        let phases = Phases::read(CONSOLE).unwrap();
        let text = "hold\t1500\t1000\nhold\t2200\t99000\nhold\t2500\t3000\nhold\t3999\t5000\n\
            refused\t2600\thold_503\nhold\t40";
        let probed = Probed::read(text, &phases).unwrap();
        assert_eq!(probed.get("hold", 0).unwrap().p99, 1.0);
        let during = probed.get("hold", 1).unwrap();
        assert_eq!((during.count, during.p99), (2, 5.0));
        assert!(probed.get("hold", 2).is_err());
        assert_eq!(probed.refused["hold_503"], 1);
    }

    #[test]
    fn a_crowd_that_has_not_said_everything_has_no_phases() {
        assert!(Phases::read(CONSOLE.split_once("noise").unwrap().0).is_none());
    }

    #[test]
    fn what_came_between_two_looks_is_what_the_servers_clock_says() {
        let metrics = |counts: [u64; 3]| {
            let [fast, slow, all] = counts;
            answers(&format!(
                "HTTP/1.1 200 OK\r\n\r\n\
                 onsale_http_answer_seconds_bucket{{kind=\"hold\",le=\"0.001\"}} {fast}\n\
                 onsale_http_answer_seconds_bucket{{kind=\"hold\",le=\"0.004\"}} {slow}\n\
                 onsale_http_answer_seconds_bucket{{kind=\"hold\",le=\"+Inf\"}} {all}\n\
                 onsale_http_answer_seconds_bucket{{kind=\"seats\",le=\"0.001\"}} 9\n"
            ))
        };
        let (before, after) = (metrics([10, 10, 20]), metrics([60, 109, 120]));
        let since = |share| at_most(&before["hold"], &after["hold"], share);
        assert_eq!(since(0.5), (1.0, 100));
        assert_eq!(since(0.99), (4.0, 100));
        assert_eq!(since(1.0).0, f64::INFINITY);
    }
}
