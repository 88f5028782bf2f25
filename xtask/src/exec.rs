//! Starting other programs: output into a log, the log's tail into the error.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{place, screen::Step};

/// How much of a log is shown when its step fails.
const TAIL_LINES: usize = 40;

/// A command line as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether a program of this name can be started.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

/// The first line a program prints, or nothing if it cannot be started or fails.
pub(crate) fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

/// Everything a program prints, or an error with what it complained about.
pub(crate) fn stdout(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{}` failed ({}): {}",
            shown(command),
            output.status,
            error.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a long program with its output in `target/xtask/log/NAME.log`; a failure shows the tail.
pub(crate) fn logged(step: &Step<'_>, name: &str, command: &mut Command) -> Result<()> {
    let (status, log) = logged_status(step, name, command)?;
    if status.success() {
        Ok(())
    } else {
        Err(failure(command, status, &log))
    }
}

/// Like [`logged`], for callers that read the log whatever the outcome.
pub(crate) fn logged_status(
    step: &Step<'_>,
    name: &str,
    command: &mut Command,
) -> Result<(ExitStatus, PathBuf)> {
    let (mut child, log) = start_logged(step, name, command)?;
    Ok((child.wait()?, log))
}

/// Like [`logged`], but gives up after `limit`.
pub(crate) fn logged_within(
    step: &Step<'_>,
    name: &str,
    command: &mut Command,
    limit: Duration,
) -> Result<()> {
    let (mut child, log) = start_logged(step, name, command)?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return if status.success() {
                Ok(())
            } else {
                Err(failure(command, status, &log))
            };
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!(
                "`{}` did not finish within {} s",
                shown(command),
                limit.as_secs()
            );
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn start_logged(step: &Step<'_>, name: &str, command: &mut Command) -> Result<(Child, PathBuf)> {
    let (file, log) = open_log(name)?;
    writeln!(&file, "$ {}", shown(command))?;
    step.follow(&log);
    command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file);
    let child = command
        .spawn()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    Ok((child, log))
}

/// A fresh log file under `target/xtask/log`.
pub(crate) fn open_log(name: &str) -> Result<(File, PathBuf)> {
    fs::create_dir_all(place::logs())?;
    let log = place::logs().join(format!("{name}.log"));
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    Ok((file, log))
}

pub(crate) fn failure(command: &Command, status: ExitStatus, log: &Path) -> anyhow::Error {
    let code = status
        .code()
        .map_or_else(|| status.to_string(), |code| format!("exit code {code}"));
    anyhow::anyhow!(
        "`{}` failed ({code}); the end of {}:\n{}",
        shown(command),
        place::shown(log),
        tail(log)
    )
}

/// The last lines of a log, indented.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines[from..]
        .iter()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// `cargo` as the one that runs this program, at the workspace's root.
pub(crate) fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(place::root());
    // `cargo xtask` runs inside cargo: what it sets for this package must not leak into others,
    // where it would look like a change and rebuild them.
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    command
}
