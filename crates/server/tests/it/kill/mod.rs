//! SIGKILL at any moment, under load: every acknowledged hold and order is there afterwards, every command
//! gets its answer again, and the ledger verifies. The same of a disk that fills up.

mod rooms;

use crate::support::client::{Client, status};
use crate::support::process::{Dice, SHOW, killed_amid, prepare};
use crate::support::server::{self, Server};
use booking_core::HoldId;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

const ROUNDS: u64 = 10;
const FANS: u64 = 12;
const SEATS: u64 = 2_000;

/// What a fan was told, and so what must be true for ever.
#[derive(Default)]
struct Told {
    /// Requests that made holds, with the answers; not given back as far as the fan knows.
    held: Vec<(Value, Value)>,
    /// Holds given back, and the fan was told so.
    released: Vec<HoldId>,
    /// Orders confirmed, with the seat of each.
    bought: Vec<(Uuid, u64)>,
}

fn fresh_id() -> Uuid {
    Uuid::now_v7()
}

/// Holds and gives back until the connection breaks; counts answers.
async fn shop(address: String, fan: u64, round: u64, answers: watch::Sender<u64>) -> Told {
    let mut told = Told::default();
    let Ok(mut client) = Client::connect(&address, fan).await else {
        return told;
    };
    let holds = format!("/api/v1/performances/{SHOW}/holds");
    let mut seat = (fan * 7_919 + round * 104_729) % SEATS;
    loop {
        seat = (seat * 31 + 17 + fan) % SEATS;
        let hold = fresh_id();
        let wish = json!({
            "command_id": fresh_id(),
            "hold_id": hold,
            "request": { "these": [{ "seat": seat }] },
        });
        let Ok((code, answer)) = client.send("POST", &holds, Some(&wish)).await else {
            return told;
        };
        match code {
            201 if seat.is_multiple_of(3) => match buy(&mut client, hold, seat).await {
                Ok(order) => told.bought.push((order, seat)),
                Err(_) => return told,
            },
            201 => told.held.push((wish, answer)),
            409 => {}
            _ => panic!("{code}: {answer}"),
        }
        answers.send_modify(|answers| *answers += 1);
        if told.held.len() > 6 {
            let (wish, _) = told.held.remove(0);
            let hold = wish["hold_id"].as_str().unwrap().to_owned();
            let path = format!("{holds}/{hold}?command_id={}", fresh_id());
            // Asked for and not answered: nobody knows. Answered: it must stay so.
            let Ok((code, answer)) = client.send("DELETE", &path, None).await else {
                return told;
            };
            assert_eq!(code, 204, "{answer}");
            told.released.push(hold.parse().unwrap());
            answers.send_modify(|answers| *answers += 1);
        }
    }
}

/// Pays for a hold; an error is a connection that broke before the answer.
async fn buy(client: &mut Client, hold: Uuid, seat: u64) -> std::io::Result<Uuid> {
    let show = format!("/api/v1/performances/{SHOW}");
    let items = json!([{ "place": { "seat": seat }, "price_type": 0 }]);
    let quote = json!({ "items": items, "voucher": null });
    let (code, quote) = client
        .send("POST", &format!("{show}/quote"), Some(&quote))
        .await?;
    assert_eq!(code, 200, "{quote}");
    let order = fresh_id();
    let wish = json!({
        "command_id": fresh_id(),
        "order_id": order,
        "quote_token": quote["token"],
        "items": items,
        "voucher": null,
        "buyer": { "name": "Ada", "email": "ada@example.org" },
        "payment": { "card_number": "4242424242424242", "expiry": "12/40", "cvc": "123" },
    });
    let path = format!("{show}/holds/{hold}/checkout");
    let (code, answer) = client.send("POST", &path, Some(&wish)).await?;
    assert_eq!(
        (code, &answer["state"]),
        (200, &json!("confirmed")),
        "{answer}"
    );
    Ok(order)
}

/// Asks a restarted server for everything a fan was told.
async fn remembers(address: &str, fan: u64, told: &Told) {
    let mut client = Client::connect(address, fan).await.unwrap();
    let holds = format!("/api/v1/performances/{SHOW}/holds");
    for (wish, answer) in &told.held {
        let hold = wish["hold_id"].as_str().unwrap();
        let (code, now) = client
            .send("GET", &format!("{holds}/{hold}"), None)
            .await
            .unwrap();
        assert_eq!((code, &now["hold"]), (200, &answer["hold"]), "hold {hold}");
        // The same command again: the same answer, and nothing done twice.
        let (code, again) = client.send("POST", &holds, Some(wish)).await.unwrap();
        assert_eq!(
            (code, &again["hold"], &again["seq"]),
            (201, &answer["hold"], &answer["seq"])
        );
    }
    for hold in &told.released {
        let code = status(client.send("GET", &format!("{holds}/{hold}"), None).await);
        assert_eq!(code, Some(404), "hold {hold} was given back");
    }
    for (order, seat) in &told.bought {
        let path = format!("/api/v1/orders/{order}");
        let (code, order) = client.send("GET", &path, None).await.unwrap();
        assert_eq!(
            (code, &order["state"]),
            (200, &json!("confirmed")),
            "{order}"
        );
        assert_eq!(
            order["tickets"][0]["place"],
            json!({ "seat": seat }),
            "{order}"
        );
    }
    // Room for the next round.
    for (wish, _) in &told.held {
        let hold = wish["hold_id"].as_str().unwrap();
        let path = format!("{holds}/{hold}?command_id={}", fresh_id());
        assert_eq!(status(client.send("DELETE", &path, None).await), Some(204));
    }
}

#[tokio::test]
async fn a_full_disk_is_told_plainly_costs_nothing_acknowledged_and_is_got_over() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).await;
    let file = std::fs::metadata(dir.path().join("onsale.db"))
        .unwrap()
        .len();
    let server = Server::start_cramped(dir.path(), file + 400_000).await;
    let mut client = Client::connect(&server.address(), 1).await.unwrap();
    let holds = format!("/api/v1/performances/{SHOW}/holds");
    let place = |seat: u64| {
        json!({
            "command_id": fresh_id(),
            "hold_id": fresh_id(),
            "request": { "these": [{ "seat": seat }] },
        })
    };
    let mut told = Told::default();
    let refused = loop {
        let wish = place(told.held.len() as u64);
        let (code, answer) = client.send("POST", &holds, Some(&wish)).await.unwrap();
        if code != 201 {
            break (wish, code, answer);
        }
        told.held.push((wish, answer));
    };
    let (wish, code, answer) = refused;
    assert_eq!(
        (code, &answer["code"]),
        (503, &json!("storage_failed")),
        "{answer}"
    );
    // It goes on reading, and goes on refusing.
    let (first, _) = &told.held[0];
    let first = format!("{holds}/{}", first["hold_id"].as_str().unwrap());
    assert_eq!(status(client.send("GET", &first, None).await), Some(200));
    let (code, answer) = client
        .send("POST", &holds, Some(&place(1_999)))
        .await
        .unwrap();
    assert_eq!((code, &answer["code"]), (503, &json!("storage_failed")));
    // Room again: the same server takes the same command.
    server.give_room();
    let (code, answer) = client.send("POST", &holds, Some(&wish)).await.unwrap();
    assert_eq!(code, 201, "{answer}");
    told.held.push((wish, answer));
    drop(client);
    server.stop().await;
    let server = Server::start(dir.path()).await;
    remembers(&server.address(), 1, &told).await;
    server.stop().await;
    let (ok, report) = server::verify(dir.path()).await;
    assert!(ok, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_acknowledged_before_sigkill_is_there_after_it() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).await;
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let (mut acknowledged, mut bought) = (0, 0);
    for round in 0..ROUNDS {
        let enough = 5 + dice.below(300);
        let told = killed_amid(dir.path(), FANS, enough, |address, fan, answers| {
            shop(address, fan, round, answers)
        })
        .await;
        let mut server = Server::start(dir.path()).await;
        for (fan, told) in (0..).zip(&told) {
            remembers(&server.address(), fan, told).await;
            acknowledged += told.held.len() + told.released.len();
            bought += told.bought.len();
        }
        // Every other time the next round begins after a second kill, without any goodbye.
        if round % 2 == 0 {
            server.kill();
        } else {
            server.stop().await;
        }
    }
    assert!(acknowledged > 100, "only {acknowledged} were acknowledged");
    assert!(bought > 20, "only {bought} were bought");
    let (ok, report) = server::verify(dir.path()).await;
    assert!(ok, "{report}");
    assert!(report.contains("\"sound\":true"), "{report}");
}
