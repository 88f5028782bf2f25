//! A consumer that counts each event once, however often it comes: tickets and money by performance.
//!
//! ```text
//! cargo run -p onsale-server --features kafka --example consumer -- 127.0.0.1:9092 [--until-end]
//! ```
//!
//! Messages come at least once. What was seen is known by its `event_id`. A program that keeps its
//! sums in a database writes the ids (or, since each performance comes in order, the last `seq` and
//! `index` of each) in the transaction that writes the sums; this one has both in memory and reads
//! from the beginning each time.

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

const TOPIC: &str = "ticket-bookings";
const PATIENCE: Duration = Duration::from_secs(30);

/// Tickets that are somebody's, and what was paid for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Sold and not cancelled.
    pub tickets: i64,
    /// In the currency's smallest unit.
    pub revenue_minor: i64,
}

/// Counts a message; `false`: it was counted before.
fn count(message: &Value, seen: &mut HashSet<String>, sums: &mut BTreeMap<String, Sums>) -> bool {
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    if !seen.insert(text("event_id")) {
        return false;
    }
    let sign = match message["kind"].as_str() {
        Some("tickets_sold") => 1,
        Some("tickets_cancelled") => -1,
        // A kind that is not known yet, or one in which no money moves.
        _ => return true,
    };
    let sums = sums.entry(text("performance")).or_default();
    for ticket in message["tickets"].as_array().into_iter().flatten() {
        sums.tickets += sign;
        sums.revenue_minor += sign * ticket["paid_minor"].as_i64().unwrap_or(0);
    }
    true
}

/// Reads the topic from its beginning to where it ends now, or for ever. Sums by performance, and how
/// many messages had come before.
pub fn consume(
    brokers: &str,
    until_end: bool,
) -> Result<(BTreeMap<String, Sums>, u64), Box<dyn std::error::Error>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "example")
        .set("enable.auto.commit", "false")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(TOPIC), PATIENCE)?;
    let partitions = metadata
        .topics()
        .first()
        .ok_or("no such topic")?
        .partitions();
    let (mut list, mut left) = (TopicPartitionList::new(), 0);
    for partition in partitions {
        let (low, high) = consumer.fetch_watermarks(TOPIC, partition.id(), PATIENCE)?;
        left += high - low;
        list.add_partition_offset(TOPIC, partition.id(), Offset::Beginning)?;
    }
    consumer.assign(&list)?;

    let (mut seen, mut sums, mut repeats) = (HashSet::new(), BTreeMap::new(), 0_u64);
    while !until_end || left > 0 {
        let message = match consumer.poll(Duration::from_millis(500)) {
            None => continue,
            Some(Ok(message)) => message,
            Some(Err(KafkaError::MessageConsumption(code))) => {
                // A broker that is away comes back; the client connects again by itself.
                eprintln!("{code}");
                continue;
            }
            Some(Err(error)) => return Err(error.into()),
        };
        left -= 1;
        let message: Value = serde_json::from_slice(message.payload().unwrap_or_default())?;
        if !count(&message, &mut seen, &mut sums) {
            repeats += 1;
        }
    }
    Ok((sums, repeats))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let brokers = arguments.next().ok_or("which Kafka? host:port")?;
    let until_end = arguments.next().as_deref() == Some("--until-end");
    let (sums, repeats) = consume(&brokers, until_end)?;
    for (performance, sums) in &sums {
        println!("{performance} {} {}", sums.tickets, sums.revenue_minor);
    }
    eprintln!("{repeats} repeats");
    Ok(())
}
