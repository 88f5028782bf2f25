//! `cargo xtask simulate`: servers, database, waiting room, bank and fans in one thread, from one
//! number (`crates/server/tests/simulate`).

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::exec;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Runs so many seeds, until one fails
    #[arg(long, value_name = "N", conflicts_with_all = ["seed", "seconds"])]
    seeds: Option<u64>,
    /// Runs this one, and says what happens line by line
    #[arg(long, value_name = "SEED", conflicts_with = "seconds")]
    seed: Option<u64>,
    /// The first of the seeds
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    from: u64,
    /// Looks at seeds for so long
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 60)]
    seconds: u64,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let mut cargo = exec::cargo();
    // As the tests build it, where overflows and broken assumptions panic: each is a fault.
    cargo.args(["test", "--quiet", "--package", "onsale-server"]);
    cargo.args(["--test", "simulate", "--"]);
    match (args.seed, args.seeds) {
        (Some(seed), _) => cargo.args(["--seed".to_owned(), seed.to_string()]),
        (None, Some(seeds)) => cargo.args(["--seeds".to_owned(), seeds.to_string()]),
        (None, None) => cargo.args(["--for".to_owned(), args.seconds.to_string()]),
    };
    cargo.args(["--from".to_owned(), args.from.to_string()]);
    let status = cargo
        .status()
        .with_context(|| format!("cannot start `{}`", exec::shown(&cargo)))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
