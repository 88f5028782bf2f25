//! The relay on a stream in memory that can be taken away.

use super::sale::{compare, eventually, parts, published, published_to, relay, said, sell, until};
use crate::support::{NOW_MS, Office, SHOW};
use booking_core::PerformanceId;
use futures_util::future::BoxFuture;
use onsale_server::relay::stream::{Answers, KAFKA, PROCESS};
use onsale_server::relay::{
    Admitted, Away, Body, Encoded, EventStream, MemoryStream, Message, Refused, Relay, Topic,
    replay,
};
use onsale_server::store::relay::{AdmissionRow, RelayStore as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Keeps all, fails where it is told to.
#[derive(Default)]
struct Broker {
    kept: Mutex<Vec<Encoded>>,
    is_away: AtomicBool,
    /// Takes a chunk and loses the answer, this often.
    loses: AtomicU64,
    /// Refuses a topic.
    refuses: Mutex<Option<Topic>>,
}

impl EventStream for Broker {
    fn name(&self) -> &'static str {
        KAFKA
    }

    fn send<'a>(&'a self, messages: &'a [Encoded]) -> BoxFuture<'a, Result<Answers, Away>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if self.is_away.load(Ordering::SeqCst) {
                return Err(Away("pulled out".to_owned()));
            }
            let refuses = *self.refuses.lock().unwrap();
            let mut kept = self.kept.lock().unwrap();
            let take = |message: &Encoded| {
                if refuses == Some(message.topic) {
                    return Err(Refused("not today".to_owned()));
                }
                kept.push(message.clone());
                Ok(())
            };
            let answers = messages.iter().map(take).collect();
            let left = |left: u64| left.checked_sub(1);
            let loses = self
                .loses
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
            match loses {
                Ok(_) => Err(Away("the answer was lost".to_owned())),
                Err(_) => Ok(answers),
            }
        })
    }
}

impl Broker {
    fn came(&self) -> Vec<Message> {
        let kept = self.kept.lock().unwrap();
        let message = |one: &Encoded| Message::of_payload(&one.payload).unwrap();
        kept.iter().map(message).collect()
    }
    fn of(&self, topic: Topic) -> Vec<Message> {
        let mut came = self.came();
        came.retain(|message| message.topic == topic);
        came
    }
}

const OTHER: PerformanceId = PerformanceId::from_u128(2);

async fn said_by_both(office: &Office) -> Vec<Message> {
    let mut all = said(&office.store, &office.goods, SHOW).await;
    all.extend(said(&office.store, &office.goods, OTHER).await);
    all
}

#[tokio::test]
async fn what_is_sold_is_published_in_the_order_of_its_ledger() {
    let office = Office::open().await;
    let broker = Arc::new(Broker::default());
    let relay = relay(&office, broker.clone());
    tokio::join!(sell(&office, SHOW, 0..40), sell(&office, OTHER, 0..40));
    published(&office.store).await;
    compare(&broker.came(), &said_by_both(&office).await);
    relay.stop().await;
    assert_eq!(office.store.lease().await.unwrap().holder, None);
}

#[tokio::test]
async fn what_was_sold_before_the_relay_ran_is_published_when_it_runs() {
    let office = Office::open().await;
    sell(&office, SHOW, 0..30).await;
    let broker = Arc::new(Broker::default());
    let relay = relay(&office, broker.clone());
    published(&office.store).await;
    compare(
        &broker.came(),
        &said(&office.store, &office.goods, SHOW).await,
    );
    relay.stop().await;
}

#[tokio::test]
async fn a_stream_that_is_away_holds_up_no_sale_and_gets_everything_later() {
    let office = Office::open().await;
    let broker = Arc::new(Broker::default());
    broker.is_away.store(true, Ordering::SeqCst);
    let relay = relay(&office, broker.clone());
    sell(&office, SHOW, 0..30).await;
    until(&relay, |progress| progress.away > 1).await;
    assert!(broker.came().is_empty());
    broker.is_away.store(false, Ordering::SeqCst);
    published(&office.store).await;
    compare(
        &broker.came(),
        &said(&office.store, &office.goods, SHOW).await,
    );
    relay.stop().await;
}

#[tokio::test]
async fn a_lost_answer_repeats_messages_under_the_names_they_had() {
    let office = Office::open().await;
    let broker = Arc::new(Broker::default());
    broker.loses.store(3, Ordering::SeqCst);
    let relay = relay(&office, broker.clone());
    sell(&office, SHOW, 0..30).await;
    published(&office.store).await;
    let (came, said) = (
        broker.came(),
        said(&office.store, &office.goods, SHOW).await,
    );
    compare(&came, &said);
    assert!(came.len() > said.len(), "something came twice");
    relay.stop().await;
}

#[tokio::test]
async fn a_relay_that_was_killed_is_followed_by_another_that_goes_on_from_its_cursor() {
    let office = Office::open().await;
    let broker = Arc::new(Broker::default());
    let first = relay(&office, broker.clone());
    until(&first, |progress| progress.leads).await;
    let second = relay(&office, broker.clone());
    sell(&office, SHOW, 0..20).await;
    published(&office.store).await;
    assert!(!second.progress().borrow().leads, "one publishes at a time");
    first.kill();
    sell(&office, SHOW, 20..40).await;
    published(&office.store).await;
    assert!(second.progress().borrow().leads);
    compare(
        &broker.came(),
        &said(&office.store, &office.goods, SHOW).await,
    );
    second.stop().await;
}

#[tokio::test]
async fn a_lease_given_back_is_taken_at_once() {
    let office = Office::open().await;
    let broker = Arc::new(Broker::default());
    let first = relay(&office, broker.clone());
    until(&first, |progress| progress.leads).await;
    let second = Relay::start(onsale_server::relay::RelayParts {
        lease: onsale_server::relay::LeaseTimes {
            // Nobody would wait that long.
            patience: std::time::Duration::from_secs(3_600),
            ..super::sale::quick()
        },
        ..parts(&office, broker)
    });
    first.stop().await;
    until(&second, |progress| progress.leads).await;
    second.stop().await;
}

#[tokio::test]
async fn what_is_refused_goes_to_dead_letters_and_is_sent_again_when_asked() {
    let office = Office::open().await;
    let broker = Arc::new(Broker::default());
    *broker.refuses.lock().unwrap() = Some(Topic::Orders);
    let relay = relay(&office, broker.clone());
    sell(&office, SHOW, 0..9).await;
    published(&office.store).await;
    relay.stop().await;
    let mut expected = said(&office.store, &office.goods, SHOW).await;
    expected.retain(|message| message.topic == Topic::Orders);
    let rows = office.store.dead_letters(u32::MAX).await.unwrap();
    let names = |messages: &[Message]| -> Vec<String> {
        messages.iter().map(|one| one.event_id.clone()).collect()
    };
    let mut kept: Vec<_> = rows
        .iter()
        .map(|row| (row.seq, row.event_id.clone()))
        .collect();
    kept.sort();
    let kept: Vec<_> = kept.into_iter().map(|(_, event_id)| event_id).collect();
    assert_eq!(kept, names(&expected));
    let told = broker.of(Topic::DeadLetters);
    assert_eq!(told.len(), expected.len());
    let Body::DeadLetter {
        intended, reason, ..
    } = &told[0].body
    else {
        panic!("{told:?}");
    };
    assert_eq!((*intended, reason.as_str()), (Topic::Orders, "not today"));

    let source = crate::support::Houses(office.goods.clone());
    let again = replay(&office.store, &source, &*broker, u32::MAX);
    let again = again.await.unwrap();
    assert_eq!((again.sent, again.refused), (0, expected.len() as u64));
    *broker.refuses.lock().unwrap() = None;
    let again = replay(&office.store, &source, &*broker, u32::MAX);
    let again = again.await.unwrap();
    assert_eq!((again.sent, again.refused), (expected.len() as u64, 0));
    assert_eq!(names(&broker.of(Topic::Orders)), names(&expected));
    assert_eq!(office.store.dead_letters(1).await.unwrap(), []);
}

#[tokio::test]
async fn the_last_minute_of_a_sale_is_told_when_the_clock_has_passed_it_also_after_a_restart() {
    let office = Office::open().await;
    let broker = Arc::new(Broker::default());
    let first = relay(&office, broker.clone());
    sell(&office, SHOW, 0..10).await;
    published(&office.store).await;
    assert_eq!(broker.of(Topic::AnalyticsResults), []);
    first.stop().await;
    let second = relay(&office, broker.clone());
    office.clock.set(NOW_MS + 120_000);
    eventually(|| async { !broker.of(Topic::AnalyticsResults).is_empty() }).await;
    second.stop().await;
    let results = broker.of(Topic::AnalyticsResults);
    let Body::SalesWindow { orders, bands, .. } = &results[0].body else {
        panic!("{results:?}");
    };
    // Of ten, each third was given back before it was bought.
    assert_eq!((*orders, bands[0].sold, bands[0].cancelled), (6, 12, 12));
    assert_eq!(results.len(), 1);
}

#[tokio::test]
async fn the_stream_in_memory_tells_who_listens_and_keeps_the_latest() {
    let office = Office::open().await;
    let stream = MemoryStream::default();
    let mut listener = stream.listen();
    let relay = relay(&office, Arc::new(stream.clone()));
    sell(&office, SHOW, 0..10).await;
    published_to(&office.store, PROCESS).await;
    relay.stop().await;
    let said = said(&office.store, &office.goods, SHOW).await;
    let mut came = Vec::new();
    while let Ok(one) = listener.try_recv() {
        came.push(Message::of_payload(&one.payload).unwrap());
    }
    compare(&came, &said);
    let latest = stream.latest(Topic::Orders);
    assert_eq!(
        latest.len(),
        said.iter().filter(|one| one.topic == Topic::Orders).count()
    );
}

#[tokio::test]
async fn who_is_let_in_is_published_once_noted_and_then_forgotten() {
    let office = Office::open().await;
    let row = |n: u8| AdmissionRow {
        admission: [n; 16],
        room: [9; 16],
        at_ms: NOW_MS + i64::from(n),
        performances: format!("[\"{SHOW}\"]"),
    };
    for n in [3, 1, 2] {
        office.store.note_admission(row(n)).await.unwrap();
    }
    let broker = Arc::new(Broker::default());
    broker.loses.store(1, Ordering::SeqCst);
    let relay = relay(&office, broker.clone());
    eventually(|| async { office.store.admissions(1).await.unwrap().is_empty() }).await;
    relay.stop().await;
    let kept = broker.kept.lock().unwrap();
    let admitted = |one: &Encoded| serde_json::from_slice::<Admitted>(&one.payload).unwrap();
    let came: Vec<_> = kept.iter().map(admitted).collect();
    // The first answer was lost, so all came again.
    let once: Vec<_> = [1, 2, 3].map(|n| Admitted::from(&row(n))).to_vec();
    assert_eq!(came, [once.clone(), once].concat());
    assert_eq!(came[0].performances, [SHOW]);
}

#[tokio::test]
async fn whoever_comes_to_another_stream_gets_everything_from_the_beginning() {
    let office = Office::open().await;
    let in_process = relay(&office, Arc::new(MemoryStream::default()));
    sell(&office, SHOW, 0..10).await;
    published_to(&office.store, PROCESS).await;
    in_process.stop().await;
    let broker = Arc::new(Broker::default());
    let relay = relay(&office, broker.clone());
    published(&office.store).await;
    relay.stop().await;
    let said = said(&office.store, &office.goods, SHOW).await;
    compare(&broker.came(), &said);
}
