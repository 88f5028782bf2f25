//! A job of Flink's, cluster and all, in one process.

use crate::jars::FLINK;
use crate::process::{POLL, Process, jars};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a bounded job may take, which on a busy machine is mostly waiting for a processor.
const PATIENCE: Duration = Duration::from_secs(240);
/// A small heap, quick to start.
const JAVA: [&str; 4] = [
    "-Xms128m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
];
/// Packages that Flink's serialisers look into by reflection.
const OPEN: [&str; 9] = [
    "lang",
    "net",
    "io",
    "nio",
    "util",
    "util.concurrent",
    "util.concurrent.atomic",
    "time",
    "text",
];
/// What the runner says when a job has come to its end.
const FINISHED: &str = "finished";

/// Runs a bounded job from a file of SQL to its end, with the runner of `folder`, these variables for
/// the file and these settings above its own.
///
/// # Panics
/// With what it logged, if the job does not come to its end.
pub fn run_flink_sql(
    folder: &Path,
    file: &str,
    variables: &[(&str, &str)],
    settings: &[(&str, &str)],
) {
    let dir = tempfile::tempdir().unwrap();
    let mut arguments: Vec<String> = JAVA.iter().map(ToString::to_string).collect();
    for package in OPEN {
        arguments.push(format!("--add-opens=java.base/java.{package}=ALL-UNNAMED"));
    }
    arguments.extend([
        format!("-Djava.io.tmpdir={}", dir.path().display()),
        "-Dorg.apache.logging.log4j.level=WARN".to_owned(),
        "-cp".to_owned(),
        format!("{}/*", jars(FLINK).display()),
        folder.join("RunSql.java").display().to_string(),
    ]);
    let settings = settings.iter().map(|(key, value)| format!("{key}={value}"));
    arguments.extend(settings);
    arguments.push(folder.join(file).display().to_string());
    let process = Process::keep(&arguments, variables, &dir.path().join("flink.log"));
    let began = Instant::now();
    while !process.has_ended() {
        assert!(
            began.elapsed() < PATIENCE,
            "the job goes on and on:\n{}",
            process.last_words()
        );
        std::thread::sleep(POLL);
    }
    assert!(
        process.says().lines().any(|line| line == FINISHED),
        "the job failed:\n{}",
        process.last_words()
    );
}
