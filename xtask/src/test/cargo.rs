//! `cargo test`, natively and in WebAssembly, counted.

use std::{fs, process::Command};

use anyhow::Result;

use super::tally::Tally;
use crate::{
    exec, place,
    screen::Step,
    toolchain::{TARGET, Wasm},
};

/// Which tests of a program.
#[derive(Clone, Copy, Default)]
pub(crate) struct Filter<'a> {
    /// Those whose names contain this.
    pub(crate) word: Option<&'a str>,
    /// And do not contain this.
    pub(crate) without: Option<&'a str>,
}

impl<'a> From<Option<&'a str>> for Filter<'a> {
    fn from(word: Option<&'a str>) -> Self {
        Self {
            word,
            without: None,
        }
    }
}

/// The tests of packages, documentation examples included.
pub(crate) fn test(
    step: &Step<'_>,
    packages: &[&str],
    options: &[&str],
    filter: Filter<'_>,
) -> Result<Tally> {
    let mut cargo = exec::cargo();
    cargo.args(["test", "--no-fail-fast"]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    cargo.args(options).args(filter.word);
    if let Some(without) = filter.without {
        cargo.args(["--", "--skip", without]);
    }
    place::point_at_web_dist(&mut cargo);
    count(step, packages[0], &mut cargo, filter.word)
}

/// The same tests as WebAssembly in node. Examples in the documentation stay native: rustdoc cannot
/// run them there.
pub(crate) fn test_in_wasm(
    step: &Step<'_>,
    wasm: &Wasm,
    package: &str,
    filter: Option<&str>,
) -> Result<Tally> {
    let mut cargo = exec::cargo();
    cargo.args([
        "test",
        "--no-fail-fast",
        "--lib",
        "--tests",
        "--all-features",
    ]);
    cargo
        .args(["--target", TARGET, "--package", package])
        .args(filter);
    wasm.apply(&mut cargo);
    count(step, &format!("{package}-wasm"), &mut cargo, filter)
}

fn count(step: &Step<'_>, name: &str, cargo: &mut Command, filter: Option<&str>) -> Result<Tally> {
    let (status, log) = exec::logged_status(step, &format!("test-{name}"), cargo)?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let mut tally = Tally::of_libtest(&text);
    if !status.success() {
        if tally.failures().is_empty() {
            tally.fail(format!("`{}` ended with {status}", exec::shown(cargo)));
        }
        step.say(format!(
            "the end of {}:\n{}",
            place::shown(&log),
            exec::tail(&log)
        ));
    } else if tally.passed() == 0 && filter.is_none() {
        tally.fail(format!("`{}` ran no test at all", exec::shown(cargo)));
    }
    Ok(tally)
}
