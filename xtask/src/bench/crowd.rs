//! k6 as a crowd: how it is run beside what it loads, what it says, and who used the processor.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{place, python, screen::Step};

const K6: &str = "1.1.0";
/// So that it gives way: at the lowest priority, of those that run only where nobody else wants to. At
/// the first alone 5,000 browsers took the processor from the server for a quarter of the time; those of
/// a real crowd are elsewhere.
const GIVING_WAY: [&str; 6] = ["nice", "-n", "19", "chrt", "--idle", "0"];
/// A crowd that is not over by then is not going to be.
const PATIENCE: Duration = Duration::from_secs(900);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Linux counts in hundredths of a second, whatever the kernel's own tick is.
const TICKS_PER_S: f64 = 100.0;

/// The program.
pub(super) fn ensure(step: &Step<'_>) -> Result<PathBuf> {
    python::ensure(step, "k6", K6)
}

/// A run of `end2end/load/SCRIPT`, whose console goes to a file.
pub(super) fn k6(k6: &Path, script: &str, console: &Path) -> Command {
    let mut command = Command::new(GIVING_WAY[0]);
    command.args(&GIVING_WAY[1..]).arg(k6);
    command.args(["run", "--quiet", "--no-usage-report", "--log-format", "raw"]);
    command.arg("--console-output").arg(console);
    command.arg(place::root().join("end2end/load").join(script));
    // The script is parsed once a visitor; what is found then need not be kept.
    command.env("GOGC", "200").stdin(Stdio::null());
    command
}

/// A summary of a name, a tab and a figure a line.
pub(super) fn figures(summary: &str) -> Result<BTreeMap<String, f64>> {
    let lines = summary.lines().filter_map(|line| line.split_once('\t'));
    lines
        .map(|(name, value)| Ok((name.to_owned(), value.parse()?)))
        .collect()
}

/// Waits until it ends, and does something often meanwhile; which share of one core it used.
pub(super) fn watched(child: &mut Child, mut look: impl FnMut() -> Result<()>) -> Result<f64> {
    let used = Used::of(child.id());
    let mut share = 0.0;
    let started = Instant::now();
    while child.try_wait()?.is_none() {
        if started.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            bail!("the crowd was not over after {} s", PATIENCE.as_secs());
        }
        share = used.share().max(0.0);
        look()?;
        thread::sleep(LOOK_EVERY);
    }
    Ok(share)
}

/// The processor time of a program since some moment.
pub(super) struct Used {
    process: u32,
    since: Instant,
    before_s: f64,
}

impl Used {
    pub(super) fn of(process: u32) -> Self {
        Self {
            process,
            since: Instant::now(),
            before_s: processor_s(process).unwrap_or(0.0),
        }
    }

    pub(super) fn share(&self) -> f64 {
        let used_s = processor_s(self.process).unwrap_or(0.0) - self.before_s;
        used_s / self.since.elapsed().as_secs_f64()
    }
}

fn processor_s(process: u32) -> Option<f64> {
    Some(Spent::read(process)?.own_s)
}

/// What Linux has counted of a process.
pub(super) struct Spent {
    /// Whose child it is.
    pub(super) parent: u32,
    /// Its processor time, in seconds.
    pub(super) own_s: f64,
    /// That of its children that have ended.
    pub(super) ended_s: f64,
}

impl Spent {
    pub(super) fn read(process: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name may hold spaces and brackets; fields are counted after its last one.
        let fields: Vec<_> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let seconds = |at: usize| Some(fields.get(at)?.parse::<f64>().ok()? / TICKS_PER_S);
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            own_s: seconds(11)? + seconds(12)?,
            ended_s: seconds(13)? + seconds(14)?,
        })
    }
}
