//! Two servers on one PostgreSQL: what one does is so at the other.

use super::accounts::PASSWORD;
use super::buying::{GOOD, buy, quoted, wish};
use super::feed::{Listener, view};
use super::shop::{Shop, show, wish as hold_of};
use crate::store::replica::{Pair, the_replica_answers};
use crate::support::postgres::Server;
use onsale_server::accounts::Role;
use onsale_server::store::{PostgresOptions, PostgresStore};
use serde_json::json;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// As long as anybody would wait, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seat_taken_at_one_goes_on_the_map_of_the_other() {
    let first = Shop::on_postgres().await;
    let second = first.beside().await;
    let mut shown = view(&second).await;
    let query = format!("?from={}", shown.seq());
    let mut listener = Listener::open(&second, &query, &[]).await;
    assert_eq!(first.fan().hold(&[3, 4]).await.1.status, 201);
    let wanted = view(&first).await;
    let hearing = async {
        while shown.seq() < wanted.seq() {
            let told = listener.next().await.expect("the feed goes on");
            shown.apply(&told.delta()).unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, hearing)
        .await
        .expect("it is told");
    assert_eq!(shown, wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_one_seat_at_two_servers_one_gets_it() {
    let first = Shop::on_postgres().await;
    let second = first.beside().await;
    for seat in 0..5 {
        let fans: Vec<_> = (0..8)
            .map(|n| {
                if n % 2 == 0 {
                    first.fan()
                } else {
                    second.fan()
                }
            })
            .collect();
        let wants: Vec<_> = fans
            .iter()
            .map(|fan| async { fan.hold(&[seat]).await.1 })
            .collect();
        let replies = futures_util::future::join_all(wants).await;
        let won = replies.iter().filter(|reply| reply.status == 201).count();
        assert_eq!(won, 1, "{replies:?}");
        for reply in replies.iter().filter(|reply| reply.status != 201) {
            reply.is_problem(409, "seats_taken");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_and_a_quote_of_one_are_paid_for_at_the_other_and_the_tickets_shown_at_both() {
    let first = Shop::on_postgres().await;
    let second = first.beside().await;
    let fan = first.fan();
    let (hold, _) = fan.hold(&[3, 4]).await;
    let quote = quoted(&fan, &[3, 4], None).await;
    let there = fan.at(&second);
    let wish = wish(&[3, 4], &quote["token"], GOOD);
    let path = show(&format!("/holds/{hold}/checkout"));
    let paid = there.json("POST", &path, &wish).await;
    assert_eq!(paid.status, 200, "{paid:?}");
    let order = paid.json();
    assert_eq!(order["state"], "confirmed");
    // The same command at the other server is the same answer, not another purchase.
    let started = Instant::now();
    loop {
        let again = fan.json("POST", &path, &wish).await.json();
        if again["state"] == "confirmed" {
            assert_eq!(again, order);
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{again}");
    }
    let ticket = order["tickets"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/tickets/{ticket}");
    let at_first = fan.get(&path, &[]).await.json();
    assert_eq!(at_first["state"], "valid");
    assert_eq!(
        there.get(&path, &[]).await.json(),
        at_first,
        "with the same signed code"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_in_at_one_is_signed_in_at_the_other() {
    let first = Shop::on_postgres().await;
    let second = first.beside().await;
    let fan = first.signed_in("ada@example.org", Role::Operator).await;
    let me = fan.at(&second).get("/api/v1/account", &[]).await.json();
    assert_eq!(me["account"]["email"], json!("ada@example.org"), "{me}");
    let there = second.fan();
    assert_eq!(there.sign_in("ada@example.org", PASSWORD).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_just_bought_sees_it_also_where_orders_are_read_at_a_replica() {
    let pair = Pair::start().await;
    let store = pair.store().await;
    let shop = Shop::on(store.clone()).await;
    for seat in 0..10 {
        let fan = shop.fan();
        let bought = buy(&fan, &[seat], GOOD).await.1.json();
        assert_eq!(bought["state"], "confirmed");
        let listed = fan.get("/api/v1/orders", &[]).await.json();
        assert_eq!(listed["orders"], json!([bought]));
    }
    the_replica_answers(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_has_sold_is_in_the_sums_of_the_other_which_reads_them_at_a_replica() {
    let pair = Pair::start().await;
    let shop = Shop::on(pair.store().await).await;
    let store = pair.store().await;
    let organiser = shop.signed_in("olga@example.org", Role::Organiser).await;
    let other = shop.beside_on(store.clone()).await;
    for seat in 0..5 {
        let bought = buy(&shop.fan(), &[seat], GOOD).await.1.json();
        assert_eq!(bought["state"], "confirmed");
        let told = organiser.at(&other).get(&show("/sales"), &[]).await.json();
        assert_eq!(told["total"]["sold"], json!(seat + 1), "{told}");
    }
    the_replica_answers(&store).await;
}

/// Buys pairs of seats one after the other; how many were bought.
async fn sell(shop: &Shop, pairs: std::ops::Range<u32>) -> usize {
    let mut sold = 0;
    for pair in pairs {
        let bought = buy(&shop.fan(), &[pair * 2, pair * 2 + 1], GOOD).await.1;
        assert_eq!(bought.json()["state"], "confirmed", "{bought:?}");
        sold += 1;
    }
    sold
}

/// What a later program's migration may do: every table gets a column and an index, and there is a
/// table that nobody of today knows.
const EXPAND: &str = "DO $$ DECLARE one text; BEGIN \
     FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
     EXECUTE format('ALTER TABLE %I ADD COLUMN later TEXT NOT NULL DEFAULT ''as before''', one); \
     EXECUTE format('CREATE INDEX ON %I (later)', one); \
     END LOOP; END $$; \
     CREATE TABLE later (one TEXT); \
     INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
     VALUES (9998, 'from the future', TRUE, '', 0)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schema_grows_under_servers_that_sell_and_one_that_comes_later_sells_beside_them() {
    let first = Shop::on_postgres().await;
    let second = first.beside().await;
    let expanding = async {
        let organiser = first.signed_in("olga@example.org", Role::Organiser).await;
        while organiser.get(&show("/sales"), &[]).await.json()["total"]["orders"] == 0 {
            tokio::task::yield_now().await;
        }
        first.database().execute(EXPAND).await;
    };
    // Each of them meets the change with statements that it prepared before.
    let (here, there, ()) = tokio::join!(sell(&first, 0..15), sell(&second, 15..30), expanding);
    assert_eq!((here, there), (15, 15));
    let third = first.beside().await;
    let (here, there, later) = tokio::join!(
        sell(&first, 30..35),
        sell(&second, 35..40),
        sell(&third, 40..50)
    );
    assert_eq!(here + there + later, 20);
    let organiser = third.signed_in("otto@example.org", Role::Organiser).await;
    let sales = organiser.get(&show("/sales"), &[]).await.json();
    assert_eq!(sales["total"]["sold"], json!(100), "every seat, each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_cut_off_from_the_database_says_so_in_time_and_its_fans_buy_at_the_other() {
    let second = Shop::on_postgres().await;
    let link = redis_test::Proxy::before(second.database().port());
    // With the limits that servers have.
    let options = PostgresOptions::default();
    let url = second.database().url_by(link.port);
    let first = second
        .beside_on(PostgresStore::connect(&url, options).await.unwrap())
        .await;
    assert_eq!(sell(&first, 0..2).await + sell(&second, 2..4).await, 4);

    link.stall(true);
    let fan = first.fan();
    let (path, wish) = (
        show("/holds"),
        hold_of(Uuid::now_v7(), Uuid::now_v7(), &[90]),
    );
    let refused = tokio::time::timeout(PATIENCE, fan.json("POST", &path, &wish)).await;
    let refused = refused.expect("nobody is kept waiting for ever");
    assert_eq!(refused.status, 503, "{refused:?}");
    // What is for everybody to see is still shown, as it was.
    assert_eq!(first.fan().get(&show("/seats"), &[]).await.status, 200);
    assert_eq!(sell(&second, 10..20).await, 10, "the other one sells on");
    // The same wish at the other server: whatever has become of it, it is the fan's once.
    let there = fan.at(&second).json("POST", &path, &wish).await;
    assert_eq!(there.status, 201, "{there:?}");

    link.stall(false);
    let since = Instant::now();
    let here = loop {
        let here = fan.json("POST", &path, &wish).await;
        if here.status != 503 {
            break here;
        }
        assert!(since.elapsed() < PATIENCE, "it does not heal: {here:?}");
    };
    assert_eq!(here.status, 201, "{here:?}");
    assert_eq!(here.json(), there.json());
    assert_eq!(sell(&first, 20..25).await, 5, "and it sells again");
    while view(&first).await != view(&second).await {
        assert!(since.elapsed() < PATIENCE, "the two do not agree");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_slow_costs_fans_time_and_one_that_crashes_nothing_they_were_told() {
    let blocking = tokio::task::spawn_blocking(|| Server::start(&[]));
    let server = blocking.await.unwrap();
    server.ready().await;
    let link = redis_test::Proxy::before(server.port);
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", link.port);
    // With the limits that servers have.
    let options = PostgresOptions::default();
    PostgresStore::migrate(&url, &options).await.unwrap();
    let shop = Shop::on(PostgresStore::connect(&url, options).await.unwrap()).await;
    assert_eq!(sell(&shop, 0..2).await, 2);

    link.delay(Duration::from_millis(50));
    assert_eq!(sell(&shop, 2..4).await, 2, "each statement takes its time");
    link.delay(Duration::ZERO);

    let crashed = tokio::task::spawn_blocking(move || {
        server.crash();
        server
    });
    let mut server = crashed.await.unwrap();
    let fan = shop.fan();
    let (path, wish) = (
        show("/holds"),
        hold_of(Uuid::now_v7(), Uuid::now_v7(), &[90]),
    );
    let refused = tokio::time::timeout(PATIENCE, fan.json("POST", &path, &wish)).await;
    let refused = refused.expect("nobody is kept waiting for ever");
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(shop.fan().get(&show("/seats"), &[]).await.status, 200);

    let again = tokio::task::spawn_blocking(move || {
        server.start_again(&[]);
        server
    });
    let _server = again.await.unwrap();
    let since = Instant::now();
    loop {
        let told = fan.json("POST", &path, &wish).await;
        if told.status == 201 {
            break;
        }
        assert_eq!(told.status, 503, "{told:?}");
        assert!(since.elapsed() < PATIENCE, "it does not heal: {told:?}");
    }
    assert_eq!(sell(&shop, 4..6).await, 2, "and it sells again");
    let organiser = shop.signed_in("olga@example.org", Role::Organiser).await;
    let sales = organiser.get(&show("/sales"), &[]).await.json();
    assert_eq!(sales["total"]["sold"], json!(12), "{sales}");
}
