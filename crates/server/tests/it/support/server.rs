//! The real program as a process of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tokio::task::JoinHandle;

const ONSALE: &str = env!("CARGO_BIN_EXE_onsale");

/// `onsale serve`, killed when it goes out of scope.
pub(crate) struct Server {
    child: Child,
    address: String,
    /// What it has logged, once it has ended; where that is asked for.
    log: Option<JoinHandle<String>>,
}

impl Server {
    /// Starts it on a free port and waits until it says which.
    pub(crate) async fn start(data: &Path) -> Self {
        Self::start_with(data, &[]).await
    }
    /// The same with more in its environment.
    pub(crate) async fn start_with(data: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(ONSALE);
        command.envs(environment.iter().copied());
        Self::run(command, data).await
    }
    /// The same with what it logs, down to each request, kept for [`stop_and_tell`](Self::stop_and_tell).
    pub(crate) async fn start_logging(data: &Path, environment: &[(&str, &str)]) -> Self {
        // A shell, because what every server is told of its log comes after what is told here.
        let mut shell = Command::new("bash");
        shell.args([
            "-c",
            "RUST_LOG=onsale_server=debug exec \"$0\" \"$@\"",
            ONSALE,
        ]);
        shell.envs(environment.iter().copied());
        shell.stderr(Stdio::piped());
        Self::run(shell, data).await
    }
    /// What it says when it does not start.
    #[cfg(not(feature = "traces"))]
    pub(crate) async fn refuses(data: &Path, environment: &[(&str, &str)]) -> String {
        let mut command = Command::new(ONSALE);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .envs(environment.iter().copied())
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output());
        let output = output.await.unwrap().unwrap();
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
    /// The same, but no file may grow beyond `bytes`: a full disk, as far as the program can tell.
    pub(crate) async fn start_cramped(data: &Path, bytes: u64) -> Self {
        let mut shell = Command::new("bash");
        // In units of 1,024 bytes. Without the trap the signal would end the program.
        let limit = format!(
            "trap '' XFSZ; ulimit -S -f {}; exec \"$0\" \"$@\"",
            bytes / 1_024
        );
        shell.args(["-c", &limit, ONSALE]);
        // It says on the standard error what the test asks about over HTTP.
        shell.stderr(Stdio::null());
        Self::run(shell, data).await
    }
    /// Room again, without a restart.
    pub(crate) fn give_room(&self) {
        let pid = self.child.id().to_string();
        let given = Command::new("prlimit")
            .args(["--fsize=unlimited:", "--pid", &pid])
            .status();
        assert!(given.unwrap().success());
    }
    async fn run(mut command: Command, data: &Path) -> Self {
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--rate", "0", "--data"])
            .arg(data)
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let address = tokio::task::spawn_blocking(move || {
            BufReader::new(stdout)
                .lines()
                .map_while(Result::ok)
                .find_map(|line| line.split("http://").nth(1).map(str::to_owned))
        });
        let address = address
            .await
            .unwrap()
            .expect("the server says where it listens");
        let log = child.stderr.take().map(|mut stderr| {
            tokio::task::spawn_blocking(move || {
                let mut log = String::new();
                stderr.read_to_string(&mut log).unwrap();
                log
            })
        });
        Self {
            child,
            address,
            log,
        }
    }
    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }
    /// Waits until it has died by itself.
    pub(crate) async fn dies(mut self) {
        let status = tokio::task::spawn_blocking(move || self.child.wait().unwrap())
            .await
            .unwrap();
        assert!(!status.success(), "{status}");
    }
    /// It stands still, as a machine does that has no time for it.
    #[cfg(feature = "postgres")]
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }
    #[cfg(feature = "postgres")]
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }
    fn signal(&self, which: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([which, &pid]).status();
        assert!(sent.unwrap().success());
    }
    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
    /// SIGTERM, and waits for it to finish.
    pub(crate) async fn stop(self) {
        self.stop_and_tell().await;
    }
    /// The same; what it has logged, if it was started so that this is kept.
    pub(crate) async fn stop_and_tell(mut self) -> String {
        self.signal("-TERM");
        let log = self.log.take();
        let status = tokio::task::spawn_blocking(move || self.child.wait().unwrap())
            .await
            .unwrap();
        assert!(status.success(), "{status}");
        match log {
            Some(log) => log.await.unwrap(),
            None => String::new(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `onsale ledger verify --json`: whether it ended with 0, and what it said.
pub(crate) async fn verify(data: &Path) -> (bool, String) {
    verify_with(data, Vec::new()).await
}

/// The same with more in its environment.
pub(crate) async fn verify_with(
    data: &Path,
    environment: Vec<(&'static str, String)>,
) -> (bool, String) {
    let data: PathBuf = data.to_owned();
    let output = tokio::task::spawn_blocking(move || {
        Command::new(ONSALE)
            .args(["ledger", "verify", "--json", "--data"])
            .arg(data)
            .envs(environment)
            .output()
    });
    let output = output.await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.success(),
        text(&output.stdout) + &text(&output.stderr),
    )
}
