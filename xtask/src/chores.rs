//! The small commands: `build`, `fmt`, `lint`, `doc`.

use std::process::Command;

use anyhow::Result;

use crate::{
    exec, place,
    screen::{Screen, Step},
    toolchain, web,
};

#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Build {
    /// Optimises across crates: slower to build, a little faster to run; what is shipped
    #[arg(long)]
    dist: bool,
}

/// One self-contained binary with the web app inside.
pub(crate) fn build(args: Build) -> Result<()> {
    let screen = Screen::new(web::STEPS + 1);
    let wasm = toolchain::ensure(&screen)?;
    web::ensure(&screen, &wasm, web::Args::RELEASE)?;
    let profile = if args.dist { "dist" } else { "release" };
    screen.step("server", |step| server(step, profile))?;
    println!(
        "{}",
        place::shown(&place::target().join(profile).join("onsale"))
    );
    Ok(())
}

/// The `onsale` binary, with whatever app is in `target/web`.
pub(crate) fn server(step: &Step<'_>, profile: &str) -> Result<()> {
    server_with(step, profile, &[])
}

/// The same with more in it than what is on by default.
pub(crate) fn server_with(step: &Step<'_>, profile: &str, features: &[&str]) -> Result<()> {
    let mut build = exec::cargo();
    build.args([
        "build",
        "--package",
        "onsale-server",
        "--bin",
        "onsale",
        "--profile",
        profile,
    ]);
    if !features.is_empty() {
        build.arg("--features").arg(features.join(","));
    }
    place::point_at_web_dist(&mut build);
    exec::logged(step, &format!("server-{profile}"), &mut build)
}

#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Fmt {
    /// Only says what is not formatted
    #[arg(long)]
    check: bool,
}

pub(crate) fn fmt(args: Fmt) -> Result<()> {
    Screen::new(1).step("formatting", |step| {
        exec::logged(step, "fmt", &mut fmt_command(args.check))
    })
}

fn fmt_command(check: bool) -> Command {
    let mut fmt = exec::cargo();
    fmt.args(["fmt", "--all"]);
    if check {
        fmt.arg("--check");
    }
    fmt
}

/// Every check of the sources, by name, in the order in which they are quickest to fail.
pub(crate) fn lints() -> Vec<(&'static str, Command)> {
    let mut clippy = exec::cargo();
    // The web app's compiler for the browser may have no clippy, so it is linted for this machine.
    clippy.args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        "xtask/press,xtask/load,onsale-server/redis,onsale-server/postgres,onsale-server/kafka,onsale-server/traces",
    ]);
    clippy.args(["--", "-D", "warnings"]);
    vec![
        ("fmt", fmt_command(true)),
        ("clippy", clippy),
        ("doc", doc_command()),
    ]
}

fn doc_command() -> Command {
    let mut doc = exec::cargo();
    doc.args([
        "doc",
        "--workspace",
        "--no-deps",
        "--document-private-items",
        "--features",
        "onsale-server/redis,onsale-server/postgres,onsale-server/kafka,onsale-server/traces",
    ]);
    // Private items are documented beside the public ones, so links to them lead somewhere.
    doc.env(
        "RUSTDOCFLAGS",
        "-D warnings -A rustdoc::private_intra_doc_links",
    );
    doc
}

pub(crate) fn lint() -> Result<()> {
    let lints = lints();
    let screen = Screen::new(lints.len());
    for (name, mut command) in lints {
        screen.step(name, |step| exec::logged(step, name, &mut command))?;
    }
    Ok(())
}

pub(crate) fn doc() -> Result<()> {
    Screen::new(1).step("documentation", |step| {
        exec::logged(step, "doc", &mut doc_command())
    })?;
    println!(
        "{}",
        place::shown(&place::target().join("doc/booking_core/index.html"))
    );
    Ok(())
}
