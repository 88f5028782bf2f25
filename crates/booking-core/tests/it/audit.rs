//! The auditor: what it counts, and that nothing gets past it.

use crate::office::{OPENING_MS, Office, PERFORMANCE, house_and_terms};
use booking_core::audit::{Audit, AuditFaultKind, AuditReport};
use booking_core::event::Event;
use booking_core::ledger::{Batch, GENESIS, Sealed};
use booking_core::test_support::{area, place_hold, seats};
use booking_core::*;
use proptest::prelude::*;
use std::sync::LazyLock;

static EVENING: LazyLock<Office> = LazyLock::new(Office::busy_evening);

fn audit(rows: &[Sealed]) -> AuditReport {
    let (map, terms) = house_and_terms();
    let mut audit = Audit::new(PERFORMANCE, map, terms);
    rows.iter().for_each(|row| audit.feed(row));
    audit.finish()
}

/// What is found when somebody who can hash alters the batches.
fn forged(rows: &[Sealed], alter: impl FnOnce(&mut Vec<Batch>)) -> Vec<AuditFaultKind> {
    let mut batches: Vec<Batch> = rows
        .iter()
        .map(|row| Batch::decode(&row.bytes).unwrap())
        .collect();
    alter(&mut batches);
    let mut hash = GENESIS;
    let rows: Vec<Sealed> = batches
        .iter_mut()
        .map(|batch| {
            batch.prev_hash = hash;
            let sealed = batch.seal();
            hash = sealed.hash;
            sealed
        })
        .collect();
    audit(&rows)
        .faults
        .into_iter()
        .map(|fault| fault.kind)
        .collect()
}

/// One hold of two seats, sold a minute later.
fn one_sale() -> Office {
    let mut office = Office::open();
    office.accept(&place_hold(1, 1, &seats(&[3, 4])));
    office.now_ms += 60_000;
    office.accept(&office.purchase(2, HoldId::from_u128(1), None));
    office
}

/// The first event of a batch.
fn event(batches: &mut [Batch], batch: usize) -> &mut Event {
    &mut batches[batch].entries[0].events[0]
}

#[test]
fn a_busy_evening_is_sound_and_has_everything_in_it() {
    let report = audit(&EVENING.rows);
    assert!(report.is_sound(), "{report}");
    let AuditReport { holds, tickets, .. } = &report;
    let met = [
        holds.placed,
        holds.changed,
        holds.extended,
        holds.released,
        holds.expired,
        holds.sold,
        tickets.sold,
        tickets.cancelled,
        tickets.exchanged,
        tickets.live,
    ];
    assert!(met.iter().all(|count| *count > 0), "{report}");
    assert!(
        report.house.killed > 0 && report.house.allocated > 0,
        "{report}"
    );
    assert!(!report.vouchers.is_empty(), "{report}");
}

#[test]
fn the_books_balance() {
    let report = audit(&EVENING.rows);
    let revenue = &report.revenue;
    let tickets: i64 = revenue.tickets.iter().map(|line| line.amount_minor).sum();
    let fees: i64 = revenue.fees.iter().map(|line| line.amount_minor).sum();
    assert_eq!(
        revenue.charged_minor,
        tickets - revenue.discounts_minor + fees
    );
    let sold: u64 = revenue.tickets.iter().map(|line| line.tickets).sum();
    assert_eq!(sold, report.tickets.sold);
    assert_eq!(
        report.tickets.live,
        report.tickets.sold - report.tickets.cancelled
    );
    let vouchers: i64 = report
        .vouchers
        .iter()
        .map(|voucher| voucher.discounts_minor)
        .sum();
    assert_eq!(vouchers, revenue.discounts_minor);
    assert_eq!(
        revenue.fees[2].times, report.orders,
        "one order fee an order"
    );
}

#[test]
fn the_house_is_counted_as_the_inventory_counts_it() {
    let report = audit(&EVENING.rows);
    let counts = EVENING.inventory.counts();
    let house = &report.house;
    assert_eq!(
        house.open + house.held + house.sold + house.killed + house.allocated,
        100
    );
    assert_eq!(house.killed + house.allocated, counts.closed);
    let in_area = house.areas[0].taken;
    assert_eq!(30 - in_area, EVENING.inventory.area_left(AreaIx(0)));
    assert_eq!(house.held + house.sold + in_area, counts.held + counts.sold);
}

#[test]
fn what_a_sale_came_to_is_told() {
    let mut office = one_sale();
    let report = audit(&office.rows);
    // Two seats of band 0 at 80.00, each with 3.00 (4.5 %, capped) and 1.50, and 2.90 an order.
    assert_eq!(report.revenue.charged_minor, 160_00 + 6_00 + 3_00 + 2_90);
    assert_eq!(
        (report.orders, report.buyers, report.tickets.sold),
        (1, 1, 2)
    );
    assert_eq!(
        (report.first_ms, report.last_ms),
        (Some(OPENING_MS), Some(OPENING_MS + 60_000))
    );
    let order = OrderId::from_u128(2);
    office.accept(&Command::CancelTickets {
        order,
        places: seats(&[3]),
    });
    let report = audit(&office.rows);
    assert_eq!(report.revenue.cancelled_minor, 80_00 + 3_00 + 1_50);
    assert_eq!((report.tickets.live, report.house.sold), (1, 1));
}

#[test]
fn an_empty_ledger_is_sound() {
    let report = audit(&[]);
    assert!(report.is_sound());
    assert_eq!(
        (report.batches, report.house.open, report.first_ms),
        (0, 100, None)
    );
}

#[test]
fn a_seat_sold_twice_is_found_by_both_accounts() {
    let found = forged(&one_sale().rows, |batches| {
        let mut again = batches[1].clone();
        again.seq = 3;
        again.entries[0].command = CommandId::from_u128(99);
        let Event::OrderConfirmed { order, hold, .. } = &mut again.entries[0].events[0] else {
            panic!("an order")
        };
        (*order, *hold) = (OrderId::from_u128(3), HoldId::from_u128(8));
        batches.push(again);
    });
    let twice = AuditFaultKind::PlaceTwice;
    assert_eq!(found, [twice, twice, AuditFaultKind::Replay]);
}

#[test]
fn an_area_that_takes_more_than_it_can_is_found() {
    let mut office = Office::open();
    for hold in 0..3 {
        office.accept(&place_hold(hold, hold, &area(0, 8)));
    }
    let found = forged(&office.rows, |batches| {
        let Event::HoldPlaced { places, .. } = event(batches, 2) else {
            panic!("a hold")
        };
        places.extend(area(0, 10));
    });
    assert!(found.contains(&AuditFaultKind::PlaceTwice), "{found:?}");
}

#[test]
fn a_lapse_before_its_time_is_found() {
    let mut office = Office::open();
    office.accept(&place_hold(1, 1, &seats(&[3])));
    office.now_ms += 600_000;
    office.accept(&Command::ExpireHolds { limit: 9 });
    assert!(audit(&office.rows).is_sound());
    let found = forged(&office.rows, |batches| batches[1].at_ms -= 1);
    assert_eq!(found, [AuditFaultKind::Lifetime]);
}

#[test]
fn a_sale_after_the_hold_lapsed_is_found() {
    let found = forged(&one_sale().rows, |batches| batches[1].at_ms += 540_000);
    assert_eq!(found, [AuditFaultKind::Lifetime]);
}

#[test]
fn a_hold_that_is_given_more_time_than_it_may_have_is_found() {
    let mut office = Office::open();
    office.accept(&place_hold(1, 1, &seats(&[3])));
    let (hold, fan) = (HoldId::from_u128(1), FanId::from_u128(1));
    office.accept(&Command::ExtendHold { hold, fan });
    let found = forged(&office.rows, |batches| {
        let Event::HoldExtended { expires_ms, .. } = event(batches, 1) else {
            panic!()
        };
        *expires_ms += 6_000_000;
    });
    assert_eq!(found, [AuditFaultKind::Lifetime, AuditFaultKind::Replay]);
}

#[test]
fn a_change_after_the_hold_lapsed_is_found() {
    let mut office = Office::open();
    office.accept(&place_hold(1, 1, &seats(&[3])));
    office.now_ms += 599_999;
    office.accept(&Command::ChangeHold {
        hold: HoldId::from_u128(1),
        fan: FanId::from_u128(1),
        add: seats(&[4]),
        remove: vec![],
        needs_accessible: false,
    });
    assert!(audit(&office.rows).is_sound());
    let found = forged(&office.rows, |batches| batches[1].at_ms += 1);
    assert_eq!(found, [AuditFaultKind::Lifetime]);
}

#[test]
fn a_hold_placed_in_the_future_is_found() {
    let found = forged(&one_sale().rows, |batches| {
        let Event::HoldPlaced { placed_ms, .. } = event(batches, 0) else {
            panic!("a hold")
        };
        *placed_ms += 1;
    });
    assert_eq!(found, [AuditFaultKind::Lifetime]);
}

#[test]
fn a_command_that_was_accepted_twice_is_found() {
    let found = forged(&one_sale().rows, |batches| {
        batches[1].entries[0].command = batches[0].entries[0].command;
    });
    assert_eq!(found, [AuditFaultKind::CommandTwice]);
}

#[test]
fn a_total_that_its_lines_do_not_explain_is_found() {
    let found = forged(&one_sale().rows, |batches| {
        let Event::OrderConfirmed { total_minor, .. } = event(batches, 1) else {
            panic!()
        };
        *total_minor -= 1;
    });
    assert_eq!(
        found,
        [AuditFaultKind::Money; 2],
        "neither the sum nor the price"
    );
}

#[test]
fn lines_that_are_not_those_of_the_price_list_are_found() {
    let found = forged(&one_sale().rows, |batches| {
        let Event::OrderConfirmed { lines, .. } = event(batches, 1) else {
            panic!("an order")
        };
        lines[0].amount_minor -= 10;
        lines[1].amount_minor += 10;
    });
    assert_eq!(found, [AuditFaultKind::Money]);
}

#[test]
fn a_voucher_used_too_often_is_found() {
    let mut office = Office::open();
    for n in 0..5_u32 {
        office.accept(&place_hold(n.into(), n.into(), &seats(&[n])));
        office.accept(&office.purchase(n.into(), HoldId::from_u128(n.into()), Some("friends")));
    }
    assert!(audit(&office.rows).is_sound());
    let found = forged(&office.rows, |batches| {
        for (i, seat) in [(10, 50), (11, 50)] {
            let mut more = batches[i - 2].clone();
            more.seq = i as u64 + 1;
            more.entries[0].command = CommandId::from_u128(100 + i as u128);
            match &mut more.entries[0].events[0] {
                Event::HoldPlaced { hold, places, .. } => {
                    *hold = HoldId::from_u128(50);
                    *places = seats(&[seat]);
                }
                Event::OrderConfirmed {
                    order,
                    hold,
                    items,
                    lines,
                    ..
                } => {
                    (*order, *hold) = (OrderId::from_u128(50), HoldId::from_u128(50));
                    items[0].place = price::Place::Seat(SeatIx(seat));
                    let kind = &mut lines[0].kind;
                    let price::LineKind::Ticket { place, .. } = kind else {
                        panic!()
                    };
                    *place = items[0].place;
                }
                other => panic!("{other:?}"),
            }
            batches.push(more);
        }
    });
    assert_eq!(found, [AuditFaultKind::Money]);
}

#[test]
fn an_auditor_goes_on_after_a_fault_and_finds_the_next() {
    let mut rows = EVENING.rows.clone();
    let last = rows.len() - 1;
    rows[2].bytes[40] ^= 1;
    rows.remove(last - 1);
    let report = audit(&rows);
    let chain = report
        .faults
        .iter()
        .filter(|fault| fault.kind == AuditFaultKind::Chain);
    let seqs: Vec<u64> = chain.map(|fault| fault.seq).collect();
    assert_eq!(seqs.first(), Some(&3));
    assert_eq!(seqs.last(), Some(&(last as u64)));
    assert_eq!(report.batches, rows.len() as u64);
}

#[test]
fn a_report_reads_well_and_goes_through_json() {
    let report = audit(&one_sale().rows);
    let text = report.to_string();
    assert!(
        text.starts_with("2 batches, 2 commands, 2 events\nhead "),
        "{text}"
    );
    assert!(text.ends_with("sound: no seat was sold twice"), "{text}");
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<AuditReport>(&json).unwrap(), report);
}

proptest! {
    #[test]
    fn no_row_can_be_altered_without_being_found(
        row: prop::sample::Index, at: prop::sample::Index, bit in 0..8_u8,
    ) {
        let mut rows = EVENING.rows.clone();
        let row = row.index(rows.len());
        let at = at.index(rows[row].bytes.len());
        rows[row].bytes[at] ^= 1 << bit;
        prop_assert!(!audit(&rows).is_sound());
    }

    #[test]
    fn no_row_but_the_last_can_be_left_out_without_being_found(row: prop::sample::Index) {
        let mut rows = EVENING.rows.clone();
        rows.remove(row.index(rows.len() - 1));
        prop_assert!(!audit(&rows).is_sound());
    }

    #[test]
    fn no_two_rows_can_be_swapped_without_being_found(row: prop::sample::Index) {
        let mut rows = EVENING.rows.clone();
        let row = row.index(rows.len() - 1);
        rows.swap(row, row + 1);
        prop_assert!(!audit(&rows).is_sound());
    }
}
