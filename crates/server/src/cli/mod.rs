//! The command line. Each command is a file; a fault is told with its way out.

mod copy;
mod demo;
mod echo;
mod ledger;
mod migrate;
mod order;
mod performance;
mod performance_add;
mod performance_terms;
mod plan;
mod relay;
mod room;
mod serve;
mod traces;
mod user;
mod user_online;

use crate::accounts::{Accounts, HashCost};
use crate::app::AppOptions;
use crate::catalogue::Catalogue;
use crate::clock::Clock;
use crate::store::{Database, DatabaseUrl, StoreOptions};
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
    Migrate(migrate::Args),
    Copy(copy::Args),
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
    /// PostgreSQL database that servers share (postgres://user:password@host:5432/name), in place of
    /// the one in the data folder
    // Never with its value in the help: there is a password in it.
    #[arg(
        long,
        value_name = "URL",
        env = "ONSALE_DATABASE",
        hide_env_values = true
    )]
    database: Option<DatabaseUrl>,
    /// Folder with what is signed with, the same for all servers that share a database; without it,
    /// `keys` in the data folder
    #[arg(long, value_name = "DIR", env = "ONSALE_KEYS")]
    keys: Option<PathBuf>,
}

impl Data {
    /// Where what it is asked about is, for people.
    fn place(&self) -> String {
        match &self.database {
            Some(url) => url.to_string(),
            None => self.data.display().to_string(),
        }
    }

    /// For a server or a tool that works as one does; never makes a folder's database.
    fn existing(&self) -> AppOptions {
        AppOptions {
            store: StoreOptions {
                create: false,
                ..StoreOptions::default()
            },
            database: self.database.clone(),
            keys: self.keys.clone(),
            ..AppOptions::default()
        }
    }
}

/// A database, opened without starting anything on it.
struct Office {
    store: Database,
    catalogue: Arc<Catalogue>,
    clock: Clock,
}

/// Opens a database for a tool; `create` makes a folder's where there is none.
async fn open(data: &Data, create: bool) -> anyhow::Result<Office> {
    let options = StoreOptions {
        create,
        ..StoreOptions::default()
    };
    let store = Database::open(&data.data, data.database.as_ref(), options).await?;
    let clock = Clock::System;
    let catalogue = Arc::new(Catalogue::new(store.catalogue(), clock.clone()));
    Ok(Office {
        store,
        catalogue,
        clock,
    })
}

impl Office {
    /// The accounts of this office, whose keys are in the folder of `data`.
    fn accounts(&self, data: &Data) -> anyhow::Result<Accounts> {
        let keys = data.keys.clone();
        let keys = keys.unwrap_or_else(|| crate::keys::beside(&data.data));
        Ok(Accounts::new(
            self.store.accounts(),
            self.clock.clone(),
            HashCost::default(),
            crate::keys::device(&keys)?,
        ))
    }

    async fn close(self) {
        if let Err(error) = self.store.close().await {
            eprintln!("onsale: the database could not be closed in good order: {error}");
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
        Command::Copy(args) => runtime().and_then(|runtime| runtime.block_on(copy::run(args))),
        Command::Migrate(args) => {
            runtime().and_then(|runtime| runtime.block_on(migrate::run(args)))
        }
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
