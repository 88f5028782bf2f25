//! The demo's rush, and a sale from the first visitor to the last.

use super::super::shop::{SHOW, Shop};
use super::{at, fast};
use onsale_server::rooms::NewRoom;
use serde_json::json;

#[tokio::test]
async fn a_rush_is_for_the_demos_room_only() {
    let shop = Shop::open().await;
    let room = shop.open_room(fast(5)).await;
    let fan = shop.fan();
    let wish = json!({ "visitors": 5, "within_s": 1 });
    fan.json("POST", &at(room, "/rush"), &wish)
        .await
        .is_problem(404, "not_found");
    fan.get(&at(room, "/rush"), &[])
        .await
        .is_problem(404, "not_found");
    fan.ask("DELETE", &at(room, "/rush"), &[], "")
        .await
        .is_problem(404, "not_found");
}

#[tokio::test]
async fn a_rush_wakes_the_demos_room_and_everybody_of_it_comes_and_goes() {
    let shop = Shop::open().await;
    let mut settings = fast(4);
    settings.auto_on_per_minute = Some(10);
    let new = NewRoom {
        settings,
        performances: vec![SHOW.into()],
        demo: true,
        ..NewRoom::default()
    };
    let room = shop.make_room(new).await;
    let fan = shop.fan();
    let before = shop.state().await["seats"].clone();
    let odd = json!({ "visitors": 5_000 });
    let refused = fan.json("POST", &at(room, "/rush"), &odd).await;
    assert_eq!(refused.is_problem(400, "malformed")["at"], "visitors");
    let wish = json!({ "visitors": 40, "within_s": 2 });
    let started = fan.json("POST", &at(room, "/rush"), &wish).await;
    assert_eq!(started.status, 202, "{started:?}");
    fan.json("POST", &at(room, "/rush"), &wish)
        .await
        .is_problem(409, "rush_running");
    let mut was_on = false;
    let rush = loop {
        shop.wait(250).await;
        tokio::task::yield_now().await;
        was_on |= fan.get(&at(room, ""), &[]).await.json()["on"] == true;
        let rush = fan.get(&at(room, "/rush"), &[]).await.json();
        if rush["running"] == false {
            break rush;
        }
    };
    assert!(was_on);
    assert_eq!(
        (&rush["sent"], &rush["waiting"], &rush["inside"]),
        (&json!(40), &json!(0), &json!(0))
    );
    let came = rush["done"].as_u64().unwrap() + rush["gave_up"].as_u64().unwrap();
    assert_eq!(came, 40, "{rush}");
    shop.wait(250).await;
    let figures = shop.figures(room);
    assert!(
        figures["totals"]["most_inside"].as_u64().unwrap() <= 4,
        "{figures}"
    );
    assert!(
        figures["totals"]["admitted"].as_u64().unwrap() > 10,
        "{figures}"
    );
    // They leave the house as they found it.
    assert_eq!(shop.state().await["seats"], before);
}
