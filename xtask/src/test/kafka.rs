//! Events are held to a real Kafka and, for the sums by the minute, a real Flink, whose jars Maven
//! fetches once into the cache. Java, Maven and what builds Kafka's client come from Debian's packages.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::Command,
};

use anyhow::{Context, Result};

use self::jars::Jars;
use crate::{apt, exec, place, screen::Step};

// The file and not its crate, which brings more than this program should wait for.
#[expect(unreachable_pub, reason = "its own crate shows it to others")]
#[path = "../../kafka-test/src/jars.rs"]
mod jars;

/// What the names of these tests have in common.
pub(crate) const TESTS: &str = "relay::kafka::";
/// Maven's default is an old one.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// What the client, a library in C, is built with.
pub(crate) fn ensure_compiler(step: &Step<'_>) -> Result<()> {
    apt::ensure_program(step, "cc", &["gcc", "libc6-dev"])?;
    apt::ensure_program(step, "c++", &["g++"])?;
    apt::ensure_program(step, "make", &["make"])
}

/// Has Java and the jars of a broker at hand, and says where the jars are.
pub(crate) fn ensure(step: &Step<'_>) -> Result<PathBuf> {
    apt::ensure_program(step, "java", &["default-jre-headless"])?;
    fetch(step, jars::KAFKA, "45 MB")
}

/// The same of Flink, whose runner Java reads as source: that takes a compiler.
pub(crate) fn ensure_flink(step: &Step<'_>) -> Result<()> {
    apt::ensure_program(step, "javac", &["default-jdk-headless"])?;
    fetch(step, jars::FLINK, "150 MB").map(drop)
}

fn fetch(step: &Step<'_>, jars: Jars, size: &str) -> Result<PathBuf> {
    let name = jars.name;
    let cache = place::cache()?;
    let folder = jars.folder(&cache);
    if folder.is_dir() {
        return Ok(folder);
    }
    // Two clones may fetch at once: the second waits and then finds everything there.
    let lock =
        File::create(cache.join(format!("{name}.lock"))).context("opening the cache's lock")?;
    lock.lock()?;
    if folder.is_dir() {
        return Ok(folder);
    }
    apt::ensure_program(step, "mvn", &["maven"])?;
    step.say(format!("fetching {name} ({size} of jars, once)"));
    let part = folder.with_extension("part");
    if part.exists() {
        fs::remove_dir_all(&part)?;
    }
    fs::create_dir_all(&part)?;
    let list = part.join("pom.xml");
    fs::write(&list, jars.list)?;
    let mut maven = Command::new("mvn");
    maven
        .args(["-B", "-ntp", "-f"])
        .arg(&list)
        .arg(COPY)
        .arg("-DincludeScope=runtime")
        .arg(format!("-DoutputDirectory={}", part.display()));
    exec::logged(step, &format!("{name}-jars"), &mut maven)
        .with_context(|| format!("Maven could not fetch the jars of {name}"))?;
    // A folder that is there is complete.
    fs::rename(&part, &folder).with_context(|| format!("naming {}", folder.display()))?;
    Ok(folder)
}
