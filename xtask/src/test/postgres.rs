//! The server's store is held to a real PostgreSQL, which the tests start themselves.

use std::{fs, path::Path};

use anyhow::{Result, bail};

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
    let versions = fs::read_dir(Path::new(VERSIONS)).into_iter().flatten();
    let has_both = |path: &Path| path.join("postgres").exists() && path.join("initdb").exists();
    versions
        .flatten()
        .any(|version| has_both(&version.path().join("bin")))
        || (exec::find("postgres").is_some() && exec::find("initdb").is_some())
}
