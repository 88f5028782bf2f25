//! `onsale plan`

use super::Data;
use crate::catalogue::hex;
use anyhow::Context;
use booking_core::import::{ImportLimits, Imported, pretix};
use booking_core::seatmap::MapFaults;
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Check and import seating plans (pretix JSON)
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what is in a plan, what had to be mended and what is wrong with it
    ///
    /// Ends with 0 and a summary with every repair, or with 1 and every fault with its place.
    Check {
        /// The plan; - reads the standard input
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// List every repair one by one, not only the first of each kind
        #[arg(long)]
        all: bool,
    },
    /// Take a plan into a data folder, for `onsale performance add --map`
    Import {
        /// The plan; - reads the standard input
        file: PathBuf,
        #[command(flatten)]
        data: Data,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Repairs of a kind shown without `--all`.
const SHOWN_OF_A_KIND: usize = 3;

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Check { file, json, all } => check(&file, json, all),
        Command::Import { file, data, json } => import(&file, &data, json).await,
    }
}

/// Reads a plan within the importer's limit: a file that is too large is refused without reading
/// more of it than that.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let limit = ImportLimits::default().bytes_max as u64;
    let named = file.display();
    let mut bytes = Vec::new();
    let reading = if file == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(limit + 1)
            .read_to_end(&mut bytes)
    } else {
        let opened = File::open(file).with_context(|| format!("{named} could not be opened"))?;
        let size = opened.metadata().map_or(0, |metadata| metadata.len());
        anyhow::ensure!(
            size <= limit,
            "{named} has {size} bytes; a plan may have at most {limit}"
        );
        opened.take(limit + 1).read_to_end(&mut bytes)
    };
    reading.with_context(|| format!("{named} could not be read"))?;
    anyhow::ensure!(
        bytes.len() as u64 <= limit,
        "a plan may have at most {limit} bytes"
    );
    Ok(bytes)
}

/// Reads and mends a plan, with a sign of life on a terminal.
pub(super) fn load(file: &Path) -> anyhow::Result<Result<Imported, MapFaults>> {
    let progress = ProgressBar::new_spinner().with_message(format!("reading {}", file.display()));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        progress.set_style(style);
    }
    progress.enable_steady_tick(Duration::from_millis(120));
    let imported = read(file).map(|bytes| pretix(&bytes, &ImportLimits::default()));
    progress.finish_and_clear();
    imported
}

fn check(file: &Path, json: bool, all: bool) -> anyhow::Result<ExitCode> {
    let imported = load(file)?;
    if json {
        let report = match &imported {
            Ok(plan) => serde_json::json!({
                "sound": true,
                "name": plan.map.name(),
                "map_version": hex(&plan.map.version().0),
                "summary": plan.summary,
                "repairs": plan.repairs,
            }),
            Err(faults) => serde_json::json!({ "sound": false, "faults": faults }),
        };
        println!("{report}");
    } else {
        match &imported {
            Ok(plan) => show(plan, all),
            Err(faults) => refuse(file, faults),
        }
    }
    Ok(if imported.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn show(plan: &Imported, all: bool) {
    println!("{}", plan.map.name());
    println!("{}", plan.summary);
    for (kind, count) in &plan.summary.repairs {
        let of_kind: Vec<_> = plan
            .repairs
            .iter()
            .filter(|repair| repair.kind == *kind)
            .collect();
        let shown = if all {
            of_kind.len()
        } else {
            of_kind.len().min(SHOWN_OF_A_KIND)
        };
        println!("\n{} ({count})", words(&format!("{kind:?}")));
        for repair in &of_kind[..shown] {
            println!("  {repair}");
        }
        let more = u64::from(*count) - shown as u64;
        if more > 0 {
            let way = if all {
                "the importer lists no more"
            } else {
                "--all lists them"
            };
            println!("  and {more} more; {way}");
        }
    }
    if plan.summary.repairs.is_empty() {
        println!("\nnothing had to be mended");
    }
    if !plan.summary.not_kept.is_empty() {
        println!("\nnot kept, because a seat map has no place for it");
        for (member, count) in &plan.summary.not_kept {
            println!("  {member} ({count})");
        }
    }
}

/// `UndeclaredCategory` as `undeclared category`.
fn words(name: &str) -> String {
    name.chars()
        .enumerate()
        .fold(String::new(), |mut text, (at, letter)| {
            if letter.is_uppercase() && at > 0 {
                text.push(' ');
            }
            text.extend(letter.to_lowercase());
            text
        })
}

pub(super) fn refuse(file: &Path, faults: &MapFaults) {
    let count = faults.0.len();
    let s = if count == 1 { "" } else { "s" };
    eprintln!("{} was refused: {count} fault{s}", file.display());
    for fault in &faults.0 {
        eprintln!("  {}: {}", fault.at, fault.what);
    }
}

async fn import(file: &Path, data: &Data, json: bool) -> anyhow::Result<ExitCode> {
    let plan = match load(file)? {
        Ok(plan) => plan,
        Err(faults) => {
            refuse(file, &faults);
            return Ok(ExitCode::FAILURE);
        }
    };
    let office = super::open(data, true).await?;
    let added = office.catalogue.add_seat_map(&plan.map).await;
    office.close().await;
    added.context("the map could not be written")?;
    let version = hex(&plan.map.version().0);
    if json {
        println!(
            "{}",
            serde_json::json!({ "map_version": version, "name": plan.map.name(),
                "summary": plan.summary })
        );
    } else {
        show(&plan, false);
        println!(
            "\nmap {version}\nNow: onsale performance add --map {} …",
            &version[..12]
        );
    }
    Ok(ExitCode::SUCCESS)
}
