//! The server's store is held to a real PostgreSQL, which the tests start themselves.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{apt, exec, screen::Step};

/// Where Debian keeps the programs of each version, out of the way of everybody's `PATH`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Has its programs installed, where they are not.
pub(crate) fn ensure(step: &Step<'_>) -> Result<()> {
    if !has_server() {
        apt::install(step, &["postgresql"])?;
        if !has_server() {
            bail!("there is still no PostgreSQL server after installing Debian's postgresql");
        }
    }
    Ok(())
}

fn has_server() -> bool {
    find("postgres").is_some() && find("initdb").is_some()
}

/// One of its programs, of the newest version there is.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    find(name).with_context(|| format!("PostgreSQL's `{name}` is not here"))
}

fn find(name: &str) -> Option<PathBuf> {
    let versions = fs::read_dir(Path::new(VERSIONS)).into_iter().flatten();
    let number = |path: &PathBuf| -> u32 {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse().ok()).unwrap_or(0)
    };
    let newest = versions
        .flatten()
        .map(|version| version.path())
        .filter(|version| version.join("bin").join(name).exists())
        .max_by_key(number);
    match newest {
        Some(version) => Some(version.join("bin").join(name)),
        None => exec::find(name),
    }
}
