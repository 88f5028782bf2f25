//! The real program dies between two steps of a checkout, for every step, and heals itself when it
//! is started again. The fan's program, which never had its answer, asks again.

use crate::support::client::Client;
use crate::support::process::{SHOW, Site};
use crate::support::till::{CAPTURE_FLAKY, CAPTURE_REFUSED, GOOD, NEEDS_STEP};
use booking_core::OrderId;
use onsale_server::checkout::crash::{CRASH_AT, Point};
use onsale_server::payments::IdempotencyKey;
use onsale_server::payments::simulator::Simulator;
use onsale_server::store::Database;
use serde_json::{Value, json};
use uuid::Uuid;

/// What it must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Sold,
    Nothing,
}

/// The card whose way goes by a point, and what comes of it; nothing where only the undoing of an
/// order goes by: see `organiser.rs`.
pub(super) fn way(point: Point) -> Option<(&'static str, End)> {
    match point {
        // Nobody knows of the first request, so asking again is a purchase like any other.
        Point::BeforeBegin => Some((GOOD, End::Sold)),
        Point::BeforeAuthorise => Some((GOOD, End::Nothing)),
        Point::AfterAuthorise
        | Point::BeforeConfirm
        | Point::AfterConfirm
        | Point::AfterCapture
        | Point::AfterSettled => Some((GOOD, End::Sold)),
        Point::AfterStepNeeded => Some((NEEDS_STEP, End::Sold)),
        Point::AfterCaptureDelayed => Some((CAPTURE_FLAKY, End::Sold)),
        Point::BeforeUndo | Point::AfterUndo | Point::BeforeVoid | Point::AfterVoid => {
            Some((CAPTURE_REFUSED, End::Nothing))
        }
        Point::BeforeCancel | Point::AfterCancel | Point::BeforeRefund | Point::AfterRefund => None,
    }
}

/// One fan's purchase of two seats.
pub(crate) struct Purchase {
    pub(crate) order: Uuid,
    pub(super) command: Uuid,
    pub(crate) path: String,
    pub(crate) body: Value,
}

/// Holds and asks for the price; nothing where the connection breaks.
pub(crate) async fn begin(client: &mut Client, seat: u32, card: &str) -> Option<Purchase> {
    let base = format!("/api/v1/performances/{SHOW}");
    let hold = Uuid::now_v7();
    let wish = json!({ "command_id": Uuid::now_v7(), "hold_id": hold,
        "request": { "these": [{ "seat": seat }, { "seat": seat + 1 }] } });
    let (code, answer) = client
        .send("POST", &format!("{base}/holds"), Some(&wish))
        .await
        .ok()?;
    assert_eq!(code, 201, "{answer}");
    let items = json!([
        { "place": { "seat": seat }, "price_type": 0 },
        { "place": { "seat": seat + 1 }, "price_type": 0 },
    ]);
    let wish = json!({ "items": items });
    let (code, quote) = client
        .send("POST", &format!("{base}/quote"), Some(&wish))
        .await
        .ok()?;
    assert_eq!(code, 200, "{quote}");
    let (order, command) = (Uuid::now_v7(), Uuid::now_v7());
    Some(Purchase {
        order,
        command,
        path: format!("{base}/holds/{hold}/checkout"),
        body: json!({
            "command_id": command, "order_id": order, "quote_token": quote["token"],
            "items": items, "voucher": null,
            "buyer": { "name": "Ada Lovelace", "email": "ada@example.org" },
            "payment": { "card_number": card, "expiry": "12/39", "cvc": "123" },
        }),
    })
}

/// Asks again after the restart, and answers the bank where it asks.
async fn ask_again(client: &mut Client, purchase: &Purchase) -> Value {
    let (mut code, mut order) = client
        .send("POST", &purchase.path, Some(&purchase.body))
        .await
        .unwrap();
    if order["state"] == "needs_step" {
        let path = format!("/api/v1/orders/{}/step", purchase.order);
        let yes = json!({ "command_id": Uuid::now_v7(), "approve": true });
        (code, order) = client.send("POST", &path, Some(&yes)).await.unwrap();
    }
    assert_eq!(code, 200, "{order}");
    order
}

/// What the shop's and the provider's own records say, with nobody running.
pub(super) async fn on_disk(
    database: Database,
    provider: &Simulator,
    purchase: &Purchase,
) -> (usize, i64, bool) {
    let checkouts = database.checkouts();
    let tickets = checkouts.live_tickets(OrderId::from(purchase.order)).await;
    let tickets = tickets.unwrap().len();
    assert!(checkouts.unsettled().await.unwrap().is_empty());
    database.close().await.unwrap();
    let key = IdempotencyKey(purchase.command);
    let payments = provider.payments();
    let payment = payments.iter().find(|payment| payment.key == key);
    (
        tickets,
        payment.map_or(0, |payment| payment.taken_minor),
        payment.is_some_and(|payment| payment.reserved),
    )
}

impl End {
    /// Tickets, money taken, and whether some is still set aside.
    pub(super) fn on_disk(self) -> (usize, i64, bool) {
        match self {
            Self::Sold => (2, 2_000, false),
            Self::Nothing => (0, 0, false),
        }
    }

    /// What the fan is told.
    pub(super) fn state(self) -> &'static str {
        match self {
            Self::Sold => "confirmed",
            Self::Nothing => "voided",
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_any_two_steps_the_program_heals_itself() {
    heals_itself(Site::in_a_folder().await).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_any_two_steps_on_postgres_the_program_heals_itself() {
    heals_itself(Site::on_postgres().await).await;
}

async fn heals_itself(site: Site) {
    for (n, point) in (0..).zip(Point::ALL) {
        let Some((card, end)) = way(*point) else {
            continue;
        };
        let server = site.server("first", &[(CRASH_AT, point.name())]).await;
        let fan = 1_000 + n;
        let mut client = Client::connect(&server.address(), fan).await.unwrap();
        let purchase = begin(&mut client, 4 * n as u32, card).await.unwrap();
        // It may die before it answers, or just after.
        let _ = client
            .send("POST", &purchase.path, Some(&purchase.body))
            .await;
        server.dies().await;

        let server = site.server("first", &[]).await;
        let mut client = Client::connect(&server.address(), fan).await.unwrap();
        let order = ask_again(&mut client, &purchase).await;
        assert_eq!(order["state"], end.state(), "killed at {point}: {order}");
        let tickets = order["tickets"].as_array().unwrap().len();
        let again = ask_again(&mut client, &purchase).await;
        assert_eq!(again, order, "the same answer to the same command");
        server.stop().await;

        let found = on_disk(site.database().await, &site.provider(), &purchase).await;
        assert_eq!(found, end.on_disk(), "killed at {point}");
        assert_eq!(tickets, found.0, "killed at {point}");
    }
    site.is_sound().await;
}
