//! The stream in Kafka, through librdkafka's idempotent producer.
//!
//! Within one chunk the client itself tries again, in order and without making two of one message,
//! for as long as the relay's patience lasts. After that, or after a fault that it cannot mend, the
//! producer is thrown away with whatever it still holds, and the relay gives the whole chunk to a new
//! one: messages repeat, their order by first coming does not change.

use super::message::Topic;
use super::stream::{Answers, Away, Encoded, EventStream, KAFKA, Refused, within_bounds};
use futures_util::future::BoxFuture;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::future_producer::OwnedDeliveryResult;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout_at};

/// Messages that wait in the producer, of all chunks together; whoever comes later waits for room.
const QUEUE: usize = 20_000;
/// The same in KiB.
const QUEUE_KIB: usize = 64 * 1_024;
/// Between two looks whether the queue has room.
const NO_ROOM: Duration = Duration::from_millis(5);
/// How long making the topics may take before that is tried again.
const TOPICS: Duration = Duration::from_secs(15);

/// Which Kafka, and how its topics are made where they are missing.
#[derive(Clone, Debug)]
pub struct KafkaOptions {
    /// `host:port`, several with commas.
    pub brokers: String,
    /// Partitions of a new topic. A performance keeps its partition for as long as their number stays.
    pub partitions: i32,
    /// Replicas of a new topic; -1: what the broker makes by itself.
    pub replicas: i32,
    /// How long one chunk may take before it is given to a new producer.
    pub patience: Duration,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            partitions: 6,
            replicas: -1,
            patience: Duration::from_secs(30),
        }
    }
}

/// Why there is no producer: what was set makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("Kafka at {brokers} cannot be used: {source}")]
pub struct KafkaFault {
    brokers: String,
    source: KafkaError,
}

/// Messages to Kafka. Nothing is connected to before the first message.
pub struct KafkaStream {
    options: KafkaOptions,
    producer: Mutex<FutureProducer>,
    /// Set when the topics are known to be there.
    topics: OnceCell<()>,
}

impl KafkaStream {
    /// A producer that connects when there is something to send.
    pub fn new(options: KafkaOptions) -> Result<Self, KafkaFault> {
        let producer = producer(&options).map_err(|source| KafkaFault {
            brokers: options.brokers.clone(),
            source,
        })?;
        Ok(Self {
            producer: Mutex::new(producer),
            options,
            topics: OnceCell::new(),
        })
    }

    fn current(&self) -> FutureProducer {
        let producer = self.producer.lock();
        producer.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another producer, unless somebody has made one already.
    fn renew(&self) {
        match producer(&self.options) {
            Ok(new) => {
                let old = std::mem::replace(
                    &mut *self.producer.lock().unwrap_or_else(PoisonError::into_inner),
                    new,
                );
                // Its end waits for its threads.
                tokio::task::spawn_blocking(move || drop(old));
            }
            Err(error) => tracing::error!(%error, "no new producer for Kafka"),
        }
    }

    async fn send_within(
        &self,
        messages: &[Encoded],
        deadline: Instant,
    ) -> Result<Answers, KafkaError> {
        let producer = self.current();
        let mut waiting = Vec::with_capacity(messages.len());
        for message in messages {
            waiting.push(match within_bounds(message) {
                Ok(()) => Ok(enqueue(&producer, message, deadline).await?),
                Err(refused) => Err(refused),
            });
        }
        let mut answers = Vec::with_capacity(messages.len());
        for one in waiting {
            answers.push(match one {
                Ok(delivery) => delivered(delivery, deadline).await?,
                Err(refused) => Err(refused),
            });
        }
        // The broker refuses a batch for one message in it: each gets a chance of its own.
        for (message, answer) in messages.iter().zip(&mut answers) {
            if answer.is_err() && within_bounds(message).is_ok() {
                let delivery = enqueue(&producer, message, deadline).await?;
                *answer = delivered(delivery, deadline).await?;
            }
        }
        Ok(answers)
    }

    async fn make_topics(&self) -> Result<(), Away> {
        let away = |error: KafkaError| Away(error.to_string());
        let admin: AdminClient<DefaultClientContext> =
            client(&self.options).create().map_err(away)?;
        let topics: Vec<_> = Topic::ALL
            .iter()
            .map(|topic| {
                let replication = TopicReplication::Fixed(self.options.replicas);
                NewTopic::new(topic.name(), self.options.partitions, replication)
            })
            .collect();
        let options = AdminOptions::new()
            .request_timeout(Some(TOPICS))
            .operation_timeout(Some(TOPICS));
        let made = admin.create_topics(&topics, &options).await.map_err(away)?;
        for one in made {
            match one {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                // Somebody else makes topics here: if one is missing, sending says so.
                Err((name, RDKafkaErrorCode::TopicAuthorizationFailed)) => {
                    tracing::warn!(topic = name, "may not be made by this server");
                }
                Err((name, code)) => return Err(Away(format!("topic {name}: {code}"))),
            }
        }
        Ok(())
    }
}

impl EventStream for KafkaStream {
    fn name(&self) -> &'static str {
        KAFKA
    }

    fn send<'a>(&'a self, messages: &'a [Encoded]) -> BoxFuture<'a, Result<Answers, Away>> {
        Box::pin(async move {
            self.topics.get_or_try_init(|| self.make_topics()).await?;
            let deadline = Instant::now() + self.options.patience;
            self.send_within(messages, deadline).await.map_err(|error| {
                self.renew();
                Away(error.to_string())
            })
        })
    }
}

/// What every client of ours says.
fn client(options: &KafkaOptions) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &options.brokers)
        .set("client.id", "onsale-relay")
        .set("socket.timeout.ms", "10000")
        .set("reconnect.backoff.max.ms", "1000");
    config
}

fn producer(options: &KafkaOptions) -> Result<FutureProducer, KafkaError> {
    client(options)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("max.in.flight.requests.per.connection", "5")
        // No message lapses by itself: one that did would let later ones overtake it.
        .set("message.timeout.ms", "0")
        .set("linger.ms", "5")
        .set("compression.type", "lz4")
        .set("queue.buffering.max.messages", QUEUE.to_string())
        .set("queue.buffering.max.kbytes", QUEUE_KIB.to_string())
        // As Kafka's own clients do, so that a program in another language finds the partition.
        .set("partitioner", "murmur2_random")
        .create()
}

fn silent() -> KafkaError {
    KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut)
}

/// Puts a message into the producer's queue, when there is room.
async fn enqueue(
    producer: &FutureProducer,
    message: &Encoded,
    deadline: Instant,
) -> Result<DeliveryFuture, KafkaError> {
    loop {
        let record = FutureRecord::to(message.topic.name())
            .key(&message.key)
            .payload(&message.payload[..]);
        match producer.send_result(record) {
            Ok(delivery) => return Ok(delivery),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                if Instant::now() >= deadline {
                    return Err(silent());
                }
                sleep(NO_ROOM).await;
            }
            Err((error, _)) => return Err(error),
        }
    }
}

/// What became of it.
async fn delivered(
    delivery: DeliveryFuture,
    deadline: Instant,
) -> Result<Result<(), Refused>, KafkaError> {
    let answer: Result<OwnedDeliveryResult, _> =
        timeout_at(deadline, delivery).await.map_err(|_| silent())?;
    match answer {
        Ok(Ok(_)) => Ok(Ok(())),
        Ok(Err((KafkaError::MessageProduction(code), _))) if is_about_the_message(code) => {
            Ok(Err(Refused(code.to_string())))
        }
        Ok(Err((error, _))) => Err(error),
        Err(_) => Err(KafkaError::Canceled),
    }
}

/// Whether another message might fare better.
fn is_about_the_message(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidRecord
    )
}
