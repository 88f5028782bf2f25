//! PostgreSQL's programs, and who they are run as: for the tests, the benchmarks and the production
//! profile, which each start servers of their own.

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{apt, exec, screen::Step};

/// Where Debian keeps the programs of each version, out of the way of everybody's `PATH`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Has its programs installed, where they are not.
pub(crate) fn ensure(step: &Step<'_>) -> Result<()> {
    if programs().is_none() {
        apt::install(step, &["postgresql"])?;
        if programs().is_none() {
            bail!("there is still no PostgreSQL server after installing Debian's postgresql");
        }
    }
    Ok(())
}

/// The newest folder of programs that are all there.
pub(crate) fn programs() -> Option<PathBuf> {
    const NEEDED: [&str; 4] = ["postgres", "initdb", "psql", "pg_basebackup"];
    let has_all = |folder: &PathBuf| NEEDED.iter().all(|name| folder.join(name).is_file());
    let version = |folder: &PathBuf| -> u32 {
        let name = folder.parent().and_then(Path::file_name);
        let name = name.and_then(|name| name.to_str());
        name.and_then(|name| name.parse().ok()).unwrap_or(0)
    };
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let newest = versions
        .map(|entry| entry.path().join("bin"))
        .filter(has_all)
        .max_by_key(version);
    newest.or_else(|| {
        let folder = exec::find("postgres")?.parent()?.to_owned();
        has_all(&folder).then_some(folder)
    })
}

/// Who PostgreSQL runs as: the user of Debian's package, where this is root.
#[derive(Clone, Copy)]
pub(crate) struct Owner(Option<(u32, u32)>);

impl Owner {
    /// Found out by asking the system.
    pub(crate) fn find() -> Result<Self> {
        if !apt::is_root() {
            return Ok(Self(None));
        }
        let id = |what: &str| -> Result<u32> {
            let said = exec::stdout(Command::new("id").args([what, "postgres"]))
                .context("PostgreSQL refuses to run as root, and its package's user is missing")?;
            said.trim().parse().context("`id` gives a number")
        };
        Ok(Self(Some((id("-u")?, id("-g")?))))
    }

    /// A program, to be run as it.
    pub(crate) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command.current_dir("/");
        command
    }

    /// Makes a file or folder its own.
    pub(crate) fn give(self, path: &Path) -> Result<()> {
        match self.0 {
            None => Ok(()),
            Some((user, group)) => chown(path, Some(user), Some(group))
                .with_context(|| format!("giving {} to PostgreSQL's user", path.display())),
        }
    }

    /// Whether it may enter a folder that is there.
    pub(crate) fn may_enter(self, folder: &Path) -> bool {
        let mut test = self.command(Path::new("test"));
        test.arg("-x").arg(folder);
        test.status().is_ok_and(|status| status.success())
    }
}
