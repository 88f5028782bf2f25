//! One server process.

use crate::port::free_port;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start, or a condition to come true, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// How often another port is tried where somebody was quicker.
const PORTS_TRIED: u32 = 5;

/// One Redis process.
#[derive(Debug)]
pub struct Server {
    /// A shell that waits for the end of its input, which comes with ours, and then kills.
    keeper: Child,
    pid: String,
    /// Where it listens, on the loopback address.
    pub port: u16,
    _dir: tempfile::TempDir,
}

impl Server {
    /// `redis-server` with these options besides, on a free port.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        on_any_port(|port| Self::try_on(port, options))
    }

    /// The same on that port, as soon as it is free: for a server that comes back.
    #[must_use]
    pub fn on(port: u16, options: &[&str]) -> Self {
        let started = Instant::now();
        loop {
            match Self::try_on(port, options) {
                Ok(server) => return server,
                Err(log) => assert!(started.elapsed() < PATIENCE, "{log}"),
            }
            std::thread::sleep(POLL);
        }
    }

    fn try_on(port: u16, options: &[&str]) -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().to_str().unwrap().to_owned();
        let base = [
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--dir",
            &place,
        ];
        let rest = ["--save", "", "--repl-diskless-sync-delay", "0"];
        let arguments: Vec<&str> = base.iter().chain(&rest).chain(options).copied().collect();
        Self::keep("redis-server", &arguments, port, dir)
    }

    /// `redis-sentinel` that watches the master at `master`.
    #[must_use]
    pub fn sentinel(master: u16) -> Self {
        on_any_port(|port| {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("sentinel.conf");
            let place = dir.path().display();
            let lines = format!(
                "port {port}\nbind 127.0.0.1\ndir {place}\n\
                 sentinel monitor mymaster 127.0.0.1 {master} 2\n\
                 sentinel down-after-milliseconds mymaster 1000\n\
                 sentinel failover-timeout mymaster 3000\n"
            );
            std::fs::write(&file, lines).unwrap();
            Self::keep("redis-sentinel", &[file.to_str().unwrap()], port, dir)
        })
    }

    /// Starts a program and waits until it, and nobody else, answers on `port`. What it logged, where
    /// it ended instead.
    fn keep(
        program: &str,
        arguments: &[&str],
        port: u16,
        dir: tempfile::TempDir,
    ) -> Result<Self, String> {
        let script =
            "\"$@\" >\"$LOG\" 2>&1 </dev/null & echo $!; cat >/dev/null; kill -9 $! 2>/dev/null";
        let log = dir.path().join("log");
        let mut keeper = Command::new("sh")
            .args(["-c", script, "sh", program])
            .args(arguments)
            .env("LOG", &log)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        BufReader::new(keeper.stdout.as_mut().unwrap())
            .read_line(&mut pid)
            .unwrap();
        let server = Self {
            keeper,
            pid: pid.trim().into(),
            port,
            _dir: dir,
        };
        let told = || {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            format!(
                "{program} (Debian's package of that name) did not start on port {port}:\n{log}"
            )
        };
        // Somebody else's server on that port would answer as well.
        let mine = format!("process_id:{}\r", server.pid);
        until(
            || {
                if try_ask(port, "INFO server").is_ok_and(|answer| answer.contains(&mine)) {
                    return Some(Ok(()));
                }
                has_ended(&server.pid).then(|| Err(told()))
            },
            told,
        )?;
        Ok(server)
    }

    /// What Redis answers to one inline command.
    pub fn ask(&self, command: &str) -> String {
        try_ask(self.port, command).unwrap()
    }

    /// Waits until the answer contains `wanted`.
    pub fn until(&self, command: &str, wanted: &str) {
        until(
            || {
                let answer = try_ask(self.port, command).unwrap_or_default();
                answer.contains(wanted).then_some(())
            },
            || format!("`{command}` never gave `{wanted}`"),
        );
    }

    /// `kill -9`
    pub fn kill(&self) {
        signal("-9", &self.pid);
    }

    /// Stops it without ending it: connections stay, nothing is answered.
    pub fn freeze(&self) {
        signal("-STOP", &self.pid);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        signal("-CONT", &self.pid);
    }

    /// Where it is, as a client is told.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

fn on_any_port(start: impl Fn(u16) -> Result<Server, String>) -> Server {
    let mut last = String::new();
    for _ in 0..PORTS_TRIED {
        match start(free_port()) {
            Ok(server) => return server,
            Err(log) => last = log,
        }
    }
    panic!("{last}");
}

/// Whether a process has ended (it may wait to be collected by its shell).
fn has_ended(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    match stat {
        Ok(stat) => stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('Z')),
        // Without /proc nobody can tell: whoever waits does so to the end.
        Err(_) => std::path::Path::new("/proc/self/stat").exists(),
    }
}

fn signal(which: &str, pid: &str) {
    let done = Command::new("kill").args([which, pid]).status().unwrap();
    assert!(done.success(), "kill {which} {pid}");
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Waits for a condition.
pub fn until<T>(mut condition: impl FnMut() -> Option<T>, what: impl Fn() -> String) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{}", what());
        std::thread::sleep(POLL);
    }
}

fn try_ask(port: u16, command: &str) -> std::io::Result<String> {
    let address = ([127, 0, 0, 1], port).into();
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    // A sentinel knows no QUIT; the end of the input ends the answer too.
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
