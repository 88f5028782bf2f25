//! The program with a later schema, to be run beside the one that is here.
//!
//! It is built from a copy of the sources with migrations that a next version may have, in the same
//! target folder, where everything it depends on is built already.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{exec, place, screen::Step};

/// What it adds to the schema: it only grows, so that today's program goes on.
const EXPAND: [&str; 2] = [
    "-- A column that every writer of today fills without knowing it, and a table that none knows.\n\
     ALTER TABLE ledger ADD COLUMN later TEXT NOT NULL DEFAULT 'as before';\n\
     CREATE TABLE later (one BIGINT NOT NULL PRIMARY KEY);\n",
    "-- A rule that today's rows keep.\n\
     ALTER TABLE checkout ADD COLUMN later BIGINT NOT NULL DEFAULT 0;\n\
     ALTER TABLE checkout ADD CONSTRAINT checkout_later CHECK (later >= 0) NOT VALID;\n\
     ALTER TABLE checkout VALIDATE CONSTRAINT checkout_later;\n\
     CREATE INDEX checkout_later ON checkout (later) WHERE later > 0;\n",
];
const MIGRATIONS: &str = "crates/server/migrations/postgres";

/// Another `onsale`, and the version of the schema that it makes.
pub(super) struct Next {
    pub(super) program: PathBuf,
    pub(super) schema: u32,
}

/// Builds it, with these features.
pub(super) fn build(step: &Step<'_>, features: &[&str]) -> Result<Next> {
    let folder = place::target().join("xtask/next");
    let sources = folder.join("sources");
    let latest = copy(&sources)?;
    let mut schema = latest;
    for text in EXPAND {
        schema += 1;
        let file = sources
            .join(MIGRATIONS)
            .join(format!("{schema:04}_next.sql"));
        write(&file, text.as_bytes())?;
    }
    let mut build = exec::cargo();
    build
        .current_dir(&sources)
        .env("CARGO_TARGET_DIR", place::target())
        .args(["build", "--package", "onsale-server", "--bin", "onsale"])
        .args(["--features", &features.join(",")])
        .env("ONSALE_WEB_DIST", place::web_dist());
    fs::create_dir_all(place::web_dist())?;
    exec::logged(step, "server-next", &mut build)?;
    // Under cargo's name for it the next build puts the other one.
    let program = folder.join("onsale");
    put(&place::target().join("debug/onsale"), &program)?;
    Ok(Next { program, schema })
}

/// Puts a program in the place of another one, which may be running.
pub(super) fn put(program: &Path, place: &Path) -> Result<()> {
    let part = place.with_extension("part");
    fs::copy(program, &part).with_context(|| format!("copying {}", program.display()))?;
    fs::rename(&part, place).with_context(|| format!("putting {} in place", place.display()))
}

/// Brings the copy of the sources up to date; says the latest version of the schema in them.
fn copy(sources: &Path) -> Result<u32> {
    let mut list = Command::new("git");
    list.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ])
    .current_dir(place::root());
    let listed = exec::stdout(&mut list)?;
    let mut names = BTreeSet::new();
    for name in listed.split_terminator('\0') {
        let from = place::root().join(name);
        // What was removed and not yet committed is listed and not there.
        if from.is_file() {
            write(&sources.join(name), &fs::read(from)?)?;
            names.insert(PathBuf::from(name));
        }
    }
    let migrations = sources.join(MIGRATIONS);
    let mut latest = 0;
    for entry in fs::read_dir(&migrations)? {
        let path = entry?.path();
        let name = path.strip_prefix(sources)?;
        if names.contains(name) {
            let version = name.file_name().and_then(|name| name.to_str());
            let version = version.and_then(|name| name.split('_').next()?.parse().ok());
            latest =
                latest.max(version.with_context(|| format!("{} has no version", name.display()))?);
        } else {
            fs::remove_file(path)?;
        }
    }
    Ok(latest)
}

/// Only where it is not so already: what has not changed is not built again.
fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(file).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, bytes).with_context(|| format!("writing {}", file.display()))
}
