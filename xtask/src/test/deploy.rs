//! `deploy/`: what others run beside Onsale, checked by the programs that will read it, against the
//! code whose metrics it names, and on a real Prometheus that watches a real server.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::tally::Tally;
use crate::{
    apt, chores, exec, place,
    run::production::prometheus,
    screen::Step,
    server::{self, Server},
};

/// A first figure that has not come by then will not.
const FIRST_FIGURE_LIMIT: Duration = Duration::from_secs(60);
/// How the names of our metrics begin.
const OURS: &str = "onsale_";
/// What Prometheus appends to a histogram's name.
const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];

pub(crate) fn test(step: &Step<'_>) -> Result<Tally> {
    apt::ensure_program(step, "promtool", &["prometheus"])?;
    apt::ensure_program(step, "haproxy", &["haproxy"])?;
    let deploy = place::root().join("deploy");
    let prometheus = deploy.join("prometheus");
    let mut tally = Tally::default();
    let mut run = |name: &str, program: &str, arguments: &[&str], file: PathBuf| {
        let mut command = Command::new(program);
        command.args(arguments).arg(file);
        match exec::logged(step, &format!("deploy-{name}"), &mut command) {
            Ok(()) => tally.pass(1),
            Err(error) => tally.fail(format!("{name}: {error:#}")),
        }
    };
    let rules = prometheus.join("onsale.rules.yml");
    run("rules", "promtool", &["check", "rules"], rules.clone());
    let config = prometheus.join("prometheus.yml");
    run("prometheus", "promtool", &["check", "config"], config);
    let tests = prometheus.join("onsale.test.yml");
    run("alerts", "promtool", &["test", "rules"], tests.clone());
    let proxy = deploy.join("haproxy/haproxy.cfg");
    run("haproxy", "haproxy", &["-c", "-f"], proxy);

    let mut hold = |what: &str, faults: Vec<String>| {
        if faults.is_empty() {
            tally.pass(1);
        }
        for fault in faults {
            tally.fail(format!("{what}: {fault}"));
        }
    };
    hold("every metric that is named is recorded", unknown_metrics()?);
    let (rules, tests) = (read(&rules)?, read(&tests)?);
    hold("every alert is tested", untested(&rules, &tests));
    hold("every alert has its page", without_page(&rules)?);
    hold("every graph can be drawn", undrawable(step)?);
    Ok(tally)
}

/// A Prometheus with our rules that watches one server; dropping it stops it.
struct Prometheus {
    child: Child,
    url: String,
}

impl Prometheus {
    fn watch(server: &Server) -> Result<Self> {
        let folder = place::target().join("xtask/prometheus");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let config =
            prometheus::config(&[server.address])?.replace("_interval: 5s", "_interval: 1s");
        let address = server::free_address()?;
        let (log, _) = exec::open_log("prometheus")?;
        let child = prometheus::command(&folder, &config, address)?
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start prometheus")?;
        let url = format!("http://{address}");
        Ok(Self { child, url })
    }

    /// What it answers to a question; an error is its complaint.
    fn ask(&self, question: &str) -> Result<String> {
        let mut query = Command::new("promtool");
        exec::stdout(query.args(["query", "instant", &self.url, question]))
    }

    /// Waits until it has seen the server.
    fn until_it_knows(&self, metric: &str) -> Result<()> {
        let started = Instant::now();
        while !self.ask(metric).is_ok_and(|answer| answer.contains(metric)) {
            if started.elapsed() > FIRST_FIGURE_LIMIT {
                bail!("Prometheus has no {metric} yet; see prometheus.log");
            }
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Graphs that a real Prometheus cannot make sense of.
fn undrawable(step: &Step<'_>) -> Result<Vec<String>> {
    apt::ensure_program(step, "prometheus", &["prometheus"])?;
    chores::server_with(step, "dev", &super::SERVER_FEATURES)?;
    let onsale = place::target().join("debug/onsale");
    let data = server::demo(step, &onsale, "deploy", &[])?;
    let server = Server::start(&onsale, "deploy-server", &data, &[])?;
    let prometheus = Prometheus::watch(&server)?;
    prometheus.until_it_knows("onsale_room_cap")?;
    let board = read(&place::root().join("deploy/grafana/onsale.json"))?;
    let mut faults = Vec::new();
    let mut graphs = 0;
    for question in questions(&board) {
        graphs += 1;
        if let Err(error) = prometheus.ask(&question) {
            faults.push(format!("{question}: {error:#}"));
        }
    }
    if graphs == 0 {
        faults.push("the dashboard asks for nothing".to_owned());
    }
    server.stop()?;
    Ok(faults)
}

/// What a dashboard asks for, with Grafana's own variable filled in.
fn questions(board: &str) -> impl Iterator<Item = String> {
    let lines = board.lines().map(str::trim);
    let asked = lines.filter_map(|line| line.strip_prefix("\"expr\": \"")?.strip_suffix("\","));
    asked.map(|text| {
        text.replace("\\\"", "\"")
            .replace("$__rate_interval", "30s")
    })
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// Every file below `folder`.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    Ok(found)
}

/// Names of our metrics in a text, without what is appended to a histogram's.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let is_other = |letter: char| !(letter.is_ascii_lowercase() || letter == '_');
    let ours = |word: &&str| word.starts_with(OURS);
    let bare = |word| {
        let without = PARTS.iter().find_map(|part| str::strip_suffix(word, part));
        without.unwrap_or(word)
    };
    text.split(is_other).filter(ours).map(bare).collect()
}

/// Metrics that `deploy/` asks for and no code records.
fn unknown_metrics() -> Result<Vec<String>> {
    let mut recorded = BTreeSet::new();
    for file in files(&place::root().join("crates/server/src"))? {
        let text = read(&file)?;
        // A name in the code is a literal.
        let names = text.split('"').skip(1).step_by(2).flat_map(metrics_in);
        recorded.extend(names.map(str::to_owned));
    }
    let mut unknown = Vec::new();
    for file in files(&place::root().join("deploy"))? {
        for name in metrics_in(&read(&file)?) {
            if !recorded.contains(name) {
                unknown.push(format!("{name} in {}", place::shown(&file)));
            }
        }
    }
    Ok(unknown)
}

fn alerts(rules: &str) -> impl Iterator<Item = &str> {
    let lines = rules.lines().map(str::trim);
    lines.filter_map(|line| line.strip_prefix("- alert: "))
}

/// Alerts that no test expects to be raised.
fn untested(rules: &str, tests: &str) -> Vec<String> {
    let page = |alert: &str| format!("alerts.md#{}\n", alert.to_lowercase());
    let is_untested = |alert: &&str| !tests.contains(&page(alert));
    alerts(rules)
        .filter(is_untested)
        .map(str::to_owned)
        .collect()
}

/// Alerts whose rule does not name their section of the runbook, or whose section is not there.
fn without_page(rules: &str) -> Result<Vec<String>> {
    let page = "docs/operations/alerts.md";
    let text = read(&place::root().join(page))?;
    let has_none = |alert: &&str| {
        let named = format!("runbook: {page}#{}\n", alert.to_lowercase());
        !rules.contains(&named) || !text.contains(&format!("\n## {alert}\n"))
    };
    Ok(alerts(rules).filter(has_none).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_found_wherever_they_stand() {
        let text =
            "sum(rate(onsale_http_answer_seconds_bucket[5m])) by onsale:x / onsale_lanes_hot";
        let names: Vec<_> = metrics_in(text).into_iter().collect();
        assert_eq!(names, ["onsale_http_answer_seconds", "onsale_lanes_hot"]);
    }

    #[test]
    fn an_alert_that_no_test_raises_is_named() {
        let rules = "  - alert: OnsaleDown\n  - alert: OnsaleBusy\n";
        let tests = "alertname: OnsaleBusy\nrunbook: docs/operations/alerts.md#onsaledown\n";
        assert_eq!(untested(rules, tests), ["OnsaleBusy"]);
    }
}
