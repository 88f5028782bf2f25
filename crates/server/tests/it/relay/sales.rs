//! What was sold minute by minute, asked of the ledger: the same sums as those that are published.

use super::sale::{published_to, relay, sell};
use crate::support::{Houses, NOW_MS, Office, SHOW};
use booking_core::PerformanceId;
use onsale_server::relay::sales::{Report, Sales, SalesError, Span};
use onsale_server::relay::stream::PROCESS;
use onsale_server::relay::windows::WINDOW_MS;
use onsale_server::relay::{Body, MemoryStream, Message, Topic};
use std::collections::BTreeMap;
use std::sync::Arc;

const MINUTES: Span = Span {
    every: 1,
    limit: 1_000,
};

fn sales(office: &Office) -> Sales {
    Sales::new(
        Arc::new(office.store.clone()),
        Arc::new(Houses(office.goods.clone())),
        office.clock.clone(),
    )
}

async fn asked(sales: &Sales, span: Span) -> Report {
    let report = sales.of(SHOW, span).await.unwrap();
    assert!(report.is_complete);
    report
}

#[tokio::test]
async fn the_rows_are_those_that_are_published() {
    let office = Office::open().await;
    let stream = MemoryStream::default();
    let relay = relay(&office, Arc::new(stream.clone()));
    // Half a second each: five minutes and a bit, and more batches than are read at once.
    sell(&office, SHOW, 0..630).await;
    office.clock.advance(2 * WINDOW_MS);
    published_to(&office.store, PROCESS).await;
    super::sale::eventually(|| async {
        let now_ms = office.clock.now_ms();
        use onsale_server::store::relay::RelayStore as _;
        let behind = office.store.behind(PROCESS, now_ms).await.unwrap();
        behind.is_empty()
    })
    .await;
    relay.stop().await;
    // Of several for one window the last counts.
    let mut published = BTreeMap::new();
    for one in stream.latest(Topic::AnalyticsResults) {
        let message = Message::of_payload(&one.payload).unwrap();
        let Body::SalesWindow {
            from_ms,
            until_ms,
            currency,
            orders,
            order_fees_minor,
            bands,
        } = message.body
        else {
            panic!("{message:?}");
        };
        let row = (until_ms, currency, orders, order_fees_minor, bands);
        published.insert(from_ms, row);
    }
    assert!(published.len() >= 5, "{published:?}");
    let report = asked(&sales(&office), MINUTES).await;
    let told: BTreeMap<_, _> = report
        .rows
        .iter()
        .map(|row| {
            let sums = &row.sums;
            let fees = sums.order_fees_minor;
            let currency = sums.currency.clone();
            let told = (row.until_ms, currency, sums.orders, fees, sums.bands());
            (row.from_ms, told)
        })
        .collect();
    assert_eq!(told, published);
    assert_eq!(report.total.orders, 420, "each third was given back");
    assert_eq!(report.total.whole().sold, 840);
    assert_eq!(report.total.whole().cancelled, 840);
    assert!(report.total.whole().revenue_minor > 0);
    assert_eq!(report.first_ms, report.rows.first().map(|row| row.from_ms));
}

#[tokio::test]
async fn what_is_sold_after_a_question_is_in_the_next_answer_whoever_is_asked() {
    let office = Office::open().await;
    let (one, other) = (sales(&office), sales(&office));
    let nothing = asked(&one, MINUTES).await;
    assert_eq!((nothing.seq, nothing.first_ms), (0, None));
    assert!(nothing.rows.is_empty());
    sell(&office, SHOW, 0..5).await;
    let first = asked(&one, MINUTES).await;
    assert_eq!(first.total.orders, 3);
    sell(&office, SHOW, 5..8).await;
    let (here, there) = (asked(&one, MINUTES).await, asked(&other, MINUTES).await);
    assert_eq!(here, there);
    assert_eq!(here.total.orders, 5);
    assert!(here.seq > first.seq);
}

#[tokio::test]
async fn rows_of_several_minutes_begin_at_multiples_and_the_latest_are_told() {
    let office = Office::open().await;
    for n in 0..12 {
        sell(&office, SHOW, n * 3 + 1..n * 3 + 2).await;
        office.clock.advance(WINDOW_MS);
    }
    let sales = sales(&office);
    let by_minute = asked(&sales, MINUTES).await;
    assert_eq!(by_minute.rows.len(), 12);
    let by_five = asked(
        &sales,
        Span {
            every: 5,
            limit: 1_000,
        },
    )
    .await;
    let mut orders = 0;
    for row in &by_five.rows {
        assert_eq!(row.from_ms % (5 * WINDOW_MS), 0);
        assert_eq!(row.until_ms - row.from_ms, 5 * WINDOW_MS);
        orders += row.sums.orders;
    }
    assert_eq!(orders, 12);
    assert!((3..=4).contains(&by_five.rows.len()), "{by_five:?}");
    let last = asked(&sales, Span { every: 1, limit: 2 }).await;
    assert_eq!(last.rows, by_minute.rows[10..]);
    assert_eq!(last.total, by_minute.total);
    assert!(by_minute.first_ms.unwrap() <= NOW_MS);
}

#[tokio::test]
async fn of_what_is_not_on_sale_there_are_no_sums() {
    let office = Office::open().await;
    let unknown = PerformanceId::from_u128(u128::MAX);
    let refused = sales(&office).of(unknown, MINUTES).await;
    assert!(
        matches!(refused, Err(SalesError::Unreadable(_))),
        "{refused:?}"
    );
}
