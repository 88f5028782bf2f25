//! `onsale performance terms`

use super::Data;
use crate::app::App;
use crate::clock::random_bytes;
use crate::lane::LaneError;
use anyhow::{Context, anyhow, bail};
use booking_core::{Command as Wish, CommandId, PerformanceId, Rejection, SaleTerms};
use clap::Subcommand;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Show or change how a performance is sold: prices, fees, tax, vouchers, limits, times
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the terms in force as JSON, in the form that `set` takes
    Show {
        /// The performance
        id: PerformanceId,
        #[command(flatten)]
        data: Data,
    },
    /// Sell under other terms from now on
    ///
    /// The ledger records the new terms, so that what was sold before is judged by the old ones.
    /// Price types and fees keep their names and places, since what was sold refers to them; more
    /// may be added behind them, and the currency stays. A fan who was quoted another price is
    /// told both before paying.
    Set {
        /// The performance
        id: PerformanceId,
        /// All of the terms, as JSON
        #[arg(long, value_name = "FILE")]
        terms: PathBuf,
        #[command(flatten)]
        data: Data,
        /// Print what came of it as JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Show { id, data } => show(&data, id).await,
        Command::Set {
            id,
            terms,
            data,
            json,
        } => set(&data, id, read(&terms)?, json).await,
    }
}

/// Terms from a file, or the fault and its place.
pub(super) fn read(file: &Path) -> anyhow::Result<SaleTerms> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} could not be read", file.display()))?;
    let mut reader = serde_json::Deserializer::from_str(&text);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| anyhow!("{}: {}: {}", file.display(), error.path(), error.inner()))
}

async fn show(data: &Data, id: PerformanceId) -> anyhow::Result<ExitCode> {
    let office = super::open(data, false).await?;
    let performance = office.catalogue.performance(id).await;
    office.close().await;
    let Some(performance) = performance? else {
        return Err(unknown(id));
    };
    println!("{}", serde_json::to_string_pretty(&*performance.terms)?);
    Ok(ExitCode::SUCCESS)
}

async fn set(
    data: &Data,
    id: PerformanceId,
    terms: SaleTerms,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let app = App::open(&data.data, data.existing()).await?;
    let command = CommandId::from(uuid::Builder::from_random_bytes(random_bytes()).into_uuid());
    let wish = Wish::SetTerms {
        terms: Box::new(terms),
    };
    let answer = app.services().lanes.send(id, command, wish).await;
    app.drain().await;
    app.close().await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(LaneError::UnknownPerformance) => return Err(unknown(id)),
        Err(LaneError::Rejected(Rejection::TermsInvalid { what })) => {
            bail!("the terms cannot be set: {what}")
        }
        Err(error) => return Err(anyhow::Error::new(error).context("the terms were not set")),
    };
    let changed = !answer.events.is_empty();
    if json {
        println!(
            "{}",
            serde_json::json!({ "changed": changed, "seq": answer.seq })
        );
    } else if changed {
        println!("these terms hold from batch {} on", answer.seq);
    } else {
        println!("these terms were in force already");
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown(id: PerformanceId) -> anyhow::Error {
    anyhow!("there is no performance {id}: `onsale performance list` shows which there are")
}
