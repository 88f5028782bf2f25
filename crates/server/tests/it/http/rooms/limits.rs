//! Work, accounts and pace: what keeps one person from having many places.

use super::super::accounts::PASSWORD;
use super::super::shop::Shop;
use super::{at, fast, text};
use onsale_queue::RoomId;
use onsale_server::accounts::Role;
use serde_json::{Value, json};

async fn solved(fan: &super::Fan<'_>, room: RoomId) -> Value {
    let given = fan.get(&at(room, "/challenge"), &[]).await;
    assert_eq!(given.header("cache-control"), "no-store");
    let challenge = text(&given.json()["challenge"]);
    let counter = onsale_queue::pow::solve(&challenge, 0, 1 << 24).unwrap();
    json!({ "challenge": challenge, "counter": counter.unwrap() })
}

#[tokio::test]
async fn a_room_that_asks_for_nothing_gives_no_challenge() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let given = shop.fan().get(&at(room, "/challenge"), &[]).await.json();
    assert_eq!(
        given,
        json!({ "bits": 0, "challenge": null, "expires_ms": null })
    );
}

#[tokio::test]
async fn a_place_costs_work_that_counts_once_here_and_now() {
    let shop = Shop::open().await;
    let mut settings = fast(5);
    settings.pow_bits = 8;
    let room = shop.open_room(settings.clone()).await;
    let other = {
        let new = onsale_server::rooms::NewRoom {
            settings,
            ..onsale_server::rooms::NewRoom::default()
        };
        let other = shop.make_room(new).await;
        shop.act(other, onsale_queue::Action::Open).await;
        other
    };
    let fan = shop.fan();
    let refused = async |room, wish: Value| {
        let refused = fan.join_with(room, &wish).await;
        text(&refused.is_problem(403, "challenge_failed")["what"])
    };
    assert_eq!(refused(room, json!({})).await, "missing");
    let work = solved(&fan, room).await;
    assert_eq!(refused(other, work.clone()).await, "other_room");
    let joined = fan.join_with(room, &work).await;
    assert_eq!(joined.status, 201, "{joined:?}");
    assert_eq!(refused(room, work.clone()).await, "used");
    // The same place again costs nothing.
    let again = json!({ "pass": joined.json()["pass"] });
    assert_eq!(fan.join_with(room, &again).await.status, 200);

    let mut lazy = solved(&fan, room).await;
    let right = lazy["counter"].as_u64().unwrap();
    // A wrong counter solves it by chance once in 256 times.
    lazy["counter"] = json!(right + 1);
    let challenge = text(&lazy["challenge"]);
    if onsale_queue::pow::solve(&challenge, right + 1, 1)
        .unwrap()
        .is_none()
    {
        assert_eq!(refused(room, lazy).await, "unsolved");
    }
    let made_up = json!({ "challenge": "pow1.AAAA", "counter": 0 });
    assert_eq!(refused(room, made_up).await, "not_ours");
    let slow = solved(&fan, room).await;
    shop.clock.advance(5 * 60_000);
    assert_eq!(refused(room, slow).await, "expired");
    let easy = solved(&fan, room).await;
    shop.set(room, json!({ "pow_bits": 9 })).await;
    assert_eq!(refused(room, easy).await, "too_easy");
}

#[tokio::test]
async fn where_accounts_are_asked_for_a_person_has_one_place() {
    let shop = Shop::open().await;
    let mut settings = fast(5);
    settings.accounts_required = true;
    let room = shop.open_room(settings).await;
    let guest = shop.fan();
    guest
        .join_with(room, &json!({}))
        .await
        .is_problem(401, "sign_in_needed");
    let phone = shop.signed_in("ada@example.org", Role::Fan).await;
    let laptop = shop.fan();
    let entered = laptop.sign_in("ada@example.org", PASSWORD).await;
    assert_eq!(entered.status, 201);
    let first = phone.join_with(room, &json!({})).await.json();
    let second = laptop.join_with(room, &json!({})).await.json();
    assert_eq!(first["place"], second["place"]);
    let bob = shop.signed_in("bob@example.org", Role::Fan).await;
    let other = bob.join_with(room, &json!({})).await.json();
    assert_ne!(other["place"], first["place"]);
    // Nor can a place be handed on.
    shop.wait(1_000).await;
    let handed = text(&first["pass"]);
    bob.claim(room, &handed)
        .await
        .is_problem(403, "pass_of_another");
    guest
        .claim(room, &handed)
        .await
        .is_problem(403, "pass_of_another");
    laptop.come_in(room, &handed).await;
}

#[tokio::test]
async fn who_signs_in_after_joining_keeps_the_place_and_the_admission() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    shop.account("ada@example.org", Role::Fan).await;
    let fan = shop.fan();
    let pass = fan.join(room).await;
    shop.wait(1_000).await;
    let admission = fan.come_in(room, &pass).await;
    assert_eq!(fan.sign_in("ada@example.org", PASSWORD).await.status, 201);
    assert_eq!(fan.presence(room, &admission).await.status, 200);
    assert_eq!(fan.hold(&[1]).await.1.status, 201);
    let again = fan.claim(room, &pass).await;
    assert_eq!(again.json()["admission"], admission);
}

#[tokio::test]
async fn a_page_gone_wild_is_told_to_claim_more_slowly() {
    let shop = Shop::open().await;
    let mut settings = fast(5);
    settings.rate_per_minute = 0;
    let room = shop.open_room(settings).await;
    let fan = shop.fan();
    let pass = fan.join(room).await;
    let mut answers = Vec::new();
    for _ in 0..40 {
        answers.push(fan.claim(room, &pass).await);
    }
    let slower = answers.iter().find(|answer| answer.status == 429);
    slower.unwrap().is_problem(429, "too_many_requests");
    answers[0].is_problem(409, "not_your_turn");
}
