//! A rush on a waiting room, as an open model: `end2end/load/surge.js`, run by k6, is the crowd; this
//! reads what it says and audits who was inside when.
//!
//! How the shop does meanwhile is measured beside the crowd and not by it: k6 runs a browser's worth of
//! script for each visitor on the machine's own two processors, so an answer that has arrived may lie
//! there until the script of its visitor has its turn. A probe of our own sees what a fan would see who
//! does not share k6, the server's own clock what it takes to answer. k6 runs only where nothing else
//! wants to, so that it waits for the processors and not what it is there to load.

mod audit;
mod beside;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
    process::Child,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

use self::{
    audit::Audit,
    beside::{Marks, PHASES, Probed},
};
use super::{
    Row, Session, Target as Goal,
    crowd::{self, Used},
    load::{Programs, Shop},
};
use crate::{exec, place, screen::Step, toolchain, web};

const VISITORS: u32 = 5_000;
const WITHIN_S: u32 = 60;
const CAP: u32 = 200;
/// Smaller houses for the probe: what it buys must be there, and not behind the room.
const HOUSES: &str = "10";
/// Until the probe's connections are open and its houses are in memory.
const SETTLE: Duration = Duration::from_secs(3);
pub(crate) const NAMES: &[&str] = &[
    "room_surge_hold",
    "room_surge_checkout",
    "room_surge_seats",
    "room_surge_overshoot",
    "room_surge_errors",
];

/// Of which the shop's delays are looked at: as the script, the probe and the server call them, and in
/// words.
const STEPS: [(&str, &str, &str); 3] = [
    (
        NAMES[0],
        "hold",
        "holding two seats in a house that is not behind the room",
    ),
    (NAMES[1], "checkout", "paying for them"),
    (NAMES[2], "seats", "getting the state of 50,000 seats"),
];

/// Measured once, however often others are: it takes two and a half minutes.
pub(crate) fn measure(session: &Session<'_>) -> Result<Vec<Row>> {
    let k6 = crowd::ensure(session.step)?;
    let wasm = toolchain::ensure(session.screen)?;
    let app = web::ensure(session.screen, &wasm, web::Args::RELEASE)?;
    let programs = Programs::build_with(session, &["redis"])?;
    let app = app
        .to_str()
        .context("the web app's folder has a name that is not text")?;
    // Without the limit on joins that one address of this crowd would run into.
    let more = ["--room-joins", "0", "--web", app];
    let shop = programs.serve(session, &["--performances", HOUSES], &more)?;
    let surge = Surge::run(session.step, &k6, &programs, &shop)?;
    shop.close(&programs.onsale)?;
    surge.rows()
}

/// What came of it.
struct Surge {
    figures: BTreeMap<String, f64>,
    audit: Audit,
    probed: Probed,
    marks: Marks,
    /// What else the machine did when it began: its load average over a minute.
    load: String,
    /// Shares of one core.
    crowd_cpu: f64,
    server_cpu: f64,
    /// The kinds of errors, with how many there were.
    errors: BTreeMap<String, u64>,
}

impl Surge {
    fn run(step: &Step<'_>, k6: &Path, programs: &Programs, shop: &Shop) -> Result<Self> {
        let folder = place::target().join("xtask/surge");
        fs::create_dir_all(&folder)?;
        let (summary, console) = (folder.join("summary.txt"), folder.join("console.txt"));
        // k6 writes on at the end of what is there.
        let _ = fs::remove_file(&console);
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let probe_says = folder.join("probe.txt");
        let mut probe = Probe(
            programs
                .generator(shop, "probe")
                .stdout(File::create(&probe_says)?)
                .spawn()
                .context("starting the probe")?,
        );
        thread::sleep(SETTLE);
        let mut k6 = crowd::k6(k6, "surge.js", &console);
        k6.env("ONSALE_URL", shop.url().trim_end_matches('/'))
            .env("ONSALE_OPERATOR", shop.operator())
            .env("VISITORS", VISITORS.to_string())
            .env("WITHIN_S", WITHIN_S.to_string())
            .env("CAP", CAP.to_string())
            .stdout(File::create(&summary)?);
        let (log, log_path) = exec::open_log("k6")?;
        k6.stderr(log);
        step.follow(&log_path);
        let server = Used::of(shop.process());
        let mut child = k6
            .spawn()
            .with_context(|| format!("cannot start `{}`", exec::shown(&k6)))?;
        let mut marks = Marks::new(shop.address(), shop.process(), console.clone());
        let crowd_cpu = crowd::watched(&mut child, || marks.look())?;
        let server_cpu = server.share();
        probe.stop()?;
        let status = child.wait()?;
        if !status.success() {
            return Err(exec::failure(&k6, status, &log_path));
        }
        let console = fs::read_to_string(&console).context("reading what k6's visitors said")?;
        let figures = crowd::figures(&fs::read_to_string(&summary)?)?;
        let mut errors = BTreeMap::new();
        for line in console.lines() {
            if let Some(error) = line.strip_prefix("audit\terror\t") {
                let what = error.split_once('\t').map_or(error, |(_, what)| what);
                *errors.entry(what.to_owned()).or_default() += 1;
            }
        }
        let probed = Probed::read(&fs::read_to_string(&probe_says)?, &marks.phases()?)?;
        Ok(Self {
            figures,
            audit: Audit::read(&console, CAP)?,
            probed,
            marks,
            load: load.split(' ').next().unwrap_or_default().to_owned(),
            crowd_cpu,
            server_cpu,
            errors,
        })
    }

    fn get(&self, name: &str) -> Result<f64> {
        let value = self.figures.get(name).copied();
        value.with_context(|| format!("the surge does not say {name}"))
    }

    /// Before, during, after, as a reader compares them.
    fn three(&self, of: impl Fn(usize) -> Result<f64>) -> Result<String> {
        let [before, during, after] = [of(0)?, of(1)?, of(2)?];
        Ok(format!("{before:.1}, {during:.1}, {after:.1}"))
    }

    /// What each of the three saw of a step.
    fn views(&self, step: &str) -> Result<Vec<String>> {
        let by_k6 = |phase: usize, what: &str| {
            let name = format!("{}_{step}_{what}", PHASES[phase]);
            self.get(&name)
        };
        let during = self.probed.get(step, 1)?.count;
        let answered = self.marks.p99_at_most(step, 1)?.1;
        Ok(vec![
            format!(
                "p99 before, during, after: {} ms; medians {}; {during} during",
                self.three(|phase| Ok(self.probed.get(step, phase)?.p99))?,
                self.three(|phase| Ok(self.probed.get(step, phase)?.median))?,
            ),
            format!(
                "by the server's clock p99 of all of them at most {} ms; {answered} during",
                self.three(|phase| Ok(self.marks.p99_at_most(step, phase)?.0))?,
            ),
            format!(
                "as k6 saw its own p99 {} ms; medians {}; {:.0} during",
                self.three(|phase| by_k6(phase, "p99"))?,
                self.three(|phase| by_k6(phase, "median"))?,
                by_k6(1, "count")?,
            ),
        ])
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let crowd = format!(
            "{VISITORS} browsers arrive within {WITHIN_S} s (k6, open model, each with a connection, \
             a session and work for its number) at a room with cap {CAP}, wait, come in, and buy, \
             hold and leave, look, or shut the tab"
        );
        let mut rows = Vec::new();
        for (name, step, words) in STEPS {
            rows.push(Row {
                name: name.into(),
                what: format!("p99 of {words}, by a probe beside the crowd, while {crowd}"),
                unit: "ms",
                runs: vec![self.probed.get(step, 1)?.p99],
                baseline: Some((
                    "the same with 15 visitors a second, before the crowd".into(),
                    vec![self.probed.get(step, 0)?.p99],
                )),
                target: Goal::RatioAtMost(1.5),
                notes: self.views(step)?,
            });
        }
        let audit = &self.audit;
        rows.push(Row {
            name: NAMES[3].into(),
            what: format!("most shoppers inside above the cap, while {crowd}"),
            unit: "shoppers",
            runs: vec![f64::from(audit.overshoot())],
            baseline: None,
            target: Goal::AtMost(0.0),
            notes: vec![audit.words()],
        });
        // Who could not be sent is not an open model any more.
        let refused = self.probed.refused.values().sum::<u64>();
        let errors = self.get("errors")?
            + self.get("not_sent")?
            + (audit.disagreements() as u64 + refused) as f64;
        let mut notes = vec![format!(
            "{:.0} sent, {:.0} admitted, {:.0} bought, waited {:.0} s (median) and {:.0} s at most, \
             {:.0} requests, {:.0} polls, {:.0} times called and the shop full, {:.0} times somebody \
             else was quicker",
            self.get("sent")?,
            self.get("admitted")?,
            self.get("bought")?,
            self.get("waited_s_median")?,
            self.get("waited_s_max")?,
            self.get("requests")?,
            self.get("polls")?,
            self.get("full")?,
            self.get("rivals")?,
        )];
        notes.push(format!(
            "generator used {:.0} % of one core that nobody else wanted, server {:.0} %, of which a \
             thread was ready and waited for a processor {} % of the time before, during, after; the \
             machine's load before {}",
            self.crowd_cpu * 100.0,
            self.server_cpu * 100.0,
            self.three(|phase| Ok(self.marks.waiting(phase)? * 100.0))?,
            self.load,
        ));
        let kinds = self.errors.iter().chain(&self.probed.refused);
        notes.extend(kinds.map(|(what, count)| format!("{what}: {count}")));
        notes.extend(audit.faults().iter().cloned());
        rows.push(Row {
            name: NAMES[4].into(),
            what: format!(
                "requests that failed or were refused against the rules, visitors who could not be \
                 sent, and counts of the room's that differ from its visitors', while {crowd}"
            ),
            unit: "errors",
            runs: vec![errors],
            baseline: None,
            target: Goal::AtMost(0.0),
            notes,
        });
        Ok(rows)
    }
}

/// A probe, stopped at the latest when this goes.
struct Probe(Child);

impl Probe {
    fn stop(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}
