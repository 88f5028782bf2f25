//! The same command id with the same content gets the same answer; with other content it is refused.

use crate::support::{Office, SHOW, command_id, hold, release};
use booking_core::{Command, FanId, HoldId};
use onsale_server::lane::{Answer, LaneError, LaneSettings};
use onsale_server::store::StoreOptions;

fn again(answer: &Answer) -> Answer {
    Answer {
        replayed: true,
        ..answer.clone()
    }
}

#[tokio::test]
async fn a_command_sent_twice_is_done_once_and_answered_alike() {
    let office = Office::open().await;
    let first = office.send(1, hold(7, 1, &[3, 4])).await.unwrap();
    assert!(!first.replayed);
    let second = office.send(1, hold(7, 1, &[3, 4])).await.unwrap();
    assert_eq!(second, again(&first));
    assert_eq!(office.lanes.live(SHOW).await.unwrap().counts().held, 2);
    assert_eq!(office.lanes.live(SHOW).await.unwrap().seq(), 1);
}

#[tokio::test]
async fn a_command_id_with_other_content_is_refused_and_changes_nothing() {
    let office = Office::open().await;
    office.send(1, hold(7, 1, &[3])).await.unwrap();
    let other = office.send(1, hold(8, 1, &[4])).await;
    assert_eq!(other, Err(LaneError::CommandIdReused));
    assert_eq!(office.lanes.live(SHOW).await.unwrap().counts().held, 1);
}

#[tokio::test]
async fn a_refusal_stays_a_refusal_even_when_the_reason_has_gone() {
    let office = Office::open().await;
    office.send(1, hold(7, 1, &[3])).await.unwrap();
    let refused = office.send(2, hold(8, 2, &[3])).await.unwrap_err();
    assert!(matches!(refused, LaneError::Rejected(_)), "{refused}");
    office.send(3, release(7, 1)).await.unwrap();
    assert_eq!(office.send(2, hold(8, 2, &[3])).await.unwrap_err(), refused);
    assert_eq!(
        office.send(2, hold(8, 2, &[5])).await,
        Err(LaneError::CommandIdReused)
    );
}

#[tokio::test]
async fn answers_are_remembered_across_a_restart_word_for_word() {
    let office = Office::open().await;
    let hold_id = HoldId::from_u128(7);
    let extend = Command::ExtendHold {
        hold: hold_id,
        fan: FanId::from_u128(1),
    };
    let change = Command::ChangeHold {
        hold: hold_id,
        fan: FanId::from_u128(1),
        add: booking_core::test_support::seats(&[5]),
        remove: Vec::new(),
        needs_accessible: false,
    };
    let commands = [
        hold(7, 1, &[3, 4]),
        extend,
        change,
        release(7, 1),
        hold(8, 1, &[99]),
        hold(9, 2, &[99]),
    ];
    let mut before = Vec::new();
    for (id, command) in (1..).zip(&commands) {
        before.push(office.send(id, command.clone()).await);
    }
    assert_eq!(before.iter().filter(|answer| answer.is_ok()).count(), 5);
    let office = office.restart().await;
    for ((id, command), before) in (1..).zip(&commands).zip(before) {
        let after = office.send(id, command.clone()).await;
        assert_eq!(after, before.map(|answer| again(&answer)), "command {id}");
    }
}

#[tokio::test]
async fn fifty_copies_of_one_command_at_once_are_done_once_and_all_answered_alike() {
    let office = Office::open().await;
    let sends = (0..50).map(|_| office.send(1, hold(7, 1, &[3])));
    let answers = futures_util::future::join_all(sends).await;
    let mut originals = 0;
    for answer in &answers {
        let answer = answer.as_ref().unwrap();
        originals += usize::from(!answer.replayed);
        assert_eq!(again(answer), again(answers[0].as_ref().unwrap()));
    }
    assert_eq!(originals, 1);
    assert_eq!(office.lanes.live(SHOW).await.unwrap().seq(), 1);
}

#[tokio::test]
async fn a_command_that_another_replica_has_done_is_answered_from_its_record() {
    let office = Office::open().await;
    let replica = office.replica(LaneSettings::default());
    // Both are warm before the command is done, so that neither reads it while loading.
    replica.live(SHOW).await.unwrap();
    let first = office.send(1, hold(7, 1, &[3])).await.unwrap();
    let second = replica
        .send(SHOW, command_id(1), hold(7, 1, &[3]))
        .await
        .unwrap();
    assert_eq!(second, again(&first));
    let refused = replica
        .send(SHOW, command_id(2), hold(8, 2, &[3]))
        .await
        .unwrap_err();
    assert_eq!(office.send(2, hold(8, 2, &[3])).await.unwrap_err(), refused);
}

#[tokio::test]
async fn an_id_that_has_been_forgotten_is_found_in_the_store() {
    let settings = LaneSettings {
        recent_commands: 4,
        ..LaneSettings::default()
    };
    let office = Office::with(settings, StoreOptions::default()).await;
    let mut answers = Vec::new();
    for n in 0..20 {
        answers.push(office.send(n, hold(100 + n, 1, &[n as u32])).await.unwrap());
    }
    for (n, answer) in (0..).zip(&answers) {
        let sent_again = office.send(n, hold(100 + n, 1, &[n as u32])).await.unwrap();
        assert_eq!(sent_again, again(answer));
    }
}
