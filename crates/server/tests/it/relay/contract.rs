//! What every stream promises, whichever it is.

use bytes::Bytes;
use futures_util::future::join_all;
use onsale_server::relay::stream::MESSAGE_BYTES_MAX;
use onsale_server::relay::{Encoded, EventStream, MemoryStream, Topic};

/// A stream that can be asked what came.
pub(crate) trait Kept {
    fn stream(&self) -> &dyn EventStream;
    /// Messages of a topic with that key, in the order in which they came.
    fn came(&self, topic: Topic, key: &str) -> impl Future<Output = Vec<Encoded>> + Send;
}

impl Kept for MemoryStream {
    fn stream(&self) -> &dyn EventStream {
        self
    }
    async fn came(&self, topic: Topic, key: &str) -> Vec<Encoded> {
        let mut came = self.latest(topic);
        came.retain(|message| message.key == key);
        came
    }
}

fn message(topic: Topic, key: u128, n: u32) -> Encoded {
    Encoded {
        topic,
        key: key.to_string(),
        event_id: format!("{key}:{n}"),
        payload: Bytes::from(format!("{{\"event_id\":\"{key}:{n}\"}}")),
    }
}

/// Every promise.
pub(crate) async fn holds(kept: &impl Kept) {
    what_is_given_comes_in_its_order(kept).await;
    many_at_the_same_time_keep_the_order_of_each_key(kept).await;
    what_is_too_long_is_refused_alone(kept).await;
    the_longest_message_is_taken(kept).await;
    nothing_is_nothing(kept).await;
}

async fn what_is_given_comes_in_its_order(kept: &impl Kept) {
    let key = "10";
    let mut given: Vec<Encoded> = (0..300).map(|n| message(Topic::Orders, 10, n)).collect();
    given.extend((0..300).map(|n| message(Topic::SeatChanges, 10, n)));
    for chunk in given.chunks(70) {
        let answers = kept.stream().send(chunk).await.unwrap();
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(answers.len(), chunk.len());
    }
    assert_eq!(kept.came(Topic::Orders, key).await, given[..300]);
    assert_eq!(kept.came(Topic::SeatChanges, key).await, given[300..]);
}

async fn many_at_the_same_time_keep_the_order_of_each_key(kept: &impl Kept) {
    let send = |key: u128| async move {
        for from in (0..50).step_by(10) {
            let chunk: Vec<_> = (from..from + 10)
                .map(|n| message(Topic::TicketBookings, key, n))
                .collect();
            kept.stream().send(&chunk).await.unwrap();
        }
    };
    join_all((20..30).map(send)).await;
    for key in 20..30 {
        let expected: Vec<_> = (0..50)
            .map(|n| message(Topic::TicketBookings, key, n))
            .collect();
        let came = kept.came(Topic::TicketBookings, &key.to_string()).await;
        assert_eq!(came, expected);
    }
}

async fn what_is_too_long_is_refused_alone(kept: &impl Kept) {
    let long = Encoded {
        payload: Bytes::from(vec![b' '; MESSAGE_BYTES_MAX + 1]),
        ..message(Topic::Orders, 40, 1)
    };
    let given = [
        message(Topic::Orders, 40, 0),
        long,
        message(Topic::Orders, 40, 2),
    ];
    let answers = kept.stream().send(&given).await.unwrap();
    let taken: Vec<_> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(taken, [true, false, true]);
    let came = kept.came(Topic::Orders, "40").await;
    assert_eq!(came, [given[0].clone(), given[2].clone()]);
}

async fn the_longest_message_is_taken(kept: &impl Kept) {
    // Nothing that a compression would make short.
    let mut noise = 1_u64;
    let payload: Vec<u8> = std::iter::from_fn(|| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        Some(noise as u8)
    })
    .take(MESSAGE_BYTES_MAX)
    .collect();
    let long = Encoded {
        payload: payload.into(),
        ..message(Topic::SeatChanges, 50, 0)
    };
    let given = [long.clone(), long];
    let answers = kept.stream().send(&given).await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

async fn nothing_is_nothing(kept: &impl Kept) {
    assert_eq!(kept.stream().send(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn the_stream_in_memory_keeps_its_promises() {
    holds(&MemoryStream::default()).await;
}
