//! The measure of all things here: what the same machine, the same HTTP library and this generator
//! reach where nothing is decided and nothing kept. Each pair is two requests, like a hold and its
//! release.

use std::time::Instant;

use anyhow::Result;

use crate::{
    Common,
    client::Client,
    crowd::{self, Shared},
    shop,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

pub(crate) async fn drive(args: &Args) -> Result<()> {
    let clients = crowd::connect(&args.common, 1).await?;
    crowd::measure(
        &args.common,
        args.seconds,
        "pairs",
        clients,
        |_, client, tally| echo(client, tally),
    )
    .await
    .map(drop)
}

async fn echo(mut client: Client, tally: Shared) -> Result<()> {
    let mut seat = 0;
    while !tally.borrow().is_over() {
        seat = (seat + 7) % 50_000;
        let hold = shop::uuid();
        let body = shop::hold_body(&hold, seat);
        let since = Instant::now();
        let made = client
            .ask("POST", "/holds", None, Some(&body))
            .await?
            .status
            < 300;
        tally.borrow_mut().request();
        if made {
            tally.borrow_mut().accept(since);
        }
        client.ask("POST", "/releases", None, Some(&body)).await?;
        tally.borrow_mut().request();
    }
    Ok(())
}
