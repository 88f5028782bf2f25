//! Visitors who ask for the public document, whole every time: the dearer of its two answers. And
//! the same loop against anything else that is got.

use std::{rc::Rc, time::Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use super::{Key, Operator, join::JOIN};
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
    #[command(flatten)]
    key: Key,
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many wait in the room
    #[arg(long, default_value_t = 1_000)]
    waiting: u32,
}

#[derive(clap::Args)]
pub(crate) struct Gets {
    #[command(flatten)]
    common: Common,
    /// What is got
    #[arg(long)]
    path: String,
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

pub(crate) async fn drive(args: Args) -> Result<()> {
    let at = args.common.at;
    let mut operator = Operator::sign_in(at, &args.key).await?;
    let settings = json!({"name": "Bench", "rate_per_minute": 60, "cap": 500, "pow_bits": 0});
    let room = operator.open_room(settings, &[]).await?;
    let path = format!("/api/v1/rooms/{room}");
    let mut client = Client::connect(at).await?;
    for _ in 0..args.waiting {
        let answer = client
            .ask("POST", &format!("{path}/join"), None, Some(JOIN))
            .await?;
        shop::json(&answer)?;
    }
    let answer = client.ask("GET", &path, None, None).await?;
    shop::json(&answer)?;
    println!("document_bytes\t{}", answer.body.len());
    get(&args.common, path, args.seconds).await
}

pub(crate) async fn gets(args: &Gets) -> Result<()> {
    get(&args.common, args.path.clone(), args.seconds).await
}

async fn get(common: &Common, path: String, seconds: u64) -> Result<()> {
    let path: Rc<str> = path.into();
    let clients = crowd::connect(common, 1).await?;
    crowd::measure(common, seconds, "gets", clients, |_, client, tally| {
        poll(client, Rc::clone(&path), tally)
    })
    .await
    .map(drop)
}

async fn poll(mut client: Client, path: Rc<str>, tally: Shared) -> Result<()> {
    while !tally.borrow().is_over() {
        let since = Instant::now();
        let answer = client.ask("GET", &path, None, None).await?;
        ensure!(answer.status == 200, "GET {path}: {}", answer.status);
        let mut tally = tally.borrow_mut();
        tally.request();
        tally.accept(since);
    }
    Ok(())
}
