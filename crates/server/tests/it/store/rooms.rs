//! What every backend promises about waiting rooms.

use super::backend::{Backend, contract};
use booking_core::PerformanceId;
use bytes::Bytes;
use onsale_server::store::rooms::{Protected, RemovedRoom, RoomKey, RoomRow, RoomTable};
use std::sync::Arc;
use tokio::sync::Barrier;

fn room(id: u8, performances: &[u128]) -> RoomRow {
    RoomRow {
        room: [id; 16],
        made_ms: i64::from(id),
        settings: format!("{{\"cap\":{id}}}"),
        authority: "{}".to_owned(),
        demo: id == 1,
        state: None,
        performances: performances.iter().copied().map(show).collect(),
    }
}

fn show(id: u128) -> PerformanceId {
    PerformanceId::from_u128(id)
}

fn removed(id: u8, removed_ms: i64) -> RemovedRoom {
    RemovedRoom {
        room: key(id),
        name: "Gone".to_owned(),
        made_ms: i64::from(id),
        removed_ms,
        removed_by: "ada".to_owned(),
    }
}

fn key(id: u8) -> RoomKey {
    [id; 16]
}

async fn rooms_read_back_as_they_were_written<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    assert_eq!(store.rooms().await.unwrap(), []);
    for row in [room(2, &[]), room(1, &[7, 5])] {
        assert_eq!(store.add_room(row, 99).await.unwrap(), Protected::Done);
    }
    store
        .keep_state(key(2), "state".to_owned(), 9)
        .await
        .unwrap();
    store
        .set_authority(key(2), "authority".to_owned())
        .await
        .unwrap();
    let expected = [
        room(1, &[5, 7]),
        RoomRow {
            state: Some("state".to_owned()),
            authority: "authority".to_owned(),
            ..room(2, &[])
        },
    ];
    assert_eq!(store.rooms().await.unwrap(), expected);
}

async fn a_performance_has_one_room_however_many_want_it_at_once<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let barrier = Arc::new(Barrier::new(8));
    let race = (1..=8).map(|id| {
        let (store, barrier) = (store.clone(), Arc::clone(&barrier));
        tokio::spawn(async move {
            barrier.wait().await;
            store.add_room(room(id, &[7]), 99).await.unwrap()
        })
    });
    let answers = futures_util::future::join_all(race).await;
    let won = answers
        .iter()
        .filter(|answer| *answer.as_ref().unwrap() == Protected::Done);
    assert_eq!(won.count(), 1);
    // Of those who were refused nothing was written.
    let rooms = store.rooms().await.unwrap();
    assert_eq!(rooms.len(), 1);
    assert_eq!(rooms[0].performances, [show(7)]);
}

async fn a_performance_is_taken_from_its_own_room_only<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    store.add_room(room(1, &[]), 99).await.unwrap();
    store.add_room(room(2, &[]), 99).await.unwrap();
    assert_eq!(
        store.protect(key(1), show(7), 9).await.unwrap(),
        Protected::Done
    );
    assert_eq!(
        store.protect(key(1), show(7), 9).await.unwrap(),
        Protected::Done
    );
    let other = store.protect(key(2), show(7), 9).await.unwrap();
    assert_eq!(other, Protected::By(key(1)));
    assert!(!store.unprotect(key(2), show(7)).await.unwrap());
    assert!(store.unprotect(key(1), show(7)).await.unwrap());
    assert!(!store.unprotect(key(1), show(7)).await.unwrap());
    assert_eq!(
        store.protect(key(2), show(7), 9).await.unwrap(),
        Protected::Done
    );
}

async fn a_room_that_goes_takes_everything_of_its_own_with_it<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    store.add_room(room(1, &[7]), 99).await.unwrap();
    let code = |authority: &str| Some(authority.to_owned());
    for (id, authority) in [
        ("a", code("one")),
        ("a", code("two")),
        ("b", code("x")),
        ("b", None),
    ] {
        let set = store.set_code_authority(key(1), id.to_owned(), authority);
        set.await.unwrap();
    }
    let codes = store.code_authorities(key(1)).await.unwrap();
    assert_eq!(codes, [("a".to_owned(), "two".to_owned())]);
    let (first, second) = (removed(1, 5), removed(1, 6));
    assert!(
        store
            .remove_room(first.clone(), "log".to_owned())
            .await
            .unwrap()
    );
    assert!(!store.remove_room(second, "none".to_owned()).await.unwrap());
    assert_eq!(store.code_authorities(key(1)).await.unwrap(), []);
    // But not its log, which nobody who comes second writes over.
    assert_eq!(store.removed_rooms(9).await.unwrap(), [first]);
    let log = store.removed_log(key(1)).await.unwrap();
    assert_eq!(log.as_deref(), Some("log"));
    assert_eq!(store.removed_log(key(2)).await.unwrap(), None);
    assert_eq!(
        store.add_room(room(2, &[7]), 99).await.unwrap(),
        Protected::Done
    );
}

async fn there_are_no_more_rooms_and_protected_performances_than_may_be<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let barrier = Arc::new(Barrier::new(8));
    let race = (1..=8).map(|id| {
        let (store, barrier) = (store.clone(), Arc::clone(&barrier));
        tokio::spawn(async move {
            barrier.wait().await;
            store.add_room(room(id, &[]), 3).await.unwrap()
        })
    });
    let answers = futures_util::future::join_all(race).await;
    let refused = answers
        .iter()
        .filter(|answer| *answer.as_ref().unwrap() == Protected::Full);
    assert_eq!(refused.count(), 5);
    let rooms = store.rooms().await.unwrap();
    assert_eq!(rooms.len(), 3);
    let one = rooms[0].room;
    for (performance, answer) in [
        (1, Protected::Done),
        (2, Protected::Done),
        (3, Protected::Full),
        // What is protected already is no more than that.
        (2, Protected::Done),
    ] {
        let protected = store.protect(one, show(performance), 2).await.unwrap();
        assert_eq!(protected, answer, "{performance}");
    }
    assert_eq!(
        store.rooms().await.unwrap()[0].performances,
        [show(1), show(2)]
    );
}

async fn removed_rooms_are_listed_the_last_first<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    for (id, removed_ms) in [(1, 30), (2, 10), (3, 20)] {
        store.add_room(room(id, &[]), 99).await.unwrap();
        let removed = store.remove_room(removed(id, removed_ms), String::new());
        assert!(removed.await.unwrap());
    }
    let listed = store.removed_rooms(2).await.unwrap();
    assert_eq!(listed, [removed(1, 30), removed(3, 20)]);
}

async fn what_lives_in_memory_is_kept_whole_and_only_once<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    assert_eq!(store.memory().await.unwrap(), None);
    for bytes in [&b"first"[..], b"second"] {
        let kept = store.keep_memory(Bytes::from_static(bytes), 1);
        kept.await.unwrap();
    }
    assert_eq!(store.memory().await.unwrap().unwrap(), "second");
}

contract!(
    rooms_read_back_as_they_were_written
    a_performance_has_one_room_however_many_want_it_at_once
    a_performance_is_taken_from_its_own_room_only
    a_room_that_goes_takes_everything_of_its_own_with_it
    there_are_no_more_rooms_and_protected_performances_than_may_be
    removed_rooms_are_listed_the_last_first
    what_lives_in_memory_is_kept_whole_and_only_once
);
