//! Talking with the server. One function, [`http::call`], turns any answer into a `Result`; the
//! functions here name what may be asked (docs/http.md), one each.

mod accounts;
mod http;
mod operator;
mod refusal;
mod rooms;
mod sales;
mod types;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::browser;
use booking_core::{HoldId, OrderId, PerformanceId, PublicView, SaleTerms, SeatMap, TicketId};

pub(crate) use accounts::*;
use http::{Besides, call, call_bytes, call_text, call_with, read};
pub(crate) use http::{Failure, Problem};
pub(crate) use operator::*;
pub(crate) use rooms::*;
pub(crate) use sales::*;
pub(crate) use types::*;

/// How long after a lost answer to a claim it is asked again.
const SECOND_TRY_MS: i32 = 700;

type Answer<T> = Result<T, Failure>;

thread_local! {
    /// Seat maps never change under one version, so one that was read is kept.
    static MAPS: RefCell<HashMap<PerformanceId, (String, Arc<SeatMap>)>> = RefCell::default();
}

/// All performances, soonest first.
pub(crate) async fn performances() -> Answer<Vec<Performance>> {
    let list: Performances = call("GET", "/performances", None::<&()>).await?;
    Ok(list.performances)
}

/// One performance.
pub(crate) async fn performance(id: PerformanceId) -> Answer<Performance> {
    call("GET", &format!("/performances/{id}"), None::<&()>).await
}

/// How it is sold. Vouchers are not in it.
pub(crate) async fn terms(id: PerformanceId) -> Answer<SaleTerms> {
    call("GET", &format!("/performances/{id}/terms"), None::<&()>).await
}

/// The house of a performance, by the version its [`Performance`] names.
pub(crate) async fn seat_map(id: PerformanceId, version: &str) -> Answer<Arc<SeatMap>> {
    let known = MAPS.with_borrow(|maps| {
        maps.get(&id)
            .filter(|(known, _)| known == version)
            .map(|(_, map)| map.clone())
    });
    if let Some(map) = known {
        return Ok(map);
    }
    let bytes = call_bytes(
        &format!("/performances/{id}/map"),
        "application/vnd.onsale.seatmap",
    )
    .await?;
    let map = SeatMap::decode(&bytes).map_err(|e| Failure::Unreadable(e.to_string()))?;
    let map = Arc::new(map);
    MAPS.with_borrow_mut(|maps| maps.insert(id, (version.to_owned(), map.clone())));
    Ok(map)
}

/// Who may see what of the seats, now.
pub(crate) async fn seats(id: PerformanceId) -> Answer<PublicView> {
    let bytes = call_bytes(
        &format!("/performances/{id}/seats"),
        "application/vnd.onsale.seats",
    )
    .await?;
    PublicView::decode(&bytes).map_err(|e| Failure::Unreadable(e.to_string()))
}

/// Address of the live feed from a ledger position on.
pub(crate) fn feed_url(id: PerformanceId, seq: u64) -> String {
    format!("{}/performances/{id}/feed?from={seq}", http::ROOT)
}

/// What items cost, signed by the server.
pub(crate) async fn quote(id: PerformanceId, ask: &QuoteAsk) -> Answer<SignedQuote> {
    call("POST", &format!("/performances/{id}/quote"), Some(ask)).await
}

/// Claims places. An answer that is lost, or a server too busy for one, is asked a second time.
pub(crate) async fn place_hold(id: PerformanceId, ask: &HoldAsk) -> Answer<HoldAnswer> {
    let path = format!("/performances/{id}/holds");
    let first = through_room(id, "POST", &path, ask).await;
    let answer = match first {
        Err(failure) if failure.may_pass() => {
            browser::pause(SECOND_TRY_MS).await;
            through_room(id, "POST", &path, ask).await
        }
        answer => answer,
    };
    answer.map(HoldAnswer::noted)
}

/// The reader's own live holds.
pub(crate) async fn holds(id: PerformanceId) -> Answer<Vec<HoldAnswer>> {
    let list: Holds = call("GET", &format!("/performances/{id}/holds"), None::<&()>).await?;
    Ok(list.holds.into_iter().map(HoldAnswer::noted).collect())
}

/// One of the reader's own live holds.
pub(crate) async fn hold(id: PerformanceId, hold: HoldId) -> Answer<HoldAnswer> {
    let answer = call(
        "GET",
        &format!("/performances/{id}/holds/{hold}"),
        None::<&()>,
    )
    .await;
    answer.map(HoldAnswer::noted)
}

/// Adds and removes places.
pub(crate) async fn change_hold(
    id: PerformanceId,
    hold: HoldId,
    ask: &HoldChange,
) -> Answer<HoldAnswer> {
    let path = format!("/performances/{id}/holds/{hold}");
    let answer = through_room(id, "PATCH", &path, ask).await;
    answer.map(HoldAnswer::noted)
}

/// Asks for more time.
pub(crate) async fn extend_hold(
    id: PerformanceId,
    hold: HoldId,
    ask: &Commanded,
) -> Answer<HoldAnswer> {
    let path = format!("/performances/{id}/holds/{hold}/extend");
    let answer = through_room(id, "POST", &path, ask).await;
    answer.map(HoldAnswer::noted)
}

/// Gives everything back.
pub(crate) async fn release_hold(id: PerformanceId, hold: HoldId, ask: &Commanded) -> Answer<()> {
    let path = format!(
        "/performances/{id}/holds/{hold}?command_id={}",
        ask.command_id
    );
    call::<()>("DELETE", &path, None::<&()>).await
}

/// Pays for a hold.
pub(crate) async fn checkout(id: PerformanceId, hold: HoldId, ask: &CheckoutAsk) -> Answer<Order> {
    let path = format!("/performances/{id}/holds/{hold}/checkout");
    // A payment must not hang in the air because the page was loaded again.
    let besides = Besides {
        outlives_page: true,
        ..Besides::default()
    };
    through_room_with(id, "POST", &path, ask, besides).await
}

/// Switches the demo's simulated fans of a performance.
pub(crate) async fn switch_fans(id: PerformanceId, on: bool) -> Answer<()> {
    let path = format!("/performances/{id}/simulated-fans");
    call("PUT", &path, Some(&FansAsk { on })).await
}

/// One of the reader's own orders.
pub(crate) async fn order(id: OrderId) -> Answer<Order> {
    call("GET", &format!("/orders/{id}"), None::<&()>).await
}

/// The reader's own orders, newest first.
pub(crate) async fn orders() -> Answer<Vec<Order>> {
    let list: Orders = call("GET", "/orders", None::<&()>).await?;
    Ok(list.orders)
}

/// Answers the bank's question about a payment.
pub(crate) async fn finish_step(id: OrderId, ask: &StepAsk) -> Answer<Order> {
    call("POST", &format!("/orders/{id}/step"), Some(ask)).await
}

/// One of the reader's own tickets.
pub(crate) async fn ticket(id: TicketId) -> Answer<TicketPage> {
    call("GET", &format!("/tickets/{id}"), None::<&()>).await
}

/// Address of a ticket's QR picture.
pub(crate) fn qr_url(id: TicketId) -> String {
    format!("{}/tickets/{id}/qr.svg", http::ROOT)
}
