//! Visitors who take a place: each a browser that has never been here, without a cookie and without
//! a pass.

use std::{rc::Rc, time::Instant};

use anyhow::Result;
use serde_json::json;

use super::{Key, Operator};
use crate::{
    Common,
    client::Client,
    crowd::{self, Shared},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    key: Key,
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

pub(super) const JOIN: &str = r#"{"wishes":{"places":2,"together":true}}"#;

pub(crate) async fn drive(args: Args) -> Result<()> {
    let mut operator = Operator::sign_in(args.common.at, &args.key).await?;
    let settings = json!({"name": "Bench", "rate_per_minute": 600, "cap": 500, "pow_bits": 0});
    let room = operator.open_room(settings, &[]).await?;
    let path: Rc<str> = format!("/api/v1/rooms/{room}/join").into();
    let clients = crowd::connect(&args.common, 1).await?;
    let accepted = crowd::measure(
        &args.common,
        args.seconds,
        "joins",
        clients,
        |_, client, tally| join(client, Rc::clone(&path), tally),
    )
    .await?;
    // What the room itself counted: places were really given.
    let figures = operator.figures(&room).await?;
    let joined = figures["totals"]["joined"].as_u64().unwrap_or(0);
    anyhow::ensure!(
        joined >= accepted,
        "{accepted} places were given, the room knows of {joined}"
    );
    println!("joined\t{joined}");
    Ok(())
}

async fn join(mut client: Client, path: Rc<str>, tally: Shared) -> Result<()> {
    while !tally.borrow().is_over() {
        let since = Instant::now();
        let answer = client.ask("POST", &path, None, Some(JOIN)).await?;
        let mut tally = tally.borrow_mut();
        tally.request();
        if answer.status == 201 {
            tally.accept(since);
        } else {
            tally.refuse(answer.status, answer.body);
        }
    }
    Ok(())
}
