//! Real PostgreSQL servers on free ports, ended with this process however it ends, and a fresh
//! database for each test.

use onsale_server::store::{PostgresOptions, PostgresStore};
use sqlx::{Connection as _, PgConnection};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// How long a server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// A database with the schema in it, that those of the tests are copies of.
const PATTERN: &str = "pattern";

/// One server with a data folder of its own.
pub(crate) struct Server {
    /// A shell that waits for the end of its input, which comes with ours, and then stops the
    /// server and removes its folder.
    keeper: Child,
    pid: String,
    pub(crate) port: u16,
    dir: PathBuf,
    owner: Owner,
}

/// PostgreSQL refuses to run as root, so root runs it as the user that Debian's package has made.
#[derive(Clone, Copy)]
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn find() -> Self {
        let is_root = id(&["-u"]) == Some(0);
        Self(is_root.then(|| {
            let user = id(&["-u", "postgres"]).expect("the user `postgres`, of Debian's package");
            (user, id(&["-g", "postgres"]).expect("its group"))
        }))
    }

    fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command.current_dir("/");
        command
    }

    /// One of its own.
    fn folder(self) -> PathBuf {
        let dir = tempfile::tempdir().unwrap().keep();
        if let Some((user, group)) = self.0 {
            std::os::unix::fs::chown(&dir, Some(user), Some(group)).unwrap();
        }
        dir
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Debian keeps the programs of each version apart and out of the way.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let version = |path: &PathBuf| -> u32 {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse().ok()).unwrap_or(0)
    };
    let newest = versions
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("bin").join(name).exists())
        .max_by_key(version);
    newest.map_or_else(|| name.into(), |path| path.join("bin").join(name))
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Server {
    /// A server with nothing in it, and these settings besides.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let owner = Owner::find();
        let dir = owner.folder();
        let made = owner
            .command(&program("initdb"))
            .args([
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ])
            .arg("-D")
            .arg(dir.join("data"))
            .output()
            .expect("`initdb` is to be had as Debian's package postgresql");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "initdb: {said}");
        Self::run(owner, dir, settings)
    }

    /// A replica of this one, which must be ready: everything that is written here is streamed there.
    pub(crate) fn replica(&self, settings: &[&str]) -> Self {
        let owner = self.owner;
        let dir = owner.folder();
        let copied = owner
            .command(&program("pg_basebackup"))
            .args(["-h", "127.0.0.1", "-U", "postgres", "-R", "-X", "stream"])
            .args(["-c", "fast", "--no-sync", "-p", &self.port.to_string()])
            .arg("-D")
            .arg(dir.join("data"))
            .output()
            .expect("`pg_basebackup` is to be had as Debian's package postgresql");
        let said = String::from_utf8_lossy(&copied.stderr);
        assert!(copied.status.success(), "pg_basebackup: {said}");
        Self::run(owner, dir, settings)
    }

    fn run(owner: Owner, dir: PathBuf, settings: &[&str]) -> Self {
        let port = free_port();
        let (keeper, pid) = run(owner, &dir, port, settings);
        Self {
            keeper,
            pid,
            port,
            dir,
            owner,
        }
    }

    /// Stops it as a crash does, without waiting for anybody.
    pub(crate) fn crash(&self) {
        let done = Command::new("kill").args(["-QUIT", &self.pid]).status();
        assert!(done.unwrap().success());
        let gone = || !Path::new("/proc").join(&self.pid).exists();
        until(gone, || "the server does not end".to_owned());
    }

    /// The same, and starts it again on the same port.
    pub(crate) fn crash_and_start(&mut self, settings: &[&str]) {
        self.crash();
        self.start_again(settings);
    }

    /// Starts it on the same port, after it has crashed.
    pub(crate) fn start_again(&mut self, settings: &[&str]) {
        // The old keeper has nothing left to stop and must not remove anything.
        std::fs::write(self.dir.join("keep"), "").unwrap();
        drop(self.keeper.stdin.take());
        self.keeper.wait().unwrap();
        std::fs::remove_file(self.dir.join("keep")).unwrap();
        (self.keeper, self.pid) = run(self.owner, &self.dir, self.port, settings);
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Waits until it lets somebody in.
    pub(crate) async fn ready(&self) {
        let started = Instant::now();
        while let Err(error) = PgConnection::connect(&self.url("postgres")).await {
            let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            assert!(started.elapsed() < PATIENCE, "{error}: {log}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn execute(&self, database: &str, statement: &str) {
        let mut connection = PgConnection::connect(&self.url(database)).await.unwrap();
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        sqlx::raw_sql(statement)
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn run(owner: Owner, dir: &Path, port: u16, settings: &[&str]) -> (Child, String) {
    let script = "\"$@\" >>\"$DIR/log\" 2>&1 </dev/null & server=$!; echo $server; cat >/dev/null; \
         kill -QUIT $server 2>/dev/null; wait $server; [ -e \"$DIR/keep\" ] || rm -rf \"$DIR\"";
    let port = port.to_string();
    let base = [
        "listen_addresses=127.0.0.1",
        "max_connections=300",
        "shared_buffers=64MB",
        // What a crash of the machine would lose is not what these tests are about.
        "fsync=off",
        "autovacuum_naptime=5min",
    ];
    let folder = format!("unix_socket_directories={}", dir.display());
    let mut command = owner.command(Path::new("/bin/sh"));
    command.args(["-c", script, "sh"]).arg(program("postgres"));
    command.arg("-D").arg(dir.join("data")).args(["-p", &port]);
    for setting in base.iter().chain(settings).chain([&folder.as_str()]) {
        command.args(["-c", setting]);
    }
    let mut keeper = command
        .env("DIR", dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pid = String::new();
    let stdout = keeper.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut pid).unwrap();
    (keeper, pid.trim().to_owned())
}

fn until(condition: impl Fn() -> bool, what: impl Fn() -> String) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "{}", what());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The server of all tests that do it no harm.
async fn shared() -> &'static Server {
    static SHARED: OnceCell<Server> = OnceCell::const_new();
    SHARED
        .get_or_init(|| async {
            let server = tokio::task::spawn_blocking(|| Server::start(&[]))
                .await
                .unwrap();
            server.ready().await;
            let make = format!("CREATE DATABASE {PATTERN}");
            server.execute("postgres", &make).await;
            let options = PostgresOptions::default();
            let url = server.url(PATTERN);
            PostgresStore::migrate(&url, &options).await.unwrap();
            server
        })
        .await
}

/// A database with the schema and nothing else in it. It goes with its server.
pub(crate) struct Database {
    server: &'static Server,
    pub(crate) name: String,
}

impl Database {
    pub(crate) async fn fresh() -> Self {
        Self::like(PATTERN).await
    }

    /// Without even the schema.
    pub(crate) async fn empty() -> Self {
        Self::like("template0").await
    }

    async fn like(pattern: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = shared().await;
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        // One at a time: a pattern that is being copied is in use.
        static COPYING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let copying = COPYING.lock().await;
        let make = format!("CREATE DATABASE {name} TEMPLATE {pattern}");
        server.execute("postgres", &make).await;
        drop(copying);
        Self { server, name }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url(&self.name)
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.port
    }

    /// The same by way of something that listens on a port in front of it.
    pub(crate) fn url_by(&self, port: u16) -> String {
        let url = self.url();
        url.replace(&format!(":{}/", self.port()), &format!(":{port}/"))
    }

    pub(crate) async fn connect(&self) -> PostgresStore {
        PostgresStore::connect(&self.url(), patient())
            .await
            .unwrap()
    }

    pub(crate) async fn execute(&self, statement: &str) {
        self.server.execute(&self.name, statement).await;
    }

    pub(crate) async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }
}

/// Waits as long as a very busy machine may need; few connections, for there are many tests.
pub(crate) fn patient() -> PostgresOptions {
    PostgresOptions {
        connections: 4,
        turn_timeout: Duration::from_secs(60),
        statement_timeout: Duration::from_secs(60),
        patience: Duration::from_secs(60),
        ..PostgresOptions::default()
    }
}
