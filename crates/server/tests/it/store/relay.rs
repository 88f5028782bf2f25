//! What every backend promises to the relay.

use super::backend::{Backend, contract};
use super::contract::{SHOW, append, batch};
use booking_core::PerformanceId;
use booking_core::ledger::GENESIS;
use onsale_server::store::LedgerStore as _;
use onsale_server::store::relay::{AdmissionRow, Behind, DeadLetterRow, Published, RelayStore};
use std::sync::Arc;
use tokio::sync::Barrier;

contract! {
    of_many_that_take_the_lease_one_gets_it
    a_lease_that_was_renewed_since_it_was_seen_is_not_taken
    whoever_lost_the_lease_moves_nothing
    a_lease_given_back_is_nobodys
    a_cursor_never_goes_back
    each_stream_has_cursors_of_its_own
    ledgers_that_moved_on_are_listed_until_they_are_published
    a_minute_that_ended_is_listed_until_it_is_told
    what_could_not_be_sent_is_kept_once_until_it_is_forgotten
    an_admission_is_kept_once_until_it_is_published
}

const STREAM: &str = "one";
const ME: [u8; 16] = [1; 16];
const OTHER: [u8; 16] = [2; 16];

fn published(seq: u64) -> Published {
    Published {
        stream: STREAM,
        performance: SHOW,
        seq,
        window_ms: None,
        dead: Vec::new(),
    }
}

async fn taken(store: &impl RelayStore, holder: [u8; 16]) -> u64 {
    let seen = store.lease().await.unwrap();
    store.take_lease(seen, holder).await.unwrap().unwrap()
}

/// Where a cursor stands, as far as the listing tells: behind a head that is far away.
async fn cursor<S: RelayStore>(store: &S) -> u64 {
    store.behind(STREAM, 0).await.unwrap()[0].cursor
}

async fn with_batches<B: Backend>(count: u64) -> (B::Store, B::Guard) {
    let (store, guard) = B::fresh().await;
    let mut hash = GENESIS;
    for seq in 1..=count {
        let next = batch(seq, hash, "content");
        hash = next.hash;
        store.append(append(SHOW, next)).await.unwrap();
    }
    (store, guard)
}

async fn of_many_that_take_the_lease_one_gets_it<B: Backend>() {
    let (store, guard) = B::fresh().await;
    let seen = store.lease().await.unwrap();
    assert_eq!((seen.holder, seen.epoch), (None, 0));
    let barrier = Arc::new(Barrier::new(8));
    let mut tries = Vec::new();
    for n in 0..8 {
        let (store, barrier) = (B::beside(&store, &guard).await, barrier.clone());
        tries.push(tokio::spawn(async move {
            barrier.wait().await;
            store.take_lease(seen, [n; 16]).await.unwrap()
        }));
    }
    let mut got = Vec::new();
    for one in tries {
        got.extend(one.await.unwrap());
    }
    assert_eq!(got, [1]);
    let now = store.lease().await.unwrap();
    assert!(now.holder.is_some());
    assert_eq!(now.epoch, 1);
}

async fn a_lease_that_was_renewed_since_it_was_seen_is_not_taken<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let epoch = taken(&store, ME).await;
    let seen = store.lease().await.unwrap();
    assert!(store.renew_lease(epoch).await.unwrap());
    assert_eq!(store.take_lease(seen, OTHER).await.unwrap(), None);
    let seen = store.lease().await.unwrap();
    assert_eq!(store.take_lease(seen, OTHER).await.unwrap(), Some(2));
    assert!(!store.renew_lease(epoch).await.unwrap());
}

async fn whoever_lost_the_lease_moves_nothing<B: Backend>() {
    let (store, _guard) = with_batches::<B>(3).await;
    let mine = taken(&store, ME).await;
    assert!(store.publish(mine, published(1)).await.unwrap());
    let others = taken(&store, OTHER).await;
    let dead = DeadLetterRow {
        performance: SHOW,
        topic: "orders".to_owned(),
        event_id: "x".to_owned(),
        seq: 2,
        reason: "too long".to_owned(),
        at_ms: 1,
    };
    let late = Published {
        dead: vec![dead],
        ..published(2)
    };
    assert!(!store.publish(mine, late).await.unwrap());
    assert_eq!(cursor(&store).await, 1);
    assert_eq!(store.dead_letters(10).await.unwrap(), []);
    assert!(store.publish(others, published(2)).await.unwrap());
    assert_eq!(cursor(&store).await, 2);
}

async fn a_lease_given_back_is_nobodys<B: Backend>() {
    let (store, _guard) = with_batches::<B>(2).await;
    let mine = taken(&store, ME).await;
    store.give_lease_back(mine).await.unwrap();
    assert_eq!(store.lease().await.unwrap().holder, None);
    assert!(!store.renew_lease(mine).await.unwrap());
    assert!(!store.publish(mine, published(1)).await.unwrap());
    let others = taken(&store, OTHER).await;
    // Said again by whoever had it before, it changes nothing.
    store.give_lease_back(mine).await.unwrap();
    assert!(store.renew_lease(others).await.unwrap());
}

async fn a_cursor_never_goes_back<B: Backend>() {
    let (store, _guard) = with_batches::<B>(3).await;
    let mine = taken(&store, ME).await;
    for seq in [2, 1] {
        assert!(store.publish(mine, published(seq)).await.unwrap());
        assert_eq!(cursor(&store).await, 2);
    }
}

async fn each_stream_has_cursors_of_its_own<B: Backend>() {
    let (store, _guard) = with_batches::<B>(2).await;
    let mine = taken(&store, ME).await;
    assert!(store.publish(mine, published(2)).await.unwrap());
    assert_eq!(store.behind(STREAM, 0).await.unwrap(), []);
    let elsewhere = store.behind("another", 0).await.unwrap();
    assert_eq!((elsewhere[0].cursor, elsewhere[0].head), (0, 2));
}

async fn ledgers_that_moved_on_are_listed_until_they_are_published<B: Backend>() {
    let (store, _guard) = with_batches::<B>(2).await;
    let other = PerformanceId::from_u128(2);
    store
        .append(append(other, batch(1, GENESIS, "other")))
        .await
        .unwrap();
    let behind = |performance, cursor, head| Behind {
        performance,
        cursor,
        head,
    };
    let listed = store.behind(STREAM, 0).await.unwrap();
    assert_eq!(listed, [behind(SHOW, 0, 2), behind(other, 0, 1)]);
    let rows = store.batches(SHOW, 1, 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [2]);
    let mine = taken(&store, ME).await;
    assert!(store.publish(mine, published(2)).await.unwrap());
    assert_eq!(
        store.behind(STREAM, 0).await.unwrap(),
        [behind(other, 0, 1)]
    );
}

async fn a_minute_that_ended_is_listed_until_it_is_told<B: Backend>() {
    let (store, _guard) = with_batches::<B>(1).await;
    let mine = taken(&store, ME).await;
    let counted = Published {
        window_ms: Some(60),
        ..published(1)
    };
    assert!(store.publish(mine, counted).await.unwrap());
    assert_eq!(store.behind(STREAM, 59).await.unwrap(), []);
    let listed = store.behind(STREAM, 60).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].cursor, listed[0].head), (1, 1));
    assert!(store.publish(mine, published(1)).await.unwrap());
    assert_eq!(store.behind(STREAM, 60).await.unwrap(), []);
}

async fn what_could_not_be_sent_is_kept_once_until_it_is_forgotten<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let mine = taken(&store, ME).await;
    let row = |seq: u64, reason: &str| DeadLetterRow {
        performance: SHOW,
        topic: "seat-changes".to_owned(),
        event_id: format!("{SHOW}:{seq}:0"),
        seq,
        reason: reason.to_owned(),
        at_ms: 5,
    };
    for reason in ["first", "again"] {
        let dead = vec![row(2, reason), row(1, reason)];
        let at = Published {
            dead,
            ..published(2)
        };
        assert!(store.publish(mine, at).await.unwrap());
    }
    let kept = store.dead_letters(10).await.unwrap();
    assert_eq!(kept, [row(1, "again"), row(2, "again")]);
    assert_eq!(store.dead_letters(1).await.unwrap().len(), 1);
    store.forget_dead_letter(row(1, "again")).await.unwrap();
    assert_eq!(store.dead_letters(10).await.unwrap(), [row(2, "again")]);
}

async fn an_admission_is_kept_once_until_it_is_published<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let row = |n: u8, at_ms: i64| AdmissionRow {
        admission: [n; 16],
        room: [7; 16],
        at_ms,
        performances: "[]".to_owned(),
    };
    for row in [row(1, 30), row(2, 10), row(3, 20), row(2, 99)] {
        store.note_admission(row).await.unwrap();
    }
    let kept = store.admissions(10).await.unwrap();
    assert_eq!(kept, [row(2, 10), row(3, 20), row(1, 30)]);
    assert_eq!(store.admissions(1).await.unwrap(), [row(2, 10)]);
    store
        .forget_admissions(vec![[2; 16], [3; 16], [9; 16]])
        .await
        .unwrap();
    assert_eq!(store.admissions(10).await.unwrap(), [row(1, 30)]);
}
