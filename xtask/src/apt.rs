//! Debian's packages: installing them as root, naming them to everybody else.
//!
//! A fresh machine has no package lists, and its own first-boot updates may hold the locks, so lists
//! are fetched when they are missing and locks are waited for.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{exec, screen::Step};

/// How long another apt may hold the locks before we give up.
const LOCK_WAIT: Duration = Duration::from_secs(300);
const LOCK_POLL: Duration = Duration::from_secs(2);

/// Whether this is Debian or something made from it.
pub(crate) fn is_debian() -> bool {
    fs::exists("/etc/debian_version").unwrap_or(false) && exec::find("apt-get").is_some()
}

/// Whether we may change the machine.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// Makes sure `program` can be started, from Debian's `packages` if it is not there yet.
pub(crate) fn ensure_program(step: &Step<'_>, program: &str, packages: &[&str]) -> Result<()> {
    if exec::find(program).is_some() {
        return Ok(());
    }
    install(step, packages)?;
    if exec::find(program).is_none() {
        bail!(
            "`{program}` is still missing after installing {}",
            packages.join(" ")
        );
    }
    Ok(())
}

/// Installs packages as root; says which ones to install to everybody else.
pub(crate) fn install(step: &Step<'_>, packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if !is_debian() {
        bail!("this is not Debian: install what Debian calls `{list}` with your system's packages");
    }
    if !is_root() {
        bail!("not running as root: run `sudo apt-get install {list}` and try again");
    }
    step.say(format!("installing {list}"));
    let mut arguments = vec!["install", "-y", "-q", "--no-install-recommends"];
    arguments.extend(packages);
    let name = format!("apt-install-{}", packages[0]);
    if have_lists() && apt(step, &name, &arguments).is_ok() {
        return Ok(());
    }
    update(step)?;
    apt(step, &name, &arguments)
}

/// The version `apt-get` would install, fetching the lists first where there are none.
pub(crate) fn candidate(step: &Step<'_>, package: &str) -> Result<Option<String>> {
    let version = policy(package)?;
    if version.is_some() || !is_root() {
        return Ok(version);
    }
    update(step)?;
    policy(package)
}

/// Fetches the package lists.
pub(crate) fn update(step: &Step<'_>) -> Result<()> {
    if !is_root() {
        bail!("not running as root: run `sudo apt-get update` and try again");
    }
    step.say("fetching Debian's package lists");
    apt(step, "apt-update", &["update", "-q"])
}

fn policy(package: &str) -> Result<Option<String>> {
    let text = exec::stdout(Command::new("apt-cache").args(["policy", package]))?;
    let version = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate:"));
    Ok(version
        .map(str::trim)
        .filter(|v| *v != "(none)" && !v.is_empty())
        .map(str::to_owned))
}

fn have_lists() -> bool {
    fs::read_dir("/var/lib/apt/lists").is_ok_and(|dir| {
        dir.flatten()
            .any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
    })
}

/// Runs `apt-get`, waiting for its locks: its own time-out covers dpkg's lock but not the lists'.
fn apt(step: &Step<'_>, name: &str, arguments: &[&str]) -> Result<()> {
    let started = Instant::now();
    loop {
        let mut command = Command::new("apt-get");
        command
            .args(["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        match exec::logged(step, name, &mut command) {
            Err(error)
                if error.to_string().contains("Could not get lock")
                    && started.elapsed() < LOCK_WAIT =>
            {
                thread::sleep(LOCK_POLL);
            }
            outcome => return outcome,
        }
    }
}
