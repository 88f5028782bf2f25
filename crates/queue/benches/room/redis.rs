//! A real Redis for the benchmarks.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A Redis of our own on a free port, which keeps nothing.
pub(crate) struct Redis {
    child: Child,
    pub(crate) port: u16,
    _dir: tempfile::TempDir,
}

impl Redis {
    pub(crate) fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let dir = tempfile::tempdir().expect("a folder");
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ])
            .arg("--dir")
            .arg(dir.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        let redis = Self {
            child,
            port,
            _dir: dir,
        };
        let started = Instant::now();
        while !redis.ask("PING").is_some_and(|said| said.contains("PONG")) {
            assert!(started.elapsed() < Duration::from_secs(10), "no Redis");
            std::thread::sleep(Duration::from_millis(20));
        }
        redis
    }

    fn ask(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        stream.shutdown(Shutdown::Write).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// What its data takes, without what its connections take.
    pub(crate) fn used_bytes(&self) -> u64 {
        let memory = self.ask("INFO memory").expect("Redis answers");
        let line = memory
            .lines()
            .find_map(|line| line.strip_prefix("used_memory_dataset:"));
        line.and_then(|bytes| bytes.trim().parse().ok())
            .expect("a size")
    }

    /// What a room's keys take, by what `lua/common.lua` calls them; those of a kind together.
    pub(crate) fn bytes_by_key(&self) -> BTreeMap<String, u64> {
        let keys = self.ask("KEYS *").expect("Redis answers");
        let mut sizes = BTreeMap::new();
        for key in keys.lines().filter(|line| line.starts_with("onsale:")) {
            let name = key.split_once("}:").map_or(key, |(_, name)| name);
            let kind = name.split(':').next().unwrap_or(name);
            let asked = format!("MEMORY USAGE {key} SAMPLES 0");
            let size = self.ask(&asked).expect("Redis answers");
            let bytes: u64 = size.trim().trim_start_matches(':').parse().unwrap_or(0);
            *sizes.entry(kind.to_owned()).or_default() += bytes;
        }
        sizes
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
