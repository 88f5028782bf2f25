//! `onsale copy`

use crate::ledger_tools::Progress;
use crate::site_copy::{self, Step};
use crate::store::{Database, DatabaseUrl, OpenError, StoreOptions};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

/// Move a whole site from one database into an empty other one
///
/// From a data folder to PostgreSQL and back: ledgers, catalogue, accounts, rooms, checkouts, all of
/// it. Stop its servers first. Proves at the end that every ledger has arrived whole; a target whose
/// copy was interrupted is refused by every command. Keys are not in a database: see `--keys`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Data folder or PostgreSQL database with the site
    #[arg(
        long,
        value_name = "DIR|URL",
        env = "ONSALE_COPY_FROM",
        hide_env_values = true
    )]
    from: Place,
    /// Data folder (made where there is none) or PostgreSQL database (with the schema: `onsale
    /// migrate`) without anything in it
    #[arg(
        long,
        value_name = "DIR|URL",
        env = "ONSALE_COPY_TO",
        hide_env_values = true
    )]
    to: Place,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Where a database is.
#[derive(Clone, Debug)]
enum Place {
    Folder(PathBuf),
    Shared(DatabaseUrl),
}

impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.contains("://") {
            true => Self::Shared(text.parse()?),
            false => Self::Folder(text.into()),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Shared(url) => url.fmt(f),
        }
    }
}

impl Place {
    async fn open(&self, create: bool) -> Result<Database, OpenError> {
        let options = StoreOptions {
            create,
            ..StoreOptions::default()
        };
        match self {
            Self::Folder(folder) => Database::open(folder, None, options).await,
            Self::Shared(url) => Database::open("".as_ref(), Some(url), options).await,
        }
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let from = args.from.open(false).await?;
    let to = args.to.open(true).await?;
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta}") {
        bar.set_style(style);
    }
    let copied = site_copy::copy(&from, &to, |step| show(&bar, step)).await;
    bar.finish_and_clear();
    let closed = (from.close().await, to.close().await);
    let copied = copied.with_context(|| format!("{} was not copied", args.from))?;
    closed.0.and(closed.1)?;
    if args.json {
        let said = serde_json::json!({ "rows": copied.rows, "ledgers": copied.ledgers });
        println!("{said}");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} rows copied into {}; {} ledgers, all sound and with the same heads",
        copied.rows, args.to, copied.ledgers
    );
    if let Place::Folder(folder) = &args.from {
        println!(
            "The keys are still in {}: give them to its servers with --keys, or what was signed \
             until now is void",
            crate::keys::beside(folder).display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn show(bar: &ProgressBar, step: Step) {
    match step {
        Step::Rows { table, done, of } => {
            bar.set_message(table);
            bar.set_length(of);
            bar.set_position(done);
        }
        Step::Audit(Progress {
            performance,
            batches,
            of,
        }) => {
            bar.set_message(format!("audit {performance}"));
            bar.set_length(of);
            bar.set_position(batches);
        }
    }
}
