//! `onsale performance`

use super::{Data, performance_add, performance_terms};
use crate::catalogue::Performance;
use booking_core::PerformanceId;
use clap::Subcommand;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::process::ExitCode;

/// List, show and add performances, and change how they are sold
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List every performance, soonest first
    List {
        #[command(flatten)]
        data: Data,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    Add(Box<performance_add::Args>),
    Terms(performance_terms::Args),
    /// Show one performance
    Show {
        /// Its id
        id: PerformanceId,
        #[command(flatten)]
        data: Data,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Add(args) => performance_add::run(*args).await,
        Command::Terms(args) => performance_terms::run(args).await,
        Command::List { data, json } => list(&data, json).await,
        Command::Show { id, data, json } => show(&data, id, json).await,
    }
}

async fn list(data: &Data, json: bool) -> anyhow::Result<ExitCode> {
    let office = super::open(data, false).await?;
    let performances = office.catalogue.performances().await;
    office.close().await;
    let performances = performances?;
    if json {
        let list: Vec<_> = performances.iter().map(|one| as_json(one)).collect();
        println!("{}", serde_json::json!({ "performances": list }));
    } else {
        for one in performances.iter() {
            println!(
                "{}  {}  {}, {}",
                one.id,
                starts(one),
                one.title,
                one.venue.name
            );
        }
        if performances.is_empty() {
            eprintln!("no performances yet: `onsale demo` or `onsale performance add` makes some");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(data: &Data, id: PerformanceId, json: bool) -> anyhow::Result<ExitCode> {
    let office = super::open(data, false).await?;
    let performance = office.catalogue.performance(id).await;
    office.close().await;
    let Some(one) = performance? else {
        anyhow::bail!(
            "there is no performance {id}: `onsale performance list` shows which there are"
        );
    };
    if json {
        println!("{}", as_json(&one));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}\n{}\n", one.title, one.subtitle);
    println!("id      {}", one.id);
    println!("where   {}, {}", one.venue.name, one.venue.city);
    println!("starts  {}", starts(&one));
    for (band, row) in one.terms.prices.amounts.iter().enumerate() {
        let amounts: Vec<_> = row
            .iter()
            .flatten()
            .map(|amount| super::money(&one.terms.prices, *amount))
            .collect();
        println!("band {band}  {}", amounts.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

fn starts(performance: &Performance) -> String {
    let zone = TimeZone::get(&performance.venue.time_zone).unwrap_or(TimeZone::UTC);
    Timestamp::from_millisecond(performance.starts_at_ms).map_or_else(
        |_| "at no time there is".to_owned(),
        |instant| {
            instant
                .to_zoned(zone)
                .strftime("%Y-%m-%d %H:%M")
                .to_string()
        },
    )
}

fn as_json(performance: &Performance) -> serde_json::Value {
    serde_json::json!({
        "id": performance.id,
        "title": performance.title,
        "subtitle": performance.subtitle,
        "genre": performance.genre,
        "venue": {
            "id": performance.venue.id,
            "name": performance.venue.name,
            "city": performance.venue.city,
            "time_zone": performance.venue.time_zone,
        },
        "starts_at_ms": performance.starts_at_ms,
        "doors_at_ms": performance.doors_at_ms,
        "map_version": crate::catalogue::hex(&performance.map_version.0),
        "terms": &*performance.terms,
        "simulated_fans": performance.simulated_fans,
    })
}
