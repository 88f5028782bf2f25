//! Buying over HTTP, on each database: what a fan is told of prices, payments, orders and tickets.

use super::shop::{Fan, Reply, Shop, on_each_database, show};
use onsale_server::keys::{Keys, beside};
use onsale_server::payments::webhook::SIGNATURE_HEADER;
use serde_json::{Value, json};
use uuid::Uuid;

on_each_database! {
    what_costs_nothing_is_taken_without_a_card
    what_costs_something_wants_a_card
    two_seats_are_bought_and_their_tickets_are_there
    orders_and_tickets_of_others_lead_nowhere
    a_declined_card_is_402_with_its_reason_and_the_order_may_be_tried_again
    the_banks_question_is_answered_by_the_fan_and_by_nobody_else
    a_repeated_command_gets_the_same_answer_and_an_altered_one_is_refused
    a_quote_token_holds_for_what_it_was_made_for_and_nothing_else
    what_cannot_be_priced_says_why
    every_fault_of_buyer_and_card_is_named_and_no_card_number_comes_back
    a_notice_is_taken_as_often_as_it_comes_and_only_from_the_provider
}

pub(super) const GOOD: &str = "4242424242424242";

fn items(seats: &[u32]) -> Value {
    let items = seats
        .iter()
        .map(|seat| json!({ "place": { "seat": seat }, "price_type": 0 }));
    Value::Array(items.collect())
}

pub(super) async fn quoted(fan: &Fan<'_>, seats: &[u32], voucher: Option<&str>) -> Value {
    let wish = json!({ "items": items(seats), "voucher": voucher });
    let reply = fan.json("POST", &show("/quote"), &wish).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

/// A whole wish to pay for `seats`.
pub(super) fn wish(seats: &[u32], token: &Value, card: &str) -> Value {
    json!({
        "command_id": Uuid::now_v7(), "order_id": Uuid::now_v7(), "quote_token": token,
        "items": items(seats), "voucher": null,
        "buyer": { "name": "Ada Lovelace", "email": "ada@example.org" },
        "payment": { "card_number": card, "expiry": "12/30", "cvc": "123" },
    })
}

async fn pay(fan: &Fan<'_>, hold: Uuid, wish: &Value) -> Reply {
    fan.json("POST", &show(&format!("/holds/{hold}/checkout")), wish)
        .await
}

pub(super) async fn buy(fan: &Fan<'_>, seats: &[u32], card: &str) -> (Value, Reply) {
    let (hold, _) = fan.hold(seats).await;
    let quote = quoted(fan, seats, None).await;
    let wish = wish(seats, &quote["token"], card);
    let reply = pay(fan, hold, &wish).await;
    (wish, reply)
}

async fn what_costs_nothing_is_taken_without_a_card(shop: Shop) {
    let fan = shop.fan();
    let (hold, _) = fan.hold(&[3]).await;
    let quote = quoted(&fan, &[3], Some("FREE")).await;
    assert_eq!(quote["quote"]["total_minor"], 0);
    let mut free = wish(&[3], &quote["token"], GOOD);
    free["voucher"] = json!("FREE");
    let before = shop.state().await;
    let refused = pay(&fan, hold, &free).await.is_problem(400, "malformed");
    assert_eq!(refused["at"], "payment");
    assert_eq!(shop.state().await, before);

    free.as_object_mut().unwrap().remove("payment");
    let order = pay(&fan, hold, &free).await;
    assert_eq!(order.status, 200, "{order:?}");
    let order = order.json();
    assert_eq!(order["state"], "confirmed");
    assert_eq!(
        (&order["total_minor"], &order["card"]),
        (&json!(0), &json!(null))
    );
    assert_eq!(order["tickets"].as_array().unwrap().len(), 1);
}

async fn what_costs_something_wants_a_card(shop: Shop) {
    let fan = shop.fan();
    let (hold, _) = fan.hold(&[3]).await;
    let quote = quoted(&fan, &[3], None).await;
    let mut bare = wish(&[3], &quote["token"], GOOD);
    for absent in [None, Some(json!(null))] {
        match absent {
            None => drop(bare.as_object_mut().unwrap().remove("payment")),
            Some(null) => bare["payment"] = null,
        }
        let refused = pay(&fan, hold, &bare).await.is_problem(400, "malformed");
        assert_eq!(refused["at"], "payment");
    }
}

async fn two_seats_are_bought_and_their_tickets_are_there(shop: Shop) {
    let fan = shop.fan();
    let (_, reply) = buy(&fan, &[3, 4], GOOD).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let order = reply.json();
    assert_eq!(order["state"], "confirmed");
    assert_eq!(order["total_minor"], 2_000);
    assert_eq!(order["card"], json!({ "brand": "visa", "last4": "4242" }));
    let one = fan
        .get(
            &format!("/api/v1/orders/{}", order["id"].as_str().unwrap()),
            &[],
        )
        .await;
    assert_eq!(one.json(), order);
    assert_eq!(
        fan.get("/api/v1/orders", &[]).await.json()["orders"],
        json!([order])
    );
    let tickets = order["tickets"].as_array().unwrap();
    assert_eq!(tickets.len(), 2);
    let path = format!("/api/v1/tickets/{}", tickets[0]["id"].as_str().unwrap());
    let ticket = fan.get(&path, &[]).await.json();
    assert_eq!(ticket["performance"]["title"], "The Test");
    assert_eq!(ticket["state"], "valid");
    assert!(ticket["code"].as_str().unwrap().starts_with("OS1."));
    let picture = fan.get(&format!("{path}/qr.svg"), &[]).await;
    assert_eq!(picture.header("content-type"), "image/svg+xml");
    assert!(picture.body.starts_with(b"<svg"));
}

async fn orders_and_tickets_of_others_lead_nowhere(shop: Shop) {
    let (_, reply) = buy(&shop.fan(), &[3], GOOD).await;
    let order = reply.json();
    let stranger = shop.fan();
    stranger.hold(&[9]).await;
    let (order_id, ticket) = (&order["id"], &order["tickets"][0]["id"]);
    for path in [
        format!("/api/v1/orders/{}", order_id.as_str().unwrap()),
        format!("/api/v1/tickets/{}", ticket.as_str().unwrap()),
        format!("/api/v1/tickets/{}/qr.svg", ticket.as_str().unwrap()),
    ] {
        stranger.get(&path, &[]).await.is_problem(404, "not_found");
        shop.fan()
            .get(&path, &[])
            .await
            .is_problem(404, "not_found");
    }
    assert_eq!(
        stranger.get("/api/v1/orders", &[]).await.json(),
        json!({ "orders": [] })
    );
    let step = format!("/api/v1/orders/{}/step", order_id.as_str().unwrap());
    let answer = json!({ "command_id": Uuid::now_v7(), "approve": true });
    stranger
        .json("POST", &step, &answer)
        .await
        .is_problem(404, "not_found");
}

async fn a_declined_card_is_402_with_its_reason_and_the_order_may_be_tried_again(shop: Shop) {
    let fan = shop.fan();
    let (hold, _) = fan.hold(&[3]).await;
    let quote = quoted(&fan, &[3], None).await;
    let mut wish = wish(&[3], &quote["token"], "4000000000009995");
    for _ in 0..2 {
        let problem = pay(&fan, hold, &wish)
            .await
            .is_problem(402, "payment_declined");
        assert_eq!(problem["reason"], "insufficient_funds");
    }
    wish["command_id"] = json!(Uuid::now_v7());
    wish["payment"]["card_number"] = json!(GOOD);
    assert_eq!(pay(&fan, hold, &wish).await.json()["state"], "confirmed");
}

async fn the_banks_question_is_answered_by_the_fan_and_by_nobody_else(shop: Shop) {
    let fan = shop.fan();
    let (_, reply) = buy(&fan, &[3], "4000 0025 0000 3155").await;
    let order = reply.json();
    assert_eq!(order["state"], "needs_step");
    let id = order["id"].as_str().unwrap();
    assert_eq!(order["step"]["url"], format!("/pay/step/{id}"));
    let path = format!("/api/v1/orders/{id}/step");
    let answer = json!({ "command_id": Uuid::now_v7(), "approve": true });
    shop.fan()
        .json("POST", &path, &answer)
        .await
        .is_problem(404, "not_found");
    for _ in 0..2 {
        let done = fan.json("POST", &path, &answer).await;
        assert_eq!(done.json()["state"], "confirmed", "{done:?}");
    }
    let no = json!({ "command_id": Uuid::now_v7(), "approve": false });
    fan.json("POST", &path, &no)
        .await
        .is_problem(409, "order_state");
}

async fn a_repeated_command_gets_the_same_answer_and_an_altered_one_is_refused(shop: Shop) {
    let fan = shop.fan();
    let (hold, _) = fan.hold(&[3]).await;
    let quote = quoted(&fan, &[3], None).await;
    let mut wish = wish(&[3], &quote["token"], GOOD);
    let first = pay(&fan, hold, &wish).await.json();
    assert_eq!(pay(&fan, hold, &wish).await.json(), first);
    wish["buyer"]["name"] = json!("Somebody Else");
    pay(&fan, hold, &wish)
        .await
        .is_problem(409, "command_id_reused");
}

async fn a_quote_token_holds_for_what_it_was_made_for_and_nothing_else(shop: Shop) {
    let fan = shop.fan();
    let (hold, _) = fan.hold(&[3, 4]).await;
    let quote = quoted(&fan, &[3, 4], None).await;
    assert_eq!(quote["quote"]["total_minor"], 2_000);
    assert!(quote["valid_until_ms"].as_i64() > quote["quoted_ms"].as_i64());
    let before = shop.state().await;
    let other = quoted(&fan, &[3], None).await;
    let wrong = wish(&[3, 4], &other["token"], GOOD);
    pay(&fan, hold, &wrong)
        .await
        .is_problem(409, "quote_invalid");
    let cheaper = quoted(&fan, &[3, 4], Some("secret")).await;
    assert_eq!(cheaper["quote"]["total_minor"], 1_000);
    let wrong = wish(&[3, 4], &cheaper["token"], GOOD);
    pay(&fan, hold, &wrong)
        .await
        .is_problem(409, "quote_invalid");
    let forged = wish(&[3, 4], &json!("AAAA"), GOOD);
    pay(&fan, hold, &forged)
        .await
        .is_problem(409, "quote_invalid");
    assert_eq!(shop.state().await, before, "nothing has changed");
    let mut with_voucher = wish(&[3, 4], &cheaper["token"], GOOD);
    with_voucher["voucher"] = json!("SECRET");
    assert_eq!(
        pay(&fan, hold, &with_voucher).await.json()["total_minor"],
        1_000
    );
}

async fn what_cannot_be_priced_says_why(shop: Shop) {
    let fan = shop.fan();
    for (wish, reason) in [
        (json!({ "items": [] }), "no_items"),
        (json!({ "items": items(&[100_000]) }), "unknown_place"),
        (
            json!({ "items": items(&[1]), "voucher": "nope" }),
            "voucher_unknown",
        ),
    ] {
        let problem = fan
            .json("POST", &show("/quote"), &wish)
            .await
            .is_problem(409, "no_quote");
        assert_eq!(problem["reason"]["code"], reason, "{problem}");
    }
    let not_sold = json!({ "items": [{ "place": { "seat": 1 }, "price_type": 255 }] });
    fan.json("POST", &show("/quote"), &not_sold)
        .await
        .is_problem(409, "no_quote");
}

async fn every_fault_of_buyer_and_card_is_named_and_no_card_number_comes_back(shop: Shop) {
    let fan = shop.fan();
    let (hold, _) = fan.hold(&[3]).await;
    let quote = quoted(&fan, &[3], None).await;
    let mut bad = wish(&[3], &quote["token"], "4242424242424241");
    bad["buyer"] = json!({ "name": " ", "email": "nowhere" });
    bad["payment"]["expiry"] = json!("01/20");
    let problem = pay(&fan, hold, &bad).await.is_problem(400, "malformed");
    let text = problem.to_string();
    for place in [
        "buyer.name",
        "buyer.email",
        "payment.card_number",
        "payment.expiry",
    ] {
        assert!(text.contains(place), "{place}: {text}");
    }
    assert!(!text.contains("42424242"), "{text}");
    let mut as_number = wish(&[3], &quote["token"], GOOD);
    as_number["payment"]["card_number"] = json!(4_242_424_242_424_242_u64);
    let problem = pay(&fan, hold, &as_number)
        .await
        .is_problem(400, "malformed");
    assert!(!problem.to_string().contains("42424242"), "{problem}");
    let mut more = wish(&[3], &quote["token"], GOOD);
    more["payment"]["tip"] = json!(1);
    pay(&fan, hold, &more).await.is_problem(400, "malformed");
}

async fn a_notice_is_taken_as_often_as_it_comes_and_only_from_the_provider(shop: Shop) {
    let fan = shop.fan();
    let (_, reply) = buy(&fan, &[3], GOOD).await;
    let order = reply.json();
    let keys = Keys::open(&beside(shop.path())).unwrap();
    let at_ms = shop.clock.now_ms();
    let notice = json!({ "id": Uuid::now_v7(), "kind": "captured", "key": Uuid::now_v7(),
        "at_ms": at_ms })
    .to_string();
    let path = "/api/v1/payments/webhook";
    let signature = keys.webhook.sign(at_ms, notice.as_bytes());
    for _ in 0..3 {
        let headers = [(SIGNATURE_HEADER, signature.as_str())];
        assert_eq!(
            fan.ask("POST", path, &headers, notice.clone()).await.status,
            204
        );
    }
    fan.ask("POST", path, &[], notice.clone())
        .await
        .is_problem(400, "malformed");
    let forged = notice.replace("captured", "refunded");
    let headers = [(SIGNATURE_HEADER, signature.as_str())];
    fan.ask("POST", path, &headers, forged)
        .await
        .is_problem(400, "malformed");
    let old = keys.webhook.sign(at_ms - 3_600_000, notice.as_bytes());
    let headers = [(SIGNATURE_HEADER, old.as_str())];
    fan.ask("POST", path, &headers, notice)
        .await
        .is_problem(400, "malformed");
    let one = fan
        .get(
            &format!("/api/v1/orders/{}", order["id"].as_str().unwrap()),
            &[],
        )
        .await;
    assert_eq!(one.json(), order, "a notice changes nothing by itself");
}
