//! What the relay brings to a real Kafka in a second, and how long after its answer an order is there.
//! Prints a name, a tab and a figure a line:
//!
//! `cargo bench -p onsale-server --features kafka --bench relay`
//!
//! The ledger of one sale is published three times: to nowhere, which says what its messages and their
//! chunks are; by the relay to Kafka; and those same chunks straight to Kafka, one after the other as
//! the relay does. Before the two that are compared the chunks are sent once for nothing, so that
//! neither finds a broker that is still warming up.
//!
//! Then a sale goes on at a steady rate with Kafka there, and at the same rate while its broker is dead:
//! what a booking takes then is compared. What ten minutes of that sale would have left waiting is made
//! at once, the broker is started again, and the backlog is seen to drain.
//!
//! An order's lag is from the durable answer to its command until the stream has acknowledged the whole
//! chunk with its message, seen in this process: what a consumer waits besides is not in it.

#[path = "../tests/it/support/mod.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod support;

use booking_core::test_support::seats;
use booking_core::{Command, CommandId};
use futures_util::future::BoxFuture;
use kafka_test::Broker;
use onsale_server::clock::Clock;
use onsale_server::lane::{Answer, LaneSettings};
use onsale_server::relay::stream::{Answers, KAFKA, PROCESS};
use onsale_server::relay::{
    Away, Encoded, EventStream, GATHER, KafkaOptions, KafkaStream, LeaseTimes, Relay, RelayParts,
    Topic,
};
use onsale_server::store::StoreOptions;
use onsale_server::store::relay::RelayStore as _;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{Houses, Office, SHOW, cancel, confirm, fresh, hold};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tasks that make the backlog, and what each books and cancels.
const BUYERS: u32 = 64;
const BOOKINGS: u32 = 400;
/// Of the sale that goes on: bookings at one tick, between two ticks, ticks.
const AT_ONCE: u32 = 5;
const TICK: Duration = Duration::from_millis(10);
const TICKS: u32 = 1_000;
/// Bookings of the backlog that an outage leaves: ten minutes of the sale that goes on.
const WAITING: u32 = 300_000;
/// The sale's bookings have the seats before these, those of a backlog the seats from these on.
const BACKLOG_FROM: u32 = 20_000;
/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(300);

fn main() {
    let mut broker = Broker::start();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let options = KafkaOptions {
            brokers: broker.address(),
            ..KafkaOptions::default()
        };
        let kafka = Arc::new(KafkaStream::new(options).expect("a producer"));
        throughput(&kafka).await;
        lag(&kafka).await;
        outage(&mut broker, &kafka).await;
    });
}

async fn throughput(kafka: &Arc<KafkaStream>) {
    let dir = tempfile::tempdir().expect("a folder");
    let office = Arc::new(open(dir.path()).await);
    backlog(&office, BOOKINGS).await;
    let nowhere = Arc::new(Nowhere::default());
    let (relay, since) = lead(&office, nowhere.clone()).await;
    while !nowhere.is_at_end() {
        tokio::time::sleep(TICK).await;
        assert!(since.elapsed() < PATIENCE, "the backlog is read in time");
    }
    relay.stop().await;
    let chunks = std::mem::take(&mut *nowhere.chunks.lock().expect("chunks"));
    let total: usize = chunks.iter().map(|(chunk, _)| chunk.len()).sum();
    let (_, last) = chunks.last().expect("a chunk");
    say("relay_nowhere", total, last.duration_since(since));
    say_figure("relay_messages", total as f64);
    say_figure("relay_chunks", chunks.len() as f64);

    straight(kafka, &chunks).await;
    let (relay, since) = lead(&office, kafka.clone()).await;
    let mut progress = relay.progress();
    let all = progress.wait_for(|progress| progress.sent >= total as u64);
    let reached = tokio::time::timeout(PATIENCE, all).await.expect("in time");
    let took = since.elapsed();
    let reached = reached.expect("the relay runs").clone();
    assert_eq!((reached.refused, reached.away), (0, 0), "Kafka takes all");
    say("relay_throughput", total, took);
    relay.stop().await;
    say("relay_raw", total, straight(kafka, &chunks).await);
}

/// Each buyer books and cancels so often.
async fn backlog(office: &Arc<Office>, times: u32) {
    let buyers: Vec<_> = (BACKLOG_FROM..BACKLOG_FROM + BUYERS)
        .map(|buyer| {
            let office = Arc::clone(office);
            tokio::spawn(async move {
                for _ in 0..times {
                    let order = fresh();
                    book(&office, order, buyer).await;
                    send(&office, cancel(order, &seats(&pair_of(buyer)))).await;
                }
            })
        })
        .collect();
    for buyer in buyers {
        buyer.await.expect("a buyer");
    }
}

/// Sends chunks without a ledger, a book or a cursor.
async fn straight(kafka: &KafkaStream, chunks: &[(Vec<Encoded>, Instant)]) -> Duration {
    let since = Instant::now();
    for (chunk, _) in chunks {
        let answers = kafka.send(chunk).await.expect("Kafka is there");
        assert!(answers.iter().all(Result::is_ok), "Kafka takes all");
    }
    since.elapsed()
}

async fn lag(kafka: &Arc<KafkaStream>) {
    let dir = tempfile::tempdir().expect("a folder");
    let office = Arc::new(open(dir.path()).await);
    let timed = Arc::new(Timed {
        kafka: Arc::clone(kafka),
        orders: Mutex::default(),
    });
    let (relay, _) = lead(&office, timed.clone()).await;
    let bookings = steady(&office, 0).await;
    let mut lags = Vec::with_capacity(bookings.len());
    for booking in bookings {
        let began = Instant::now();
        let known = || {
            let orders = timed.orders.lock().expect("orders");
            orders.get(&booking.seq).copied()
        };
        let acknowledged = loop {
            if let Some(acknowledged) = known() {
                break acknowledged;
            }
            assert!(began.elapsed() < PATIENCE, "it is acknowledged in time");
            tokio::time::sleep(TICK).await;
        };
        let lag = acknowledged.saturating_duration_since(booking.answered);
        lags.push(lag.as_secs_f64() * 1e3);
    }
    relay.stop().await;
    say_figure("relay_lag_median", part(&mut lags, 50));
    say_figure("relay_lag_p99", part(&mut lags, 99));
}

/// A booking of the sale that goes on.
struct Booked {
    /// The batch of its order.
    seq: u64,
    began: Instant,
    answered: Instant,
}

/// The sale that goes on, from a booking's seats on.
async fn steady(office: &Arc<Office>, first: u32) -> Vec<Booked> {
    let mut tick = tokio::time::interval(TICK);
    let mut bookings = Vec::new();
    for n in 0..TICKS {
        tick.tick().await;
        for one in 0..AT_ONCE {
            let office = Arc::clone(office);
            bookings.push(tokio::spawn(async move {
                let began = Instant::now();
                let answer = book(&office, fresh(), first + n * AT_ONCE + one).await;
                Booked {
                    seq: answer.seq,
                    began,
                    answered: Instant::now(),
                }
            }));
        }
    }
    let mut booked = Vec::with_capacity(bookings.len());
    for booking in bookings {
        booked.push(booking.await.expect("a booking"));
    }
    booked
}

async fn outage(broker: &mut Broker, kafka: &Arc<KafkaStream>) {
    let dir = tempfile::tempdir().expect("a folder");
    let office = Arc::new(open(dir.path()).await);
    let (relay, _) = lead(&office, kafka.clone()).await;
    let took = |booked: Vec<Booked>| {
        let one = |one: &Booked| one.answered.duration_since(one.began).as_secs_f64() * 1e3;
        let mut took: Vec<_> = booked.iter().map(one).collect();
        part(&mut took, 99)
    };
    // Once for nothing: the first of a sale are slower.
    steady(&office, 0).await;
    let there = took(steady(&office, TICKS * AT_ONCE).await);
    tokio::task::block_in_place(|| broker.kill());
    let away = took(steady(&office, 2 * TICKS * AT_ONCE).await);
    say_figure("relay_outage_there", there);
    say_figure("relay_outage_away", away);
    backlog(&office, WAITING / BUYERS).await;
    tokio::task::block_in_place(|| broker.start_again());
    let since = Instant::now();
    while !is_published(&office).await {
        tokio::time::sleep(TICK).await;
        assert!(since.elapsed() < PATIENCE, "the backlog drains");
    }
    say_figure("relay_outage_drain", since.elapsed().as_secs_f64());
    let sent = relay.progress().borrow().sent;
    say_figure("relay_outage_messages", sent as f64);
    relay.stop().await;
}

async fn is_published(office: &Office) -> bool {
    let behind = office.store.behind(KAFKA, i64::MIN).await;
    behind.expect("the store answers").is_empty()
}

/// What so many of a hundred are not above.
fn part(values: &mut [f64], of_hundred: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() * of_hundred / 100]
}

/// Acknowledges at once, and keeps what came and when.
#[derive(Default)]
struct Nowhere {
    chunks: Mutex<Vec<(Vec<Encoded>, Instant)>>,
}

impl Nowhere {
    /// Whether every order and every cancellation came.
    fn is_at_end(&self) -> bool {
        let chunks = self.chunks.lock().expect("chunks");
        let of_orders = chunks
            .iter()
            .flat_map(|(chunk, _)| chunk)
            .filter(|message| message.topic == Topic::Orders)
            .count();
        of_orders >= (2 * BUYERS * BOOKINGS) as usize
    }
}

impl EventStream for Nowhere {
    fn name(&self) -> &'static str {
        PROCESS
    }

    fn send<'a>(&'a self, messages: &'a [Encoded]) -> BoxFuture<'a, Result<Answers, Away>> {
        let mut chunks = self.chunks.lock().expect("chunks");
        chunks.push((messages.to_vec(), Instant::now()));
        Box::pin(async move { Ok(messages.iter().map(|_| Ok(())).collect()) })
    }
}

/// Kafka, and when orders were acknowledged, by their batch in the ledger: the messages of one batch
/// are in one chunk.
struct Timed {
    kafka: Arc<KafkaStream>,
    orders: Mutex<HashMap<u64, Instant>>,
}

impl EventStream for Timed {
    fn name(&self) -> &'static str {
        KAFKA
    }

    fn send<'a>(&'a self, messages: &'a [Encoded]) -> BoxFuture<'a, Result<Answers, Away>> {
        Box::pin(async move {
            let answers = self.kafka.send(messages).await?;
            let now = Instant::now();
            let mut orders = self.orders.lock().expect("orders");
            for message in messages.iter().filter(|one| one.topic == Topic::Orders) {
                orders.entry(seq_of(message)).or_insert(now);
            }
            Ok(answers)
        })
    }
}

/// The batch in a message's name.
fn seq_of(message: &Encoded) -> u64 {
    let mut parts = message.event_id.rsplit(':');
    let seq = parts.nth(1).and_then(|seq| seq.parse().ok());
    seq.expect("a performance, a batch and an index")
}

/// A relay, and when it began to publish.
async fn lead(office: &Office, stream: Arc<dyn EventStream>) -> (Relay, Instant) {
    let relay = Relay::start(RelayParts {
        store: Arc::new(office.store.clone()),
        source: Arc::new(Houses(office.goods.clone())),
        stream,
        clock: office.clock.clone(),
        appends: office.lanes.appends(),
        lease: LeaseTimes::default(),
        gather: GATHER,
    });
    let mut progress = relay.progress();
    let leads = progress.wait_for(|progress| progress.leads);
    let leads = tokio::time::timeout(PATIENCE, leads).await;
    leads.expect("in time").expect("the relay runs");
    (relay, Instant::now())
}

async fn open(path: &Path) -> Office {
    // 50,000 seats: each buyer, and each booking of the sale that goes on, has its own.
    let goods = support::goods(10, 50, 100, 0);
    let (settings, options) = (LaneSettings::default(), StoreOptions::default());
    Office::at(path, goods, Clock::System, settings, options).await
}

/// Holds two seats and orders them: the answer to the order.
async fn book(office: &Office, order: u128, buyer: u32) -> Answer {
    let (fan, pair) = (u128::from(buyer) + 1, pair_of(buyer));
    send(office, hold(order, fan, &pair)).await;
    send(office, confirm(order, order, fan, &seats(&pair))).await
}

fn pair_of(buyer: u32) -> [u32; 2] {
    [buyer * 2, buyer * 2 + 1]
}

async fn send(office: &Office, command: Command) -> Answer {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let ms = office.clock.now_ms() as u128;
    let n = u128::from(NEXT.fetch_add(1, Ordering::Relaxed));
    let id = CommandId::from_u128(ms << 80 | 7 << 76 | 1 << 63 | n);
    let sent = office.lanes.send(SHOW, id, command).await;
    sent.expect("it is accepted")
}

/// So many messages in that time, by the second.
fn say(name: &str, messages: usize, took: Duration) {
    say_figure(name, messages as f64 / took.as_secs_f64());
}

fn say_figure(name: &str, figure: f64) {
    println!("{name}\t{figure:.2}");
}
