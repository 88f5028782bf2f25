//! `onsale migrate`

use super::Data;
use crate::store::{Database, StoreOptions};
use std::process::ExitCode;

/// Bring a database's schema up to date
///
/// Servers on PostgreSQL never change the schema by themselves: run this first, once, with the newest
/// program, while the servers go on. A data folder is brought up to date whenever it is opened.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Data { data, database, .. } = &args.data;
    match database {
        Some(url) => {
            let version = Database::migrate(url).await?;
            println!("{url} has schema {version}");
        }
        None => {
            let options = StoreOptions {
                create: false,
                ..StoreOptions::default()
            };
            let opened = Database::open(data, None, options).await?;
            opened.close().await?;
            println!("the database in {} is up to date", data.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}
