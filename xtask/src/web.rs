//! `cargo xtask web`: the browser app as a folder of finished files, `target/web`.
//!
//! The folder holds every file as trunk made it and, beside it, its brotli and gzip forms. The server
//! embeds it (`ONSALE_WEB_DIST` names another folder to its build script).

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    exec,
    fingerprint::{Fingerprint, is_fresh},
    place,
    screen::{Screen, Step},
    toolchain::{self, Wasm},
};

#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Args {
    /// Builds without optimising: seconds instead of minutes, and a bundle ten times as large
    #[arg(long)]
    dev: bool,
    /// Builds even if nothing has changed
    #[arg(long)]
    force: bool,
}

impl Args {
    /// What is shipped and tested.
    pub(crate) const RELEASE: Self = Self {
        dev: false,
        force: false,
    };
}

/// How many steps [`ensure`] announces.
pub(crate) const STEPS: usize = toolchain::STEPS + 1;

pub(crate) fn main(args: Args) -> Result<()> {
    let screen = Screen::new(STEPS);
    let wasm = toolchain::ensure(&screen)?;
    let dist = ensure(&screen, &wasm, args)?;
    print_sizes(&dist)
}

/// Builds the app if its sources have changed; gives the folder.
pub(crate) fn ensure(screen: &Screen, wasm: &Wasm, args: Args) -> Result<PathBuf> {
    screen.step("web app", |step| build(step, wasm, args))
}

fn build(step: &Step<'_>, wasm: &Wasm, args: Args) -> Result<PathBuf> {
    let dist = place::web_dist();
    let stamp = place::target().join("xtask/web.stamp");
    let fingerprint = fingerprint(wasm, args)?;
    if !args.force && dist.join("index.html").is_file() && is_fresh(&stamp, &fingerprint) {
        step.say(format!("unchanged, {} is up to date", place::shown(&dist)));
        return Ok(dist);
    }
    let stage = place::target().join("xtask/web-stage");
    fs::create_dir_all(place::target().join("xtask"))?;
    let part = place::target().join("xtask/web-part");
    for folder in [&stage, &part] {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    fs::create_dir_all(&stage)?;
    let set = |mut command: Command| {
        wasm.apply(&mut command);
        command
    };
    exec::logged(step, "wasm-link", &mut set(link(args)))?;
    for page in PAGES {
        exec::logged(step, "trunk", &mut set(trunk(args, page, &part)))?;
        if !part.join(page).is_file() {
            bail!("trunk made no {page} in {}", part.display());
        }
        take_over(&part, &stage)?;
    }
    exec::logged(step, "press", &mut press(&stage))?;

    // The old folder stays whole until the new one is.
    if dist.exists() {
        fs::remove_dir_all(&dist)?;
    }
    fs::rename(&stage, &dist)?;
    fs::write(&stamp, fingerprint)?;
    Ok(dist)
}

/// The documents below `crates/web/pages`, each of which starts a program of its own.
const PAGES: [&str; 4] = [FIRST, "orders.html", "room.html", "console.html"];
/// What a fan who comes from outside is sent.
const FIRST: &str = "index.html";

impl Args {
    const fn profile(self) -> &'static str {
        if self.dev { "dev" } else { "wasm-release" }
    }
}

/// Builds all programs, so that they are linked side by side; trunk, which takes one after another, then
/// finds each as it would have built it.
fn link(args: Args) -> Command {
    let mut cargo = exec::cargo();
    cargo
        .current_dir(place::root())
        .args(["build", "--manifest-path"])
        .arg(place::root().join("crates/web/Cargo.toml"))
        .args(["--bins", "--target", toolchain::TARGET])
        .args(["--profile", args.profile()]);
    cargo
}

fn trunk(args: Args, page: &str, dist: &Path) -> Command {
    let mut trunk = Command::new("trunk");
    trunk
        .current_dir(place::root())
        .args(["build", "--offline", "--skip-version-check"])
        .args(["--html-output", page, "--dist"])
        .arg(dist);
    if !args.dev {
        trunk.arg("--release");
    }
    trunk.args(["--cargo-profile", args.profile()]);
    // A relative NO_COLOR or a CI variable with an unexpected value stops trunk's argument parser.
    trunk.env_remove("NO_COLOR");
    trunk.arg(place::root().join("crates/web/pages").join(page));
    trunk
}

/// Moves what is below `from` to where it stands below `to`. What several pages ask for has one name
/// and one content.
fn take_over(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            take_over(&entry.path(), &target)?;
        } else {
            fs::rename(entry.path(), &target)
                .with_context(|| format!("moving to {}", target.display()))?;
        }
    }
    Ok(())
}

fn press(dir: &Path) -> Command {
    let mut press = exec::cargo();
    press.args([
        "run",
        "--quiet",
        "--package",
        "xtask",
        "--features",
        "press",
        "--bin",
        "press",
    ]);
    press.arg("--").arg(dir);
    press
}

/// Everything the bundle is made from.
fn fingerprint(wasm: &Wasm, args: Args) -> Result<String> {
    let mut print = Fingerprint::default();
    print.add(&wasm.identity());
    print.add(if args.dev { "dev" } else { "release" });
    for path in [
        "Cargo.toml",
        "Cargo.lock",
        "Trunk.toml",
        ".cargo",
        "assets",
        "xtask/src/bin/press.rs",
    ] {
        print.add_path(&place::root().join(path))?;
    }
    for entry in fs::read_dir(place::root().join("crates"))?.flatten() {
        if entry.file_name() != "server" {
            print.add_path(&entry.path())?;
        }
    }
    Ok(print.finish())
}

/// Sizes of one file: plain, brotli, gzip.
#[derive(Default)]
struct Sizes {
    plain: u64,
    brotli: Option<u64>,
    gzip: Option<u64>,
}

fn sizes(dist: &Path) -> Result<BTreeMap<String, Sizes>> {
    let mut files = BTreeMap::<String, Sizes>::new();
    let mut folders = vec![dist.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let length = path.metadata()?.len();
            let name = path
                .strip_prefix(dist)
                .unwrap_or(&path)
                .display()
                .to_string();
            if let Some(base) = name.strip_suffix(".br") {
                files.entry(base.to_owned()).or_default().brotli = Some(length);
            } else if let Some(base) = name.strip_suffix(".gz") {
                files.entry(base.to_owned()).or_default().gzip = Some(length);
            } else {
                files.entry(name).or_default().plain = length;
            }
        }
    }
    Ok(files)
}

/// What a fan's browser fetches before the first page can be used, with brotli, in bytes: the document,
/// and every file that it names, or that one of those names.
pub(crate) fn first_load_bytes(dist: &Path) -> Result<u64> {
    let files = sizes(dist)?;
    let mut asked = vec![FIRST.to_owned()];
    let mut read = 0;
    while let Some(name) = asked.get(read).cloned() {
        read += 1;
        if !names_others(&name) {
            continue;
        }
        let path = dist.join(&name);
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        for other in files.keys() {
            if !asked.contains(other) && text.contains(other.as_str()) {
                asked.push(other.clone());
            }
        }
    }
    let size = |name: &String| files.get(name).map(|s| s.brotli.unwrap_or(s.plain));
    asked
        .iter()
        .map(|name| size(name).with_context(|| format!("{name} is not in {}", dist.display())))
        .sum()
}

fn names_others(file: &str) -> bool {
    [".html", ".js", ".css", ".webmanifest"]
        .iter()
        .any(|suffix| file.ends_with(suffix))
}

fn print_sizes(dist: &Path) -> Result<()> {
    let files = sizes(dist)?;
    println!(
        "{:<48} {:>10} {:>10} {:>10}",
        place::shown(dist),
        "bytes",
        "brotli",
        "gzip"
    );
    let mut total = Sizes {
        brotli: Some(0),
        gzip: Some(0),
        plain: 0,
    };
    let cell = |size: Option<u64>| size.map_or_else(|| "–".to_owned(), |s| s.to_string());
    for (name, size) in &files {
        println!(
            "{name:<48} {:>10} {:>10} {:>10}",
            size.plain,
            cell(size.brotli),
            cell(size.gzip)
        );
        total.plain += size.plain;
        total.brotli = total.brotli.map(|t| t + size.brotli.unwrap_or(size.plain));
        total.gzip = total.gzip.map(|t| t + size.gzip.unwrap_or(size.plain));
    }
    println!(
        "{:<48} {:>10} {:>10} {:>10}",
        "total",
        total.plain,
        cell(total.brotli),
        cell(total.gzip)
    );
    Ok(())
}
