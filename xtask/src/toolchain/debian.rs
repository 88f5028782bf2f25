//! Debian's `rustc-web` made into a toolchain for the browser, without installing it.
//!
//! Debian ships a recent compiler and its source, for building browsers with, but no wasm32 standard
//! library in that version. The packages are unpacked into the cache, laid out as rustup would, and
//! the library is built once from the packaged source and the crates packaged with it. Downloading
//! and unpacking need no root; only missing package lists or shared libraries do.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, anyhow, bail};

use super::TARGET;
use crate::{apt, exec, screen::Step};

const COMPLETE: &str = ".complete";
const ARCH: &str = std::env::consts::ARCH;

/// Starts a compiler that needs its own shared libraries, wherever the folder has been moved.
const WRAPPER: &str = r#"#!/bin/sh
d=$(dirname "$(readlink -f "$0")")/..
LD_LIBRARY_PATH="$d/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"; export LD_LIBRARY_PATH
"#;

const STD_MANIFEST: &str = r#"[package]
name = "stdbuild"
version = "0.0.0"
edition = "2021"
[lib]
path = "lib.rs"
[workspace]
[profile.release]
panic = "abort"
"#;

/// The toolchain, if it is in the cache and works.
pub(crate) fn present(home: &Path) -> Option<PathBuf> {
    let sysroot = home.join("debian");
    let complete = sysroot.join(COMPLETE).is_file();
    let rustc = sysroot.join("bin/rustc");
    (complete && exec::first_line(Command::new(rustc).arg("-V")).is_some()).then_some(sysroot)
}

/// The toolchain, made if it is not there.
pub(crate) fn ensure(step: &Step<'_>, home: &Path) -> Result<PathBuf> {
    if let Some(sysroot) = present(home) {
        return Ok(sysroot);
    }
    if !apt::is_debian() {
        bail!(
            "this is not Debian, so there is no `rustc-web` package here. Install Rust with rustup \
             and run `rustup target add {TARGET}`, or give cargo a compiler that has the target"
        );
    }
    let part = home.join("debian.part");
    let scratch = home.join("debian.scratch");
    for dir in [&part, &scratch] {
        if dir.exists() {
            fs::remove_dir_all(dir)?;
        }
        fs::create_dir_all(dir)?;
    }
    let packages = Packages::choose(step)?;
    packages.unpack(step, &scratch)?;
    lay_out(&scratch, &part)?;
    ensure_libraries(step, &part)?;
    build_std(step, &part, &scratch)?;
    fs::write(part.join(COMPLETE), &packages.version)?;

    let sysroot = home.join("debian");
    if sysroot.exists() {
        fs::remove_dir_all(&sysroot)?;
    }
    fs::rename(&part, &sysroot)?;
    fs::remove_dir_all(&scratch)?;
    Ok(sysroot)
}

/// The packages that belong together: compiler, its libraries, LLVM and its linker, the source.
struct Packages {
    version: String,
    names: Vec<String>,
}

impl Packages {
    fn choose(step: &Step<'_>) -> Result<Self> {
        let version = apt::candidate(step, "rustc-web")?.context(
            "Debian's lists have no `rustc-web` (run `apt-get update` as root; it needs Debian 12 \
             or later with the security archive)",
        )?;
        let std = dependency("libstd-rust-web-dev", &version, "libstd-rust-web-")?;
        let llvm = dependency(&std, &version, "libllvm")?;
        let lld = format!("lld-{}", llvm.trim_start_matches("libllvm"));
        let pinned = ["rustc-web", "libstd-rust-web-dev", &std, "rust-web-src"];
        let mut names: Vec<_> = pinned
            .iter()
            .map(|name| format!("{name}={version}"))
            .collect();
        names.extend([llvm, lld]);
        Ok(Self { version, names })
    }

    fn unpack(&self, step: &Step<'_>, scratch: &Path) -> Result<()> {
        step.say(format!("downloading Debian's rustc-web {}", self.version));
        let debs = scratch.join("debs");
        fs::create_dir_all(&debs)?;
        let mut download = Command::new("apt-get");
        download
            .arg("-o")
            .arg("Acquire::Retries=3")
            .arg("download")
            .args(&self.names);
        exec::logged(step, "debian-download", download.current_dir(&debs))?;
        for deb in fs::read_dir(&debs)? {
            let deb = deb?.path();
            // Of the source only the library: the compiler's is ten times as large.
            let is_source = deb
                .file_name()
                .is_some_and(|n| n.to_string_lossy().contains("-src_"));
            let mut unpack = Command::new("sh");
            let script = if is_source {
                r#"dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --wildcards './usr/src/*/library'"#
            } else {
                r#"dpkg-deb -x "$1" "$2""#
            };
            unpack.args(["-euc", script, "sh"]).arg(&deb).arg(scratch);
            exec::logged(step, "debian-unpack", &mut unpack)?;
        }
        fs::remove_dir_all(&debs)?;
        Ok(())
    }
}

/// The package among `package`'s dependencies whose name begins with `prefix`.
fn dependency(package: &str, version: &str, prefix: &str) -> Result<String> {
    let entry = format!("{package}={version}");
    let text = exec::stdout(Command::new("apt-cache").args(["show", &entry]))?;
    let depends = text
        .lines()
        .find_map(|line| line.strip_prefix("Depends: "))
        .unwrap_or_default();
    depends
        .split([',', '|'])
        .filter_map(|dependency| dependency.split_whitespace().next())
        .find(|name| name.starts_with(prefix))
        .map(str::to_owned)
        .ok_or_else(|| anyhow!("Debian's `{package}` {version} names no `{prefix}…`: {depends}"))
}

/// Debian's folders made into rustup's: `lib` beside `bin`, the linker inside `rustlib`.
fn lay_out(from: &Path, to: &Path) -> Result<()> {
    let host = format!("{ARCH}-unknown-linux-gnu");
    let libraries = from.join(format!("usr/lib/{ARCH}-linux-gnu"));
    for dir in ["bin", "libexec", "lib"] {
        fs::create_dir_all(to.join(dir))?;
    }
    let rustlib = to.join("lib/rustlib");
    copy_tree(&from.join("usr/lib/rustlib"), &rustlib)?;
    let source = rustlib.join("src");
    if source.symlink_metadata().is_ok() {
        fs::remove_dir_all(&source).or_else(|_| fs::remove_file(&source))?;
    }
    fs::create_dir_all(source.join("rust"))?;
    let library = only(&from.join("usr/src"), "rustc-", "")?.join("library");
    fs::rename(library, source.join("rust/library"))?;

    let driver = only(&libraries, "librustc_driver-", ".so")?;
    copy_into(&driver, &to.join("lib"))?;
    let llvm = only(&libraries, "libLLVM.so.", "")?;
    copy_into(&llvm, &to.join("lib"))?;
    let llvm_name = llvm.file_name().context("a library has a name")?;
    let link = rustlib.join(&host).join("lib").join(llvm_name);
    let _ = fs::remove_file(&link);
    symlink(Path::new("../../..").join(llvm_name), &link)?;

    for program in ["rustc", "rustdoc"] {
        fs::copy(
            from.join("usr/bin").join(program),
            to.join("libexec").join(program),
        )?;
        let wrapper = to.join("bin").join(program);
        fs::write(
            &wrapper,
            format!("{WRAPPER}exec \"$d/libexec/{program}\" \"$@\"\n"),
        )?;
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    }
    // Its run path is `$ORIGIN/../lib`, where the link to LLVM lies.
    let linkers = rustlib.join(&host).join("bin");
    if linkers.exists() {
        fs::remove_dir_all(&linkers)?;
    }
    fs::create_dir_all(&linkers)?;
    let lld = only(&from.join("usr/lib"), "llvm-", "")?.join("bin/lld");
    fs::copy(lld, linkers.join("rust-lld"))?;
    Ok(())
}

fn ensure_libraries(step: &Step<'_>, sysroot: &Path) -> Result<()> {
    let rustc = sysroot.join("bin/rustc");
    let runs = || exec::first_line(Command::new(&rustc).arg("-V")).is_some();
    if !runs() {
        let needs = [
            "libedit2", "libffi8", "libxml2", "libz3-4", "libzstd1", "zlib1g",
        ];
        apt::install(step, &needs).context("Debian's LLVM needs shared libraries")?;
    }
    if exec::find("cc").is_none() {
        apt::install(step, &["gcc", "libc6-dev"]).context("build scripts need a C linker")?;
    }
    if runs() {
        Ok(())
    } else {
        bail!("{} does not run", rustc.display())
    }
}

/// The standard library for the browser, once, offline, from the packaged source.
fn build_std(step: &Step<'_>, sysroot: &Path, scratch: &Path) -> Result<()> {
    step.say(format!("building Rust's standard library for {TARGET}"));
    let project = scratch.join("std");
    fs::create_dir_all(project.join(".cargo"))?;
    fs::write(project.join("Cargo.toml"), STD_MANIFEST)?;
    fs::write(project.join("lib.rs"), "")?;
    let vendor = sysroot.join("lib/rustlib/src/rust/library/vendor");
    let config = format!(
        "[source.crates-io]\nreplace-with = \"v\"\n[source.v]\ndirectory = \"{}\"\n\
         [net]\noffline = true\n",
        vendor.display()
    );
    fs::write(project.join(".cargo/config.toml"), config)?;

    let mut build = exec::cargo();
    build
        .current_dir(&project)
        .args(["build", "--release", "--target", TARGET])
        .arg("-Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test")
        .env("RUSTC", sysroot.join("bin/rustc"))
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", project.join("target"))
        // Without its bitcode the app could not be linked with LTO.
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            "-Cembed-bitcode=yes",
        )
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTC_WRAPPER");
    exec::logged(step, "debian-std", &mut build)?;

    let library = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    fs::create_dir_all(&library)?;
    let built = project.join("target").join(TARGET).join("release/deps");
    for file in fs::read_dir(&built)? {
        let file = file?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".rlib") && !name.starts_with("libstdbuild") {
            copy_into(&file, &library)?;
        }
    }
    Ok(())
}

/// The one file of a folder whose name begins and ends so.
fn only(dir: &Path, prefix: &str, suffix: &str) -> Result<PathBuf> {
    fs::read_dir(dir)
        .with_context(|| format!("reading {}", dir.display()))?
        .flatten()
        .find(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(prefix) && name.ends_with(suffix)
        })
        .map(|entry| entry.path())
        .with_context(|| {
            format!(
                "Debian's packages hold no {}/{prefix}…{suffix}",
                dir.display()
            )
        })
}

fn copy_into(file: &Path, dir: &Path) -> Result<()> {
    let name = file.file_name().context("a file has a name")?;
    fs::copy(file, dir.join(name)).with_context(|| format!("copying {}", file.display()))?;
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(from).arg(to);
    exec::stdout(&mut copy).map(drop)
}
