//! The door of the shop: what an admission opens, for whom, how long and for how much.

use super::super::buying::{GOOD, buy, quoted, wish};
use super::super::shop::{SHOW, Shop, show};
use super::{at, fast, somebody_inside, text};
use onsale_queue::Action;
use onsale_server::rooms::{NewRoom, Purchase};
use onsale_server::store::relay::RelayStore as _;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_quiet_room_asks_nobody_for_anything() {
    let shop = Shop::open().await;
    shop.room(fast(1)).await;
    let fan = shop.fan();
    let (_, paid) = buy(&fan, &[1, 2], GOOD).await;
    assert_eq!(paid.json()["state"], "confirmed");
}

#[tokio::test]
async fn while_a_room_is_on_holding_and_paying_need_an_admission() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let fan = shop.fan();
    let refused = fan.hold(&[1]).await.1.is_problem(403, "admission_needed");
    assert_eq!(refused["room"], room.to_hex());
    let hold = Uuid::now_v7();
    let command = json!({ "command_id": Uuid::now_v7() });
    for (method, rest, body) in [
        (
            "PATCH",
            String::new(),
            json!({ "command_id": Uuid::now_v7(), "add": [{ "seat": 1 }] }),
        ),
        ("POST", "/extend".to_owned(), command),
    ] {
        let path = show(&format!("/holds/{hold}{rest}"));
        let refused = fan.json(method, &path, &body).await;
        refused.is_problem(403, "admission_needed");
    }
    let quote = quoted(&fan, &[1], None).await;
    let path = show(&format!("/holds/{hold}/checkout"));
    let refused = fan
        .json("POST", &path, &wish(&[1], &quote["token"], GOOD))
        .await;
    refused.is_problem(403, "admission_needed");
    // Another performance's room does not mind, and looking costs nothing.
    assert_eq!(fan.get(&show("/seats"), &[]).await.status, 200);
    let (fan, _) = somebody_inside(&shop, room).await;
    let (_, paid) = buy(&fan, &[1], GOOD).await;
    assert_eq!(paid.json()["state"], "confirmed", "{paid:?}");
}

#[tokio::test]
async fn an_admission_opens_nothing_to_somebody_else() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let (_, admission) = somebody_inside(&shop, room).await;
    let thief = shop.fan();
    thief.show(&admission);
    thief
        .hold(&[1])
        .await
        .1
        .is_problem(403, "admission_of_another");
    thief
        .presence(room, &admission)
        .await
        .is_problem(403, "admission_of_another");
    thief
        .leave(room, &admission)
        .await
        .is_problem(403, "admission_of_another");
    shop.wait(250).await;
    assert_eq!(shop.inside(room), 1);
}

#[tokio::test]
async fn an_admission_of_another_room_and_what_is_none_are_told_apart() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let other = shop
        .make_room(NewRoom {
            settings: fast(5),
            ..NewRoom::default()
        })
        .await;
    shop.act(other, Action::Open).await;
    let (fan, _) = somebody_inside(&shop, other).await;
    fan.hold(&[1])
        .await
        .1
        .is_problem(403, "admission_of_another_room");
    let (fan, admission) = somebody_inside(&shop, room).await;
    let pass = fan.join(room).await;
    let at = admission.len() / 2;
    let mut altered = admission.clone();
    let with = if &admission[at..=at] == "A" { "B" } else { "A" };
    altered.replace_range(at..=at, with);
    let long = "x".repeat(5_000);
    for (shown, what) in [
        ("", "malformed"),
        ("yes please", "malformed"),
        (&*pass, "malformed"),
        (&*long, "malformed"),
        (&*altered, "altered"),
    ] {
        fan.show(shown);
        let refused = fan.hold(&[1]).await.1.is_problem(403, "admission_invalid");
        assert_eq!(refused["what"], what, "{shown}");
    }
}

#[tokio::test]
async fn an_admission_is_over_when_its_time_is() {
    let shop = Shop::open().await;
    let mut settings = fast(1);
    (settings.shop_ms, settings.idle_ms) = (10_000, 60_000);
    let room = shop.open_room(settings).await;
    let (fan, admission) = somebody_inside(&shop, room).await;
    assert_eq!(fan.presence(room, &admission).await.status, 200);
    shop.wait(10_000).await;
    fan.hold(&[1]).await.1.is_problem(403, "admission_over");
    fan.presence(room, &admission)
        .await
        .is_problem(403, "admission_over");
    assert_eq!(shop.inside(room), 0);
}

#[tokio::test]
async fn an_order_ends_the_admission_and_frees_its_slot_at_once() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(1)).await;
    let (fan, admission) = somebody_inside(&shop, room).await;
    let waiting = shop.fan();
    let pass = waiting.join(room).await;
    let (_, paid) = buy(&fan, &[1], GOOD).await;
    assert_eq!(paid.json()["state"], "confirmed");
    // No tick in between: the slot is free before the answer is out.
    fan.hold(&[2]).await.1.is_problem(403, "admission_over");
    fan.presence(room, &admission)
        .await
        .is_problem(403, "admission_over");
    shop.wait(1_000).await;
    waiting.come_in(room, &pass).await;
    assert_eq!(shop.figures(room)["totals"]["completed"], 1);
}

#[tokio::test]
async fn asking_for_the_same_order_again_gives_the_same_answer_also_afterwards() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(1)).await;
    let (fan, _) = somebody_inside(&shop, room).await;
    let (hold, _) = fan.hold(&[1]).await;
    let quote = quoted(&fan, &[1], None).await;
    let body = wish(&[1], &quote["token"], GOOD);
    let path = show(&format!("/holds/{hold}/checkout"));
    let first = fan.json("POST", &path, &body).await;
    assert_eq!(first.json()["state"], "confirmed");
    let again = fan.json("POST", &path, &body).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(again.json()["tickets"], first.json()["tickets"]);
    // But it is no admission for another order.
    let mut other = body.clone();
    other["order_id"] = json!(Uuid::now_v7());
    other["command_id"] = json!(Uuid::now_v7());
    fan.json("POST", &path, &other)
        .await
        .is_problem(403, "admission_over");
}

#[tokio::test]
async fn a_declined_card_keeps_the_fan_inside_and_a_second_card_frees_the_slot() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(1)).await;
    let (fan, admission) = somebody_inside(&shop, room).await;
    let (hold, _) = fan.hold(&[1]).await;
    let quote = quoted(&fan, &[1], None).await;
    let mut body = wish(&[1], &quote["token"], "4000000000000002");
    let path = show(&format!("/holds/{hold}/checkout"));
    fan.json("POST", &path, &body)
        .await
        .is_problem(402, "payment_declined");
    assert_eq!(fan.presence(room, &admission).await.status, 200);
    body["command_id"] = json!(Uuid::now_v7());
    body["payment"]["card_number"] = json!(GOOD);
    assert_eq!(
        fan.json("POST", &path, &body).await.json()["state"],
        "confirmed"
    );
    fan.presence(room, &admission)
        .await
        .is_problem(403, "admission_over");
}

#[tokio::test]
async fn an_order_whose_bank_asks_frees_the_slot_when_it_is_answered_and_no_other_goes_beside_it() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(1)).await;
    let (fan, admission) = somebody_inside(&shop, room).await;
    let (body, asked) = buy(&fan, &[1], "4000002500003155").await;
    assert_eq!(asked.json()["state"], "needs_step");
    assert_eq!(fan.presence(room, &admission).await.status, 200);
    let (_, other) = buy(&fan, &[2], GOOD).await;
    let refused = other.is_problem(409, "admission_in_use");
    assert_eq!(refused["order_id"], body["order_id"]);
    let order = asked.json()["id"].as_str().unwrap().to_owned();
    let step = json!({ "command_id": Uuid::now_v7(), "approve": true });
    let path = format!("/api/v1/orders/{order}/step");
    assert_eq!(
        fan.json("POST", &path, &step).await.json()["state"],
        "confirmed"
    );
    let checkouts = &shop.app.services().money.checkouts;
    checkouts.at_rest(order.parse().unwrap()).await;
    // Whoever watches over the order is told at the same moment as we are.
    while fan.presence(room, &admission).await.status == 200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(shop.figures(room)["totals"]["abandoned"], 0);
}

#[tokio::test]
async fn an_order_whose_bank_is_answered_after_a_restart_frees_the_slot_at_once() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(1)).await;
    let (cookie, admission, orders) = {
        let (fan, admission) = somebody_inside(&shop, room).await;
        let (_, asked) = buy(&fan, &[1], "4000002500003155").await;
        assert_eq!(asked.json()["state"], "needs_step", "{asked:?}");
        let order = text(&asked.json()["id"]);
        (fan.cookie("onsale"), admission, order)
    };
    let shop = shop.restarted().await;
    shop.wait(250).await;
    assert_eq!(shop.inside(room), 1);
    let fan = shop.fan();
    fan.set_cookie("onsale", cookie);
    fan.show(&admission);
    // It is still the one order that is being paid with the admission.
    let (_, other) = buy(&fan, &[2], GOOD).await;
    other.is_problem(409, "admission_in_use");
    let step = json!({ "command_id": Uuid::now_v7(), "approve": true });
    let path = format!("/api/v1/orders/{orders}/step");
    let paid = fan.json("POST", &path, &step).await;
    assert_eq!(paid.json()["state"], "confirmed", "{paid:?}");
    // No time goes by: it is not for idleness that the slot is free.
    while fan.presence(room, &admission).await.status == 200 {
        tokio::task::yield_now().await;
    }
    shop.app.services().rooms.tick().await;
    assert_eq!(shop.inside(room), 0);
    assert_eq!(shop.figures(room)["totals"]["completed"], 1);
    // Nothing is left to be taken up by the next run.
    let kept = &shop.app.services().store;
    while !onsale_server::store::kept::KeptStore::paying(kept)
        .await
        .unwrap()
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_bank_that_says_no_after_a_restart_leaves_the_admission_to_another_order() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(1)).await;
    let (cookie, admission, order) = {
        let (fan, admission) = somebody_inside(&shop, room).await;
        let (_, asked) = buy(&fan, &[1], "4000002500003155").await;
        (fan.cookie("onsale"), admission, text(&asked.json()["id"]))
    };
    let shop = shop.restarted().await;
    let fan = shop.fan();
    fan.set_cookie("onsale", cookie);
    fan.show(&admission);
    let step = json!({ "command_id": Uuid::now_v7(), "approve": false });
    let path = format!("/api/v1/orders/{order}/step");
    let declined = fan.json("POST", &path, &step).await;
    declined.is_problem(402, "payment_declined");
    let (hold, held) = fan.hold(&[2]).await;
    assert_eq!(held.status, 201, "{held:?}");
    let quote = quoted(&fan, &[2], None).await;
    let path = show(&format!("/holds/{hold}/checkout"));
    loop {
        let paid = fan
            .json("POST", &path, &wish(&[2], &quote["token"], GOOD))
            .await;
        if paid.status == 200 {
            break;
        }
        paid.is_problem(409, "admission_in_use");
        tokio::task::yield_now().await;
    }
    fan.presence(room, &admission)
        .await
        .is_problem(403, "admission_over");
}

#[tokio::test]
async fn who_held_seats_before_the_room_went_on_may_pay_but_not_take_more() {
    let shop = Shop::open().await;
    let room = shop.room(fast(1)).await;
    let fan = shop.fan();
    let (hold, held) = fan.hold(&[1]).await;
    assert_eq!(held.status, 201);
    shop.wait(1_000).await;
    shop.act(room, Action::Open).await;
    fan.hold(&[2]).await.1.is_problem(403, "admission_needed");
    let path = show(&format!("/holds/{hold}"));
    let more = json!({ "command_id": Uuid::now_v7(), "add": [{ "seat": 3 }] });
    fan.json("PATCH", &path, &more)
        .await
        .is_problem(403, "admission_needed");
    let quote = quoted(&fan, &[1], None).await;
    let path = show(&format!("/holds/{hold}/checkout"));
    let paid = fan
        .json("POST", &path, &wish(&[1], &quote["token"], GOOD))
        .await;
    assert_eq!(paid.json()["state"], "confirmed", "{paid:?}");
}

#[tokio::test]
async fn who_gives_no_sign_loses_the_slot_and_gets_it_back_while_there_is_room() {
    let shop = Shop::open().await;
    let mut settings = fast(1);
    settings.idle_ms = 5_000;
    let room = shop.open_room(settings).await;
    let (idle, admission) = somebody_inside(&shop, room).await;
    shop.wait(6_000).await;
    assert_eq!(shop.inside(room), 0);
    assert_eq!(idle.presence(room, &admission).await.status, 200);
    shop.wait(6_000).await;
    somebody_inside(&shop, room).await;
    let full = idle.presence(room, &admission).await;
    full.is_problem(409, "shop_full");
    idle.hold(&[1]).await.1.is_problem(409, "shop_full");
}

async fn limited(authority: Value) -> Shop {
    let shop = Shop::open().await;
    let authority: Purchase = serde_json::from_value(authority).unwrap();
    let room = shop
        .make_room(NewRoom {
            settings: fast(5),
            performances: vec![booking_core::PerformanceId::from(super::SHOW)],
            authority,
            demo: false,
        })
        .await;
    shop.act(room, Action::Open).await;
    shop
}

fn room_of(shop: &Shop) -> onsale_queue::RoomId {
    shop.app.services().rooms.details().unwrap()[0].id
}

#[tokio::test]
async fn an_admission_for_two_places_buys_no_three() {
    let shop = limited(json!({ "max_places": 2 })).await;
    let (fan, _) = somebody_inside(&shop, room_of(&shop)).await;
    let refused = fan
        .hold(&[1, 2, 3])
        .await
        .1
        .is_problem(403, "admission_limited");
    assert_eq!(
        (&refused["limit"], &refused["max_places"]),
        (&json!("max_places"), &json!(2))
    );
    let (hold, held) = fan.hold(&[1]).await;
    assert_eq!(held.status, 201);
    fan.hold(&[3, 4])
        .await
        .1
        .is_problem(403, "admission_limited");
    let path = show(&format!("/holds/{hold}"));
    let add = |seats: &[u32]| {
        let add: Vec<_> = seats.iter().map(|seat| json!({ "seat": seat })).collect();
        json!({ "command_id": Uuid::now_v7(), "add": add })
    };
    fan.json("PATCH", &path, &add(&[2, 3]))
        .await
        .is_problem(403, "admission_limited");
    assert_eq!(fan.json("PATCH", &path, &add(&[2])).await.status, 200);
    let best = json!({
        "command_id": Uuid::now_v7(), "hold_id": Uuid::now_v7(),
        "request": { "best_available": { "quantity": 1 } },
    });
    fan.json("POST", &show("/holds"), &best)
        .await
        .is_problem(403, "admission_limited");
}

#[tokio::test]
async fn an_admission_for_certain_seats_opens_no_others() {
    let shop = limited(json!({ "seats": [5, 6] })).await;
    let (fan, _) = somebody_inside(&shop, room_of(&shop)).await;
    let refused = fan
        .hold(&[5, 7])
        .await
        .1
        .is_problem(403, "admission_limited");
    assert_eq!(
        (&refused["limit"], &refused["seats"]),
        (&json!("seats"), &json!([5, 6]))
    );
    let stand = json!({
        "command_id": Uuid::now_v7(), "hold_id": Uuid::now_v7(),
        "request": { "general_admission": { "area": 0, "quantity": 1 } },
    });
    fan.json("POST", &show("/holds"), &stand)
        .await
        .is_problem(403, "admission_limited");
    assert_eq!(fan.hold(&[5, 6]).await.1.status, 201);
}

#[tokio::test]
async fn an_admission_for_a_price_band_opens_no_other() {
    let shop = limited(json!({ "bands": [9] })).await;
    let (fan, _) = somebody_inside(&shop, room_of(&shop)).await;
    let refused = fan.hold(&[5]).await.1.is_problem(403, "admission_limited");
    assert_eq!(
        (&refused["limit"], &refused["bands"]),
        (&json!("bands"), &json!([9]))
    );
    let body = |bands: Value| {
        json!({
            "command_id": Uuid::now_v7(), "hold_id": Uuid::now_v7(),
            "request": { "best_available": { "quantity": 1, "bands": bands } },
        })
    };
    let refused = fan.json("POST", &show("/holds"), &body(json!([0]))).await;
    refused.is_problem(403, "admission_limited");
    // Without a band it is looked for in the one that is allowed, which has no seat.
    let nothing = fan.json("POST", &show("/holds"), &body(json!([]))).await;
    assert_eq!(nothing.status, 409, "{nothing:?}");
    let path = at(room_of(&shop), "");
    assert_eq!(fan.get(&path, &[]).await.status, 200);
}

#[tokio::test]
async fn who_comes_in_is_noted_for_publishing_once_and_only_where_that_is_wanted() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(10)).await;
    let services = shop.app.services();
    somebody_inside(&shop, room).await;
    assert_eq!(services.store.admissions(10).await.unwrap(), []);
    services.admissions.tell();
    let fan = shop.fan();
    let pass = fan.join(room).await;
    shop.wait(1_000).await;
    for _ in 0..2 {
        fan.come_in(room, &pass).await;
    }
    let noted = services.store.admissions(10).await.unwrap();
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].room, room.0);
    assert_eq!(noted[0].performances, format!("[\"{SHOW}\"]"));
}
