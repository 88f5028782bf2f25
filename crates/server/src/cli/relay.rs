//! `onsale relay`

use super::{Data, Office, open};
use crate::app::EventsIn;
use crate::relay::stream::KAFKA;
use crate::relay::{EventStream, Replayed};
use crate::store::relay::RelayStore as _;
use clap::Subcommand;
use std::process::ExitCode;

/// Most dead letters that are shown or sent again at once.
const MOST: u32 = 10_000;
/// Most that are listed for people.
const LISTED: usize = 20;

/// See how far events have been published, and send again what could not be sent
///
/// Works on a data folder that no server uses at the time. While one does, `/metrics` says how its
/// relay goes (`onsale_relay_…`).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How far each ledger has been published to Kafka, and what could not be
    Status {
        #[command(flatten)]
        data: Data,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Send dead letters again, made anew from the ledger
    ///
    /// What is taken now is forgotten. It comes after messages that are later in the ledger.
    Replay {
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        kafka: Kafka,
    },
}

/// Which Kafka.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Kafka {
    /// Publish events to this Kafka (host:port, several with commas); without it they stay in process
    #[arg(long, value_name = "BROKERS", env = "ONSALE_KAFKA")]
    kafka: Option<String>,
    /// Partitions of topics that are made because they are missing
    #[arg(
        long,
        value_name = "N",
        env = "ONSALE_KAFKA_PARTITIONS",
        default_value_t = 6
    )]
    kafka_partitions: u16,
    /// Replicas of topics that are made because they are missing; 0: what the broker makes by itself
    #[arg(
        long,
        value_name = "N",
        env = "ONSALE_KAFKA_REPLICAS",
        default_value_t = 0
    )]
    kafka_replicas: u16,
}

impl Kafka {
    /// Where events go.
    #[cfg(feature = "kafka")]
    pub(super) fn events_in(&self) -> anyhow::Result<EventsIn> {
        let Some(brokers) = self.brokers()? else {
            return Ok(EventsIn::Process);
        };
        Ok(EventsIn::Kafka(crate::relay::KafkaOptions {
            brokers,
            partitions: i32::from(self.kafka_partitions.max(1)),
            replicas: match self.kafka_replicas {
                0 => -1,
                replicas => i32::from(replicas),
            },
            ..crate::relay::KafkaOptions::default()
        }))
    }

    /// Where events go.
    #[cfg(not(feature = "kafka"))]
    pub(super) fn events_in(&self) -> anyhow::Result<EventsIn> {
        let Some(brokers) = self.brokers()? else {
            return Ok(EventsIn::Process);
        };
        anyhow::bail!(
            "--kafka {brokers} (for {} partitions, {} replicas): this onsale was built without \
             Kafka; build it with `cargo build --release -p onsale-server --features kafka`",
            self.kafka_partitions,
            self.kafka_replicas
        )
    }

    /// The brokers, if they look like some.
    fn brokers(&self) -> anyhow::Result<Option<String>> {
        let Some(brokers) = self.kafka.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        for broker in brokers.split(',') {
            let is_one = broker.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty()
                    && !host.contains('/')
                    && port.parse::<u16>().is_ok_and(|port| port > 0)
            });
            if !is_one {
                anyhow::bail!(
                    "--kafka {brokers}: `{broker}` is not host:port, as in 127.0.0.1:9092"
                );
            }
        }
        Ok(Some(brokers.to_owned()))
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Status { data, json } => {
            let office = open(&data, false).await?;
            let result = status(&office, json).await;
            office.close().await;
            result
        }
        Command::Replay { data, kafka } => {
            let stream = stream(&kafka)?;
            let office = open(&data, false).await?;
            let result = replay(&office, &*stream).await;
            office.close().await;
            result
        }
    }
}

fn stream(kafka: &Kafka) -> anyhow::Result<Box<dyn EventStream>> {
    match kafka.events_in()? {
        EventsIn::Process => anyhow::bail!("name the Kafka to send to with --kafka HOST:PORT"),
        #[cfg(feature = "kafka")]
        EventsIn::Kafka(options) => Ok(Box::new(crate::relay::KafkaStream::new(options)?)),
    }
}

async fn status(office: &Office, json: bool) -> anyhow::Result<ExitCode> {
    let lease = office.store.lease().await?;
    let behind = office.store.behind(KAFKA, i64::MIN).await?;
    let dead = office.store.dead_letters(MOST).await?;
    let waiting: u64 = behind.iter().map(|one| one.head - one.cursor).sum();
    if json {
        let ledgers: Vec<_> = behind
            .iter()
            .map(|one| {
                serde_json::json!({
                    "performance": one.performance,
                    "published": one.cursor,
                    "head": one.head,
                })
            })
            .collect();
        let letters: Vec<_> = dead
            .iter()
            .map(|row| {
                serde_json::json!({
                    "performance": row.performance,
                    "topic": row.topic,
                    "event_id": row.event_id,
                    "reason": row.reason,
                    "at_ms": row.at_ms,
                })
            })
            .collect();
        let told = serde_json::json!({
            "epoch": lease.epoch,
            "given_back": lease.holder.is_none(),
            "batches_waiting": waiting,
            "behind": ledgers,
            "dead_letters": letters,
        });
        println!("{told}");
        return Ok(ExitCode::SUCCESS);
    }
    match (lease.epoch, lease.holder) {
        (0, _) => println!("nothing has been published yet"),
        (epoch, None) => println!("published {epoch} times, the last time to a good end"),
        (epoch, Some(_)) => println!("published {epoch} times; the last one did not say goodbye"),
    }
    println!(
        "{waiting} batches of {} ledgers are not in Kafka",
        behind.len()
    );
    for one in behind.iter().take(LISTED) {
        println!("  {}: {} of {}", one.performance, one.cursor, one.head);
    }
    println!("{} messages could not be sent", dead.len());
    for row in dead.iter().take(LISTED) {
        println!("  {} {}: {}", row.topic, row.event_id, row.reason);
    }
    Ok(ExitCode::SUCCESS)
}

async fn replay(office: &Office, stream: &dyn EventStream) -> anyhow::Result<ExitCode> {
    let replayed = crate::relay::replay(&office.store, &*office.catalogue, stream, MOST).await?;
    let Replayed {
        sent,
        refused,
        missing,
    } = replayed;
    println!("{sent} sent, {refused} refused again, {missing} not found in their ledgers");
    Ok(match refused + missing {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
