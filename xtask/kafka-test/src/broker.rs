//! Brokers: one alone, or three that hold each other's replicas.

use crate::jars::KAFKA;
use crate::process::{POLL, Process, jars};
use crate::settings::{CLUSTER_ID, JAVA, Node, STARTED, settings};
use redis_test::{Proxy, free_port};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Of those that hold each other's replicas.
const SEVERAL: usize = 3;
/// How often other ports are tried where somebody was quicker.
const TRIES: u32 = 5;
/// How long a broker may take to start. On a busy machine it is mostly waiting for a processor.
const PATIENCE: Duration = Duration::from_secs(180);

/// A broker with a data folder of its own.
pub struct Broker {
    process: Option<Process>,
    /// Where it listens, on the loopback address, for as long as it lives.
    pub port: u16,
    /// Which of several it is, from 0 on.
    number: usize,
    /// Where the controllers of all of several listen; of one alone, whose is new at each start, nothing.
    controllers: Vec<u16>,
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
        Self::alone(|_| (settings.to_owned(), ())).0
    }

    /// A new one that sends clients to a link in front of it, which may be cut.
    ///
    /// # Panics
    /// With what it logged, if it does not start.
    #[must_use]
    pub fn behind_a_link() -> (Self, Proxy) {
        Self::alone(|port| {
            let link = Proxy::before(port);
            let settings = format!("advertised.listeners=CLIENT://127.0.0.1:{}", link.port);
            (settings, link)
        })
    }

    /// With lines of settings, and whatever else is made, for the port that it gets.
    fn alone<T>(prepare: impl Fn(u16) -> (String, T)) -> (Self, T) {
        let mut last = String::new();
        for _ in 0..TRIES {
            let mut broker = Self::new(0, Vec::new());
            let (settings, beside) = prepare(broker.port);
            broker.format(&settings);
            match broker.try_start(&settings) {
                Ok(()) => return (broker, beside),
                Err(log) => last = log,
            }
        }
        panic!("{last}");
    }

    /// Three new ones, each with a replica of everything; what is acknowledged is in two of them at
    /// least. All serve when this returns.
    ///
    /// # Panics
    /// With what one of them logged, if they do not start.
    #[must_use]
    pub fn three() -> [Self; SEVERAL] {
        let mut last = String::new();
        for _ in 0..TRIES {
            let controllers: Vec<_> = (0..SEVERAL).map(|_| free_port()).collect();
            let mut brokers: [Self; SEVERAL] =
                std::array::from_fn(|number| Self::new(number, controllers.clone()));
            for broker in &brokers {
                broker.format("");
            }
            // None is ready before most are there.
            for broker in &mut brokers {
                broker.begin("");
            }
            let served = brokers.iter().try_for_each(Self::until_it_serves);
            match served {
                Ok(()) => return brokers,
                Err(log) => last = log,
            }
        }
        panic!("{last}");
    }

    fn new(number: usize, controllers: Vec<u16>) -> Self {
        Self {
            process: None,
            port: free_port(),
            number,
            controllers,
            dir: tempfile::tempdir().unwrap(),
            jars: jars(KAFKA),
        }
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

    fn write_settings(&self, more: &str) {
        let alone = [free_port()];
        let node = Node {
            number: self.number,
            port: self.port,
            controllers: match &self.controllers[..] {
                [] => &alone,
                several => several,
            },
            data: &self.path("data"),
        };
        let text = settings(&node, more);
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
        self.begin(settings);
        let served = self.until_it_serves();
        if served.is_err() {
            self.process = None;
        }
        served
    }

    fn begin(&mut self, settings: &str) {
        self.write_settings(settings);
        let log = self.path("kafka.log");
        let _ = std::fs::remove_file(&log);
        let mut arguments = self.java();
        arguments.push("kafka.Kafka".to_owned());
        arguments.push(self.path("server.properties").display().to_string());
        self.process = Some(Process::keep(&arguments, &[], &log));
    }

    /// What it logged, where it ended instead.
    fn until_it_serves(&self) -> Result<(), String> {
        let process = self.process.as_ref().expect("it was begun");
        let began = Instant::now();
        // The port alone might be a stranger's.
        while !process.says().contains(STARTED)
            || TcpStream::connect(("127.0.0.1", self.port)).is_err()
        {
            if process.has_ended() || began.elapsed() > PATIENCE {
                let tail = process.last_words();
                return Err(format!(
                    "Kafka did not start on port {}:\n{tail}",
                    self.port
                ));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}
