//! Terms that change while fans are choosing and paying.

use super::shop::{SHOW, Shop, show};
use crate::support::{command_id, fresh};
use booking_core::{Command, Rejection, SaleTerms};
use onsale_server::lane::LaneError;
use onsale_server::ledger_tools::{rebuild, verify};
use serde_json::{Value, json};
use uuid::Uuid;

async fn set(shop: &Shop, change: impl FnOnce(&mut SaleTerms)) -> Result<(), LaneError> {
    let services = shop.app.services();
    let listed = services.catalogue.performance(SHOW.into()).await.unwrap();
    let mut terms = SaleTerms::clone(&listed.unwrap().terms);
    change(&mut terms);
    let command = Command::SetTerms {
        terms: Box::new(terms),
    };
    let sent = services
        .lanes
        .send(SHOW.into(), command_id(fresh()), command);
    // Other processes learn of it within a second; this one's clock stands still.
    shop.clock.advance(1_000);
    sent.await.map(drop)
}

fn dearer(terms: &mut SaleTerms) {
    for amount in terms.prices.amounts.iter_mut().flatten().flatten() {
        *amount += 500;
    }
}

async fn sound(shop: &Shop) {
    let services = shop.app.services();
    let report = verify(&services.store, &*services.catalogue, |_| {}).await;
    let report = report.unwrap();
    assert!(report.sound, "{report:?}");
}

fn items() -> Value {
    json!([{ "place": { "seat": 3 }, "price_type": 0 }])
}

fn wish(quote: &Value) -> Value {
    json!({
        "command_id": Uuid::now_v7(), "order_id": Uuid::now_v7(), "quote_token": quote["token"],
        "items": items(), "voucher": null,
        "buyer": { "name": "Ada Lovelace", "email": "ada@example.org" },
        "payment": { "card_number": "4242424242424242", "expiry": "12/30", "cvc": "123" },
    })
}

#[tokio::test]
async fn a_quote_under_old_terms_is_refused_with_both_totals_and_a_new_one_is_taken() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let (hold, _) = fan.hold(&[3]).await;
    let (path, wanted) = (show("/quote"), json!({ "items": items() }));
    let quote = || fan.json("POST", &path, &wanted);
    let before = quote().await.json();
    let pay = |quote: &Value| {
        let (wish, path) = (wish(quote), show(&format!("/holds/{hold}/checkout")));
        let fan = &fan;
        async move { fan.json("POST", &path, &wish).await }
    };
    set(&shop, dearer).await.unwrap();
    let problem = pay(&before).await.is_problem(409, "price_changed");
    assert_eq!(problem["quoted_minor"], 1_000);
    assert_eq!(problem["total_minor"], 1_500);

    let after = quote().await.json();
    assert_eq!(after["quote"]["total_minor"], 1_500);
    let order = pay(&after).await.json();
    assert_eq!(
        (&order["state"], &order["total_minor"]),
        (&json!("confirmed"), &json!(1_500))
    );
    sound(&shop).await;
}

#[tokio::test]
async fn everybody_reads_the_new_terms_and_they_outlive_a_restart() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let first = fan.get(&show("/terms"), &[]).await;
    assert_eq!(
        fan.get(&show(""), &[]).await.json()["price_from_minor"],
        1_000
    );
    set(&shop, dearer).await.unwrap();
    set(&shop, |terms| terms.rules.max_places_per_hold = 3)
        .await
        .unwrap();
    let known = [("if-none-match", first.header("etag"))];
    let second = fan.get(&show("/terms"), &known).await;
    assert_eq!(second.status, 200);
    assert_eq!(second.json()["rules"]["max_places_per_hold"], 3);
    assert_eq!(
        fan.get(&show(""), &[]).await.json()["price_from_minor"],
        1_500
    );

    let shop = shop.restarted().await;
    let fan = shop.fan();
    assert_eq!(fan.get(&show("/terms"), &[]).await.json(), second.json());
    let (_, refused) = fan.hold(&[1, 2, 3, 4]).await;
    let problem = refused.is_problem(409, "too_many_places");
    assert_eq!(problem["max"], 3, "the lane goes by them too");
    sound(&shop).await;
    // The catalogue's terms can be written anew from the ledger, as every projection can.
    let services = shop.app.services();
    let catalogue = &*services.catalogue;
    let rows = rebuild(&services.store, catalogue, SHOW.into(), |_| {}).await;
    assert_eq!(rows.unwrap(), 1);
    sound(&shop).await;
}

#[tokio::test]
async fn terms_that_take_away_what_was_sold_change_nothing() {
    let shop = Shop::open().await;
    let before = shop.fan().get(&show("/terms"), &[]).await.json();
    let refused = set(&shop, |terms| terms.prices.currency = "GBP".to_owned()).await;
    let Err(LaneError::Rejected(Rejection::TermsInvalid { what })) = refused else {
        panic!("{refused:?}")
    };
    assert!(what.starts_with("prices.currency"), "{what}");
    assert_eq!(shop.fan().get(&show("/terms"), &[]).await.json(), before);
}
