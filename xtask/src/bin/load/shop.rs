//! The shop's API as a fan's browser uses it.

use std::{
    fmt::Write,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    client::{Answer, Client},
    seats::Seats,
};

/// A performance on sale.
#[derive(Clone)]
pub(crate) struct Performance {
    pub(crate) id: String,
    pub(crate) seats: u64,
    /// Whether a waiting room may be in front of it.
    pub(crate) has_room: bool,
}

/// Performances on sale without simulated fans, largest first.
pub(crate) async fn performances(at: SocketAddr) -> Result<Vec<Performance>> {
    let mut client = Client::connect(at).await?;
    let answer = client
        .ask("GET", "/api/v1/performances", None, None)
        .await?;
    let list = json(&answer)?;
    let mut found: Vec<_> = list["performances"]
        .as_array()
        .context("no list of performances")?
        .iter()
        .filter(|p| p["sale"]["state"] == "on_sale" && p["simulated_fans"] != true)
        .filter_map(|p| {
            let count = |name: &str| p["counts"][name].as_u64().unwrap_or(0);
            let seats = count("open") + count("held") + count("sold") + count("closed");
            Some(Performance {
                id: p["id"].as_str()?.to_owned(),
                seats,
                has_room: p["room"].is_object(),
            })
        })
        .collect();
    found.sort_by_key(|performance| std::cmp::Reverse(performance.seats));
    if found.is_empty() {
        bail!("no performance is on sale without simulated fans");
    }
    Ok(found)
}

/// The free seats of a performance, from its snapshot as JSON.
pub(crate) async fn seats(at: SocketAddr, performance: &str) -> Result<Seats> {
    let mut client = Client::connect(at).await?.preferring_json();
    let path = format!("/api/v1/performances/{performance}/seats");
    let answer = client.ask("GET", &path, None, None).await?;
    let snapshot = json(&answer)?;
    let states = snapshot["seats"]
        .as_str()
        .context("the snapshot has no seats")?;
    Ok(Seats::new(
        states.bytes().map(|state| state == b'0').collect(),
    ))
}

pub(crate) fn json(answer: &Answer<'_>) -> Result<Value> {
    if answer.status >= 300 {
        bail!(
            "{}: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
    }
    serde_json::from_slice(answer.body).context("an answer that is not JSON")
}

/// A UUIDv7: the time, then a number nobody else has. Written without a library because two are made
/// for every request.
pub(crate) fn uuid() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_millis() as u64);
    let salt = u64::from(std::process::id());
    let mut text = String::with_capacity(36);
    let _ = write!(
        text,
        "{:08x}-{:04x}-7{:03x}-8{:03x}-{:04x}{:08x}",
        now >> 16 & 0xFFFF_FFFF,
        now & 0xFFFF,
        count >> 44 & 0xFFF,
        count >> 32 & 0xFFF,
        salt & 0xFFFF,
        count & 0xFFFF_FFFF,
    );
    text
}

/// Two neighbours as they are quoted and paid.
pub(crate) fn items(seat: u32) -> String {
    format!(
        "[{{\"place\":{{\"seat\":{seat}}},\"price_type\":0}},\
         {{\"place\":{{\"seat\":{}}},\"price_type\":0}}]",
        seat + 1
    )
}

/// What is sent to pay for them with a card that is accepted.
pub(crate) fn checkout_body(quote: &str, items: &str) -> String {
    format!(
        "{{\"command_id\":\"{}\",\"order_id\":\"{}\",\"quote_token\":\"{quote}\",\"items\":{items},\
         \"voucher\":null,\"buyer\":{{\"name\":\"A Fan\",\"email\":\"fan@example.org\"}},\
         \"payment\":{{\"card_number\":\"4242424242424242\",\"expiry\":\"12/30\",\"cvc\":\"123\"}}}}",
        uuid(),
        uuid()
    )
}

/// What is sent to hold two neighbours.
pub(crate) fn hold_body(hold: &str, seat: u32) -> String {
    format!(
        "{{\"command_id\":\"{}\",\"hold_id\":\"{hold}\",\"request\":{{\"these\":[{{\"seat\":{seat}}},\
         {{\"seat\":{}}}]}},\"needs_accessible\":true}}",
        uuid(),
        seat + 1
    )
}
