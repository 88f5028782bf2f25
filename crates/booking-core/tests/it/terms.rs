//! Terms that change while a performance is on sale: the ledger says from when on, whoever replays
//! it comes to the same, and the auditor judges every order by the terms it was sold under.

use crate::office::{OPENING_MS, Office, PERFORMANCE, house_and_terms};
use booking_core::audit::{Audit, AuditFaultKind, AuditReport};
use booking_core::event::Event;
use booking_core::ledger::{Batch, GENESIS, Replay, Sealed};
use booking_core::price::{Fee, FeeAmount, FeePer, PriceType, VoucherEffect};
use booking_core::terms::{AccessibleRule, GapRule};
use booking_core::test_support::{place_hold, seats};
use booking_core::*;

fn changed(office: &Office, change: impl FnOnce(&mut SaleTerms)) -> Command {
    let mut terms = office.inventory.terms().as_ref().clone();
    change(&mut terms);
    Command::SetTerms {
        terms: Box::new(terms),
    }
}

/// Everything ten euros dearer.
fn dearer(office: &Office) -> Command {
    changed(office, |terms| {
        for amount in terms.prices.amounts.iter_mut().flatten().flatten() {
            *amount += 10_00;
        }
    })
}

fn hold(n: u128) -> HoldId {
    HoldId::from_u128(n)
}

/// One order at the first price, one at a later.
fn two_prices() -> Office {
    let mut office = Office::open();
    office.accept(&place_hold(1, 1, &seats(&[3, 4])));
    office.accept(&office.purchase(2, hold(1), None));
    office.accept(&dearer(&office));
    office.now_ms += 60_000;
    office.accept(&place_hold(3, 3, &seats(&[13, 14])));
    office.accept(&office.purchase(4, hold(3), Some("FRIENDS")));
    office
}

fn audit(rows: &[Sealed]) -> AuditReport {
    audit_under(rows, |_| {})
}

/// Audits as if the performance had opened under other terms.
fn audit_under(rows: &[Sealed], change: impl FnOnce(&mut SaleTerms)) -> AuditReport {
    let (map, terms) = house_and_terms();
    let mut terms = terms.as_ref().clone();
    change(&mut terms);
    let mut audit = Audit::new(PERFORMANCE, map, terms.into());
    rows.iter().for_each(|row| audit.feed(row));
    audit.finish()
}

/// What is found when somebody who can hash alters the events of a ledger.
fn forged(rows: &[Sealed], mut alter: impl FnMut(&mut Vec<Event>)) -> Vec<AuditFaultKind> {
    let mut hash = GENESIS;
    let mut sealed = Vec::new();
    for row in rows {
        let mut batch = Batch::decode(&row.bytes).unwrap();
        batch.prev_hash = hash;
        batch
            .entries
            .iter_mut()
            .for_each(|entry| alter(&mut entry.events));
        let row = batch.seal();
        hash = row.hash;
        sealed.push(row);
    }
    let faults = audit(&sealed).faults;
    faults.into_iter().map(|fault| fault.kind).collect()
}

#[test]
fn terms_of_every_shape_come_back_from_their_bytes() {
    let (_, terms) = house_and_terms();
    let mut terms = terms.as_ref().clone();
    terms.rules.single_seat_gap = GapRule::ForbidUnlessUnavoidable;
    terms.rules.accessible_seats = AccessibleRule::OnlyOnNeedUntil { until_ms: -5 };
    terms.prices.amounts[0][1] = None;
    terms.prices.vouchers[0].bands = vec![BandIx(1)];
    for effect in [VoucherEffect::Fixed(3), VoucherEffect::PriceOverride(0)] {
        let mut more = terms.prices.vouchers[0].clone();
        more.effect = effect;
        terms.prices.vouchers.push(more);
    }
    let bytes = terms.encode();
    assert_eq!(SaleTerms::decode(&bytes), Ok(terms));
    for length in 0..bytes.len() {
        assert!(SaleTerms::decode(&bytes[..length]).is_err(), "{length}");
    }
    for at in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[at / 8] ^= 1 << (at % 8);
        if let Ok(other) = SaleTerms::decode(&damaged) {
            assert_eq!(
                other.encode(),
                damaged,
                "bit {at}: one meaning, one encoding"
            );
        }
    }
}

#[test]
fn new_terms_hold_from_the_next_command_on() {
    let mut office = Office::open();
    office.accept(&place_hold(1, 1, &seats(&[3])));
    let quoted = office.purchase(2, hold(1), None);
    office.accept(&dearer(&office));
    // What was quoted before is no longer what it costs, and the fan is told so.
    let refused = office.batch(std::slice::from_ref(&quoted)).remove(0);
    let Command::ConfirmOrder { total_minor, .. } = quoted else {
        panic!()
    };
    let Err(Rejection::PriceChanged { total_minor: now }) = refused else {
        panic!("{refused:?}")
    };
    assert!(now > total_minor);
    let stricter = changed(&office, |terms| terms.rules.max_places_per_hold = 1);
    office.accept(&stricter);
    let refused = decide(
        &office.inventory,
        &place_hold(8, 8, &seats(&[30, 31])),
        office.now_ms,
    );
    assert_eq!(refused, Err(Rejection::TooManyPlaces { max: 1 }));
}

#[test]
fn the_same_terms_again_are_no_event() {
    let office = Office::open();
    let same = changed(&office, |_| {});
    let decision = decide(&office.inventory, &same, OPENING_MS).unwrap();
    assert_eq!(decision, Decision::default());
}

#[test]
fn terms_that_take_away_what_was_sold_or_make_no_sense_are_refused_with_their_place() {
    type Change = fn(&mut SaleTerms);
    let wrong: [(Change, &str); 6] = [
        (
            |terms| terms.prices.currency = "GBP".into(),
            "prices.currency",
        ),
        (|terms| terms.prices.minor_digits = 0, "prices.currency"),
        (|terms| terms.prices.types.swap(0, 1), "prices.types[0]"),
        (|terms| terms.prices.fees.truncate(1), "prices.fees[1]"),
        (|terms| drop(terms.prices.amounts.pop()), "prices: amounts"),
        (
            |terms| terms.prices.amounts[0][0] = Some(-1),
            "prices: amounts[0][0]",
        ),
    ];
    for (change, place) in wrong {
        let office = Office::open();
        let refused = decide(&office.inventory, &changed(&office, change), OPENING_MS);
        let Err(Rejection::TermsInvalid { what }) = refused else {
            panic!("{place}: {refused:?}")
        };
        assert!(what.starts_with(place), "{place}: {what}");
    }
    let office = Office::open();
    let more = changed(&office, |terms| {
        terms.prices.types.push(PriceType {
            name: "Child".into(),
            note: String::new(),
        });
        for row in &mut terms.prices.amounts {
            row.push(Some(10_00));
        }
        terms.prices.fees.push(Fee {
            name: "Cloakroom".into(),
            per: FeePer::Order,
            amount: FeeAmount::Fixed(1_00),
        });
    });
    assert!(decide(&office.inventory, &more, OPENING_MS).is_ok());
}

#[test]
fn a_replay_goes_by_the_terms_of_the_ledger_also_from_a_snapshot() {
    let office = two_prices();
    let (map, opening) = house_and_terms();
    let mut replay = Replay::new(PERFORMANCE, Inventory::new(map.clone(), opening.clone()));
    for (i, row) in office.rows.iter().enumerate() {
        replay.follow(row).unwrap();
        let bytes = replay.inventory.encode();
        // Whatever the catalogue says at that time.
        let inventory = Inventory::decode(map.clone(), opening.clone(), &bytes).unwrap();
        assert_eq!(inventory.encode(), bytes);
        assert_eq!(inventory.terms(), replay.inventory.terms());
        let Replay {
            seq, hash, at_ms, ..
        } = replay;
        let mut tail = Replay::from_snapshot(PERFORMANCE, inventory, seq, hash, at_ms);
        for row in &office.rows[i + 1..] {
            tail.follow(row).unwrap();
        }
        assert_eq!(tail.inventory.encode(), office.inventory.encode());
    }
    assert_eq!(replay.inventory.terms(), office.inventory.terms());
    assert_ne!(**replay.inventory.terms(), *opening);
}

#[test]
fn an_inventory_under_its_opening_terms_has_the_bytes_it_always_had() {
    let office = Office::open();
    assert!(office.inventory.encode().starts_with(b"OSI1"));
    assert!(two_prices().inventory.encode().starts_with(b"OSI2"));
}

#[test]
fn the_auditor_judges_every_order_by_the_terms_it_was_sold_under() {
    let office = two_prices();
    let report = audit(&office.rows);
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.terms_set, 1);
    assert!(report.to_string().contains("terms changed 1 times"));
    // Had they not been changed, the second order would not cost what was charged.
    let found = forged(&office.rows, |events| {
        events.retain(|event| !matches!(event, Event::TermsSet { .. }));
    });
    assert_eq!(found, [AuditFaultKind::Money]);
    // Terms that nobody could have set.
    let found = forged(&office.rows, |events| {
        for event in events {
            if let Event::TermsSet { terms } = event {
                terms.prices.types.swap(0, 1);
            }
        }
    });
    assert!(found.contains(&AuditFaultKind::Senseless), "{found:?}");
}

#[test]
fn a_voucher_that_was_not_valid_when_the_price_was_made_is_found() {
    let mut office = Office::open();
    office.accept(&place_hold(1, 1, &seats(&[3])));
    office.accept(&office.purchase(2, hold(1), Some("FRIENDS")));
    assert!(audit(&office.rows).is_sound());
    let quoted_at = |at: Option<i64>| {
        forged(&office.rows, |events| {
            for event in events {
                if let Event::OrderConfirmed { quoted_ms, .. } = event {
                    *quoted_ms = at;
                }
            }
        })
    };
    assert_eq!(quoted_at(Some(OPENING_MS - 1)), [AuditFaultKind::Money]);
    assert_eq!(quoted_at(None), [], "older ledgers do not say");
}

#[test]
fn a_fan_who_got_more_than_the_limits_allow_is_found() {
    let mut office = Office::open();
    office.accept(&place_hold(1, 7, &seats(&[3, 4])));
    office.accept(&office.purchase(2, hold(1), None));
    office.accept(&place_hold(3, 7, &seats(&[13])));
    office.accept(&place_hold(4, 7, &seats(&[16])));
    let rows = &office.rows;
    assert!(audit(rows).is_sound());
    let found = |change: fn(&mut SaleTerms)| {
        let faults = audit_under(rows, change).faults;
        let seqs: Vec<u64> = faults.iter().map(|fault| fault.seq).collect();
        assert!(
            faults
                .iter()
                .all(|fault| fault.kind == AuditFaultKind::Limit),
            "{faults:?}"
        );
        seqs
    };
    assert_eq!(found(|terms| terms.rules.max_places_per_hold = 1), [1]);
    assert_eq!(found(|terms| terms.rules.max_holds_per_fan = 1), [4]);
    assert_eq!(found(|terms| terms.rules.max_places_per_fan = 3), [4]);
    assert!(found(|terms| terms.rules.max_places_per_fan = 4).is_empty());
    let closed: fn(&mut SaleTerms) = |terms| terms.rules.on_sale_from_ms = OPENING_MS + 1;
    assert_eq!(found(closed), [1, 3, 4]);
}

#[test]
fn holds_whose_time_is_past_do_not_count_towards_a_limit() {
    let mut office = Office::open();
    office.accept(&place_hold(1, 7, &seats(&[3, 4])));
    office.now_ms += office.inventory.terms().rules.hold_ttl_ms;
    office.accept(&place_hold(2, 7, &seats(&[13, 14])));
    let report = audit_under(&office.rows, |terms| {
        terms.rules.max_holds_per_fan = 1;
        terms.rules.max_places_per_fan = 2;
    });
    assert!(report.is_sound(), "{report}");
}

#[test]
fn a_hold_that_got_more_time_than_the_terms_give_is_found() {
    let mut office = Office::open();
    office.accept(&place_hold(1, 7, &seats(&[3])));
    let report = audit_under(&office.rows, |terms| terms.rules.hold_ttl_ms -= 1);
    let kinds: Vec<_> = report.faults.iter().map(|fault| fault.kind).collect();
    assert_eq!(kinds, [AuditFaultKind::Lifetime]);
}
