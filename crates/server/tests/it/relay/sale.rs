//! Sales to publish, and what a stream must have when they are published.

use crate::support::{Houses, Office, cancel, command_id, confirm, fresh, hold, release};
use booking_core::PerformanceId;
use booking_core::ledger::Batch;
use booking_core::test_support::seats;
use onsale_server::lane::Goods;
use onsale_server::relay::stream::KAFKA;
use onsale_server::relay::{
    Book, EventStream, GATHER, LeaseTimes, Message, Progress, Relay, RelayParts, Scope, Topic,
};
use onsale_server::store::{LedgerStore as _, SqliteStore};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Topics whose messages are one for one those of the ledger.
pub(crate) const OF_LEDGER: [Topic; 3] = [Topic::TicketBookings, Topic::SeatChanges, Topic::Orders];

/// Quick, so that a test need not wait.
pub(crate) fn quick() -> LeaseTimes {
    LeaseTimes {
        beat: Duration::from_millis(100),
        patience: Duration::from_millis(1_500),
    }
}

/// A relay beside an office's lanes.
pub(crate) fn relay(office: &Office, stream: Arc<dyn EventStream>) -> Relay {
    Relay::start(parts(office, stream))
}

pub(crate) fn parts(office: &Office, stream: Arc<dyn EventStream>) -> RelayParts {
    RelayParts {
        store: Arc::new(office.store.clone()),
        source: Arc::new(Houses(office.goods.clone())),
        stream,
        clock: office.clock.clone(),
        appends: office.lanes.appends(),
        lease: quick(),
        gather: GATHER,
    }
}

/// Sells the seats of one performance, two at a time and some of them back again, from `from` on.
pub(crate) async fn sell(office: &Office, show: PerformanceId, orders: std::ops::Range<u32>) {
    for n in orders {
        let pair = [n * 2 % 100, n * 2 % 100 + 1];
        let id = fresh();
        let send = |command| office.lanes.send(show, command_id(fresh()), command);
        send(hold(id, 7, &pair)).await.unwrap();
        match n % 3 {
            0 => send(release(id, 7)).await.unwrap(),
            _ => {
                send(confirm(id, id, 7, &seats(&pair))).await.unwrap();
                send(cancel(id, &seats(&pair))).await.unwrap()
            }
        };
        office.clock.advance(500);
    }
}

/// Waits until nothing is left to publish to Kafka, or what stands for it.
pub(crate) async fn published(store: &SqliteStore) {
    published_to(store, KAFKA).await;
}

/// The same of another stream.
pub(crate) async fn published_to(store: &SqliteStore, stream: &'static str) {
    use onsale_server::store::relay::RelayStore as _;
    eventually(|| async { store.behind(stream, i64::MIN).await.unwrap().is_empty() }).await;
}

/// Waits for a condition.
pub(crate) async fn eventually<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .expect("it comes true in time");
}

/// Waits until a relay is so.
pub(crate) async fn until(relay: &Relay, is_so: impl FnMut(&Progress) -> bool) {
    let mut progress: watch::Receiver<Progress> = relay.progress();
    let waited = tokio::time::timeout(PATIENCE, progress.wait_for(is_so)).await;
    waited.expect("in time").expect("the relay runs");
}

/// What the ledger of a performance says, as messages.
pub(crate) async fn said(store: &SqliteStore, goods: &Goods, show: PerformanceId) -> Vec<Message> {
    let currency = &goods.1.prices.currency;
    let mut book = Book::new(show, goods.0.clone(), currency, Scope::Everything);
    let mut messages = Vec::new();
    for row in store.read_ledger(show, 0, u32::MAX).await.unwrap() {
        messages.extend(book.read(&Batch::decode(&row.bytes).unwrap()).unwrap());
    }
    messages
}

/// Holds what came against what the ledger says: each message of the ledger in each topic, in order
/// by its first coming; whatever came again came under a name that was there.
pub(crate) fn compare(came: &[Message], said: &[Message]) {
    for topic in OF_LEDGER {
        let mut seen = BTreeSet::new();
        let mut first: BTreeMap<PerformanceId, Vec<&Message>> = BTreeMap::new();
        for message in came.iter().filter(|message| message.topic == topic) {
            if seen.insert(&message.event_id) {
                first.entry(message.performance).or_default().push(message);
            }
        }
        let mut expected: BTreeMap<PerformanceId, Vec<&Message>> = BTreeMap::new();
        for message in said.iter().filter(|message| message.topic == topic) {
            expected
                .entry(message.performance)
                .or_default()
                .push(message);
        }
        assert!(
            first == expected,
            "{topic:?}: {} names came, the ledger has {}",
            seen.len(),
            expected.values().map(Vec::len).sum::<usize>()
        );
    }
}
