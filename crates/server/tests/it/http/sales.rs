//! What was sold, minute by minute, over HTTP and on each database.

use super::buying::{GOOD, buy};
use super::shop::{Shop, on_each_database, show};
use crate::support::NOW_MS;
use onsale_server::accounts::Role;
use serde_json::json;

on_each_database! {
    a_sale_is_in_its_minute_and_band_as_soon_as_it_is_made
    a_span_that_is_none_is_refused_by_name
}

async fn a_sale_is_in_its_minute_and_band_as_soon_as_it_is_made(shop: Shop) {
    let organiser = shop.signed_in("olga@example.org", Role::Organiser).await;
    let before = organiser.get(&show("/sales"), &[]).await;
    assert_eq!(before.status, 200, "{before:?}");
    let before = before.json();
    assert_eq!(
        (
            &before["total"]["sold"],
            &before["rows"],
            &before["first_ms"]
        ),
        (&json!(0), &json!([]), &json!(null))
    );
    assert!(!before["bands"].as_array().unwrap().is_empty());

    let fan = shop.fan();
    assert_eq!(
        buy(&fan, &[3, 4], GOOD).await.1.json()["state"],
        "confirmed"
    );
    shop.clock.advance(60_000);
    assert_eq!(buy(&fan, &[9], GOOD).await.1.json()["state"], "confirmed");

    let sales = organiser.get(&show("/sales"), &[]).await.json();
    assert_eq!(sales["is_complete"], json!(true));
    assert_eq!(sales["total"]["sold"], json!(3));
    assert_eq!(sales["total"]["orders"], json!(2));
    let rows = sales["rows"].as_array().unwrap();
    let sold = |row: &serde_json::Value| row["bands"][0]["sold"].clone();
    assert_eq!(rows.iter().map(sold).collect::<Vec<_>>(), [2, 1]);
    let minute = NOW_MS / 60_000 * 60_000;
    assert_eq!(rows[0]["from_ms"], json!(minute));
    assert_eq!(rows[1]["from_ms"], json!(minute + 60_000));
    assert_eq!(sales["first_ms"], json!(minute));
    let revenue = sales["total"]["revenue_minor"].as_i64().unwrap();
    let of_rows = |row: &serde_json::Value| row["bands"][0]["revenue_minor"].as_i64().unwrap();
    assert_eq!(rows.iter().map(of_rows).sum::<i64>(), revenue);
    assert!(revenue > 0);

    let last = organiser.get(&show("/sales?limit=1"), &[]).await.json();
    assert_eq!(last["rows"], json!([rows[1]]));
    let hourly = organiser.get(&show("/sales?every=1440"), &[]).await.json();
    assert_eq!(hourly["rows"][0]["orders"], json!(2));
}

async fn a_span_that_is_none_is_refused_by_name(shop: Shop) {
    let operator = shop.signed_in("olaf@example.org", Role::Operator).await;
    for (query, what) in [
        ("every=0", "every: 0 is not between 1 and 1440"),
        ("limit=1441", "limit: 1441 is not between 1 and 1440"),
    ] {
        let path = show(&format!("/sales?{query}"));
        let refused = operator.get(&path, &[]).await;
        let problem = refused.is_problem(400, "malformed");
        assert!(
            problem["detail"].as_str().unwrap().contains(what),
            "{problem}"
        );
    }
    let refused = operator.get(&show("/sales?until=1"), &[]).await;
    refused.is_problem(400, "malformed");
    let none = "/api/v1/performances/00000000-0000-0000-0000-000000000009/sales";
    operator.get(none, &[]).await.is_problem(404, "not_found");
}
