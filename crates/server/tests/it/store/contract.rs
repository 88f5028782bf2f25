//! What every backend promises about ledgers.

use super::backend::{Backend, contract};
use booking_core::ledger::{GENESIS, Hash};
use booking_core::{CommandId, FanId, OrderId, PerformanceId, TicketId};
use bytes::Bytes;
use onsale_server::store::{
    Append, AppendError, CommandRecord, LedgerStore, NewBatch, Projection, RecordedOutcome,
    SnapshotRow,
};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use tokio::sync::Barrier;

contract! {
    a_batch_is_read_back_as_it_was_written
    a_ledger_grows_only_behind_its_head
    a_batch_that_comes_second_leaves_nothing_behind
    a_command_is_recorded_once
    outcomes_are_read_back_as_they_were_recorded
    a_place_has_one_live_ticket
    a_place_given_back_can_be_sold_again
    many_rows_at_once_are_all_written
    of_many_that_append_the_same_position_one_wins
    of_many_ledgers_written_at_once_only_the_faulty_one_fails
    of_many_that_sell_the_same_place_one_wins
    a_snapshot_is_replaced_by_later_ones_only
    performances_are_listed_once_in_order_of_id
    of_servers_that_write_one_ledger_nobody_loses_a_batch
    a_refusal_on_what_is_no_longer_so_is_a_conflict
}

pub(super) const SHOW: PerformanceId = PerformanceId::from_u128(1);

pub(super) fn batch(seq: u64, prev_hash: Hash, content: &str) -> NewBatch {
    let bytes = Bytes::from(format!("batch {seq}: {content}"));
    let hash = Sha256::digest(&bytes).into();
    NewBatch {
        seq,
        at_ms: 1_000 + seq as i64,
        bytes,
        prev_hash,
        hash,
    }
}

pub(super) fn append(performance: PerformanceId, batch: NewBatch) -> Append {
    Append {
        performance,
        batch: Some(batch),
        decided_after: None,
        commands: Vec::new(),
        projections: Vec::new(),
    }
}

pub(super) fn accepted(command: u128, seq: u64, entry: u32) -> CommandRecord {
    CommandRecord {
        command: CommandId::from_u128(command),
        content: [command as u8; 16],
        outcome: RecordedOutcome::Accepted {
            seq,
            entry,
            detail: None,
        },
    }
}

fn ticket(ticket: u128, place_key: i64) -> Projection {
    Projection::TicketLive {
        ticket: TicketId::from_u128(ticket),
        order: OrderId::from_u128(ticket),
        fan: FanId::from_u128(9),
        place_key,
        area: None,
        price_type: 0,
    }
}

fn cancelled(ticket: u128, place_key: i64) -> Projection {
    Projection::TicketCancelled {
        ticket: TicketId::from_u128(ticket),
        place_key,
    }
}

async fn known<S: LedgerStore>(store: &S, performance: PerformanceId, command: u128) -> bool {
    let ids = vec![CommandId::from_u128(command)];
    !store.commands(performance, ids).await.unwrap().is_empty()
}

async fn a_batch_is_read_back_as_it_was_written<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    assert_eq!(store.head(SHOW).await.unwrap(), None);
    let first = batch(1, GENESIS, "a");
    let large = "x".repeat(1_000_000);
    let second = batch(2, first.hash, &large);
    for one in [&first, &second] {
        store.append(append(SHOW, one.clone())).await.unwrap();
    }
    let rows = store.read_ledger(SHOW, 0, 10).await.unwrap();
    assert_eq!(rows.len(), 2);
    for (row, one) in rows.iter().zip([&first, &second]) {
        assert_eq!(
            (row.seq, row.at_ms, &row.bytes, row.hash),
            (one.seq, one.at_ms, &one.bytes, one.hash)
        );
    }
    assert_eq!(store.read_ledger(SHOW, 0, 1).await.unwrap(), rows[..1]);
    assert_eq!(store.read_ledger(SHOW, 1, 10).await.unwrap(), rows[1..]);
    assert_eq!(store.read_ledger(SHOW, 2, 10).await.unwrap(), []);
    let head = store.head(SHOW).await.unwrap().unwrap();
    assert_eq!(
        (head.seq, head.at_ms, head.hash),
        (2, second.at_ms, second.hash)
    );
}

async fn a_ledger_grows_only_behind_its_head<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let first = batch(1, GENESIS, "a");
    let gap = store.append(append(SHOW, batch(2, first.hash, "b"))).await;
    assert_eq!(
        gap,
        Err(AppendError::Conflict),
        "a second batch before the first"
    );
    store.append(append(SHOW, first.clone())).await.unwrap();
    let gap = store.append(append(SHOW, batch(3, first.hash, "c"))).await;
    assert_eq!(
        gap,
        Err(AppendError::Conflict),
        "a third batch before the second"
    );
    let fork = store.append(append(SHOW, batch(2, [7; 32], "b"))).await;
    assert_eq!(
        fork,
        Err(AppendError::Conflict),
        "a batch behind one that is not there"
    );
    let other = PerformanceId::from_u128(2);
    let foreign = store.append(append(other, batch(2, first.hash, "b"))).await;
    assert_eq!(
        foreign,
        Err(AppendError::Conflict),
        "a batch behind another performance's"
    );
    store
        .append(append(SHOW, batch(2, first.hash, "b")))
        .await
        .unwrap();
    assert_eq!(store.head(SHOW).await.unwrap().unwrap().seq, 2);
    assert_eq!(store.head(other).await.unwrap(), None);
}

async fn a_batch_that_comes_second_leaves_nothing_behind<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let first = batch(1, GENESIS, "a");
    store.append(append(SHOW, first.clone())).await.unwrap();
    let late = Append {
        commands: vec![accepted(5, 1, 0)],
        projections: vec![ticket(50, 3)],
        ..append(SHOW, batch(1, GENESIS, "late"))
    };
    assert_eq!(store.append(late.clone()).await, Err(AppendError::Conflict));
    assert!(!known(&store, SHOW, 5).await);
    let again = Append {
        batch: Some(batch(2, first.hash, "late")),
        ..late
    };
    store.append(again).await.unwrap();
    assert!(known(&store, SHOW, 5).await);
}

async fn a_command_is_recorded_once<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let first = batch(1, GENESIS, "a");
    let commands = vec![accepted(5, 1, 0)];
    store
        .append(Append {
            commands,
            ..append(SHOW, first.clone())
        })
        .await
        .unwrap();
    let second = batch(2, first.hash, "b");
    let commands = vec![accepted(6, 2, 0), accepted(5, 2, 1)];
    let again = store
        .append(Append {
            commands,
            ..append(SHOW, second.clone())
        })
        .await;
    assert_eq!(again, Err(AppendError::CommandRecorded));
    assert_eq!(store.head(SHOW).await.unwrap().unwrap().seq, 1);
    assert!(!known(&store, SHOW, 6).await);
    // The same id in another performance is another command.
    let other = PerformanceId::from_u128(2);
    let commands = vec![accepted(5, 1, 0)];
    store
        .append(Append {
            commands,
            ..append(other, batch(1, GENESIS, "a"))
        })
        .await
        .unwrap();
}

async fn outcomes_are_read_back_as_they_were_recorded<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let outcomes = [
        RecordedOutcome::Accepted {
            seq: 1,
            entry: 0,
            detail: None,
        },
        RecordedOutcome::Accepted {
            seq: 1,
            entry: 7,
            detail: Some(Bytes::from_static(b"{}")),
        },
        RecordedOutcome::Rejected {
            detail: Bytes::from_static(b"no"),
        },
    ];
    let commands: Vec<CommandRecord> = (1_u8..)
        .zip(outcomes)
        .map(|(n, outcome)| CommandRecord {
            command: CommandId::from_u128(u128::from(n)),
            content: [n; 16],
            outcome,
        })
        .collect();
    // Rejections alone make no batch.
    let (rest, rejected) = commands.split_at(2);
    let only = Append {
        performance: SHOW,
        batch: None,
        decided_after: None,
        commands: rejected.to_vec(),
        projections: Vec::new(),
    };
    store.append(only).await.unwrap();
    assert_eq!(store.head(SHOW).await.unwrap(), None);
    let first = Append {
        commands: rest.to_vec(),
        ..append(SHOW, batch(1, GENESIS, "a"))
    };
    store.append(first).await.unwrap();
    let ids = commands
        .iter()
        .map(|record| record.command)
        .chain([CommandId::from_u128(99)]);
    let mut read = store.commands(SHOW, ids.collect()).await.unwrap();
    read.sort_by_key(|record| record.command);
    assert_eq!(read, commands);
}

async fn a_place_has_one_live_ticket<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let first = batch(1, GENESIS, "a");
    let projections = vec![ticket(50, 3), ticket(51, 4)];
    store
        .append(Append {
            projections,
            ..append(SHOW, first.clone())
        })
        .await
        .unwrap();
    let second = Append {
        commands: vec![accepted(5, 2, 0)],
        projections: vec![ticket(52, 5), ticket(53, 4)],
        ..append(SHOW, batch(2, first.hash, "b"))
    };
    assert_eq!(store.append(second).await, Err(AppendError::SeatSoldTwice));
    assert_eq!(store.head(SHOW).await.unwrap().unwrap().seq, 1);
    assert!(!known(&store, SHOW, 5).await);
    // In another performance it is another seat.
    let other = PerformanceId::from_u128(2);
    let projections = vec![ticket(60, 4)];
    store
        .append(Append {
            projections,
            ..append(other, batch(1, GENESIS, "a"))
        })
        .await
        .unwrap();
}

async fn a_place_given_back_can_be_sold_again<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let steps = [
        vec![ticket(50, 3)],
        vec![cancelled(50, 3), ticket(51, 3)],
        // Exchanged for another place, which is then sold to somebody else.
        vec![cancelled(51, 3), ticket(51, 4), ticket(52, 3)],
        // Sold and given back within one batch.
        vec![ticket(53, 5), cancelled(53, 5)],
        vec![ticket(54, 5)],
    ];
    let mut prev_hash = GENESIS;
    for (seq, projections) in (1..).zip(steps) {
        let batch = batch(seq, prev_hash, "step");
        prev_hash = batch.hash;
        store
            .append(Append {
                projections,
                ..append(SHOW, batch)
            })
            .await
            .unwrap();
    }
    let taken = Append {
        projections: vec![ticket(60, 4)],
        ..append(SHOW, batch(6, prev_hash, "x"))
    };
    assert_eq!(store.append(taken).await, Err(AppendError::SeatSoldTwice));
}

async fn many_rows_at_once_are_all_written<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let mut prev_hash = GENESIS;
    // Around every size at which statements are cut.
    for (seq, rows) in (1..).zip([1, 3, 4, 5, 31, 33, 255, 256, 257, 1_291]) {
        let base = u128::from(seq) << 32;
        let ids = || base..base + rows;
        let one = Append {
            commands: ids()
                .map(|id| accepted(id, seq, (id - base) as u32))
                .collect(),
            projections: ids().map(|id| ticket(id, id as i64)).collect(),
            ..append(SHOW, batch(seq, prev_hash, "many"))
        };
        prev_hash = one.batch.as_ref().unwrap().hash;
        store.append(one).await.unwrap();
        let read = store
            .commands(SHOW, ids().map(CommandId::from_u128).collect())
            .await
            .unwrap();
        assert_eq!(read.len() as u128, rows);
        let gone = Append {
            performance: SHOW,
            batch: None,
            decided_after: None,
            commands: Vec::new(),
            projections: ids().map(|id| cancelled(id, id as i64)).collect(),
        };
        store.append(gone).await.unwrap();
    }
    // Nothing is left that could be in the way.
    let again = (1_u128 << 32)..(1 << 32) + 1;
    let projections = again.map(|id| ticket(id, id as i64)).collect();
    let last = Append {
        performance: SHOW,
        batch: None,
        decided_after: None,
        commands: Vec::new(),
        projections,
    };
    store.append(last).await.unwrap();
}

/// Starts all of `appends` at the same moment.
async fn at_once<S: LedgerStore + Clone>(
    store: &S,
    appends: Vec<Append>,
) -> Vec<Result<(), AppendError>> {
    let barrier = Arc::new(Barrier::new(appends.len()));
    let tasks: Vec<_> = appends
        .into_iter()
        .map(|append| {
            let (store, barrier) = (store.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                store.append(append).await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

async fn of_many_that_append_the_same_position_one_wins<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let mut prev_hash = GENESIS;
    for seq in 1..=10 {
        let appends = (0..16_u128)
            .map(|n| Append {
                commands: vec![accepted(u128::from(seq) * 100 + n, seq, 0)],
                ..append(SHOW, batch(seq, prev_hash, &format!("by {n}")))
            })
            .collect();
        let results = at_once(&store, appends).await;
        let winners: Vec<_> = (0..16_u128)
            .filter(|n| results[*n as usize].is_ok())
            .collect();
        assert_eq!(winners.len(), 1, "{results:?}");
        for result in results.into_iter().filter(Result::is_err) {
            assert_eq!(result, Err(AppendError::Conflict));
        }
        for n in 0..16 {
            let is_known = known(&store, SHOW, u128::from(seq) * 100 + n).await;
            assert_eq!(is_known, n == winners[0]);
        }
        prev_hash = store.head(SHOW).await.unwrap().unwrap().hash;
    }
}

async fn a_refusal_on_what_is_no_longer_so_is_a_conflict<B: Backend>() {
    let (store, guard) = B::fresh().await;
    let refusal = |command: u128, decided_after| Append {
        performance: SHOW,
        batch: None,
        decided_after: Some(decided_after),
        commands: vec![CommandRecord {
            command: CommandId::from_u128(command),
            content: [0; 16],
            outcome: RecordedOutcome::Rejected {
                detail: Bytes::from_static(b"no"),
            },
        }],
        projections: Vec::new(),
    };
    store.append(refusal(1, 0)).await.unwrap();
    let other = B::beside(&store, &guard).await;
    other
        .append(append(SHOW, batch(1, GENESIS, "a")))
        .await
        .unwrap();
    assert_eq!(
        store.append(refusal(2, 0)).await,
        Err(AppendError::Conflict)
    );
    assert!(!known(&store, SHOW, 2).await);
    store.append(refusal(2, 1)).await.unwrap();
}

async fn of_servers_that_write_one_ledger_nobody_loses_a_batch<B: Backend>() {
    const EACH: u64 = 40;
    let (store, guard) = B::fresh().await;
    let mut servers = vec![store.clone()];
    for _ in 1..3 {
        servers.push(B::beside(&store, &guard).await);
    }
    let tasks: Vec<_> = (0..)
        .zip(servers)
        .map(|(server, store)| {
            tokio::spawn(async move {
                for n in 0..EACH {
                    let command = u128::from(server * EACH + n);
                    write_behind_whatever_is_there(&store, command).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let rows = store.read_ledger(SHOW, 0, 1_000).await.unwrap();
    assert_eq!(rows.len() as u64, 3 * EACH);
    let mut prev_hash = GENESIS;
    for (seq, row) in (1..).zip(&rows) {
        assert_eq!(row.seq, seq);
        let text = String::from_utf8(row.bytes.to_vec()).unwrap();
        assert!(text.ends_with(&format!("behind {prev_hash:?}")), "{text}");
        assert_eq!(row.hash, <[u8; 32]>::from(Sha256::digest(&row.bytes)));
        prev_hash = row.hash;
    }
    let all = (0..u128::from(3 * EACH))
        .map(CommandId::from_u128)
        .collect();
    let mut recorded: Vec<_> = store
        .commands(SHOW, all)
        .await
        .unwrap()
        .into_iter()
        .map(|record| match record.outcome {
            RecordedOutcome::Accepted { seq, .. } => seq,
            RecordedOutcome::Rejected { .. } => 0,
        })
        .collect();
    recorded.sort_unstable();
    assert_eq!(recorded, (1..=3 * EACH).collect::<Vec<_>>());
}

/// Reads where the ledger ends and appends there, until nobody was faster.
async fn write_behind_whatever_is_there<S: LedgerStore>(store: &S, command: u128) {
    loop {
        let head = store.head(SHOW).await.unwrap();
        let (seq, prev_hash) = head.map_or((1, GENESIS), |head| (head.seq + 1, head.hash));
        let one = Append {
            commands: vec![accepted(command, seq, 0)],
            ..append(
                SHOW,
                batch(seq, prev_hash, &format!("behind {prev_hash:?}")),
            )
        };
        match store.append(one).await {
            Ok(()) => return,
            Err(error) => assert_eq!(error, AppendError::Conflict),
        }
    }
}

async fn of_many_ledgers_written_at_once_only_the_faulty_one_fails<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let show = PerformanceId::from_u128;
    let appends = (1..=40)
        .map(|n| {
            // The seventh begins with its second batch.
            let seq = if n == 7 { 2 } else { 1 };
            let one = append(show(n), batch(seq, GENESIS, "first"));
            Append {
                commands: vec![accepted(n, 1, 0)],
                projections: vec![ticket(n, 1)],
                ..one
            }
        })
        .collect();
    let results = at_once(&store, appends).await;
    for (n, result) in (1..).zip(results) {
        let expected = if n == 7 {
            Err(AppendError::Conflict)
        } else {
            Ok(())
        };
        assert_eq!(result, expected, "ledger {n}");
        assert_eq!(known(&store, show(n), n).await, n != 7);
    }
}

async fn of_many_that_sell_the_same_place_one_wins<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let appends = (1..=20)
        .map(|n| Append {
            performance: SHOW,
            batch: None,
            decided_after: None,
            commands: vec![accepted(n, 1, 0)],
            projections: vec![ticket(n, 3)],
        })
        .collect();
    let results = at_once(&store, appends).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for (n, result) in (1..).zip(&results) {
        assert!(
            matches!(result, Ok(()) | Err(AppendError::SeatSoldTwice)),
            "{result:?}"
        );
        assert_eq!(known(&store, SHOW, n).await, result.is_ok());
    }
}

async fn a_snapshot_is_replaced_by_later_ones_only<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    assert_eq!(store.snapshot(SHOW).await.unwrap(), None);
    let at = |seq: u64, inventory: &'static [u8]| SnapshotRow {
        seq,
        at_ms: 5,
        hash: [3; 32],
        inventory: Bytes::from_static(inventory),
    };
    for (saved, read) in [
        (at(5, b"five"), 5),
        (at(9, b"nine"), 9),
        (at(7, b"seven"), 9),
    ] {
        store.save_snapshot(SHOW, saved).await.unwrap();
        assert_eq!(store.snapshot(SHOW).await.unwrap().unwrap().seq, read);
    }
    assert_eq!(store.snapshot(SHOW).await.unwrap(), Some(at(9, b"nine")));
    assert_eq!(
        store.snapshot(PerformanceId::from_u128(2)).await.unwrap(),
        None
    );
}

async fn performances_are_listed_once_in_order_of_id<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    assert_eq!(LedgerStore::performances(&store).await.unwrap(), []);
    let shows: Vec<_> = [3, 1, 2].map(PerformanceId::from_u128).to_vec();
    for show in &shows {
        let first = batch(1, GENESIS, "a");
        let second = batch(2, first.hash, "b");
        store.append(append(*show, first)).await.unwrap();
        store.append(append(*show, second)).await.unwrap();
    }
    let listed = LedgerStore::performances(&store).await.unwrap();
    assert_eq!(listed, [1, 2, 3].map(PerformanceId::from_u128));
}
