//! Programs that Python's package index has, each in an environment of its own in the cache.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{apt, exec, place, screen::Step};

/// The program `name` of the package of that name, installed if it is not there yet.
pub(crate) fn ensure(step: &Step<'_>, name: &str, version: &str) -> Result<PathBuf> {
    let home = place::cache()?.join(format!("{name}-{version}"));
    let program = home.join("bin").join(name);
    if runs(&program, version) {
        return Ok(program);
    }
    apt::ensure_program(step, "python3", &["python3", "python3-venv"])?;
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    let log = |of: &str| format!("{name}-{of}");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(&home);
    if exec::logged(step, &log("venv"), &mut venv).is_err() {
        apt::install(step, &["python3-venv"])
            .with_context(|| format!("{name} needs Python's venv"))?;
        exec::logged(step, &log("venv"), &mut venv)?;
    }
    let mut pip = Command::new(home.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    pip.arg(format!("{name}=={version}"));
    exec::logged(step, &log("pip"), &mut pip)?;
    if !runs(&program, version) {
        bail!("{} does not run", program.display());
    }
    Ok(program)
}

fn runs(program: &Path, version: &str) -> bool {
    exec::first_line(Command::new(program).arg("--version"))
        .is_some_and(|line| line.contains(version))
}
