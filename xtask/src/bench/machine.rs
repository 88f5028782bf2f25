//! What was measured where: the machine in words, the commit.

use std::{fs, process::Command};

use crate::{exec, place};

/// `2 × AMD EPYC 7B13, 23 GB, Debian GNU/Linux 12 (bookworm)`.
pub(crate) fn describe() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let model = field("/proc/cpuinfo", "model name", ':').unwrap_or_else(|| "unknown CPU".into());
    let memory = field("/proc/meminfo", "MemTotal", ':')
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .map_or_else(
            || "? GB".to_owned(),
            |kib| format!("{} GB", kib / 1024 / 1024),
        );
    let system = field("/etc/os-release", "PRETTY_NAME", '=').unwrap_or_else(|| "?".into());
    format!("{cpus} × {model}, {memory}, {}", system.trim_matches('"'))
}

fn field(file: &str, name: &str, separator: char) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(separator)?.1.trim().to_owned())
}

/// The commit, with a plus sign where the sources differ from it.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        exec::stdout(
            Command::new("git")
                .current_dir(place::root())
                .args(arguments),
        )
        .ok()
    };
    let Some(commit) = git(&["rev-parse", "--short=8", "HEAD"]) else {
        return "unknown".to_owned();
    };
    // The page that this command writes is no part of what it measures.
    let changed = git(&[
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        ":!docs",
    ]);
    let plus = if changed.is_some_and(|text| !text.trim().is_empty()) {
        "+"
    } else {
        ""
    };
    format!("{}{plus}", commit.trim())
}
