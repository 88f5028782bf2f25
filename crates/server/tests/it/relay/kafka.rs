//! The relay on a real Kafka: killed, restarted, taken over.

#[expect(dead_code, reason = "its `main` is for people")]
#[expect(unreachable_pub, reason = "it is a program of its own")]
#[path = "../../../examples/consumer.rs"]
mod consumer;
mod flink;
mod three;

use super::contract::{self, Kept};
use super::sale::{OF_LEDGER, compare, eventually, published, relay, said, sell, until};
use crate::cli::{onsale, out};
use crate::support::client::Client;
use crate::support::server::Server;
use crate::support::{Houses, Office, SHOW, confirm, goods, hold, process};
use booking_core::PerformanceId;
use kafka_test::Broker;
use onsale_server::relay::stream::KAFKA;
use onsale_server::relay::{
    Body, Encoded, EventStream, KafkaOptions, KafkaStream, Message, Topic, replay,
};
use onsale_server::store::relay::RelayStore as _;
use onsale_server::store::{SqliteStore, StoreOptions};
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use uuid::Uuid;

/// How long one look at the broker may take.
const LOOK: Duration = Duration::from_secs(10);

/// A broker, started where nobody minds the wait.
async fn broker() -> Broker {
    tokio::task::spawn_blocking(Broker::start).await.unwrap()
}

fn stream(address: &str, patience: Duration) -> Arc<KafkaStream> {
    let options = KafkaOptions {
        brokers: address.to_owned(),
        partitions: 3,
        patience,
        ..KafkaOptions::default()
    };
    Arc::new(KafkaStream::new(options).unwrap())
}

/// Everything a topic has up to now: keys and payloads, those of one key in their order.
async fn records(address: &str, topic: &'static str) -> Vec<(String, Vec<u8>)> {
    let address = address.to_owned();
    let reading = tokio::task::spawn_blocking(move || read_all(&address, topic));
    reading.await.unwrap()
}

fn read_all(address: &str, topic: &str) -> Vec<(String, Vec<u8>)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("group.id", "test")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), LOOK).unwrap();
    let mut left = 0;
    let mut list = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = consumer
            .fetch_watermarks(topic, partition.id(), LOOK)
            .unwrap();
        left += high - low;
        list.add_partition_offset(topic, partition.id(), Offset::Beginning)
            .unwrap();
    }
    consumer.assign(&list).unwrap();
    let began = Instant::now();
    let mut came = Vec::new();
    while left > 0 {
        assert!(began.elapsed() < super::sale::PATIENCE, "{left} are left");
        // A connection that was lost is told here and made again.
        let Some(Ok(one)) = consumer.poll(Duration::from_millis(200)) else {
            continue;
        };
        left -= 1;
        let key = std::str::from_utf8(one.key().unwrap()).unwrap();
        came.push((key.to_owned(), one.payload().unwrap().to_vec()));
    }
    came
}

/// The same of one of our topics.
pub(crate) async fn read(address: &str, topic: Topic) -> Vec<Encoded> {
    let encoded = |(key, payload): (String, Vec<u8>)| {
        let value: Option<serde_json::Value> = serde_json::from_slice(&payload).ok();
        let event_id = value.map(|value| value["event_id"].as_str().unwrap().to_owned());
        Encoded {
            topic,
            key,
            event_id: event_id.unwrap_or_default(),
            payload: payload.into(),
        }
    };
    let came = records(address, topic.name()).await;
    came.into_iter().map(encoded).collect()
}

/// The messages of every topic that the ledger speaks in.
async fn came(address: &str) -> Vec<Message> {
    let mut came = Vec::new();
    for topic in OF_LEDGER {
        let read = read(address, topic).await;
        came.extend(
            read.iter()
                .map(|one| Message::of_payload(&one.payload).unwrap()),
        );
    }
    came
}

struct InKafka {
    stream: Arc<KafkaStream>,
    address: String,
}

impl Kept for InKafka {
    fn stream(&self) -> &dyn EventStream {
        &*self.stream
    }
    async fn came(&self, topic: Topic, key: &str) -> Vec<Encoded> {
        let mut came = read(&self.address, topic).await;
        came.retain(|message| message.key == key);
        came
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_stream_in_kafka_keeps_its_promises() {
    let broker = broker().await;
    let kept = InKafka {
        stream: stream(&broker.address(), Duration::from_secs(60)),
        address: broker.address(),
    };
    contract::holds(&kept).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_broker_killed_amid_a_sale_has_every_event_in_order_when_it_is_back() {
    const OTHER: PerformanceId = PerformanceId::from_u128(2);
    let mut broker = broker().await;
    let address = broker.address();
    let office = Office::open().await;
    // Shorter than the broker is away, so that chunks are given to new producers too.
    let relay = relay(&office, stream(&address, Duration::from_secs(2)));
    let selling = async {
        tokio::join!(sell(&office, SHOW, 0..150), sell(&office, OTHER, 0..150));
    };
    let killing = async {
        until(&relay, |progress| progress.sent > 100).await;
        let killed = tokio::task::spawn_blocking(move || {
            broker.kill();
            broker
        });
        killed.await.unwrap()
    };
    let ((), mut broker) = tokio::join!(selling, killing);
    // The sale goes on as if nothing had happened.
    sell(&office, SHOW, 150..200).await;
    until(&relay, |progress| progress.away > 0).await;
    assert!(
        !office
            .store
            .behind(KAFKA, i64::MIN)
            .await
            .unwrap()
            .is_empty()
    );
    let broker = tokio::task::spawn_blocking(move || {
        broker.start_again();
        broker
    });
    let (broker, ()) = tokio::join!(broker, sell(&office, SHOW, 200..220));
    published(&office.store).await;
    let mut said_by_both = said(&office.store, &office.goods, SHOW).await;
    said_by_both.extend(said(&office.store, &office.goods, OTHER).await);
    compare(&came(&address).await, &said_by_both);
    relay.stop().await;
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_broker_cut_off_amid_a_sale_has_every_event_in_order_when_the_link_is_back() {
    let started = tokio::task::spawn_blocking(Broker::behind_a_link);
    let (broker, link) = started.await.unwrap();
    let address = format!("127.0.0.1:{}", link.port);
    let office = Office::open().await;
    // Shorter than the link is cut, so that chunks are given to new producers too.
    let patience = Duration::from_secs(2);
    let first = relay(&office, stream(&address, patience));
    let cutting = async {
        until(&first, |progress| progress.sent > 100).await;
        // Nothing comes back any more, not even a refusal.
        link.stall(true);
    };
    tokio::join!(sell(&office, SHOW, 0..150), cutting);
    // The sale goes on as if nothing had happened.
    sell(&office, SHOW, 150..200).await;
    until(&first, |progress| progress.away > 0).await;
    let behind = || office.store.behind(KAFKA, i64::MIN);
    assert!(!behind().await.unwrap().is_empty());
    // A server that is stopped meanwhile does not wait for the link, and another one takes over.
    let stopped = tokio::time::timeout(super::sale::PATIENCE, first.stop()).await;
    stopped.expect("it ends behind a cut link too");
    let second = relay(&office, stream(&address, patience));
    until(&second, |progress| progress.leads && progress.away > 0).await;
    sell(&office, SHOW, 200..220).await;
    assert!(!behind().await.unwrap().is_empty());

    link.stall(false);
    published(&office.store).await;
    let said = said(&office.store, &office.goods, SHOW).await;
    compare(&came(&address).await, &said);
    second.stop().await;
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_relay_killed_amid_a_sale_is_followed_by_another_and_nothing_is_lost() {
    let broker = broker().await;
    let address = broker.address();
    let office = Office::open().await;
    let patience = Duration::from_secs(60);
    let first = relay(&office, stream(&address, patience));
    until(&first, |progress| progress.leads).await;
    let second = relay(&office, stream(&address, patience));
    let killing = async {
        until(&first, |progress| progress.sent > 100).await;
        first.kill();
    };
    tokio::join!(sell(&office, SHOW, 0..200), killing);
    published(&office.store).await;
    assert!(second.progress().borrow().leads);
    let said = said(&office.store, &office.goods, SHOW).await;
    compare(&came(&address).await, &said);
    second.stop().await;
    let results = || async { !read(&address, Topic::AnalyticsResults).await.is_empty() };
    eventually(results).await;
}

fn admin(address: &str) -> AdminClient<DefaultClientContext> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address).create().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_broker_refuses_is_sent_again_also_to_one_that_was_away_at_the_start() {
    let mut broker = broker().await;
    let address = broker.address();
    // A topic that takes none of our messages, made by somebody else.
    let orders = NewTopic::new(Topic::Orders.name(), 1, TopicReplication::Fixed(1));
    let orders = orders.set("max.message.bytes", "100");
    let options = AdminOptions::new().operation_timeout(Some(LOOK));
    let made = admin(&address).create_topics([&orders], &options).await;
    assert!(made.unwrap().iter().all(Result::is_ok));
    let killed = tokio::task::spawn_blocking(move || {
        broker.kill();
        broker
    });
    let mut broker = killed.await.unwrap();

    let office = Office::open().await;
    let stream = stream(&address, Duration::from_secs(60));
    let relay = relay(&office, stream.clone());
    sell(&office, SHOW, 0..20).await;
    until(&relay, |progress| progress.away > 0).await;
    let again = tokio::task::spawn_blocking(move || {
        broker.start_again();
        broker
    });
    let _broker = again.await.unwrap();
    published(&office.store).await;
    relay.stop().await;
    let said = said(&office.store, &office.goods, SHOW).await;
    let of_orders = said.iter().filter(|one| one.topic == Topic::Orders).count();
    assert_eq!(read(&address, Topic::Orders).await, []);
    assert_eq!(read(&address, Topic::DeadLetters).await.len(), of_orders);
    let rows = office.store.dead_letters(u32::MAX).await.unwrap();
    assert_eq!(rows.len(), of_orders);

    let larger = AlterConfig::new(ResourceSpecifier::Topic(Topic::Orders.name()));
    let larger = larger.set("max.message.bytes", "1000000");
    let altered = admin(&address).alter_configs([&larger], &options).await;
    assert!(altered.unwrap().iter().all(Result::is_ok));
    let source = Houses(office.goods.clone());
    let again = replay(&office.store, &source, &*stream, u32::MAX);
    assert_eq!(again.await.unwrap().sent, of_orders as u64);
    assert_eq!(office.store.dead_letters(1).await.unwrap(), []);
    compare(&came(&address).await, &said);
}

/// What consumers of `ticket-bookings` should come to.
fn expected(said: &[Message]) -> BTreeMap<String, consumer::Sums> {
    let mut sums: BTreeMap<String, consumer::Sums> = BTreeMap::new();
    for message in said {
        let (sign, tickets) = match &message.body {
            Body::TicketsSold { tickets, .. } => (1, tickets),
            Body::TicketsCancelled { tickets, .. } => (-1, tickets),
            _ => continue,
        };
        let sums = sums.entry(message.performance.to_string()).or_default();
        for ticket in tickets {
            sums.tickets += sign;
            sums.revenue_minor += sign * ticket.paid_minor;
        }
    }
    sums
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_example_consumers_count_what_came_twice_once() {
    let broker = broker().await;
    let address = broker.address();
    let office = Office::open().await;
    let stream = stream(&address, Duration::from_secs(60));
    let relay = relay(&office, stream.clone());
    sell(&office, SHOW, 0..30).await;
    let seats = booking_core::test_support::seats(&[90, 91]);
    office.send(1, hold(900, 7, &[90, 91])).await.unwrap();
    office.send(2, confirm(900, 900, 7, &seats)).await.unwrap();
    published(&office.store).await;
    relay.stop().await;
    // Some of it once more, as after a crash.
    let came = read(&address, Topic::TicketBookings).await;
    let again = stream.send(&came[came.len() - 5..]).await.unwrap();
    assert!(again.iter().all(Result::is_ok));

    let said = said(&office.store, &office.goods, SHOW).await;
    let expected = expected(&said);
    assert_eq!(expected[&SHOW.to_string()].tickets, 2);
    let at = address.clone();
    let consumed = tokio::task::spawn_blocking(move || {
        consumer::consume(&at, true).map_err(|e| e.to_string())
    });
    assert_eq!(consumed.await.unwrap().unwrap(), (expected.clone(), 5));

    let lines: Vec<u8> = read(&address, Topic::TicketBookings)
        .await
        .iter()
        .flat_map(|one| [&one.payload[..], b"\n"].concat())
        .collect();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/consumer.py");
    let mut python = Command::new("python3")
        .arg(program)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 can be started");
    let mut input = python.stdin.take().unwrap();
    let told = tokio::task::spawn_blocking(move || {
        input.write_all(&lines).unwrap();
        drop(input);
        python.wait_with_output().unwrap()
    });
    let told = told.await.unwrap();
    let sums = &expected[&SHOW.to_string()];
    assert_eq!(
        String::from_utf8_lossy(&told.stdout),
        format!("{SHOW} {} {}\n", sums.tickets, sums.revenue_minor)
    );
    assert!(String::from_utf8_lossy(&told.stderr).contains("5 repeats"));
}

/// Holds seats from one on, one after the other, until the connection breaks; counts those it got.
async fn hold_seats(address: String, fan: u64, from: u64, got: watch::Sender<u64>) {
    let Ok(mut client) = Client::connect(&address, fan).await else {
        return;
    };
    let holds = format!("/api/v1/performances/{}/holds", process::SHOW);
    for seat in from.. {
        let wish = json!({
            "command_id": Uuid::now_v7(),
            "hold_id": Uuid::now_v7(),
            "request": { "these": [{ "seat": seat % 2_000 }] },
        });
        match client.send("POST", &holds, Some(&wish)).await {
            Ok((201, _)) => got.send_modify(|got| *got += 1),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_program_killed_amid_a_sale_publishes_the_rest_when_it_is_started_again() {
    let broker = broker().await;
    let address = broker.address();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    process::prepare(data).await;
    let environment = [("ONSALE_KAFKA", address.as_str())];
    let got = watch::Sender::new(0);
    for round in 1..=2 {
        let mut server = Server::start_with(data, &environment).await;
        let fans: Vec<_> = (0..4)
            .map(|fan| {
                let (fan, from) = (fan + round * 10, fan * 500 + round * 250);
                tokio::spawn(hold_seats(server.address(), fan, from, got.clone()))
            })
            .collect();
        let mut counted = got.subscribe();
        let enough = counted.wait_for(|got| *got >= 300 * round);
        tokio::time::timeout(super::sale::PATIENCE, enough)
            .await
            .expect("in time")
            .unwrap();
        server.kill();
        for fan in fans {
            fan.await.unwrap();
        }
    }
    let server = Server::start_with(data, &environment).await;
    let goods = goods(1, 40, 50, 0);
    let metrics = || async {
        let mut client = Client::connect(&server.address(), 99).await.unwrap();
        client.text("/metrics").await.unwrap()
    };
    eventually(|| async {
        let told = metrics().await;
        told.contains("onsale_relay_leads 1") && told.contains("onsale_relay_lag_batches 0\n")
    })
    .await;
    server.stop().await;
    let store = SqliteStore::open(data, StoreOptions::default())
        .await
        .unwrap();
    assert_eq!(store.behind(KAFKA, i64::MIN).await.unwrap(), []);
    let said = said(&store, &goods, process::SHOW).await;
    assert!(said.len() as u64 >= *got.borrow(), "every hold is told of");
    compare(&came(&address).await, &said);
    store.close().await.unwrap();
    let status = onsale(&["relay", "status", "--data", data.to_str().unwrap()]);
    assert!(status.status.success());
    let told = out(&status);
    assert!(
        told.contains("0 batches of 0 ledgers are not in Kafka"),
        "{told}"
    );
    assert!(told.contains("to a good end"), "{told}");
}
