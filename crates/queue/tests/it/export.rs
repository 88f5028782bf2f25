//! The room in memory survives a restart of its process.

use crate::support::*;
use onsale_queue::Authority;
use onsale_queue::room::port::Answer;
use onsale_queue::room::port::Leaving;
use onsale_queue::room::{Journal, MemoryStore, RoomStore, StoreError, World};
use onsale_queue::wire::{ClaimRefused, RoomSettings, Standing, Wishes};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

fn hall_of(world: &Arc<TestWorld>, store: &Arc<MemoryStore>) -> Hall {
    Hall {
        store: Arc::clone(store) as Arc<dyn RoomStore>,
        world: Arc::clone(world),
        shift: Box::new(|_| {}),
        _keep: Box::new(()),
    }
}

fn begin() -> (Arc<TestWorld>, Arc<MemoryStore>, Hall) {
    let world = TestWorld::at(1_800_000_000_000);
    let store = Arc::new(MemoryStore::new(Arc::clone(&world) as Arc<dyn World>));
    let hall = hall_of(&world, &store);
    (world, store, hall)
}

fn again(world: &Arc<TestWorld>, exported: &[u8]) -> Hall {
    let store = MemoryStore::import(Arc::clone(world) as Arc<dyn World>, exported).unwrap();
    hall_of(world, &Arc::new(store))
}

#[tokio::test]
async fn nobody_loses_their_place_or_their_slot_in_a_restart() {
    let (world, store, hall) = begin();
    let server = hall
        .open(RoomSettings {
            cap: 2,
            ..settings()
        })
        .await;
    let joined = join_many(&server, 0..5).await;
    hall.run(&server, 500, 250).await;
    let inside = claim(&server, &joined[0]).await.unwrap();
    let gone = claim(&server, &joined[1]).await.unwrap();
    server
        .leave(&gone.admission, Leaving::Completed)
        .await
        .unwrap();
    let (code, _) = server
        .issue_code(ROOM, "press", 2, None, "olga")
        .await
        .unwrap();

    let hall = again(&world, &store.export().0);
    hall.pass(1_000);
    let server = hall.server(RoomSettings::default()).await;
    hall.run(&server, 500, 250).await;
    assert!(is_inside(&server, &inside).await);
    assert_eq!(server.row(ROOM).unwrap().settings.cap, 2);
    assert_eq!(claim(&server, &joined[1]).await, Err(ClaimRefused::Used));
    assert!(claim(&server, &joined[2]).await.is_ok());
    assert!(matches!(
        claim(&server, &joined[3]).await,
        Err(ClaimRefused::NotYourTurn | ClaimRefused::Full { .. })
    ));
    assert_eq!(server.codes(ROOM).await.unwrap()[0].label, "press");
    assert!(!code.is_empty());
    let log = server.audit(ROOM, 10).await.unwrap();
    assert!(log.iter().any(|entry| entry.who == "olga"));
}

#[tokio::test]
async fn numbers_given_after_the_last_export_are_never_given_again() {
    let (world, store, hall) = begin();
    let server = hall
        .open(RoomSettings {
            rate_per_minute: 0,
            ..settings()
        })
        .await;
    let kept = join_many(&server, 0..10).await;
    let (exported, _) = store.export();
    let unseen = join_many(&server, 10..30).await;

    let hall = again(&world, &exported);
    hall.pass(1_000);
    let server = hall.server(RoomSettings::default()).await;
    let after = join_many(&server, 30..40).await;
    let last = &unseen[19].pass;
    assert_eq!(
        server.check_pass(ROOM, &unseen[19].token, last.visitor),
        Ok(last.clone())
    );
    hall.run(&server, 250, 250).await;
    let ahead = |place| match public(&server).standing(place) {
        Standing::Waiting { ahead, .. } => ahead,
        other => panic!("{other:?}"),
    };
    let line: Vec<u64> = kept
        .iter()
        .chain(&unseen)
        .chain(&after)
        .map(|joined| ahead(joined.pass.place))
        .collect();
    assert_eq!(line, (1..=40).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_first_numbers_are_not_given_again_where_the_export_knows_of_none() {
    let (world, store, hall) = begin();
    let server = hall.open(settings()).await;
    let (exported, _) = store.export();
    let unseen = join(&server, 1).await;

    let hall = again(&world, &exported);
    hall.pass(1_000);
    let server = hall.server(RoomSettings::default()).await;
    let after = join(&server, 2).await;
    assert_ne!(unseen.pass.place, after.pass.place);
    assert!(unseen.pass.place < after.pass.place);
}

#[tokio::test]
async fn an_export_that_cannot_be_read_is_refused_with_the_reason() {
    let world = TestWorld::at(0);
    for (text, reason) in [
        ("", "EOF"),
        ("[]x", "trailing"),
        ("[[\"zz\",{}]]", "hexadecimal"),
    ] {
        let read = MemoryStore::import(Arc::clone(&world) as Arc<dyn World>, text.as_bytes());
        match read.err() {
            Some(StoreError::Unreadable(why)) => assert!(why.contains(reason), "{why}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

/// A journal that can fail.
#[derive(Default)]
struct Tape {
    lines: Mutex<Vec<(u64, String)>>,
    broken: AtomicBool,
}

impl Journal for Tape {
    fn write(&self, seq: u64, line: String) -> Answer<'_, ()> {
        Box::pin(async move {
            if self.broken.load(Ordering::Relaxed) {
                return Err(StoreError::Away("no disk".into()));
            }
            self.lines.lock().unwrap().push((seq, line));
            Ok(())
        })
    }
}

impl Tape {
    fn lines(&self) -> Vec<(u64, String)> {
        self.lines.lock().unwrap().clone()
    }
}

fn begin_on(tape: &Arc<Tape>) -> (Arc<TestWorld>, Arc<MemoryStore>, Hall) {
    let world = TestWorld::at(1_800_000_000_000);
    let store = MemoryStore::new(Arc::clone(&world) as Arc<dyn World>);
    let store = store.journalled(Arc::clone(tape) as _, &[]).unwrap();
    let store = Arc::new(store);
    let hall = hall_of(&world, &store);
    (world, store, hall)
}

/// After a crash: what was exported once, and the lines.
fn after_a_crash(world: &Arc<TestWorld>, exported: &[u8], tape: &Arc<Tape>) -> Hall {
    let store = MemoryStore::import(Arc::clone(world) as Arc<dyn World>, exported).unwrap();
    let store = store.journalled(Arc::clone(tape) as _, &tape.lines());
    hall_of(world, &Arc::new(store.unwrap()))
}

#[tokio::test]
async fn a_crash_forgets_nobody_who_came_in_or_left_since_the_last_export() {
    let tape = Arc::new(Tape::default());
    let (world, store, hall) = begin_on(&tape);
    let server = hall.open(settings()).await;
    let (code, _) = server
        .issue_code(ROOM, "press", 1, None, "olga")
        .await
        .unwrap();
    // Nobody has been called yet: the export knows nothing of any call.
    let joined = join_many(&server, 0..4).await;
    let (exported, _) = store.export();
    hall.run(&server, 500, 250).await;
    let inside = claim(&server, &joined[0]).await.unwrap();
    let gone = claim(&server, &joined[1]).await.unwrap();
    let left = server.leave(&gone.admission, Leaving::Completed).await;
    assert_eq!(left, Ok(true));
    let by_code = server
        .claim_with_code(ROOM, &code, visitor(90), Authority::default())
        .await
        .unwrap();

    let hall = after_a_crash(&world, &exported, &tape);
    hall.pass(1_000);
    let server = hall.server(RoomSettings::default()).await;
    hall.run(&server, 500, 250).await;
    // In the same session the same admission, in another none.
    assert_eq!(claim(&server, &joined[0]).await.unwrap(), inside);
    let thief = server.claim(&joined[0].pass, visitor(91), Authority::default());
    assert_eq!(thief.await, Err(ClaimRefused::UsedElsewhere));
    assert_eq!(claim(&server, &joined[1]).await, Err(ClaimRefused::Used));
    assert!(!is_inside(&server, &gone).await, "their order is done");
    assert!(is_inside(&server, &by_code).await);
    let another = server.claim_with_code(ROOM, &code, visitor(92), Authority::default());
    assert_eq!(another.await, Err(ClaimRefused::NoSuchCode));
    // Whoever had not come in is called as before, and nothing is expected of who had.
    assert!(claim(&server, &joined[2]).await.is_ok());
    assert!(claim(&server, &joined[3]).await.is_ok());
    hall.run(&server, 1_000, 250).await;
    let row = server.row(ROOM).unwrap();
    assert_eq!((row.active, row.expected, row.waiting()), (4, 0, 0));
    assert_eq!((row.totals.admitted, row.totals.completed), (5, 1));
}

#[tokio::test]
async fn lines_that_an_export_knows_are_not_done_again() {
    let tape = Arc::new(Tape::default());
    let (world, store, hall) = begin_on(&tape);
    let server = hall.open(settings()).await;
    let joined = join_many(&server, 0..3).await;
    hall.run(&server, 500, 250).await;
    let first = claim(&server, &joined[0]).await.unwrap();
    server
        .leave(&first.admission, Leaving::Abandoned)
        .await
        .unwrap();
    claim(&server, &joined[1]).await.unwrap();
    let (exported, line) = store.export();
    assert_eq!(line, 3);
    claim(&server, &joined[2]).await.unwrap();
    // Asking again for what is written is no line.
    claim(&server, &joined[2]).await.unwrap();
    assert_eq!(tape.lines().len(), 4);

    let hall = after_a_crash(&world, &exported, &tape);
    let server = hall.server(RoomSettings::default()).await;
    hall.run(&server, 250, 250).await;
    let row = server.row(ROOM).unwrap();
    assert_eq!((row.active, row.totals.admitted), (2, 3));
    // The next line has a number of its own.
    server
        .leave(
            &claim(&server, &joined[2]).await.unwrap().admission,
            Leaving::Abandoned,
        )
        .await
        .unwrap();
    let numbers: Vec<_> = tape.lines().iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn nobody_is_told_that_they_are_in_before_it_is_written() {
    let tape = Arc::new(Tape::default());
    let (_, _, hall) = begin_on(&tape);
    let server = hall.open(settings()).await;
    let joined = join_many(&server, 0..1).await;
    hall.run(&server, 500, 250).await;
    tape.broken.store(true, Ordering::Relaxed);
    for _ in 0..2 {
        let told = claim(&server, &joined[0]).await;
        assert!(matches!(told, Err(ClaimRefused::Away { .. })), "{told:?}");
    }
    assert_eq!(tape.lines(), []);
    tape.broken.store(false, Ordering::Relaxed);
    claim(&server, &joined[0]).await.unwrap();
    assert_eq!(tape.lines().len(), 1);
}

#[tokio::test]
async fn a_person_has_one_place_also_after_a_crash() {
    let tape = Arc::new(Tape::default());
    let (world, store, hall) = begin_on(&tape);
    let server = hall.open(settings()).await;
    let (exported, _) = store.export();
    let person = Some([7; 16]);
    let first = server.join(ROOM, visitor(1), person, Wishes::default());
    let first = first.await.unwrap();
    let hall = after_a_crash(&world, &exported, &tape);
    hall.pass(1_000);
    let server = hall.server(RoomSettings::default()).await;
    let again = server.join(ROOM, visitor(2), person, Wishes::default());
    assert_eq!(again.await.unwrap().pass.place, first.pass.place);
}

#[tokio::test]
async fn as_many_wait_as_have_joined() {
    let (_, _, hall) = begin();
    let server = hall
        .open(RoomSettings {
            rate_per_minute: 0,
            ..settings()
        })
        .await;
    for (joins, waiting) in [(1, 1), (1, 2), (40, 42), (1, 43)] {
        join_many(&server, 0..joins).await;
        hall.run(&server, 250, 250).await;
        assert_eq!(public(&server).waiting, waiting);
        assert_eq!(server.row(ROOM).unwrap().totals.joined, waiting);
    }
}
