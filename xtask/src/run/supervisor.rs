//! Keeps programs running that belong together: one log and one record of its process each, started
//! again where that is wanted, stopped in stages.
//!
//! A program is stopped by the process id that it was started with and by nothing else. That id is
//! written down ([`process`]), so that the next run finds what this one left behind if it was killed.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::process::{self, KILL_LIMIT, LOOK, Leftovers, end_leftovers, forget, send};
use crate::{exec, place};

/// The first wait before a program is started again; each after that is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A program that has run for this long begins again with the first.
const STEADY: Duration = Duration::from_secs(5);

/// Whether somebody has asked this process to stop. While one of these is kept, Ctrl-C, SIGTERM and
/// a closed terminal are noted instead of ending the process.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Notes signals from now on.
    pub(crate) fn listen() -> Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&asked))
                .context("signals cannot be listened for")?;
        }
        Ok(Self(asked))
    }

    pub(crate) fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Whether it has been asked since this was called last.
    fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

/// What is done about a program that ends although nobody asked it to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnEnd {
    /// It is started again, after a wait that grows to [`LONGEST_WAIT`].
    Restart,
    /// It is said, and the others go on.
    Tell,
}

/// A signal, and how long it may take to work before the next one is sent.
pub(crate) type Asks = &'static [(&'static str, Duration)];

/// How one program is started, kept and stopped.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) command: Command,
    pub(crate) on_end: OnEnd,
    /// In what order it is stopped: everything of one stage at once, then the next.
    pub(crate) stage: u8,
    pub(crate) stop: Asks,
}

struct Kept {
    program: Program,
    log: PathBuf,
    state: State,
    /// How often it has ended soon after its start.
    failures: u32,
}

enum State {
    Running { child: Child, since: Instant },
    Waiting { until: Instant },
    Ended,
}

/// All programs of one run. Dropping it kills what still runs.
pub(crate) struct Supervisor {
    records: PathBuf,
    logs: PathBuf,
    kept: Vec<Kept>,
    interrupt: Interrupt,
}

impl Supervisor {
    /// Keeps its records in `folder`, in `run` and `log`. Ends what an earlier run has left.
    pub(crate) fn new(folder: &Path, interrupt: Interrupt) -> Result<(Self, Leftovers)> {
        let (records, logs) = (folder.join("run"), folder.join("log"));
        for folder in [&records, &logs] {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let left = end_leftovers(&records)?;
        let supervisor = Self {
            records,
            logs,
            kept: Vec::new(),
            interrupt,
        };
        Ok((supervisor, left))
    }

    /// Starts a program, whose log of the run before is kept as `NAME.log.1`.
    pub(crate) fn start(&mut self, program: Program) -> Result<()> {
        let log = self.log(&program.name);
        if log.exists() {
            fs::rename(&log, log.with_extension("log.1"))?;
        }
        let mut kept = Kept {
            program,
            log,
            state: State::Ended,
            failures: 0,
        };
        kept.spawn(&self.records)?;
        self.kept.push(kept);
        Ok(())
    }

    /// The file that a program of this name writes to.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// Collects programs that have ended, starts again those that are due, and says what happened.
    pub(crate) fn look(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        for kept in &mut self.kept {
            kept.look(&self.records, &mut said);
        }
        said
    }

    /// Waits until `condition` holds. An error: if it does not within `limit`, if one of the programs
    /// ends meanwhile, if somebody wants to stop.
    pub(crate) fn until(
        &mut self,
        what: &str,
        limit: Duration,
        mut condition: impl FnMut() -> bool,
    ) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(ended) = self.look().into_iter().next() {
                bail!("{ended}");
            }
            if condition() {
                return Ok(());
            }
            if self.interrupt.asked() {
                bail!("stopped before {what}");
            }
            if started.elapsed() > limit {
                bail!(
                    "not within {} s: {what}; see {}",
                    limit.as_secs(),
                    place::shown(&self.logs)
                );
            }
            thread::sleep(LOOK);
        }
    }

    /// Stops and forgets one program.
    pub(crate) fn stop_one(&mut self, name: &str) -> Vec<String> {
        let Some(at) = self.kept.iter().position(|kept| kept.program.name == name) else {
            return Vec::new();
        };
        let mut one = vec![self.kept.swap_remove(at)];
        self.end(&mut one)
    }

    /// Stops everything, stage by stage. Says what did not stop when asked. Somebody who asks once
    /// more meanwhile has the rest killed.
    pub(crate) fn stop(&mut self) -> Vec<String> {
        self.interrupt.take();
        let mut said = Vec::new();
        let mut kept = std::mem::take(&mut self.kept);
        kept.sort_by_key(|kept| kept.program.stage);
        for stage in kept.chunk_by_mut(|a, b| a.program.stage == b.program.stage) {
            said.extend(self.end(stage));
        }
        said
    }

    /// Ends some programs at once.
    fn end(&self, those: &mut [Kept]) -> Vec<String> {
        let mut said = Vec::new();
        let started = Instant::now();
        // Which signal each got last.
        let mut sent: Vec<Option<usize>> = those.iter().map(|_| None).collect();
        let mut hurried = false;
        loop {
            hurried |= self.interrupt.take();
            let mut running = false;
            for (kept, sent) in those.iter_mut().zip(&mut sent) {
                let State::Running { child, .. } = &mut kept.state else {
                    kept.state = State::Ended;
                    continue;
                };
                if matches!(child.try_wait(), Ok(Some(_))) {
                    kept.state = State::Ended;
                    forget(&self.records, &kept.program.name);
                    continue;
                }
                running = true;
                let asks = kept.program.stop;
                let due = if hurried {
                    asks.len()
                } else {
                    due(asks, started.elapsed())
                };
                if sent.is_none_or(|sent| sent < due) {
                    *sent = Some(due);
                    match asks.get(due) {
                        Some((signal, _)) => send(child.id(), signal),
                        None => {
                            said.push(format!("{} had to be killed", kept.program.name));
                            let _ = child.kill();
                        }
                    }
                }
            }
            if !running {
                return said;
            }
            let limit = those
                .iter()
                .map(|kept| kept.program.stop.iter().map(|(_, time)| *time).sum())
                .max()
                .unwrap_or(Duration::ZERO);
            if started.elapsed() > limit + KILL_LIMIT {
                said.push("a process does not end although it was killed".to_owned());
                return said;
            }
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        for kept in &mut self.kept {
            if let State::Running { child, .. } = &mut kept.state {
                let _ = child.kill();
                let _ = child.wait();
                forget(&self.records, &kept.program.name);
            }
        }
    }
}

impl Kept {
    fn spawn(&mut self, records: &Path) -> Result<()> {
        let command = &mut self.program.command;
        let mut log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("cannot write {}", self.log.display()))?;
        writeln!(log, "$ {}", exec::shown(command))?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in a terminal is for the whole group: it would stop everything at once.
            .process_group(0);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start `{}`", exec::shown(command)))?;
        // And how the next run stops it, should this one not live to do it.
        let last = self
            .program
            .stop
            .last()
            .map_or("TERM", |(signal, _)| signal);
        let written = process::record(records, &self.program.name, child.id(), last);
        if let Err(error) = written {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error).context("a process could not be written down");
        }
        self.state = State::Running {
            child,
            since: Instant::now(),
        };
        Ok(())
    }

    fn look(&mut self, records: &Path, said: &mut Vec<String>) {
        match &mut self.state {
            State::Ended => {}
            State::Running { child, since } => {
                let (pid, since) = (child.id(), *since);
                match child.try_wait() {
                    Ok(None) => {}
                    Ok(Some(status)) => self.ended(pid, status, since.elapsed(), records, said),
                    Err(error) => said.push(format!("{}: {error}", self.program.name)),
                }
            }
            State::Waiting { until } if Instant::now() < *until => {}
            State::Waiting { .. } => {
                if let Err(error) = self.spawn(records) {
                    self.failures += 1;
                    let wait = wait_before(self.failures);
                    said.push(format!("{} does not start: {error:#}", self.program.name));
                    self.state = State::Waiting {
                        until: Instant::now() + wait,
                    };
                }
            }
        }
    }

    fn ended(
        &mut self,
        pid: u32,
        status: ExitStatus,
        after: Duration,
        records: &Path,
        said: &mut Vec<String>,
    ) {
        let name = &self.program.name;
        forget(records, name);
        self.failures = match after < STEADY {
            true => self.failures + 1,
            false => 1,
        };
        let next = match self.program.on_end {
            OnEnd::Restart => {
                let wait = wait_before(self.failures);
                self.state = State::Waiting {
                    until: Instant::now() + wait,
                };
                format!("it is started again in {} ms", wait.as_millis())
            }
            OnEnd::Tell => {
                self.state = State::Ended;
                "the others go on without it; stop this and start it again to have it back".into()
            }
        };
        // Whoever ends well was told to, by somebody who is restarting servers one by one.
        if status.success() && self.program.on_end == OnEnd::Restart {
            said.push(format!("{name} (process {pid}) has stopped; {next}"));
            return;
        }
        said.push(format!(
            "{name} (process {pid}) has died: {status}; {next}. The end of {}:\n{}",
            place::shown(&self.log),
            exec::tail(&self.log)
        ));
    }
}

/// How long a program that has ended so often in a row stays away.
fn wait_before(failures: u32) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(LONGEST_WAIT)
}

/// Which of a program's signals is due by now; its length if all have had their time.
fn due(asks: Asks, elapsed: Duration) -> usize {
    let mut until = Duration::ZERO;
    for (at, (_, time)) in asks.iter().enumerate() {
        until += *time;
        if elapsed < until {
            return at;
        }
    }
    asks.len()
}

#[cfg(test)]
mod tests {
    use super::super::process::Process;
    use super::*;

    const ASKED: Asks = &[("TERM", Duration::from_secs(10))];

    /// Removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let of = format!("onsale-supervisor-{name}-{}", std::process::id());
            Self(std::env::temp_dir().join(of))
        }

        fn supervisor(&self) -> (Supervisor, Leftovers) {
            // Not `listen`: Ctrl-C is to end the tests.
            let interrupt = Interrupt(Arc::default());
            Supervisor::new(&self.0, interrupt).unwrap()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn shell(name: &str, script: &str, on_end: OnEnd) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Program {
            name: name.to_owned(),
            command,
            on_end,
            stage: 0,
            stop: ASKED,
        }
    }

    fn until(mut condition: impl FnMut() -> bool) {
        let started = Instant::now();
        while !condition() {
            assert!(started.elapsed() < Duration::from_secs(30), "never");
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn waits_grow_and_have_a_bound() {
        assert_eq!(wait_before(1), FIRST_WAIT);
        assert_eq!(wait_before(2), FIRST_WAIT * 2);
        assert_eq!(wait_before(40), LONGEST_WAIT);
    }

    #[test]
    fn signals_are_due_one_after_the_other() {
        const ASKS: Asks = &[
            ("USR1", Duration::from_secs(3)),
            ("TERM", Duration::from_secs(2)),
        ];
        let after = |seconds| due(ASKS, Duration::from_secs(seconds));
        assert_eq!([after(0), after(2), after(3), after(5)], [0, 0, 1, 2]);
    }

    #[test]
    fn what_dies_is_named_with_the_end_of_its_log() {
        let folder = Folder::new("dies");
        let (mut supervisor, _) = folder.supervisor();
        let program = shell("engine", "echo the disk is full; exit 3", OnEnd::Tell);
        supervisor.start(program).unwrap();
        let mut said = Vec::new();
        until(|| {
            said.extend(supervisor.look());
            !said.is_empty()
        });
        assert!(said[0].starts_with("engine (process "), "{said:?}");
        assert!(said[0].contains("the disk is full"), "{said:?}");
        assert_eq!(Process::recorded(&folder.0, "engine"), None);
        assert!(supervisor.stop().is_empty());
    }

    #[test]
    fn what_is_to_be_started_again_gets_another_process() {
        let folder = Folder::new("again");
        let (mut supervisor, _) = folder.supervisor();
        let program = shell("server", "exec sleep 1000", OnEnd::Restart);
        supervisor.start(program).unwrap();
        let first = Process::recorded(&folder.0, "server").unwrap();
        first.signal("KILL");
        until(|| {
            supervisor.look();
            Process::recorded(&folder.0, "server").is_some_and(|process| process != first)
        });
        let second = Process::recorded(&folder.0, "server").unwrap();
        assert!(second.is_alive() && !first.is_alive());
        assert!(supervisor.stop().is_empty());
        assert!(!second.is_alive());
    }

    #[test]
    fn who_does_not_stop_when_asked_is_killed_and_named() {
        let folder = Folder::new("deaf");
        let (mut supervisor, _) = folder.supervisor();
        let mut program = shell(
            "deaf",
            "trap '' TERM; echo up; exec sleep 1000",
            OnEnd::Tell,
        );
        const BRIEFLY: Asks = &[("TERM", Duration::from_millis(200))];
        program.stop = BRIEFLY;
        supervisor.start(program).unwrap();
        // Before that it is not deaf yet.
        let log = supervisor.log("deaf");
        until(|| fs::read_to_string(&log).is_ok_and(|text| text.contains("\nup\n")));
        assert_eq!(supervisor.stop(), ["deaf had to be killed"]);
        assert!(Process::all(&folder.0).unwrap().is_empty());
    }

    #[test]
    fn what_a_killed_run_left_is_ended() {
        let folder = Folder::new("left");
        let (mut supervisor, left) = folder.supervisor();
        assert!(left.is_empty());
        let program = shell("orphan", "exec sleep 1000", OnEnd::Tell);
        supervisor.start(program).unwrap();
        let orphan = Process::recorded(&folder.0, "orphan").unwrap();
        // Its number is somebody else's by now: this process's own.
        let stranger = format!("{} 1 KILL", std::process::id());
        fs::write(folder.0.join("run/stranger"), stranger).unwrap();
        let mut kept = std::mem::take(&mut supervisor.kept);

        let (_second, left) = folder.supervisor();
        assert_eq!(left, ["orphan"]);
        assert!(!orphan.is_alive());
        assert!(Process::all(&folder.0).unwrap().is_empty());
        if let State::Running { child, .. } = &mut kept[0].state {
            child.wait().unwrap();
        }
    }
}
