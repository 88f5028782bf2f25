//! The job in `deploy/flink` on a real Flink: the sums by the minute that the server makes in process.

use super::super::recorded;
use super::{LOOK, admin, broker, records, stream};
use crate::support::NOW_MS;
use booking_core::price::TaxMode;
use booking_core::{OrderId, PerformanceId, TicketId};
use onsale_server::relay::message::{Ticket, TicketPlace, VERSION, event_id};
use onsale_server::relay::windows::{Taken, WINDOW_MS, Windows};
use onsale_server::relay::{Body, Encoded, EventStream as _, Message, Topic};
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

const OUTPUT: &str = "sales-by-minute";
const OUTPUT_BY_BAND: &str = "sales-by-minute-by-band";

/// A row of a minute.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Minute {
    performance: PerformanceId,
    from_ms: i64,
    until_ms: i64,
    currency: String,
    orders: u32,
    order_fees_minor: i64,
    seq: u64,
}

/// A row of a price band within a minute.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Band {
    performance: PerformanceId,
    from_ms: i64,
    until_ms: i64,
    band: u8,
    currency: String,
    sold: u32,
    revenue_minor: i64,
    cancelled: u32,
    refunds_minor: i64,
    /// Here only: in process the minute has one for all its bands.
    #[serde(rename = "seq")]
    _seq: u64,
}

/// Rows by their keys, of which the last counts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    minutes: BTreeMap<(PerformanceId, i64), Minute>,
    bands: BTreeMap<(PerformanceId, i64, u8), Band>,
}

impl Sums {
    fn add_minute(&mut self, row: Minute) {
        self.minutes.insert((row.performance, row.from_ms), row);
    }

    fn add_band(&mut self, row: Band) {
        let key = (row.performance, row.from_ms, row.band);
        self.bands.insert(key, row);
    }

    /// What the server says; never an older row after a newer.
    fn add(&mut self, result: &Message) {
        let Body::SalesWindow {
            from_ms,
            until_ms,
            currency,
            orders,
            order_fees_minor,
            bands,
        } = &result.body
        else {
            panic!("{result:?}");
        };
        let (performance, from_ms, until_ms) = (result.performance, *from_ms, *until_ms);
        for band in bands {
            self.add_band(Band {
                performance,
                from_ms,
                until_ms,
                band: band.band,
                currency: currency.clone(),
                sold: band.sold,
                revenue_minor: band.revenue_minor,
                cancelled: band.cancelled,
                refunds_minor: band.refunds_minor,
                _seq: 0,
            });
        }
        self.add_minute(Minute {
            performance,
            from_ms,
            until_ms,
            currency: currency.clone(),
            orders: *orders,
            order_fees_minor: *order_fees_minor,
            seq: result.seq,
        });
    }
}

/// A busy performance: orders of one to five tickets in four bands, some void later, some swapped, and
/// one in eight decided by a server whose clock is up to two minutes behind.
fn generated(number: u64, currency: &str, from_ms: i64) -> Vec<Message> {
    let performance = PerformanceId::from_u128(number.into());
    let mut random = fastrand::Rng::with_seed(number);
    let mut sold: Vec<(OrderId, Vec<Ticket>)> = Vec::new();
    let mut messages = Vec::new();
    let mut at_ms = from_ms;
    for n in 0..120_u32 {
        at_ms += random.i64(0..6_000);
        let behind = if n % 8 == 7 {
            random.i64(0..120_000)
        } else {
            0
        };
        let currency = currency.to_owned();
        let body = match random.u32(0..10) {
            0..2 if !sold.is_empty() => {
                let (order, mut tickets) = sold.swap_remove(random.usize(0..sold.len()));
                tickets.truncate(random.usize(1..=tickets.len()));
                Body::TicketsCancelled {
                    order,
                    currency,
                    tickets,
                }
            }
            2 if !sold.is_empty() => {
                let (order, tickets) = random.choice(&sold).unwrap();
                Body::TicketsExchanged {
                    order: *order,
                    currency,
                    gave: tickets.clone(),
                    got: tickets.clone(),
                }
            }
            _ => {
                let order = OrderId::from_u128(u128::from(n));
                let tickets: Vec<_> = (0..random.u32(1..=5))
                    .map(|_| ticket(&mut random))
                    .collect();
                sold.push((order, tickets.clone()));
                Body::TicketsSold {
                    order,
                    currency,
                    tickets,
                    order_fees_minor: random.i64(0..500),
                }
            }
        };
        // Two events in each batch.
        let (seq, index) = (u64::from(n / 2) + 1, n % 2);
        messages.push(Message {
            topic: Topic::TicketBookings,
            version: VERSION,
            event_id: event_id(performance, seq, index),
            performance,
            seq,
            index,
            at_ms: at_ms - behind,
            body,
        });
    }
    messages
}

fn ticket(random: &mut fastrand::Rng) -> Ticket {
    Ticket {
        ticket: TicketId::from_u128(random.u128(..)),
        place: TicketPlace::Seat {
            seat: random.u32(0..1_000),
            section: "Parkett \"links\"".to_owned(),
            row: "Ä".to_owned(),
            label: "1;'".to_owned(),
        },
        band: random.u8(0..4),
        price_type: random.u8(0..2),
        paid_minor: random.i64(0..20_000),
    }
}

/// As a relay that is killed now and then sends them: every seventh message with the three before it
/// once more, and at the very end some of the first.
fn with_repeats(messages: &[Message]) -> Vec<Message> {
    let mut sent = Vec::new();
    for (n, message) in messages.iter().enumerate() {
        sent.push(message.clone());
        if n % 7 == 6 {
            sent.extend_from_slice(&messages[n - 3..=n]);
        }
    }
    sent.extend_from_slice(&messages[..messages.len().min(5)]);
    sent
}

/// What the server makes of the messages of one performance, told minute by minute and corrected.
fn in_process(messages: &[Message], sums: &mut Sums) {
    let mut windows = Windows::new(messages[0].performance);
    for message in messages {
        assert_ne!(windows.take(message), Taken::TooLate);
        for result in windows.close(message.at_ms) {
            sums.add(&result);
        }
    }
    for result in windows.close(i64::MAX) {
        sums.add(&result);
    }
}

/// Whether the messages have in them what the job might get wrong.
fn assert_hard(messages: &[Message]) {
    let mut seen = BTreeSet::new();
    let mut latest_ms = i64::MIN;
    let (mut repeats, mut late) = (0, 0);
    for message in messages {
        if matches!(message.body, Body::TicketsExchanged { .. }) {
            continue;
        }
        let minute_ms = message.at_ms.div_euclid(WINDOW_MS) * WINDOW_MS;
        if !seen.insert(&message.event_id) {
            repeats += 1;
        } else if minute_ms < latest_ms {
            late += 1;
        }
        latest_ms = latest_ms.max(minute_ms);
    }
    assert!(repeats > 20, "{repeats} repeats");
    assert!(late > 5, "{late} messages of minutes that were over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_job_on_flink_makes_the_sums_that_the_server_makes() {
    let broker = broker().await;
    let address = broker.address();
    let outputs = [OUTPUT, OUTPUT_BY_BAND];
    let outputs = outputs.map(|name| NewTopic::new(name, 2, TopicReplication::Fixed(1)));
    let options = AdminOptions::new().operation_timeout(Some(LOOK));
    let made = admin(&address).create_topics(&outputs, &options).await;
    assert!(made.unwrap().iter().all(Result::is_ok));

    let mut recorded = recorded::sale(TaxMode::Inclusive).messages();
    recorded.retain(|message| message.topic == Topic::TicketBookings);
    let busy = |n, currency, from_ms| {
        let sent = with_repeats(&generated(n, currency, from_ms));
        assert_hard(&sent);
        sent
    };
    let shows = [
        with_repeats(&recorded),
        busy(2, "EUR", NOW_MS),
        busy(3, "JPY", NOW_MS + 7_000),
        // One whose ledger is published a year later than the others.
        busy(4, "EUR", NOW_MS - 365 * 24 * 3_600_000),
    ];
    let mut expected = Sums::default();
    let to_kafka = stream(&address, Duration::from_secs(60));
    let longest = shows.iter().map(Vec::len).max().unwrap();
    let mut sent: Vec<Encoded> = Vec::new();
    for n in 0..longest {
        let of_each = shows.iter().filter_map(|messages| messages.get(n));
        sent.extend(of_each.map(Encoded::from));
    }
    let answers = to_kafka.send(&sent).await.unwrap();
    assert!(answers.iter().all(Result::is_ok));
    for messages in &shows {
        in_process(messages, &mut expected);
    }

    let kafka = address.clone();
    let job = tokio::task::spawn_blocking(move || {
        kafka_test::run_flink_sql(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/flink"),
            "sales_by_minute.sql",
            &[
                ("KAFKA", &kafka),
                ("INPUT", Topic::TicketBookings.name()),
                ("OUTPUT", OUTPUT),
                ("BOUNDED", "latest-offset"),
            ],
            // Rows are written at every message, so that each is corrected many times.
            &[("table.exec.mini-batch.size", "1")],
        );
    });
    job.await.unwrap();
    let mut found = Sums::default();
    let minutes = records(&address, OUTPUT).await;
    for (_, payload) in &minutes {
        found.add_minute(serde_json::from_slice(payload).unwrap());
    }
    let bands = records(&address, OUTPUT_BY_BAND).await;
    for (_, payload) in &bands {
        let row: Band = serde_json::from_slice(payload).unwrap();
        found.add_band(Band { _seq: 0, ..row });
    }

    assert!(found.minutes.len() > 20, "{} minutes", found.minutes.len());
    assert!(minutes.len() > 2 * found.minutes.len(), "corrections");
    assert!(bands.len() > 2 * found.bands.len(), "corrections");
    let numbers: BTreeSet<_> = found.bands.values().map(|row| row.band).collect();
    assert_eq!(numbers, BTreeSet::from([0, 1, 2, 3]));
    assert!(found.bands.values().any(|row| row.cancelled > 0));
    assert!(found.bands.values().any(|row| row.sold == 0));
    let performances: BTreeSet<_> = found.minutes.keys().map(|(of, _)| of).collect();
    assert_eq!(performances.len(), shows.len());
    // Row by row, so that what is wrong is told and not everything.
    for (key, row) in &expected.minutes {
        assert_eq!(found.minutes.get(key), Some(row), "{key:?}");
    }
    for (key, row) in &expected.bands {
        assert_eq!(found.bands.get(key), Some(row), "{key:?}");
    }
    assert_eq!(found, expected, "and no others");
}
