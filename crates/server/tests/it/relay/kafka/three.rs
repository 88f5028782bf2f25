//! The relay on three brokers, of which any may die.

use super::super::sale::{OF_LEDGER, compare, eventually, published, relay, said, sell, until};
use super::{LOOK, came};
use crate::support::{Office, SHOW};
use booking_core::PerformanceId;
use kafka_test::Broker;
use onsale_server::relay::{KafkaOptions, KafkaStream, Topic};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

const OTHER: PerformanceId = PerformanceId::from_u128(2);

/// What one broker is made to do, where nobody minds the wait.
async fn done_to(mut broker: Broker, what: fn(&mut Broker)) -> Broker {
    let doing = tokio::task::spawn_blocking(move || {
        what(&mut broker);
        broker
    });
    doing.await.unwrap()
}

/// What a broker says of a partition.
struct Partition {
    id: i32,
    /// Number of the broker that leads it.
    leader: i32,
    /// How many brokers have everything.
    in_sync: usize,
}

fn client(addresses: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", addresses).create().unwrap()
}

fn partitions(client: &BaseConsumer, topic: Topic) -> Vec<Partition> {
    let metadata = client.fetch_metadata(Some(topic.name()), LOOK).unwrap();
    let each = metadata.topics()[0].partitions().iter();
    let said = each.map(|one| Partition {
        id: one.id(),
        leader: one.leader(),
        in_sync: one.isr().len(),
    });
    said.collect()
}

/// Who leads a partition of tickets that has messages in it.
async fn leader(addresses: &str) -> i32 {
    let client = client(addresses);
    let looking = tokio::task::spawn_blocking(move || {
        let topic = Topic::TicketBookings;
        let is_full = |one: &Partition| {
            let ends = client.fetch_watermarks(topic.name(), one.id, LOOK);
            ends.is_ok_and(|(low, high)| high > low)
        };
        let found = partitions(&client, topic).into_iter().find(is_full);
        found.expect("one is not empty").leader
    });
    looking.await.unwrap()
}

/// Waits until every partition of everything that the ledger speaks in is so.
async fn until_each(addresses: &str, is_so: fn(&Partition) -> bool) {
    let client = Arc::new(client(addresses));
    let all_are = || async {
        let client = client.clone();
        let looking = tokio::task::spawn_blocking(move || {
            let mut all = OF_LEDGER
                .map(|topic| partitions(&client, topic))
                .into_iter();
            all.all(|partitions| partitions.iter().all(is_so))
        });
        looking.await.unwrap()
    };
    eventually(all_are).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_three_brokers_is_killed_amid_a_sale_and_events_go_on_coming_in_order() {
    let brokers = tokio::task::spawn_blocking(Broker::three).await.unwrap();
    let addresses = brokers.each_ref().map(Broker::address).join(",");
    let mut brokers = Vec::from(brokers);
    let office = Office::open().await;
    let options = KafkaOptions {
        brokers: addresses.clone(),
        partitions: 3,
        replicas: 3,
        patience: Duration::from_secs(60),
    };
    let relay = relay(&office, Arc::new(KafkaStream::new(options).unwrap()));
    let sell_both = async |orders: Range<u32>| {
        tokio::join!(
            sell(&office, SHOW, orders.clone()),
            sell(&office, OTHER, orders)
        );
    };
    // One that leads a partition with messages in it.
    let killing = async {
        until(&relay, |progress| progress.sent > 100).await;
        let leader = usize::try_from(leader(&addresses).await).unwrap();
        done_to(brokers.remove(leader - 1), Broker::kill).await
    };
    let ((), killed) = tokio::join!(sell_both(0..200), killing);
    until_each(&addresses, |one| one.leader >= 0 && one.in_sync == 2).await;
    // Two are left, and that is enough for everything to be acknowledged.
    sell_both(200..220).await;
    published(&office.store).await;

    let back = done_to(killed, Broker::start_again);
    let (back, ()) = tokio::join!(back, sell_both(220..300));
    published(&office.store).await;
    relay.stop().await;
    // What it missed it has from the others: any of those can be done without now.
    until_each(&addresses, |one| one.in_sync == 3).await;
    let other = done_to(brokers.remove(0), Broker::kill).await;
    until_each(&addresses, |one| one.leader >= 0 && one.in_sync == 2).await;

    let mut said_by_both = said(&office.store, &office.goods, SHOW).await;
    said_by_both.extend(said(&office.store, &office.goods, OTHER).await);
    compare(&came(&addresses).await, &said_by_both);
    drop((back, other, brokers));
}
