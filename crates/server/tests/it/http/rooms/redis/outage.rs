//! The reduced policy over HTTP: shown, slow, within the cap, and logged.

use super::super::super::buying::{GOOD, buy};
use super::super::fast;
use super::super::operators::{of, operator};
use super::{Spot, eventually};
use onsale_queue::wire::OutagePolicy;
use redis_test::{PATIENCE, Server};
use serde_json::json;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_reduced_rate_two_servers_together_let_in_no_more_than_the_cap() {
    const CAP: u32 = 5;
    let redis = Server::start(&[]);
    let (first, second) = Spot::impatient(redis.url()).two().await;
    let mut settings = fast(CAP);
    settings.outage = OutagePolicy::Reduced {
        rate_per_minute: 3_000,
    };
    // Who does not come is soon made up for: those who ask at one server only are no-shows at the other.
    settings.claim_ms = 1_000;
    let room = first.open_room(settings).await;
    second
        .shows("the room", room, |polled| polled["state"] == "open")
        .await;
    let shops = [&first, &second];
    let (ada, pass) = (first.fan(), first.fan().join_when_possible(room).await);
    ada.come_in_when_possible(room, &pass).await;
    // From now on the operator calls nobody, and everybody waits.
    let operator = operator(&first).await;
    eventually("the rate is zero", || async {
        let change = json!({ "settings": { "rate_per_minute": 0 } });
        (operator.patch(room, &change).await.status == 200).then_some(())
    })
    .await;
    let mut line = Vec::new();
    for at in 0..30 {
        let fan = shops[at % 2].fan();
        let pass = fan.join_when_possible(room).await;
        line.push((fan, pass));
    }
    for shop in shops {
        eventually("all wait, and nobody is expected", || async {
            let figures = shop.figures(room);
            let rate = figures["rate_per_minute"] == 0 && figures["expected"] == 0;
            (rate && figures["waiting"].as_u64() >= Some(20)).then_some(())
        })
        .await;
    }

    redis.freeze();
    for shop in shops {
        let shown = shop
            .shows("the outage", room, |polled| !polled["outage"].is_null())
            .await;
        assert_eq!(shown["outage"]["policy"]["policy"], "reduced", "{shown}");
        assert_eq!(shown["outage"]["policy"]["rate_per_minute"], 3_000);
        assert_eq!(shown["on"], true);
    }
    first
        .fan()
        .hold(&[90])
        .await
        .1
        .is_problem(403, "admission_needed");
    // Whatever is free is shared out between the two; each visitor asks where they joined.
    let free = CAP - 1;
    let mut admitted = vec![None; line.len()];
    let started = Instant::now();
    // Another round after as many are inside as fit: nobody else is let in.
    let mut full_rounds = 0;
    while full_rounds < 2 {
        assert!(started.elapsed() < PATIENCE, "{admitted:?}");
        full_rounds += u32::from(admitted.iter().flatten().count() == free as usize);
        for ((fan, pass), admitted) in line.iter().zip(&mut admitted) {
            if admitted.is_some() {
                continue;
            }
            let claimed = fan.claim(room, pass).await;
            match claimed.status.as_u16() {
                200 => *admitted = claimed.json()["admission"].as_str().map(str::to_owned),
                409 | 429 | 503 => {}
                _ => panic!("{claimed:?}"),
            }
        }
    }
    let inside: Vec<_> = line.iter().zip(admitted).collect();
    let inside = inside
        .iter()
        .filter_map(|((fan, _), one)| Some((fan, one.as_ref()?)));
    let mut seat = 10;
    for (fan, admission) in inside {
        seat += 1;
        fan.show(admission);
        assert_eq!(fan.hold(&[seat]).await.1.status, 201);
    }
    assert_eq!(seat - 10, free);
    // Who buys meanwhile has bought: the admission is over here, and everywhere once Redis is back.
    let (_, paid) = buy(&ada, &[1], GOOD).await;
    assert_eq!(paid.json()["state"], "confirmed", "{paid:?}");
    ada.hold(&[2]).await.1.is_problem(403, "admission_over");

    redis.thaw();
    for shop in shops {
        shop.shows("it is over", room, |polled| polled["outage"].is_null())
            .await;
    }
    for shop in shops {
        shop.holds(room, free).await;
        assert!(shop.figures(room)["totals"]["most_inside"].as_u64() <= Some(u64::from(CAP)));
    }
    ada.at(&second)
        .hold(&[2])
        .await
        .1
        .is_problem(403, "admission_over");
    let log = operator.get(&of(room, "/log?limit=100"), &[]).await.json();
    let entries = log["entries"].as_array().unwrap().iter();
    let admitted = entries.filter_map(|entry| entry["deed"]["away"]["admitted"].as_u64());
    assert_eq!(admitted.sum::<u64>(), u64::from(free), "{log}");
}
