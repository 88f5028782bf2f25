//! `cargo test`, natively and in WebAssembly, counted.

use std::{fs, process::Command};

use anyhow::Result;

use super::{seed, tally::Tally};
use crate::{
    exec, place,
    screen::Step,
    toolchain::{TARGET, Wasm},
};

/// So many lines of what a failed test said are shown; the log has them all.
const MOST_LINES: usize = 80;

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
    seed::give(cargo);
    let (status, log) = exec::logged_status(step, &format!("test-{name}"), cargo)?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let mut tally = Tally::of_libtest(&text);
    if !status.success() {
        if tally.failures().is_empty() {
            tally.fail(format!("`{}` ended with {status}", exec::shown(cargo)));
        }
        for why in said_by_failures(&text) {
            step.say(why);
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

/// What the tests that failed said, each from its heading on and without the stack.
fn said_by_failures(text: &str) -> Vec<String> {
    let mut said: Vec<Vec<&str>> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        if line.starts_with("---- ") && line.ends_with(" stdout ----") {
            said.push(vec![line]);
            is_open = true;
        } else if line == "failures:" || line.starts_with("stack backtrace:") {
            is_open = false;
        } else if line.starts_with("minimal failing input") {
            // What a property has come down to stands behind the stacks of all that led to it.
            is_open = true;
        }
        if is_open
            && let Some(one) = said.last_mut()
            && one.len() < MOST_LINES
            && one.last() != Some(&line)
        {
            one.push(line);
        }
    }
    said.iter().map(|lines| lines.join("\n    ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_failure_its_words_are_said_and_what_a_property_has_come_down_to() {
        let log = "test a ... FAILED\n\nfailures:\n\n---- a::b stdout ----\nthread 'a::b' panicked at x.rs:1:2:\n\
                   left is not right\nstack backtrace:\n   0: main\n\n\
                   minimal failing input: steps = [\n    Act(7),\n]\nstack backtrace:\n   0: main\n\n\
                   failures:\n    a::b\n";
        let said = said_by_failures(log);
        assert_eq!(said.len(), 1);
        for words in ["a::b stdout", "left is not right", "Act(7)"] {
            assert!(said[0].contains(words), "{said:?}");
        }
        assert!(!said[0].contains("0: main"), "{said:?}");
    }
}
