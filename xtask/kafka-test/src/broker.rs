//! One broker process.

use crate::jars::KAFKA;
use crate::process::{POLL, Process, jars};
use crate::settings::{CLUSTER_ID, JAVA, STARTED, settings};
use redis_test::free_port;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// How often other ports are tried where somebody was quicker.
const TRIES: u32 = 5;
/// How long a broker may take to start. On a busy machine it is mostly waiting for a processor.
const PATIENCE: Duration = Duration::from_secs(180);

/// A broker with a data folder of its own.
pub struct Broker {
    process: Option<Process>,
    /// Where it listens, on the loopback address, for as long as it lives.
    pub port: u16,
    dir: tempfile::TempDir,
    jars: PathBuf,
}

impl Broker {
    /// A new one, which serves when this returns.
    ///
    /// # Panics
    /// With what it logged, if it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with("")
    }

    /// The same with more lines of settings.
    #[must_use]
    pub fn with(settings: &str) -> Self {
        let mut last = String::new();
        for _ in 0..TRIES {
            let mut broker = Self {
                process: None,
                port: free_port(),
                dir: tempfile::tempdir().unwrap(),
                jars: jars(KAFKA),
            };
            broker.format(settings);
            match broker.try_start(settings) {
                Ok(()) => return broker,
                Err(log) => last = log,
            }
        }
        panic!("{last}");
    }

    /// As a client is told.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `kill -9`, and gone when this returns.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Starts it again, on its folder and port.
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "it was killed before");
        let started = Instant::now();
        // The port may be somebody's for a moment.
        while let Err(log) = self.try_start("") {
            assert!(started.elapsed() < PATIENCE, "{log}");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The controller's listener is new at each start.
    fn write_settings(&self, more: &str) {
        let text = settings(self.port, free_port(), &self.path("data"), more);
        std::fs::write(self.path("server.properties"), text).unwrap();
    }

    fn java(&self) -> Vec<String> {
        let jars = format!("{}/*", self.jars.display());
        let options = JAVA.iter().map(ToString::to_string);
        options.chain(["-cp".to_owned(), jars]).collect()
    }

    fn format(&self, settings: &str) {
        self.write_settings(settings);
        let id = ["--cluster-id", CLUSTER_ID];
        let done = Command::new("java")
            .args(self.java())
            .args(["kafka.tools.StorageTool", "format", "--config"])
            .arg(self.path("server.properties"))
            .args(id)
            .output()
            .expect("java can be started");
        assert!(
            done.status.success(),
            "{}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
    }

    /// What it logged, where it ended instead.
    fn try_start(&mut self, settings: &str) -> Result<(), String> {
        self.write_settings(settings);
        let log = self.path("kafka.log");
        let _ = std::fs::remove_file(&log);
        let mut arguments = self.java();
        arguments.push("kafka.Kafka".to_owned());
        arguments.push(self.path("server.properties").display().to_string());
        let process = Process::keep(&arguments, &[], &log);
        let told = || {
            let tail = process.last_words();
            format!("Kafka did not start on port {}:\n{tail}", self.port)
        };
        let began = Instant::now();
        loop {
            // The port alone might be a stranger's.
            let says_so = std::fs::read_to_string(&log).is_ok_and(|text| text.contains(STARTED));
            if says_so && TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                break;
            }
            if process.has_ended() || began.elapsed() > PATIENCE {
                return Err(told());
            }
            std::thread::sleep(POLL);
        }
        self.process = Some(process);
        Ok(())
    }
}
