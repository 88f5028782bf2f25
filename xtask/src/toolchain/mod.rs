//! A compiler and tools for `wasm32-unknown-unknown`, whatever the machine has.
//!
//! In order: a compiler that already knows the target; `rustup target add`; Debian's `rustc-web` with
//! its standard library built once ([`debian`]). `ONSALE_WASM_TOOLCHAIN=rustup` or `=debian` forces
//! one way, so that a build server does not hang on a download that will never come.

mod debian;
mod tools;

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    exec, place,
    screen::{Screen, Step},
};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
const CHOICE: &str = "ONSALE_WASM_TOOLCHAIN";
/// `rustup target add` fetches about 20 MB; a machine without a way out must not wait for ever.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// Everything needed to build for the browser.
pub(crate) struct Wasm {
    /// Another compiler than cargo's own, if the target's library lives in that one.
    sysroot: Option<PathBuf>,
    tools: tools::Tools,
}

/// How many steps [`ensure`] announces.
pub(crate) const STEPS: usize = 2;

/// Sets everything up, or finds it set up. The two halves overlap: building trunk takes longest.
pub(crate) fn ensure(screen: &Screen) -> Result<Wasm> {
    let home = place::cache()?.join("wasm");
    fs::create_dir_all(&home)?;
    // Two clones may set up at once: the second waits and then finds everything there.
    let lock = File::create(home.join(".lock")).context("opening the cache's lock")?;
    if lock.try_lock().is_err() {
        screen.say(format!(
            "waiting for another `cargo xtask` that uses {}",
            home.display()
        ));
        lock.lock()?;
    }
    thread::scope(|scope| {
        let tools = scope.spawn(|| {
            screen.step("trunk, wasm-bindgen, wasm-opt", |step| {
                tools::ensure(step, &home)
            })
        });
        let sysroot = screen.step(format!("Rust for {TARGET}"), |step| {
            ensure_compiler(step, &home)
        });
        let tools = tools.join().expect("the tools' thread does not panic");
        Ok(Wasm {
            sysroot: sysroot?,
            tools: tools?,
        })
    })
}

impl Wasm {
    /// Points cargo, and whatever starts it, at this toolchain.
    pub(crate) fn apply(&self, command: &mut Command) {
        if let Some(sysroot) = &self.sysroot {
            command.env("RUSTC", sysroot.join("bin/rustc"));
            command.env("RUSTDOC", sysroot.join("bin/rustdoc"));
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let dirs = self
            .tools
            .dirs
            .iter()
            .cloned()
            .chain(env::split_paths(&path));
        command.env(
            "PATH",
            env::join_paths(dirs).expect("the cache's path has no colon"),
        );
        command.env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            "wasm-bindgen-test-runner",
        );
        // Its own folder: another compiler builds here, often while the native one works.
        command.env("CARGO_TARGET_DIR", place::target().join("wasm"));
        command.env_remove("RUSTFLAGS");
    }

    /// Changes whenever a build would come out differently.
    pub(crate) fn identity(&self) -> String {
        let compiler = self
            .sysroot
            .as_ref()
            .map_or_else(|| "rustc".into(), |s| s.join("bin/rustc"));
        let version = exec::first_line(Command::new(compiler).arg("-V")).unwrap_or_default();
        format!("{version}; {}", self.tools.identity)
    }
}

fn ensure_compiler(step: &Step<'_>, home: &Path) -> Result<Option<PathBuf>> {
    let choice = env::var(CHOICE).unwrap_or_default();
    match choice.as_str() {
        "debian" => return debian::ensure(step, home).map(Some),
        "rustup" | "" => {}
        other => bail!("{CHOICE}={other}: it is `rustup`, `debian` or not set"),
    }
    if compiler_knows_target() {
        return Ok(None);
    }
    if choice.is_empty()
        && let Some(sysroot) = debian::present(home)
    {
        return Ok(Some(sysroot));
    }
    match add_target(step) {
        Ok(()) => Ok(None),
        Err(error) if choice == "rustup" => Err(error),
        Err(error) => {
            step.say(format!(
                "{TARGET} is not to be had from rustup, taking Debian's compiler"
            ));
            debian::ensure(step, home).map(Some).with_context(|| {
                format!(
                    "no Rust for {TARGET}: neither of two ways worked\n  \
                     rustup: {error}\n  Debian: see below"
                )
            })
        }
    }
}

fn add_target(step: &Step<'_>) -> Result<()> {
    if exec::find("rustup").is_none() {
        bail!("rustup is not installed");
    }
    let mut command = Command::new("rustup");
    command
        .args(["target", "add", TARGET])
        .current_dir(place::root());
    exec::logged_within(step, "rustup-target", &mut command, RUSTUP_LIMIT)?;
    if compiler_knows_target() {
        Ok(())
    } else {
        bail!("rustup added {TARGET}, rustc lacks it still")
    }
}

/// Whether cargo's own compiler has a standard library for the browser.
fn compiler_knows_target() -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let mut command = Command::new(rustc);
    command
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(place::root());
    exec::first_line(&mut command).is_some_and(|dir| {
        fs::read_dir(dir).is_ok_and(|files| {
            files
                .flatten()
                .any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
        })
    })
}
