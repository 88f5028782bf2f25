//! Requests made up from the API's own description: whatever is sent, the answer is never a 5xx.

use std::{fs, process::Command};

use anyhow::Result;

use super::tally::Tally;
use crate::{
    chores, exec, place, python,
    screen::Step,
    server::{self, Server},
};

const SCHEMATHESIS: &str = "4.32.5";

pub(crate) fn test(step: &Step<'_>) -> Result<Tally> {
    chores::server_with(step, "dev", &super::SERVER_FEATURES)?;
    let schemathesis = python::ensure(step, "schemathesis", SCHEMATHESIS)?;
    let onsale = place::target().join("debug/onsale");
    let data = server::demo(step, &onsale, "api", &["--quiet"])?;
    let server = Server::start(&onsale, "api-server", &data, &["--rate", "0"])?;

    let reports = place::target().join("schemathesis");
    fs::create_dir_all(&reports)?;
    let junit = reports.join("junit.xml");
    let mut fuzz = Command::new(schemathesis);
    fuzz.current_dir(&reports)
        .arg("--config-file")
        .arg(place::root().join("end2end/schemathesis.toml"))
        .arg("run")
        .arg(format!("http://{}/api/v1/openapi.json", server.address))
        .args([
            "--checks",
            "not_a_server_error",
            "--phases",
            "examples,coverage,fuzzing",
        ])
        .args([
            "--max-examples",
            "25",
            "--seed",
            "20261120",
            "--generation-database",
            "none",
        ])
        // The live feed never ends by design.
        .args(["--request-timeout", "10", "--exclude-path-regex", "/feed$"])
        .args(["--report", "junit", "--report-junit-path"])
        .arg(&junit)
        .args(["--no-color"]);
    let (status, log) = exec::logged_status(step, "test-api", &mut fuzz)?;
    let mut tally = Tally::of_junit(&fs::read_to_string(&junit).unwrap_or_default());
    if !status.success() {
        if tally.failures().is_empty() {
            tally.fail(format!("`{}` ended with {status}", exec::shown(&fuzz)));
        }
        step.say(format!(
            "the end of {}:\n{}",
            place::shown(&log),
            exec::tail(&log)
        ));
    } else if tally.passed() == 0 {
        tally.fail("schemathesis tried no operation at all");
    }
    match server.stop() {
        Ok(()) => tally.pass(1),
        Err(error) => tally.fail(format!("stopping after it all: {error:#}")),
    }
    Ok(tally)
}
