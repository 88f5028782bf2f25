//! The simulator keeps what a provider promises.

use super::*;
use crate::payments::Card;
use crate::payments::card::{CardInput, Secret};
use std::path::Path;
use uuid::Uuid;

const NOW_MS: i64 = 1_795_179_600_000;

fn open(journal: Option<&Path>) -> (Simulator, Outbox) {
    Simulator::open(SimulatorConfig {
        journal: journal.map_or(Record::Memory, |path| Record::Own(path.to_path_buf())),
        slow: Duration::from_millis(20),
        webhook_key: WebhookKey::new([1; 32]),
        clock: Clock::manual(NOW_MS),
    })
    .unwrap()
}

fn key(n: u128) -> IdempotencyKey {
    IdempotencyKey(Uuid::from_u128(n))
}

fn request(n: u128, card: &str, amount_minor: i64) -> Authorise {
    let input = CardInput {
        card_number: Secret::new(card),
        expiry: Secret::new("12/30"),
        cvc: Secret::new("123"),
    };
    Authorise {
        key: key(n),
        amount_minor,
        currency: "EUR".to_owned(),
        card: Card::check(&input, NOW_MS).unwrap(),
    }
}

const GOOD: &str = "4242424242424242";

async fn authorised(simulator: &Simulator, n: u128, card: &str) -> PaymentRef {
    match simulator.authorise(request(n, card, 500)).await.unwrap() {
        Authorisation::Authorised { payment } => payment,
        other => panic!("{other:?}"),
    }
}

fn taken(simulator: &Simulator) -> i64 {
    simulator
        .payments()
        .iter()
        .map(|payment| payment.taken_minor)
        .sum()
}

#[tokio::test]
async fn the_same_key_moves_money_once() {
    let (simulator, _outbox) = open(None);
    let payment = authorised(&simulator, 1, GOOD).await;
    assert_eq!(authorised(&simulator, 1, GOOD).await, payment);
    for _ in 0..2 {
        simulator.capture(key(1), payment.clone()).await.unwrap();
    }
    assert_eq!(taken(&simulator), 500);
    for _ in 0..2 {
        simulator.refund(key(1), key(9), 200).await.unwrap();
    }
    assert_eq!(taken(&simulator), 300);
}

#[tokio::test]
async fn a_key_with_other_content_is_refused() {
    let (simulator, _outbox) = open(None);
    authorised(&simulator, 1, GOOD).await;
    let other = simulator.authorise(request(1, GOOD, 501)).await;
    assert_eq!(other, Err(ProviderError::KeyReused));
}

#[tokio::test]
async fn a_void_closes_a_key_also_for_an_authorisation_that_comes_later() {
    let (simulator, _outbox) = open(None);
    simulator.void(key(1)).await.unwrap();
    let late = simulator.authorise(request(1, GOOD, 500)).await;
    assert_eq!(
        late,
        Err(ProviderError::Refused {
            code: "voided".to_owned()
        })
    );
    assert_eq!(
        simulator.lookup(key(1)).await.unwrap(),
        Some(PaymentStatus::Voided)
    );
}

#[tokio::test]
async fn captured_money_is_not_voided_but_refunded_and_never_more_than_was_taken() {
    let (simulator, _outbox) = open(None);
    let payment = authorised(&simulator, 1, GOOD).await;
    simulator.capture(key(1), payment).await.unwrap();
    let refused = |code: &str| {
        Err(ProviderError::Refused {
            code: code.to_owned(),
        })
    };
    assert_eq!(simulator.void(key(1)).await, refused("captured"));
    assert_eq!(
        simulator.refund(key(1), key(7), 501).await,
        refused("refund_too_large")
    );
    assert_eq!(
        simulator.refund(key(1), key(7), -1).await,
        refused("refund_too_large")
    );
    simulator.refund(key(1), key(8), 500).await.unwrap();
    assert_eq!(
        simulator.refund(key(1), key(7), 1).await,
        refused("refund_too_large")
    );
    assert_eq!(taken(&simulator), 0);
}

#[tokio::test]
async fn a_provider_remembers_across_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("provider");
    {
        let (simulator, _outbox) = open(Some(&path));
        let payment = authorised(&simulator, 1, GOOD).await;
        simulator.capture(key(1), payment).await.unwrap();
        authorised(&simulator, 2, GOOD).await;
        simulator.void(key(3)).await.unwrap();
    }
    let (simulator, _outbox) = open(Some(&path));
    assert_eq!(taken(&simulator), 500);
    assert_eq!(
        simulator
            .payments()
            .iter()
            .filter(|payment| payment.reserved)
            .count(),
        1
    );
    assert_eq!(
        simulator.lookup(key(3)).await.unwrap(),
        Some(PaymentStatus::Voided)
    );
    assert_eq!(simulator.lookup(key(4)).await.unwrap(), None);
    assert!(!std::fs::read_to_string(&path).unwrap().contains("42424242"));
}

#[tokio::test]
async fn a_payment_that_timed_out_after_succeeding_is_found_by_its_key() {
    let (simulator, _outbox) = open(None);
    let asked = simulator.authorise(request(1, "4000000000000119", 500));
    assert!(
        tokio::time::timeout(Duration::from_millis(20), asked)
            .await
            .is_err()
    );
    assert!(matches!(
        simulator.lookup(key(1)).await.unwrap(),
        Some(PaymentStatus::Answered(Authorisation::Authorised { .. }))
    ));
}

#[tokio::test]
async fn a_slow_bank_finishes_though_nobody_waits_any_more() {
    let (simulator, mut outbox) = open(None);
    let asked = simulator.authorise(request(1, "4000000000000077", 500));
    assert!(
        tokio::time::timeout(Duration::from_millis(1), asked)
            .await
            .is_err()
    );
    assert_eq!(
        simulator.lookup(key(1)).await.unwrap(),
        Some(PaymentStatus::Processing)
    );
    let notice = outbox.next().await.unwrap();
    let notice = simulator
        .verify_webhook(&notice.signature, &notice.body, NOW_MS)
        .unwrap();
    assert_eq!((notice.kind, notice.key), (NoticeKind::Authorised, key(1)));
    authorised(&simulator, 1, "4000000000000077").await;
}

#[tokio::test]
async fn notices_come_twice_or_out_of_order_where_the_card_says_so() {
    for (card, expected) in [
        ("4242424242424242", "ac"),
        ("4000000000000259", "aacc"),
        ("4000000000000267", "ca"),
    ] {
        let (simulator, mut outbox) = open(None);
        let payment = authorised(&simulator, 1, card).await;
        simulator.capture(key(1), payment).await.unwrap();
        let mut seen = String::new();
        let mut ids = std::collections::BTreeSet::new();
        for _ in 0..expected.len() {
            let signed = outbox.next().await.unwrap();
            let notice = simulator
                .verify_webhook(&signed.signature, &signed.body, NOW_MS)
                .unwrap();
            ids.insert(notice.id);
            seen.push(match notice.kind {
                NoticeKind::Authorised => 'a',
                NoticeKind::Captured => 'c',
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(seen, expected, "{card}");
        assert_eq!(ids.len(), 2, "a duplicate has the id of its original");
    }
}

#[tokio::test]
async fn a_step_is_approved_or_refused_once() {
    let (simulator, _outbox) = open(None);
    for (n, approve) in [(1, true), (2, false)] {
        let asked = simulator
            .authorise(request(n, "4000002500003155", 500))
            .await
            .unwrap();
        assert!(matches!(asked, Authorisation::NeedsStep { .. }));
        simulator.finish_step(key(n), approve).await.unwrap();
        simulator.finish_step(key(n), approve).await.unwrap();
        assert!(simulator.finish_step(key(n), !approve).await.is_err());
    }
}

#[tokio::test]
async fn a_capture_fails_for_good_or_for_a_while_where_the_card_says_so() {
    let (simulator, _outbox) = open(None);
    let payment = authorised(&simulator, 1, "4000000000000341").await;
    assert!(
        !simulator
            .capture(key(1), payment)
            .await
            .unwrap_err()
            .is_transient()
    );
    simulator.void(key(1)).await.unwrap();
    let payment = authorised(&simulator, 2, "4000000000000358").await;
    for _ in 0..2 {
        assert!(
            simulator
                .capture(key(2), payment.clone())
                .await
                .unwrap_err()
                .is_transient()
        );
    }
    simulator.capture(key(2), payment).await.unwrap();
    assert_eq!(taken(&simulator), 500);
}
