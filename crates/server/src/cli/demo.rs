//! `onsale demo`

use super::Data;
use crate::demo::{DemoOptions, fill, operator, room};
use anyhow::{Context, bail};
use std::process::ExitCode;

/// Fill an empty data folder with a demo season
///
/// Two houses of our own making and a season of performances, one of them on sale at this moment
/// with simulated fans buying; and one operator, whose password is printed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    /// Seconds a hold lasts, instead of the demo's ten minutes
    #[arg(long, value_name = "SECONDS")]
    hold_seconds: Option<u32>,
    /// Send no simulated fans
    #[arg(long)]
    quiet: bool,
    /// Add so many more performances, all on sale: for measuring
    #[arg(long, value_name = "N", default_value_t = 0, hide = true)]
    performances: u32,
    /// Print what was added as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let folder = &args.data.data;
    let office = super::open(&args.data, true).await?;
    let there = office
        .catalogue
        .performances()
        .await
        .context("the catalogue cannot be read")?;
    if !there.is_empty() {
        let there = there.len();
        office.close().await;
        let (what, with) = match args.data.database {
            None => ("folder", "--data"),
            Some(_) => ("database", "--database"),
        };
        bail!(
            "{} holds {there} performances already: the demo wants an empty {what}; choose another \
             with {with}, or remove this one",
            args.data.place()
        );
    }
    let options = DemoOptions {
        hold_ttl_ms: args.hold_seconds.map(|seconds| i64::from(seconds) * 1_000),
        without_fans: args.quiet,
        more: args.performances,
    };
    let added = fill(&office.catalogue, office.clock.now_ms(), options).await;
    let room = room::make(&*office.store.rooms(), office.clock.now_ms()).await;
    let operator = match office.accounts(&args.data) {
        Ok(accounts) => operator::make(folder, &accounts)
            .await
            .map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    office.close().await;
    let added = added.context("the demo could not be filled in")?;
    let operator = operator?;
    let room = room.context("the demo's waiting room could not be made")?;
    if args.json {
        let list: Vec<_> = added
            .iter()
            .map(|(id, title)| serde_json::json!({ "id": id, "title": title }))
            .collect();
        let operator = serde_json::json!({
            "email": operator.email.as_str(),
            "password": operator.password.text(),
            "file": operator.file,
        });
        let added = serde_json::json!({
            "performances": list, "operator": operator,
            "room": { "id": room, "performance": room::PERFORMANCE },
        });
        println!("{added}");
    } else {
        for (id, title) in &added {
            println!("{id}  {title}");
        }
        println!(
            "\n{} is behind a waiting room, quiet until a rush.",
            room::PERFORMANCE
        );
        println!(
            "\nThe operator of the demo signs in at /sign-in:\n  address   {}\n  password  {}\n\
             (kept in {}, which only you may read)\n",
            operator.email,
            operator.password.text(),
            operator.file.display()
        );
        match &args.data.database {
            None => println!("Now: onsale serve --data {}", folder.display()),
            Some(_) => println!(
                "Now: onsale serve --data {} with the same --database",
                folder.display()
            ),
        }
    }
    Ok(ExitCode::SUCCESS)
}
