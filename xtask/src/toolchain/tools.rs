//! trunk, wasm-bindgen and wasm-opt at exact versions, each in a folder of its own in the cache.
//!
//! A tool on `PATH` is taken if its version is the very one; wasm-bindgen must equal the version in
//! `Cargo.lock`, or its output does not fit the app.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{apt, exec, place, screen::Step};

const TRUNK: &str = "0.21.14";
const BINARYEN: &str = "132.0.0";

/// Folders to put before `PATH`, and what is in them.
pub(crate) struct Tools {
    pub(crate) dirs: Vec<PathBuf>,
    pub(crate) identity: String,
}

/// Finds or builds all three.
pub(crate) fn ensure(step: &Step<'_>, home: &Path) -> Result<Tools> {
    let bindgen = locked_version("wasm-bindgen")?;
    let mut dirs = Vec::new();
    dirs.extend(installed(step, home, "trunk", "trunk", TRUNK)?);
    dirs.extend(installed(
        step,
        home,
        "wasm-bindgen-cli",
        "wasm-bindgen",
        &bindgen,
    )?);
    dirs.extend(optimiser(step, home)?);
    let identity = format!("trunk {TRUNK}; wasm-bindgen {bindgen}; binaryen {BINARYEN}");
    Ok(Tools { dirs, identity })
}

/// The folder of a program from a cargo package, or nothing if the one on `PATH` is the right one.
fn installed(
    step: &Step<'_>,
    home: &Path,
    package: &str,
    program: &str,
    version: &str,
) -> Result<Option<PathBuf>> {
    let wanted = format!("{program} {version}");
    let is_right = |program: &Path| {
        exec::first_line(Command::new(program).arg("--version")).as_deref() == Some(&wanted)
    };
    if is_right(Path::new(program)) {
        return Ok(None);
    }
    let root = home.join(format!("{program}-{version}"));
    let bin = root.join("bin");
    if is_right(&bin.join(program)) {
        return Ok(Some(bin));
    }
    step.say(format!("building {wanted}"));
    // The published lock file may name a version that a lagging mirror does not have yet.
    if install(step, &root, package, version, true).is_err() {
        install(step, &root, package, version, false)?;
    }
    if !is_right(&bin.join(program)) {
        bail!("{} does not run as {wanted}", bin.join(program).display());
    }
    Ok(Some(bin))
}

fn install(step: &Step<'_>, root: &Path, package: &str, version: &str, locked: bool) -> Result<()> {
    let build = root.join("build");
    // trunk only starts other programs; wasm-bindgen itself reads the whole app.
    let optimise = if package == "trunk" { "0" } else { "1" };
    let mut cargo = exec::cargo();
    cargo
        .current_dir(root.parent().unwrap_or(root))
        .args([
            "install",
            package,
            "--version",
            version,
            "--no-default-features",
            "--force",
        ])
        .arg("--root")
        .arg(root)
        .env("CARGO_TARGET_DIR", &build)
        // As published, trunk takes three times as long to build, for nothing that matters here.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", optimise)
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env_remove("RUSTFLAGS");
    if locked {
        cargo.arg("--locked");
    }
    let outcome = exec::logged(step, &format!("install-{package}"), &mut cargo);
    if build.exists() {
        fs::remove_dir_all(&build)?;
    }
    outcome
}

/// wasm-opt from npm's `binaryen`; Debian's own is too old for what today's compilers emit.
fn optimiser(step: &Step<'_>, home: &Path) -> Result<Option<PathBuf>> {
    let major = BINARYEN.split('.').next().unwrap_or(BINARYEN);
    let is_right = |program: &Path| {
        exec::first_line(Command::new(program).arg("--version"))
            .is_some_and(|line| line.split_whitespace().nth(2) == Some(major))
    };
    if is_right(Path::new("wasm-opt")) {
        return Ok(None);
    }
    let root = home.join(format!("binaryen-{BINARYEN}"));
    let bin = root.join("node_modules/.bin");
    if is_right(&bin.join("wasm-opt")) {
        return Ok(Some(bin));
    }
    apt::ensure_program(step, "npm", &["npm"])
        .with_context(|| format!("wasm-opt {major} comes from npm, which Node.js brings"))?;
    fs::create_dir_all(&root)?;
    fs::write(root.join("package.json"), "{\"private\":true}\n")?;
    let mut npm = Command::new("npm");
    npm.current_dir(&root)
        .args(["install", "--no-audit", "--no-fund"])
        .arg(format!("binaryen@{BINARYEN}"));
    exec::logged(step, "install-binaryen", &mut npm)?;
    if !is_right(&bin.join("wasm-opt")) {
        bail!("{} does not run", bin.join("wasm-opt").display());
    }
    Ok(Some(bin))
}

/// A package's version in `Cargo.lock`.
fn locked_version(package: &str) -> Result<String> {
    let lock =
        fs::read_to_string(place::root().join("Cargo.lock")).context("reading Cargo.lock")?;
    let header = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != header).skip(1);
    let version = lines
        .next()
        .and_then(|line| line.strip_prefix("version = \""));
    let version = version.and_then(|v| v.strip_suffix('"'));
    version
        .map(str::to_owned)
        .with_context(|| format!("Cargo.lock has no {package}"))
}
