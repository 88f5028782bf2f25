//! The waiting room's gate as a module for a CDN's edge: built small, run in node.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Result, bail};

use super::tally::Tally;
use crate::{
    apt, exec, place,
    screen::Step,
    toolchain::{TARGET, Wasm},
};

const PACKAGE: &str = "onsale-edge-gate";

pub(crate) fn test(step: &Step<'_>, wasm: &Wasm, filter: Option<&str>) -> Result<Tally> {
    apt::ensure_program(step, "node", &["nodejs"])?;
    let module = build(step, wasm)?;
    let junit = place::target().join("gate-junit.xml");
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=junit"])
        .arg(format!("--test-reporter-destination={}", junit.display()))
        .args(filter.map(|word| format!("--test-name-pattern={word}")))
        .arg(place::root().join("crates/queue/edge-gate/tests/gate.test.mjs"))
        .env("GATE_WASM", &module);
    let (status, log) = exec::logged_status(step, "test-gate", &mut node)?;
    let mut tally = Tally::of_junit(&fs::read_to_string(&junit).unwrap_or_default());
    if !status.success() {
        if tally.failures().is_empty() {
            tally.fail(format!("`{}` ended with {status}", exec::shown(&node)));
        }
        step.say(format!(
            "the end of {}:\n{}",
            place::shown(&log),
            exec::tail(&log)
        ));
    } else if tally.passed() == 0 && filter.is_none() {
        tally.fail("node ran no test of the gate at all");
    }
    Ok(tally)
}

/// The module, as it would be deployed.
fn build(step: &Step<'_>, wasm: &Wasm) -> Result<PathBuf> {
    let profile = "wasm-release";
    let mut cargo = exec::cargo();
    cargo.args([
        "build",
        "--lib",
        "--package",
        PACKAGE,
        "--profile",
        profile,
        "--target",
        TARGET,
    ]);
    wasm.apply(&mut cargo);
    exec::logged(step, "gate-build", &mut cargo)?;
    let name = PACKAGE.replace('-', "_");
    let module = place::target().join(format!("wasm/{TARGET}/{profile}/{name}.wasm"));
    if !module.is_file() {
        bail!("the build left no {}", place::shown(&module));
    }
    Ok(module)
}
