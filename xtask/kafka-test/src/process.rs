//! One Java process, ended with ours however that ends.

use crate::jars::Jars;
use redis_test::until;
use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Between two looks at a process.
pub(crate) const POLL: Duration = Duration::from_millis(50);
/// Lines of a log that are told where a process failed.
const TOLD: usize = 60;

/// A folder of jars, which must be there.
pub(crate) fn jars(jars: Jars) -> PathBuf {
    let cache = env::var_os("ONSALE_CACHE")
        .map(PathBuf::from)
        .or_else(|| env::var_os("XDG_CACHE_HOME").map(|x| Path::new(&x).join("onsale")))
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache/onsale")))
        .expect("HOME, or ONSALE_CACHE, says where the cache is");
    let folder = jars.folder(&cache);
    assert!(
        folder.is_dir(),
        "the jars of {} are not in {}: `cargo xtask test kafka` fetches them",
        jars.name,
        folder.display()
    );
    folder
}

/// Java, with what it says in a file.
pub(crate) struct Process {
    /// A shell that waits for the end of its input, which comes with ours, and then kills.
    keeper: Child,
    pid: String,
    log: PathBuf,
}

impl Process {
    /// Starts Java with these arguments and these variables besides.
    pub(crate) fn keep(arguments: &[String], variables: &[(&str, &str)], log: &Path) -> Self {
        let script = "java \"$@\" >\"$LOG\" 2>&1 </dev/null & echo $!; cat >/dev/null; kill -9 $! 2>/dev/null; wait";
        let mut keeper = Command::new("sh")
            .args(["-c", script, "sh"])
            .args(arguments)
            .envs(variables.iter().copied())
            .env("LOG", log)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        BufReader::new(keeper.stdout.as_mut().unwrap())
            .read_line(&mut pid)
            .unwrap();
        Self {
            keeper,
            pid: pid.trim().to_owned(),
            log: log.to_owned(),
        }
    }

    /// `kill -9`, and gone when this returns.
    pub(crate) fn kill(self) {
        let killed = Command::new("kill").args(["-9", &self.pid]).status();
        assert!(killed.unwrap().success(), "kill -9 {}", self.pid);
    }

    /// Whether it has ended; it may wait to be collected by its shell.
    pub(crate) fn has_ended(&self) -> bool {
        match std::fs::read_to_string(format!("/proc/{}/stat", self.pid)) {
            Ok(stat) => stat
                .rsplit(')')
                .next()
                .is_some_and(|rest| rest.trim_start().starts_with('Z')),
            Err(_) => Path::new("/proc/self/stat").exists(),
        }
    }

    /// What it has said so far.
    pub(crate) fn says(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The end of it.
    pub(crate) fn last_words(&self) -> String {
        let text = self.says();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(TOLD)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        until(
            || self.has_ended().then_some(()),
            || format!("process {} does not end", self.pid),
        );
    }
}
