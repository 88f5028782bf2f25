//! The port: where messages go. In process ([`MemoryStream`](super::MemoryStream)) or Kafka (cargo
//! feature `kafka`).
//!
//! Owns: messages of one key are taken in the order in which they are given. Must not: forget a
//! message that it has said to have, or say so before it is true.

use super::message::{Message, Topic};
use bytes::Bytes;
use futures_util::future::BoxFuture;

/// Longest message, bytes: what a Kafka broker takes as it comes, with room for what is around it.
pub const MESSAGE_BYTES_MAX: usize = 900_000;

/// The stream in this process, by name.
pub const PROCESS: &str = "process";
/// The stream in Kafka, by name.
pub const KAFKA: &str = "kafka";

/// A message as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Where to.
    pub topic: Topic,
    /// What stays in order: a performance, or a waiting room.
    pub key: String,
    /// Its name within the topic.
    pub event_id: String,
    /// JSON.
    pub payload: Bytes,
}

impl From<&Message> for Encoded {
    fn from(message: &Message) -> Self {
        Self {
            topic: message.topic,
            key: message.performance.to_string(),
            event_id: message.event_id.clone(),
            payload: message.payload().into(),
        }
    }
}

/// A message is not taken, now or later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// Nothing can be said of what was given: it may have been taken, or some of it. To be given again,
/// all of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event stream is away: {0}")]
pub struct Away(pub String);

/// One answer for each message.
pub type Answers = Vec<Result<(), Refused>>;

/// Where messages go.
pub trait EventStream: Send + Sync + 'static {
    /// What its cursors are kept under: whoever comes to another stream begins at the beginning.
    fn name(&self) -> &'static str;

    /// Gives messages in this order, and answers when each is kept or refused. Gives up by itself
    /// after a while.
    fn send<'a>(&'a self, messages: &'a [Encoded]) -> BoxFuture<'a, Result<Answers, Away>>;

    /// Whether anybody would ever see messages of that topic. If not, they need not be made.
    fn wants(&self, topic: Topic) -> bool {
        let _ = topic;
        true
    }
}

/// Whether a message is too long for any stream.
pub(super) fn within_bounds(message: &Encoded) -> Result<(), Refused> {
    let bytes = message.payload.len();
    if bytes > MESSAGE_BYTES_MAX {
        let what = format!("{bytes} bytes, at most {MESSAGE_BYTES_MAX} are sent");
        return Err(Refused(what));
    }
    Ok(())
}
