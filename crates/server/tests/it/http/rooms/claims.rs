//! Coming in: whose turn it is, how many fit, and every "no" on the way.

use super::super::shop::Shop;
use super::{at, fast, somebody_inside, text};
use onsale_queue::Action;
use onsale_server::rooms::NewRoom;
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn who_is_not_called_waits() {
    let shop = Shop::open().await;
    let mut settings = fast(10);
    settings.rate_per_minute = 0;
    let room = shop.open_room(settings).await;
    let fan = shop.fan();
    let pass = fan.join(room).await;
    shop.wait(500).await;
    let refused = fan.claim(room, &pass).await;
    let problem = refused.is_problem(409, "not_your_turn");
    assert_eq!(problem["ahead"], 1);
    assert_eq!(problem["room"], room.to_hex());
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!(seconds >= 1);
}

#[tokio::test]
async fn asking_again_gives_the_same_admission_again() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(10)).await;
    let fan = shop.fan();
    let pass = fan.join(room).await;
    shop.wait(1_000).await;
    let first = fan.claim(room, &pass).await.json();
    shop.wait(1_000).await;
    let again = fan.claim(room, &pass).await.json();
    assert_eq!(first["admission"], again["admission"]);
    assert_eq!(shop.inside(room), 1);
}

#[tokio::test]
async fn a_full_shop_says_so_and_the_turn_stays() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(2)).await;
    let (one, two) = (shop.fan(), shop.fan());
    let passes = [one.join(room).await, two.join(room).await];
    shop.wait(1_000).await;
    shop.set(room, json!({ "cap": 1 })).await;
    let admission = one.come_in(room, &passes[0]).await;
    let full = two.claim(room, &passes[1]).await;
    full.is_problem(409, "shop_full");
    assert!(!full.header("retry-after").is_empty());
    assert_eq!(one.leave(room, &admission).await.status, 204);
    two.come_in(room, &passes[1]).await;
    shop.wait(250).await;
    assert_eq!(shop.inside(room), 1);
}

#[tokio::test]
async fn nobody_comes_in_while_the_room_is_paused_and_places_are_kept() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let fan = shop.fan();
    let pass = fan.join(room).await;
    shop.wait(1_000).await;
    shop.act(room, Action::Pause).await;
    fan.claim(room, &pass).await.is_problem(409, "paused");
    shop.act(room, Action::Resume).await;
    fan.come_in(room, &pass).await;
    shop.act(room, Action::Close).await;
    let late = shop.fan();
    late.claim(room, &pass)
        .await
        .is_problem(409, "pass_elsewhere");
}

#[tokio::test]
async fn a_turn_that_is_not_taken_is_over() {
    let shop = Shop::open().await;
    let mut settings = fast(5);
    (settings.claim_ms, settings.late_ms) = (2_000, 3_000);
    let room = shop.open_room(settings).await;
    let fan = shop.fan();
    let pass = fan.join(room).await;
    shop.wait(8_000).await;
    let standing = fan.standing(room, &pass).await.json();
    assert_eq!(standing["standing"]["standing"], "turn_over");
    fan.claim(room, &pass).await.is_problem(409, "turn_over");
    let again = fan.join_with(room, &json!({ "pass": pass })).await;
    assert_eq!(again.status, 201);
}

#[tokio::test]
async fn a_place_lets_in_once() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let fan = shop.fan();
    let pass = fan.join(room).await;
    shop.wait(1_000).await;
    let admission = fan.come_in(room, &pass).await;
    fan.leave(room, &admission).await;
    fan.claim(room, &pass).await.is_problem(409, "pass_used");
    // Leaving twice is no fault.
    assert_eq!(fan.leave(room, &admission).await.status, 204);
}

#[tokio::test]
async fn a_second_device_with_the_same_pass_is_one_place() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let (phone, laptop) = (shop.fan(), shop.fan());
    let pass = phone.join(room).await;
    shop.wait(1_000).await;
    let standing = laptop.standing(room, &pass).await.json();
    assert_eq!(standing["standing"]["standing"], "your_turn");
    laptop.come_in(room, &pass).await;
    phone
        .claim(room, &pass)
        .await
        .is_problem(409, "pass_elsewhere");
    shop.wait(250).await;
    assert_eq!(shop.inside(room), 1);
}

#[tokio::test]
async fn a_pass_that_was_altered_made_up_or_is_for_another_room_is_told_apart() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let other = shop.make_room(NewRoom::default()).await;
    shop.act(other, Action::Open).await;
    let fan = shop.fan();
    let pass = fan.join(room).await;
    shop.wait(500).await;
    fan.claim(other, &pass)
        .await
        .is_problem(403, "pass_of_another_room");
    let made_up = fan.claim(room, "onsale-pass-1.AAAA").await;
    assert_eq!(made_up.is_problem(403, "pass_invalid")["what"], "malformed");
    // Another character in the middle of what is signed.
    let at = pass.len() / 2;
    let with = if &pass[at..=at] == "A" { "B" } else { "A" };
    let mut altered = pass.clone();
    altered.replace_range(at..=at, with);
    let altered = fan.claim(room, &altered).await;
    assert_eq!(altered.is_problem(403, "pass_invalid")["what"], "altered");
    // Years from now: the clock was wrong when it was given, or it is not.
    shop.clock.advance(-3_600_000);
    let early = fan.claim(room, &pass).await;
    assert_eq!(
        early.is_problem(403, "pass_invalid")["what"],
        "from_the_future"
    );
}

#[tokio::test]
async fn a_claim_names_one_right() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let fan = shop.fan();
    for body in [json!({}), json!({ "pass": "a", "code": "b" })] {
        let refused = fan.json("POST", &at(room, "/claim"), &body).await;
        refused.is_problem(400, "malformed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_many_claim_at_once_the_shop_never_holds_more_than_the_cap() {
    const CAP: u32 = 7;
    let shop = Shop::open().await;
    let room = shop.open_room(fast(100)).await;
    let mut fans = Vec::new();
    for _ in 0..60 {
        let fan = shop.fan();
        let pass = fan.join(room).await;
        fans.push((fan, pass));
    }
    shop.wait(1_000).await;
    shop.set(room, json!({ "cap": CAP })).await;
    let barrier = Arc::new(tokio::sync::Barrier::new(fans.len()));
    let claims = fans.iter().map(|(fan, pass)| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            fan.claim(room, pass).await.status.as_u16()
        }
    });
    let answers = futures_util::future::join_all(claims).await;
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((count(200), count(409)), (CAP as usize, 60 - CAP as usize));
    shop.wait(250).await;
    assert_eq!(shop.inside(room), CAP);
    assert_eq!(shop.figures(room)["totals"]["most_inside"], CAP);
}

#[tokio::test]
async fn when_nothing_is_left_nobody_is_called_until_something_comes_back() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let (buyer, _) = somebody_inside(&shop, room).await;
    // 100 seats and 20 to stand; a fan holds eight at a time.
    let mut holds = Vec::new();
    for block in 0..12 {
        let seats: Vec<u32> = (block * 8..block * 8 + 8).collect();
        let (hold, held) = buyer.hold(&seats).await;
        assert_eq!(held.status, 201, "{held:?}");
        holds.push(hold);
    }
    buyer.hold(&[96, 97, 98, 99]).await;
    for quantity in [8, 8, 4] {
        let body = json!({
            "command_id": uuid::Uuid::now_v7(), "hold_id": uuid::Uuid::now_v7(),
            "request": { "general_admission": { "area": 0, "quantity": quantity } },
        });
        let stand = buyer
            .json("POST", &super::super::shop::show("/holds"), &body)
            .await;
        assert_eq!(stand.status, 201, "{stand:?}");
    }
    let fan = shop.fan();
    let early = fan.join(room).await;
    shop.wait(1_000).await;
    let polled = fan.get(&at(room, ""), &[]).await.json();
    assert_eq!(polled["places_left"], 0);
    assert_eq!(polled["held_by"], "sold_out");
    fan.claim(room, &early)
        .await
        .is_problem(409, "not_your_turn");
    let path = super::super::shop::show(&format!(
        "/holds/{}?command_id={}",
        holds[0],
        uuid::Uuid::now_v7()
    ));
    assert_eq!(buyer.ask("DELETE", &path, &[], "").await.status, 204);
    shop.wait(1_000).await;
    fan.come_in(room, &early).await;
}

#[tokio::test]
async fn who_was_called_before_the_last_seat_went_is_told_and_keeps_the_turn() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let fan = shop.fan();
    let pass = fan.join(room).await;
    shop.wait(1_000).await;
    // Nothing can be held any more: the house is taken off sale.
    let seats: Vec<_> = (0..100).map(booking_core::SeatIx).collect();
    let lanes = &shop.app.services().lanes;
    let kill = booking_core::Command::KillSeats { seats };
    let id = |n| booking_core::CommandId::from_u128(crate::support::command_id(n).uuid().as_u128());
    let performance = booking_core::PerformanceId::from(super::SHOW);
    lanes.send(performance, id(1), kill).await.unwrap();
    // A hold takes eight.
    for (hold, quantity) in [(77, 8), (78, 8), (79, 4)] {
        let stand = crate::support::stand(hold, hold, quantity);
        lanes.send(performance, id(hold), stand).await.unwrap();
    }
    shop.wait(500).await;
    let refused = fan.claim(room, &pass).await;
    refused.is_problem(409, "sold_out");
    assert!(!refused.header("retry-after").is_empty());
    let release = crate::support::release(77, 77);
    lanes.send(performance, id(3), release).await.unwrap();
    shop.wait(500).await;
    fan.come_in(room, &pass).await;
}

#[tokio::test]
async fn wishes_become_an_offer_that_can_be_held_with_one_tap() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let fan = shop.fan();
    let wishes = json!({ "places": 3, "together": true });
    let joined = fan
        .join_with(room, &json!({ "wishes": wishes }))
        .await
        .json();
    shop.wait(1_000).await;
    let claimed = fan.claim(room, &text(&joined["pass"])).await.json();
    let offer = &claimed["offer"];
    assert_eq!(offer["performance_id"], json!(super::SHOW));
    assert_eq!(offer["places"].as_array().unwrap().len(), 3, "{offer}");
    fan.show(&text(&claimed["admission"]));
    let body = json!({
        "command_id": uuid::Uuid::now_v7(), "hold_id": uuid::Uuid::now_v7(),
        "request": offer["request"], "needs_accessible": offer["needs_accessible"],
    });
    let held = fan
        .json("POST", &super::super::shop::show("/holds"), &body)
        .await;
    assert_eq!(held.status, 201, "{held:?}");
    assert_eq!(held.json()["hold"]["places"], offer["places"]);
    // Who wishes for nothing, or for what there is not, is let in without an offer.
    let other = shop.fan();
    let wishes = json!({ "places": 50, "together": true });
    let joined = other
        .join_with(room, &json!({ "wishes": wishes }))
        .await
        .json();
    shop.wait(1_000).await;
    let claimed = other.claim(room, &text(&joined["pass"])).await;
    assert_eq!(
        (claimed.status.as_u16(), &claimed.json()["offer"]),
        (200, &json!(null))
    );
}
