//! `end2end/`: Playwright drives Debian's Chromium against the real binary.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::tally::Tally;
use crate::{
    apt, chores, exec,
    fingerprint::{Fingerprint, is_fresh},
    place,
    screen::Step,
};

pub(crate) fn test(step: &Step<'_>, filter: Option<&str>) -> Result<Tally> {
    chores::server_with(step, "dev", &super::SERVER_FEATURES)?;
    super::ensure_redis(step)?;
    ensure_packages(step)?;
    let mut playwright = Command::new("npx");
    playwright.current_dir(folder()).args([
        "--no-install",
        "playwright",
        "test",
        "--reporter=list",
    ]);
    if let Some(filter) = filter {
        playwright
            .arg("--grep")
            .arg(filter)
            .arg("--pass-with-no-tests");
    }
    playwright
        .env("ONSALE_BIN", place::target().join("debug/onsale"))
        .env("ONSALE_CHROMIUM", chromium()?)
        .env("ONSALE_OUTPUT", place::target().join("end2end"))
        .env("FORCE_COLOR", "0");
    let (status, log) = exec::logged_status(step, "test-e2e", &mut playwright)?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let mut tally = Tally::of_playwright(&text);
    if !status.success() {
        if tally.failures().is_empty() {
            tally.fail(format!(
                "`{}` ended with {status}",
                exec::shown(&playwright)
            ));
        }
        step.say(format!(
            "the end of {}:\n{}",
            place::shown(&log),
            exec::tail(&log)
        ));
    } else if tally.passed() == 0 && filter.is_none() {
        tally.fail("playwright ran no test at all");
    }
    Ok(tally)
}

fn folder() -> PathBuf {
    place::root().join("end2end")
}

/// Chromium, and what `package-lock.json` names, if it is not there already.
pub(crate) fn ensure_packages(step: &Step<'_>) -> Result<()> {
    apt::ensure_program(step, "npm", &["npm"]).context("Playwright comes from npm")?;
    if chromium().is_err() {
        apt::install(step, &["chromium"]).context("the browser's tests need Chromium")?;
    }
    let folder = folder();
    let mut print = Fingerprint::default();
    print.add_path(&folder.join("package-lock.json"))?;
    let print = print.finish();
    let stamp = folder.join("node_modules/.onsale-stamp");
    if is_fresh(&stamp, &print) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.current_dir(&folder)
        .args(["ci", "--no-audit", "--no-fund"]);
    npm.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    exec::logged(step, "npm-ci", &mut npm)?;
    fs::write(&stamp, print).context("noting what npm installed")
}

/// `ONSALE_CHROMIUM`, or the browser where distributions put it.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("ONSALE_CHROMIUM") {
        let path = PathBuf::from(path);
        return path
            .is_file()
            .then_some(path.clone())
            .with_context(|| format!("ONSALE_CHROMIUM={} is not a file", path.display()));
    }
    ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .find_map(|name| exec::find(name))
        .or_else(|| {
            let mac = Path::new("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome");
            mac.is_file().then(|| mac.to_path_buf())
        })
        .context("no Chromium on this machine")
}
