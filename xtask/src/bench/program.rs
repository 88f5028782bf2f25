//! Rows that a crate's own benchmark program measures: it prints a name, a tab and a figure a line.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Row, Session, Target};
use crate::exec;

/// A row whose figure a program prints.
pub(super) struct Known {
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    target: Target,
}

pub(super) const fn known(
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    target: Target,
) -> Known {
    Known {
        name,
        what,
        unit,
        target,
    }
}

/// A benchmark program of the workspace.
pub(super) struct Program {
    /// Its name in its package.
    pub(super) bench: &'static str,
    /// The package.
    pub(super) package: &'static str,
    /// Features of the package that it needs.
    pub(super) features: &'static str,
    /// What it is told on its command line.
    pub(super) words: &'static [&'static str],
}

/// What a program printed, run by run.
pub(super) struct Printed {
    package: &'static str,
    figures: BTreeMap<String, Vec<f64>>,
}

impl Program {
    fn command(&self) -> Command {
        let mut command = exec::cargo();
        command.args(["bench", "--quiet", "--package", self.package]);
        command.args(["--features", self.features, "--bench", self.bench]);
        command
    }

    /// Builds it, runs it as often as asked, and gives what it says of `rows`.
    pub(super) fn measure(&self, session: &Session<'_>, rows: &[Known]) -> Result<Vec<Row>> {
        self.run(session, session.runs)?.rows(rows)
    }

    /// Builds it and runs it so often.
    pub(super) fn run(&self, session: &Session<'_>, runs: u32) -> Result<Printed> {
        let mut build = self.command();
        build.arg("--no-run");
        exec::logged(
            session.step,
            &format!("bench-{}-build", self.bench),
            &mut build,
        )?;
        let mut figures = BTreeMap::<String, Vec<f64>>::new();
        for _ in 0..runs {
            let text = exec::stdout(self.command().arg("--").args(self.words))?;
            for line in text.lines() {
                let (name, value) = line.split_once('\t').with_context(|| {
                    format!("not a figure of {}'s benchmark: {line}", self.package)
                })?;
                figures
                    .entry(name.to_owned())
                    .or_default()
                    .push(value.parse()?);
            }
        }
        Ok(Printed {
            package: self.package,
            figures,
        })
    }
}

impl Printed {
    fn get(&self, name: &str) -> Result<&[f64]> {
        let runs = self.figures.get(name).map(Vec::as_slice);
        runs.with_context(|| format!("{}'s benchmark does not say {name}", self.package))
    }

    /// What each run said.
    pub(super) fn runs(&self, name: &str) -> Result<Vec<f64>> {
        self.get(name).map(<[f64]>::to_vec)
    }

    /// What the last run said, to be put into words.
    pub(super) fn last(&self, name: &str) -> Result<f64> {
        self.get(name)?.last().copied().context("no run")
    }

    /// What it said last under names that begin so, largest first, without that beginning.
    pub(super) fn parts(&self, beginning: &str) -> Vec<(&str, f64)> {
        let mut parts: Vec<_> = self
            .figures
            .iter()
            .filter_map(|(name, runs)| Some((name.strip_prefix(beginning)?, *runs.last()?)))
            .collect();
        parts.sort_by(|one, other| other.1.total_cmp(&one.1));
        parts
    }

    pub(super) fn rows(&self, rows: &[Known]) -> Result<Vec<Row>> {
        rows.iter()
            .map(|row| {
                Ok(Row {
                    name: row.name.into(),
                    what: row.what.into(),
                    unit: row.unit,
                    runs: self.get(row.name)?.to_vec(),
                    baseline: None,
                    target: row.target,
                    notes: Vec::new(),
                })
            })
            .collect()
    }
}
