//! A PostgreSQL of one's own to be measured on: as Debian makes it, so that what is acknowledged is on
//! the disk.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::crowd::Spent;
use crate::{
    exec, place,
    postgres::{self, Owner},
    screen::Step,
    server,
};

/// A server that lets nobody in by then will not.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// A running PostgreSQL with nothing in it; dropping it stops it and removes its data.
pub(super) struct Postgres {
    child: Child,
    folder: PathBuf,
    url: String,
}

/// Processor time of the database since some moment.
pub(super) struct Used {
    since: Instant,
    before_s: f64,
}

impl Postgres {
    pub(super) fn start(step: &Step<'_>) -> Result<Self> {
        postgres::ensure(step)?;
        let programs = postgres::programs().context("PostgreSQL's programs are missing")?;
        // It refuses to run as root, and its folder must be reached by whom it runs as.
        let owner = Owner::find()?;
        let folder = std::env::temp_dir().join(format!("onsale-bench-{}", std::process::id()));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        owner.give(&folder)?;
        let data = folder.join("data");
        let mut make = owner.command(&programs.join("initdb"));
        make.args(["-U", "postgres", "-A", "trust", "-E", "UTF8"]);
        make.arg("--locale=C.UTF-8").arg("-D").arg(&data);
        exec::logged(step, "bench-initdb", &mut make)?;
        let address = server::free_address()?;
        let (log, log_path) = exec::open_log("bench-postgres")?;
        let mut serve = owner.command(&programs.join("postgres"));
        serve.arg("-D").arg(&data);
        for setting in [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", address.port()),
            format!("unix_socket_directories={}", folder.display()),
            "max_connections=200".to_owned(),
            "shared_buffers=1GB".to_owned(),
            "max_wal_size=8GB".to_owned(),
        ] {
            serve.arg("-c").arg(setting);
        }
        serve.stdin(Stdio::null()).stdout(log.try_clone()?);
        let child = serve.stderr(log).spawn().context("starting PostgreSQL")?;
        let postgres = Self {
            child,
            folder,
            url: format!("postgres://postgres@{address}/postgres"),
        };
        let started = Instant::now();
        // It listens before it lets anybody in.
        let is_ready = || -> Result<bool> {
            let mut ask = Command::new(programs.join("pg_isready"));
            ask.args(["-q", "-h", "127.0.0.1", "-p", &address.port().to_string()]);
            Ok(ask.status()?.success())
        };
        while !is_ready()? {
            if started.elapsed() > READY_LIMIT {
                bail!("PostgreSQL does not start; see {}", place::shown(&log_path));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(postgres)
    }

    /// As `--database` takes it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn used(&self) -> Used {
        Used {
            since: Instant::now(),
            before_s: self.processor_s(),
        }
    }

    /// Its share of one core since then.
    pub(super) fn share(&self, used: &Used) -> f64 {
        (self.processor_s() - used.before_s) / used.since.elapsed().as_secs_f64()
    }

    /// Of it and of all who work for it.
    fn processor_s(&self) -> f64 {
        let own = self.child.id();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let used_s = |process: u32| {
            let spent = Spent::read(process)?;
            if process == own {
                return Some(spent.own_s + spent.ended_s);
            }
            (spent.parent == own).then_some(spent.own_s)
        };
        processes
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(used_s)
            .sum()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Without waiting for whoever is still connected.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
