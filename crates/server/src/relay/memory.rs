//! The stream in process: the latest messages of each topic, for whoever listens in this program.

use super::message::Topic;
use super::stream::{Answers, Away, Encoded, EventStream, PROCESS, within_bounds};
use futures_util::future::BoxFuture;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;

/// Messages of each topic that are kept; the oldest go first.
const KEPT: usize = 1_000;
/// Messages that a listener may be behind; whoever is slower is told how many it has missed.
const BEHIND: usize = 4_096;

/// Messages in memory. Cheap to clone.
#[derive(Clone)]
pub struct MemoryStream(Arc<Inner>);

struct Inner {
    kept: Mutex<BTreeMap<Topic, VecDeque<Encoded>>>,
    listeners: broadcast::Sender<Encoded>,
}

impl Default for MemoryStream {
    fn default() -> Self {
        Self(Arc::new(Inner {
            kept: Mutex::default(),
            listeners: broadcast::Sender::new(BEHIND),
        }))
    }
}

impl MemoryStream {
    /// The latest messages of a topic, the oldest first.
    #[must_use]
    pub fn latest(&self, topic: Topic) -> Vec<Encoded> {
        let kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = kept.get(&topic).into_iter().flatten();
        latest.cloned().collect()
    }

    /// Every message from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Encoded> {
        self.0.listeners.subscribe()
    }
}

impl EventStream for MemoryStream {
    fn name(&self) -> &'static str {
        PROCESS
    }

    fn send<'a>(&'a self, messages: &'a [Encoded]) -> BoxFuture<'a, Result<Answers, Away>> {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let take = |message: &Encoded| {
            within_bounds(message)?;
            let topic = kept.entry(message.topic).or_default();
            if topic.len() == KEPT {
                topic.pop_front();
            }
            topic.push_back(message.clone());
            // Where nobody listens there is nobody to tell.
            let _ = self.0.listeners.send(message.clone());
            Ok(())
        };
        let answers = messages.iter().map(take).collect();
        Box::pin(std::future::ready(Ok(answers)))
    }

    /// Without a listener only what is small and asked for later.
    fn wants(&self, topic: Topic) -> bool {
        match topic {
            Topic::AnalyticsResults | Topic::DeadLetters => true,
            Topic::TicketBookings | Topic::SeatChanges | Topic::Orders | Topic::Admissions => {
                self.0.listeners.receiver_count() > 0
            }
        }
    }
}
