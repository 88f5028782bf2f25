//! `cargo xtask …`: every step of working on Onsale, from an empty machine on.
//!
//! A command does what it needs first: `run` sets up a compiler for the browser, builds the app and
//! the server, fills a demo and starts it. What is already done is not done again. Long steps write
//! to `target/xtask/log/`, and a failure shows the end of that log.

mod apt;
mod bench;
mod chores;
#[cfg(test)]
mod docs;
mod exec;
mod fingerprint;
mod place;
mod postgres;
mod python;
mod run;
mod screen;
mod server;
mod simulate;
mod test;
mod toolchain;
mod web;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::screen::Screen;

/// Everything you do with a checkout of Onsale
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true
)]
#[command(after_help = "\
Variables:
  ONSALE_CACHE           where tools are kept between clones [~/.cache/onsale]
  ONSALE_WASM_TOOLCHAIN  `rustup` or `debian`: one way to the browser's compiler, not the first that works")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds everything, fills a demo and opens the shop at http://localhost:8080
    Run(run::Args),
    /// Runs every test and check there is, or the parts that are named
    Test(test::Args),
    /// Measures what the design promises and writes it into docs/performance.md
    Bench(bench::Args),
    /// Runs servers, database, bank and fans in one thread, with accidents drawn from a number
    Simulate(simulate::Args),
    /// Builds one self-contained `onsale` binary with the web app inside
    Build(chores::Build),
    /// Builds the browser app into target/web, compressed and ready to be embedded
    Web(web::Args),
    /// Formats every crate
    Fmt(chores::Fmt),
    /// Checks formatting, clippy and documentation; any warning is an error
    Lint,
    /// Builds the documentation of every crate into target/doc
    Doc,
    /// Gets the compiler and the tools that the other commands need, and nothing else
    Setup,
    #[command(hide = true)]
    Announce(run::Announce),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::Run(args) => run::main(&args)?,
        Task::Test(args) => return test::main(&args),
        Task::Bench(args) => return bench::main(&args),
        Task::Simulate(args) => return simulate::main(&args),
        Task::Announce(args) => run::announce(&args)?,
        Task::Build(args) => chores::build(args)?,
        Task::Fmt(args) => chores::fmt(args)?,
        Task::Lint => chores::lint()?,
        Task::Doc => chores::doc()?,
        Task::Web(args) => web::main(args)?,
        Task::Setup => drop(toolchain::ensure(&Screen::new(toolchain::STEPS))?),
    }
    Ok(ExitCode::SUCCESS)
}
