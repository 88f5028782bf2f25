//! Processes by the id they were started with, written down so that a later run knows them.
//!
//! A record holds the moment at which the process began besides its id: whoever has got the number
//! since is a stranger, and left alone.

use std::{
    fs,
    io::ErrorKind,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// How long whatever an earlier run left may take to end.
const LEFTOVER_LIMIT: Duration = Duration::from_secs(15);
/// After SIGKILL a process ends as soon as the kernel gets to it.
pub(super) const KILL_LIMIT: Duration = Duration::from_secs(10);
/// How often processes are looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// Processes of an earlier run that were still there, by name.
pub(super) type Leftovers = Vec<String>;

pub(super) fn send(pid: u32, signal: &str) {
    let _ = Command::new("kill")
        .args([&format!("-{signal}"), &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}

pub(super) fn forget(records: &Path, name: &str) {
    let _ = fs::remove_file(records.join(name));
}

/// When a process began, in the kernel's ticks; nothing if it is not there, or has ended and only
/// waits to be collected.
fn began(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may contain anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    if state == "Z" || state == "X" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// One process that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) id: u32,
    began: u64,
}

impl Process {
    /// As it was written down, with the signal that stops it.
    fn parse(record: &str) -> Option<(Self, &str)> {
        let mut words = record.split_whitespace();
        let process = Self {
            id: words.next()?.parse().ok()?,
            began: words.next()?.parse().ok()?,
        };
        Some((process, words.next().unwrap_or("TERM")))
    }

    /// The one that runs under this name, according to the records of `folder`.
    pub(crate) fn recorded(folder: &Path, name: &str) -> Option<Self> {
        let record = fs::read_to_string(folder.join("run").join(name)).ok()?;
        Some(Self::parse(&record)?.0)
    }

    /// Every one in the records of `folder`, by name.
    pub(crate) fn all(folder: &Path) -> Result<Vec<(String, Self)>> {
        let records = read_records(&folder.join("run"))?;
        let pairs = records.into_iter().map(|left| (left.name, left.process));
        Ok(pairs.collect())
    }

    /// Whether it is this process that has that id now.
    pub(crate) fn is_alive(self) -> bool {
        began(self.id) == Some(self.began)
    }

    /// Sends it a signal, if it is still there.
    pub(crate) fn signal(self, signal: &str) {
        if self.is_alive() {
            send(self.id, signal);
        }
    }
}

/// Writes down the process that runs under this name, and the signal that stops it.
pub(super) fn record(records: &Path, name: &str, pid: u32, signal: &str) -> std::io::Result<()> {
    let line = format!("{pid} {} {signal}\n", began(pid).unwrap_or(0));
    // Under another name first: whoever reads it reads it whole.
    let part = records.join(format!(".{name}"));
    fs::write(&part, line)?;
    fs::rename(&part, records.join(name))
}

/// A line of the records.
struct Recorded {
    name: String,
    process: Process,
    signal: String,
}

fn read_records(records: &Path) -> Result<Vec<Recorded>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(records) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        entries => entries.with_context(|| format!("reading {}", records.display()))?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.filter(|name| !name.starts_with('.')) else {
            continue;
        };
        let record = fs::read_to_string(&path).unwrap_or_default();
        if let Some((process, signal)) = Process::parse(&record) {
            found.push(Recorded {
                name: name.to_owned(),
                process,
                signal: signal.to_owned(),
            });
        }
    }
    Ok(found)
}

/// Ends what an earlier run left because it was killed.
pub(super) fn end_leftovers(records: &Path) -> Result<Leftovers> {
    let all = read_records(records)?;
    let left: Vec<_> = all.iter().filter(|one| one.process.is_alive()).collect();
    let started = Instant::now();
    for one in &left {
        one.process.signal(&one.signal);
    }
    let mut killed = false;
    while let Some(one) = left.iter().find(|one| one.process.is_alive()) {
        if started.elapsed() > LEFTOVER_LIMIT + KILL_LIMIT {
            let (name, id) = (&one.name, one.process.id);
            bail!("{name} of an earlier run (process {id}) does not end");
        }
        if !killed && started.elapsed() > LEFTOVER_LIMIT {
            killed = true;
            for one in &left {
                one.process.signal("KILL");
            }
        }
        thread::sleep(LOOK);
    }
    let left = left.iter().map(|one| one.name.clone()).collect();
    for one in &all {
        forget(records, &one.name);
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_with_the_number_of_a_process_is_not_taken_for_it() {
        let id = std::process::id();
        let me = Process {
            id,
            began: began(id).unwrap(),
        };
        assert!(me.is_alive());
        let other = Process {
            began: me.began + 1,
            ..me
        };
        assert!(!other.is_alive());
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let process = Process { id: 7, began: 9 };
        assert_eq!(Process::parse("7 9 INT\n"), Some((process, "INT")));
        assert_eq!(Process::parse("7"), None);
    }
}
