//! `onsale ledger`

use super::{Data, Office, open};
use crate::ledger_tools::{self, PerformanceReport, Progress, Report};
use anyhow::Context;
use booking_core::PerformanceId;
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;
use std::process::ExitCode;

/// Prove what was sold: verify, export and replay ledgers
///
/// Works on a data folder that no server uses at the time.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every ledger from its first batch, and everything derived from it
    ///
    /// The chain of hashes, gaps, times, that no seat had two owners, that every cent is explained;
    /// then command records, tickets, orders and snapshots against it. Ends with 0 if all is sound.
    Verify {
        #[command(flatten)]
        data: Data,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a ledger as JSON lines that can be checked without this program
    Export {
        /// Whose ledger
        performance: PerformanceId,
        #[command(flatten)]
        data: Data,
        /// File to write to; without it, the standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Compute the state of a performance anew from its first batch
    Replay {
        /// Whose ledger
        performance: PerformanceId,
        #[command(flatten)]
        data: Data,
        /// Stop after this batch
        #[arg(long, value_name = "SEQ", conflicts_with = "rebuild")]
        until: Option<u64>,
        /// Write the tables of tickets and orders anew from the result
        #[arg(long)]
        rebuild: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Verify { data, json } => {
            let office = open(&data, false).await?;
            let result = verify(&office, json).await;
            office.close().await;
            result
        }
        Command::Export {
            performance,
            data,
            out,
        } => {
            let office = open(&data, false).await?;
            let result = export(&office, performance, out).await;
            office.close().await;
            result
        }
        Command::Replay {
            performance,
            data,
            until,
            rebuild,
            json,
        } => {
            let office = open(&data, false).await?;
            let result = replay(&office, performance, until, rebuild, json).await;
            office.close().await;
            result
        }
    }
}

/// A bar on the standard error, where that is a terminal.
fn bar() -> (ProgressBar, impl Fn(Progress)) {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} batches, {eta}") {
        bar.set_style(style);
    }
    let shown = bar.clone();
    let show = move |progress: Progress| {
        shown.set_message(progress.performance.to_string());
        shown.set_length(progress.of);
        shown.set_position(progress.batches);
    };
    (bar, show)
}

async fn verify(office: &Office, json: bool) -> anyhow::Result<ExitCode> {
    let (bar, show) = bar();
    let report = ledger_tools::verify(&office.store, &*office.catalogue, show).await;
    bar.finish_and_clear();
    let report = report?;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    Ok(if report.sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print(report: &Report) {
    for one in &report.performances {
        let PerformanceReport {
            performance,
            ledger,
            faults,
            more_faults,
        } = one;
        println!(
            "performance {performance}: {}",
            if one.is_sound() { "sound" } else { "NOT SOUND" }
        );
        for line in ledger.to_string().lines() {
            println!("  {line}");
        }
        for fault in faults {
            println!("  fault: {fault}");
        }
        if *more_faults > 0 {
            println!("  and {more_faults} more");
        }
    }
    match report.performances.len() {
        0 => println!("no ledgers yet: nothing has been held or sold"),
        ledgers if report.sound => println!("{ledgers} ledgers, all sound"),
        ledgers => {
            let broken = report
                .performances
                .iter()
                .filter(|one| !one.is_sound())
                .count();
            println!("{broken} of {ledgers} ledgers are NOT SOUND");
        }
    }
}

async fn export(
    office: &Office,
    performance: PerformanceId,
    out: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let store = &office.store;
    let (bar, show) = bar();
    let lines = match &out {
        Some(path) => {
            let file = File::create(path)
                .with_context(|| format!("{} could not be written", path.display()))?;
            ledger_tools::export(store, performance, &mut BufWriter::new(file), show).await
        }
        None => {
            ledger_tools::export(store, performance, &mut BufWriter::new(io::stdout()), show).await
        }
    };
    bar.finish_and_clear();
    let lines = lines?;
    if lines == 0 {
        eprintln!("performance {performance} has no ledger: nothing has been held or sold");
    }
    Ok(ExitCode::SUCCESS)
}

async fn replay(
    office: &Office,
    performance: PerformanceId,
    until: Option<u64>,
    rebuild: bool,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let (bar, show) = bar();
    let replayed =
        ledger_tools::replay(&office.store, &*office.catalogue, performance, until, &show).await;
    let rows = match &replayed {
        Ok(_) if rebuild => {
            Some(ledger_tools::rebuild(&office.store, &*office.catalogue, performance, &show).await)
        }
        _ => None,
    };
    bar.finish_and_clear();
    let replayed = replayed?;
    let rows = rows.transpose()?;
    if json {
        println!(
            "{}",
            serde_json::json!({ "replayed": replayed, "rows_rebuilt": rows })
        );
    } else {
        println!(
            "performance {performance} after batch {}, {} ms",
            replayed.seq, replayed.at_ms
        );
        println!("state {}", replayed.state);
        let counts = replayed.counts;
        println!(
            "{} open, {} held, {} sold, {} closed",
            counts.open, counts.held, counts.sold, counts.closed
        );
        if let Some(rows) = rows {
            println!("{rows} rows of tickets and orders written anew");
        }
    }
    Ok(ExitCode::SUCCESS)
}
