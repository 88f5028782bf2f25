//! PostgreSQL with a standby that follows it.
//!
//! Everything is in one folder of its own, which belongs to whoever PostgreSQL runs as: it refuses to
//! run as root. What differs from run to run (ports, the standby's address of the primary) stands in
//! `onsale.conf`, which both read last.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{ENOUGH, LONG, STAGE_DATA, STAGE_STANDBY, START_LIMIT, ports};
use crate::{
    exec, place,
    postgres::{Owner, programs},
    run::{
        process::LOOK,
        supervisor::{OnEnd, Program, Supervisor},
    },
    screen::Step,
};

/// The database, its superuser, and how the standby calls itself.
const DATABASE: &str = "onsale";
const USER: &str = "onsale";
const STANDBY: &str = "standby";
const PRIMARY: &str = "postgres";
/// What belongs to this run.
const OURS: &str = "onsale.conf";
/// While the demo is being filled in; what is there then is half a demo.
const FILLING: &str = "filling";
/// A standby that follows does so within this.
const FOLLOW_LIMIT: Duration = Duration::from_secs(20);
/// For how long processes of a server that was killed may keep its memory.
const GHOSTS_LIMIT: Duration = Duration::from_secs(20);
const GHOSTS: &str = "pre-existing shared memory block";

/// The folder that everything is kept in: `wanted`, or if nobody asked for it by name (`default`)
/// and PostgreSQL's user may not enter it, one that it may.
pub(super) fn folder_for(wanted: &Path, default: bool) -> Result<PathBuf> {
    let make = |folder: &Path| {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
    };
    make(wanted)?;
    let owner = Owner::find()?;
    if owner.may_enter(wanted) {
        return Ok(wanted.to_owned());
    }
    if !default {
        bail!(
            "PostgreSQL refuses to run as root, and its own user `postgres` may not enter {}: \
             choose a folder that it may, with `--data`",
            wanted.display()
        );
    }
    let instead = Path::new("/var/lib").join(elsewhere(wanted));
    make(&instead)?;
    Ok(instead)
}

/// Names a folder elsewhere after the one it stands for.
fn elsewhere(folder: &Path) -> String {
    let bytes = folder.as_os_str().as_encoded_bytes();
    let mut name = String::from("onsale");
    for byte in bytes {
        let is_plain = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
        name.push(if is_plain { char::from(*byte) } else { '-' });
    }
    name
}

pub(super) struct Postgres {
    owner: Owner,
    programs: PathBuf,
    folder: PathBuf,
    password: String,
    pub(super) primary: SocketAddr,
    pub(super) standby: SocketAddr,
}

impl Postgres {
    /// Starts the primary and its standby, makes what is missing of them, and waits until the one
    /// follows the other.
    pub(super) fn start(step: &Step<'_>, supervisor: &mut Supervisor, data: &Path) -> Result<Self> {
        let owner = Owner::find()?;
        let folder = data.join("postgres");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        owner.give(&folder)?;
        let postgres = Self {
            owner,
            programs: programs().context("PostgreSQL's programs are missing")?,
            password: password(&data.join("postgres.password"))?,
            primary: ports::free(),
            standby: ports::free(),
            folder,
        };
        postgres.make_primary(step)?;
        postgres.start_primary(supervisor)?;
        postgres.start_standby(step, supervisor)?;
        Ok(postgres)
    }

    /// As a server is told of it: with the password.
    pub(super) fn url(&self) -> String {
        self.url_at(self.primary)
    }

    /// The standby, for what is only shown.
    pub(super) fn reader_url(&self) -> String {
        self.url_at(self.standby)
    }

    fn url_at(&self, at: SocketAddr) -> String {
        let password = &self.password;
        format!("postgres://{USER}:{password}@{at}/{DATABASE}")
    }

    /// Has the database made, with the newest schema and, the first time, a demo.
    pub(super) fn ensure_database(
        &self,
        step: &Step<'_>,
        data: &Path,
        onsale: &dyn Fn() -> Command,
        demo: &[&str],
    ) -> Result<()> {
        let filling = data.join(FILLING);
        let there = format!("SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'");
        let is_there = self.ask("postgres", &there)?.trim() == "1";
        if is_there && !filling.exists() {
            return exec::logged(step, "migrate", onsale().arg("migrate"));
        }
        fs::write(&filling, "").context("the demo's beginning could not be noted")?;
        self.ask("postgres", &format!("DROP DATABASE IF EXISTS {DATABASE}"))?;
        self.ask("postgres", &format!("CREATE DATABASE {DATABASE}"))?;
        exec::logged(step, "migrate", onsale().arg("migrate"))?;
        exec::logged(step, "demo", onsale().arg("demo").args(demo))?;
        fs::remove_file(&filling).context("the demo's end could not be noted")
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn make_primary(&self, step: &Step<'_>) -> Result<()> {
        let place = self.place(PRIMARY);
        if place.exists() {
            return Ok(());
        }
        // A folder that is there is complete.
        let part = self.place("postgres.part");
        remove(&part)?;
        let secret = self.place("initdb.password");
        self.write(&secret, &self.password)?;
        let mut make = self.owner.command(&self.programs.join("initdb"));
        make.args(["-U", USER, "-A", "scram-sha-256", "-E", "UTF8"]);
        make.args(["--locale=C.UTF-8", "-D"]).arg(&part);
        make.arg(format!("--pwfile={}", secret.display()));
        let made = exec::logged(step, "initdb", &mut make);
        fs::remove_file(&secret)?;
        made?;
        let mut settings = OpenOptions::new()
            .append(true)
            .open(part.join("postgresql.conf"))?;
        writeln!(settings, "include '{OURS}'")?;
        fs::rename(&part, &place).with_context(|| format!("naming {}", place.display()))
    }

    fn start_primary(&self, supervisor: &mut Supervisor) -> Result<()> {
        self.write(&self.place(PRIMARY).join(OURS), &settings(self.primary))?;
        let started = Instant::now();
        loop {
            supervisor.start(self.program(PRIMARY, STAGE_DATA)?)?;
            let ready = supervisor.until("PostgreSQL answers", LONG, || {
                self.ask("postgres", "SELECT 1").is_ok()
            });
            match ready {
                // The rest of a server that was killed notices so within a moment.
                Err(error)
                    if error.to_string().contains(GHOSTS) && started.elapsed() < GHOSTS_LIMIT =>
                {
                    supervisor.stop_one(PRIMARY);
                    thread::sleep(LOOK);
                }
                ready => return ready,
            }
        }
    }

    /// One that does not follow any more is made anew: it is a copy, and nothing is in it alone.
    fn start_standby(&self, step: &Step<'_>, supervisor: &mut Supervisor) -> Result<()> {
        let there = format!(
            "SELECT pg_create_physical_replication_slot('{STANDBY}') \
             WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{STANDBY}')"
        );
        self.ask("postgres", &there)?;
        if self.place(STANDBY).exists() {
            match self.follow(supervisor, FOLLOW_LIMIT) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let reason = error.to_string();
                    let reason = reason.lines().next().unwrap_or_default();
                    step.say(format!("the standby is copied anew ({reason})"));
                    supervisor.stop_one(STANDBY);
                    remove(&self.place(STANDBY))?;
                }
            }
        }
        let part = self.place("standby.part");
        remove(&part)?;
        let mut copy = self.owner.command(&self.programs.join("pg_basebackup"));
        self.connect(&mut copy);
        copy.args(["-X", "stream", "-c", "fast", "-D"]).arg(&part);
        exec::logged(step, "pg-basebackup", &mut copy)?;
        self.write(&part.join("standby.signal"), "")?;
        let place = self.place(STANDBY);
        fs::rename(&part, &place).with_context(|| format!("naming {}", place.display()))?;
        self.follow(supervisor, START_LIMIT)
    }

    fn follow(&self, supervisor: &mut Supervisor, limit: Duration) -> Result<()> {
        let text = settings(self.standby) + &following(self.primary, &self.password);
        self.write(&self.place(STANDBY).join(OURS), &text)?;
        supervisor.start(self.program(STANDBY, STAGE_STANDBY)?)?;
        supervisor.until("the standby follows", limit, || {
            let state = self.ask("postgres", "SELECT state FROM pg_stat_replication");
            state.is_ok_and(|state| state.trim() == "streaming")
        })
    }

    fn program(&self, name: &str, stage: u8) -> Result<Program> {
        let place = self.place(name);
        clear_stale_pid(&place)?;
        let mut command = self.owner.command(&self.programs.join("postgres"));
        command.arg("-D").arg(place);
        Ok(Program {
            name: name.into(),
            command,
            on_end: OnEnd::Tell,
            stage,
            // Without waiting for those who are connected.
            stop: &[("INT", ENOUGH), ("QUIT", ENOUGH)],
        })
    }

    fn connect(&self, command: &mut Command) {
        let (host, port) = (self.primary.ip().to_string(), self.primary.port());
        command
            .args(["-h", &host, "-p", &port.to_string(), "-U", USER])
            .env("PGPASSWORD", &self.password);
    }

    /// What the primary answers to one statement.
    fn ask(&self, database: &str, statement: &str) -> Result<String> {
        let mut psql = Command::new(self.programs.join("psql"));
        self.connect(&mut psql);
        psql.args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            database,
        ])
        .env("PGCONNECT_TIMEOUT", "5")
        .args(["-c", statement]);
        exec::stdout(&mut psql)
    }

    /// Writes a file that only PostgreSQL may read: there may be a password in it.
    fn write(&self, file: &Path, text: &str) -> Result<()> {
        write_secret(file, text)?;
        self.owner.give(file)
    }
}

/// What both have; without a folder for sockets, whose path could be too long for one.
fn settings(address: SocketAddr) -> String {
    format!(
        "listen_addresses = '{}'\n\
         port = {}\n\
         unix_socket_directories = ''\n\
         max_connections = 200\n\
         wal_log_hints = on\n\
         # A standby that is away for long is made anew and does not fill the disk.\n\
         max_slot_wal_keep_size = '1GB'\n",
        address.ip(),
        address.port()
    )
}

/// What makes one a standby.
fn following(primary: SocketAddr, password: &str) -> String {
    format!(
        "primary_conninfo = 'host={} port={} user={USER} password={password} \
         application_name={STANDBY}'\n\
         primary_slot_name = '{STANDBY}'\n",
        primary.ip(),
        primary.port()
    )
}

/// Removes what a server that was killed left in its folder, where its number is somebody else's by
/// now: PostgreSQL itself would take that for the server.
fn clear_stale_pid(place: &Path) -> Result<()> {
    let file = place.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&file) else {
        return Ok(());
    };
    let id = text.lines().next().unwrap_or_default().trim();
    let at_work = fs::read_link(format!("/proc/{id}/cwd"));
    if at_work.is_ok_and(|folder| folder == place) {
        bail!(
            "a PostgreSQL that this did not start uses {} (process {id}): stop it first",
            place.display()
        );
    }
    fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(())
}

/// Writes a file that nobody else may read.
pub(super) fn write_secret(file: &Path, text: &str) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(file)?;
        file.write_all(text.as_bytes())
    };
    write().with_context(|| format!("cannot write {}", place::shown(file)))
}

/// The superuser's password, made the first time.
fn password(file: &Path) -> Result<String> {
    if let Ok(text) = fs::read_to_string(file) {
        return Ok(text.trim().to_owned());
    }
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("no randomness for a password")?;
    let password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    write_secret(file, &password)?;
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::super::ports::at;
    use super::*;

    #[test]
    fn a_standby_is_told_whom_to_follow() {
        let text = settings(at(2)) + &following(at(1), "secret");
        assert!(text.contains("\nport = 2\n"), "{text}");
        let whom = "host=127.0.0.1 port=1 user=onsale password=secret";
        assert!(text.contains(whom), "{text}");
    }

    #[test]
    fn a_folder_elsewhere_is_named_after_the_one_it_stands_for() {
        let name = elsewhere(Path::new("/root/on sale/data/production"));
        assert_eq!(name, "onsale-root-on-sale-data-production");
    }

    #[test]
    fn a_number_that_is_somebody_elses_by_now_is_cleared_away() {
        let folder = std::env::temp_dir().join(format!("onsale-stale-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("postmaster.pid");
        // This process works elsewhere.
        fs::write(&file, format!("{}\nmore\n", std::process::id())).unwrap();
        clear_stale_pid(&folder).unwrap();
        let is_there = file.exists();
        fs::remove_dir_all(&folder).unwrap();
        assert!(!is_there);
    }
}
