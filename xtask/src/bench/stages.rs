//! People at an ordinary sale, on PostgreSQL with one server, two and three: `end2end/load/stages.js`.

use std::{
    collections::BTreeMap,
    fs::{self, File},
};

use anyhow::{Context, Result};

use super::{
    Row, Session, Target as Goal,
    crowd::{self, Used},
    load::{Programs, Shop},
};
use crate::{exec, place};

/// With one server, two and three.
pub(crate) const STAGES: &[&str] = &["load_stages_1", "load_stages_2", "load_stages_3"];
pub(crate) const SURGE: &[&str] = &["load_surge_1", "load_surge_2", "load_surge_3"];
pub(crate) const STRESS: &[&str] = &["load_stress_1", "load_stress_2", "load_stress_3"];
/// More seats than are sold meanwhile.
const HOUSES: &str = "100";
/// A step is kept up with while 95 of 100 bookings take no longer.
const KEPT_UP_MS: f64 = 500.0;
const RATES: [u32; 9] = [50, 100, 200, 300, 400, 600, 800, 1_000, 1_400];
/// What 95 of 100 answers are to come within, in the stages.
const WANTED_MS: f64 = 50.0;

pub(crate) fn stages(session: &Session<'_>) -> Result<Vec<Row>> {
    let words = "0, 10, 50, 100, 150, 50 and 0 people";
    measure(session, STAGES, "stages", words)
}

pub(crate) fn surge(session: &Session<'_>) -> Result<Vec<Row>> {
    let words = "50 people and, from one second to the next, 2,000";
    measure(session, SURGE, "surge", words)
}

pub(crate) fn stress(session: &Session<'_>) -> Result<Vec<Row>> {
    let words = "bookings that begin at 50, 100, 200, 300, 400, 600, 800, 1,000 and 1,400 a second, whether or not \
                 the shop keeps up";
    measure(session, STRESS, "stress", words)
}

/// Each once: a run takes a minute.
fn measure(session: &Session<'_>, names: &[&str], model: &str, words: &str) -> Result<Vec<Row>> {
    let programs = Programs::build_with(session, &["postgres"])?;
    let mut rows = Vec::new();
    for (name, servers) in names.iter().zip(1..) {
        let demo = ["--performances", HOUSES];
        // Each of them from an address of their own, as a proxy says it.
        let trusted = ["--trusted-proxy", "127.0.0.1"];
        let shop = programs.serve_on_postgres(session, &demo, &trusted, servers)?;
        let said = Said::of(session, &shop, model)?;
        shop.close(&programs.onsale)?;
        rows.push(said.row(name, model, words, servers)?);
    }
    Ok(rows)
}

/// What came of one run.
struct Said {
    figures: BTreeMap<String, f64>,
    notes: Vec<String>,
}

impl Said {
    fn of(session: &Session<'_>, shop: &Shop, model: &str) -> Result<Self> {
        let k6 = crowd::ensure(session.step)?;
        let folder = place::target().join("xtask/load");
        fs::create_dir_all(&folder)?;
        let console = folder.join(format!("{model}.console.txt"));
        let summary = folder.join(format!("{model}.summary.txt"));
        // k6 writes on at the end of what is there.
        let _ = fs::remove_file(&console);
        let mut k6 = crowd::k6(&k6, "stages.js", &console);
        k6.env("ONSALE_URL", shop.urls()).env("MODEL", model);
        k6.env("ADDRESSES", "1").env("ASK_AGAIN", "1");
        let (log, log_path) = exec::open_log("k6")?;
        k6.stdout(File::create(&summary)?).stderr(log);
        let servers: Vec<_> = shop.processes().into_iter().map(Used::of).collect();
        let database = shop.postgres().map(|postgres| (postgres, postgres.used()));
        let mut child = k6.spawn().context("starting k6")?;
        let generator = crowd::watched(&mut child, || Ok(()))?;
        let servers: f64 = servers.iter().map(Used::share).sum();
        let database = database.map_or(0.0, |(postgres, used)| postgres.share(&used));
        let status = child.wait()?;
        if !status.success() {
            return Err(exec::failure(&k6, status, &log_path));
        }
        let mut notes = vec![format!(
            "of one core the generator used {:.0} % that nobody else wanted, the servers {:.0} %, \
             PostgreSQL {:.0} %",
            generator * 100.0,
            servers * 100.0,
            database * 100.0
        )];
        let mut errors = BTreeMap::<String, u64>::new();
        for line in fs::read_to_string(&console).unwrap_or_default().lines() {
            if let Some(error) = line.strip_prefix("error\t") {
                *errors.entry(error.to_owned()).or_default() += 1;
            }
        }
        notes.extend(
            errors
                .iter()
                .map(|(what, count)| format!("{what}: {count}")),
        );
        let figures = crowd::figures(&fs::read_to_string(&summary)?)?;
        Ok(Self { figures, notes })
    }

    fn get(&self, name: &str) -> Result<f64> {
        let value = self.figures.get(name).copied();
        value.with_context(|| format!("the run does not say {name}"))
    }

    fn row(mut self, name: &str, model: &str, words: &str, servers: usize) -> Result<Row> {
        let mut notes = vec![format!(
            "{:.0} bookings, {:.0} requests ({:.0} a second), {:.0} times somebody else was quicker, \
             {:.0} times somebody who registers was asked to come back, {:.0} times somebody got no \
             answer and asked once more, {:.0} errors, {:.0} not sent",
            self.get("booked")?,
            self.get("requests")?,
            self.get("requests")? / self.get("seconds")?,
            self.get("conflicts")?,
            self.get("busy")?,
            self.get("asked_again")?,
            self.get("errors")?,
            self.get("not_sent")?,
        )];
        notes.append(&mut self.notes);
        let on = format!("on PostgreSQL with {servers} server(s), by k6's clock: {words}");
        let (what, unit, value, target) = if model == "stress" {
            let mut knee = 0;
            for rate in RATES {
                let step = |what: &str| self.get(&format!("booking_at_{rate}_{what}"));
                let Ok(p95) = step("p95") else { continue };
                notes.push(format!(
                    "at {rate} a second {:.0} ms (median), {p95:.0} ms (p95)",
                    step("median")?
                ));
                if p95 <= KEPT_UP_MS {
                    knee = rate;
                }
            }
            let what = format!(
                "most bookings a second begun of which 95 of 100 take {KEPT_UP_MS:.0} ms at most, {on}"
            );
            (what, "/s", f64::from(knee), Goal::None)
        } else {
            let mut slowest: f64 = 0.0;
            for step in [
                "browse", "register", "list", "hold", "checkout", "orders", "health",
            ] {
                let of = |what: &str| self.get(&format!("{step}_{what}"));
                let (median, p95, p99) = (of("median")?, of("p95")?, of("p99")?);
                notes.push(format!("{step} {median:.1}, {p95:.1}, {p99:.1} ms"));
                slowest = slowest.max(p95);
            }
            let what = format!(
                "the slowest step's p95 (then each: median, p95, p99) of browse, register, list, hold, \
                 checkout, orders, health, {on}"
            );
            let target = match model {
                "stages" => Goal::AtMost(WANTED_MS),
                _ => Goal::None,
            };
            (what, "ms", slowest, target)
        };
        Ok(Row {
            name: name.into(),
            what,
            unit,
            runs: vec![value],
            baseline: None,
            target,
            notes,
        })
    }
}
