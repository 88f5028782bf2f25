//! The command line. Each command is a file; a fault is told with its way out.

mod demo;
mod echo;
mod ledger;
mod order;
mod performance;
mod performance_add;
mod performance_terms;
mod plan;
mod relay;
mod room;
mod serve;
mod user;
mod user_online;

use crate::accounts::{Accounts, HashCost};
use crate::catalogue::Catalogue;
use crate::clock::Clock;
use crate::store::{SqliteStore, StoreOptions};
use anyhow::Context;
use booking_core::PriceList;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Sells tickets in the minute they go on sale: seat map, holds, payment, tickets, and a ledger that
/// proves that no seat was sold twice.
#[derive(Debug, Parser)]
#[command(
    name = "onsale",
    version,
    propagate_version = true,
    subcommand_required = true
)]
#[command(
    after_help = "Start here:\n  onsale demo  --data ./onsale-data      fill a folder with a season\n  \
    onsale serve --data ./onsale-data      sell it at http://127.0.0.1:8080"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Demo(demo::Args),
    Performance(performance::Args),
    Order(order::Args),
    Plan(plan::Args),
    Room(Box<room::Args>),
    User(user::Args),
    Ledger(ledger::Args),
    Relay(relay::Args),
    #[command(hide = true)]
    Echo(echo::Args),
}

/// The data folder a command works on.
#[derive(Debug, clap::Args)]
struct Data {
    /// Folder with everything this office knows; no two programs may use it at once
    #[arg(
        long,
        value_name = "DIR",
        env = "ONSALE_DATA",
        default_value = "onsale-data"
    )]
    data: PathBuf,
}

/// A data folder, opened without starting anything on it.
struct Office {
    store: SqliteStore,
    catalogue: Arc<Catalogue>,
    clock: Clock,
}

/// Opens a data folder for a tool; `create` makes one where there is none.
async fn open(data: &Data, create: bool) -> anyhow::Result<Office> {
    let options = StoreOptions {
        create,
        ..StoreOptions::default()
    };
    let store = SqliteStore::open(&data.data, options).await?;
    let clock = Clock::System;
    let catalogue = Arc::new(Catalogue::new(Arc::new(store.clone()), clock.clone()));
    Ok(Office {
        store,
        catalogue,
        clock,
    })
}

impl Office {
    /// The accounts of the folder `data`, which is this office's.
    fn accounts(&self, data: &Data) -> anyhow::Result<Accounts> {
        Ok(Accounts::new(
            Arc::new(self.store.clone()),
            self.clock.clone(),
            HashCost::default(),
            crate::keys::device(&data.data)?,
        ))
    }

    async fn close(self) {
        if let Err(error) = self.store.close().await {
            eprintln!("onsale: the data folder could not be closed in good order: {error}");
        }
    }
}

/// An amount as a person reads it: "12.50 EUR".
fn money(prices: &PriceList, minor: i64) -> String {
    let (digits, currency) = (usize::from(prices.minor_digits.min(9)), &prices.currency);
    if digits == 0 {
        return format!("{minor} {currency}");
    }
    let sign = if minor < 0 { "-" } else { "" };
    let (minor, unit) = (minor.unsigned_abs(), 10_u64.pow(digits as u32));
    format!(
        "{sign}{}.{:0digits$} {currency}",
        minor / unit,
        minor % unit
    )
}

/// Reads the arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Serve(args) => runtime().and_then(|runtime| runtime.block_on(serve::run(args))),
        Command::Demo(args) => runtime().and_then(|runtime| runtime.block_on(demo::run(args))),
        Command::Performance(args) => {
            runtime().and_then(|runtime| runtime.block_on(performance::run(args)))
        }
        Command::Order(args) => runtime().and_then(|runtime| runtime.block_on(order::run(args))),
        Command::Plan(args) => runtime().and_then(|runtime| runtime.block_on(plan::run(args))),
        Command::Room(args) => runtime().and_then(|runtime| runtime.block_on(room::run(*args))),
        Command::User(args) => runtime().and_then(|runtime| runtime.block_on(user::run(args))),
        Command::Ledger(args) => runtime().and_then(|runtime| runtime.block_on(ledger::run(args))),
        Command::Relay(args) => runtime().and_then(|runtime| runtime.block_on(relay::run(args))),
        Command::Echo(args) => runtime().and_then(|runtime| runtime.block_on(echo::run(args))),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("onsale: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime could not be started")
}
