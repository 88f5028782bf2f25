//! The ledger's bytes and its chain.

use crate::houses::small;
use booking_core::event::Event;
use booking_core::ledger::*;
use booking_core::price::{
    LineKind, OrderItem, Place, PriceList, QuoteLine, Rounding, Tax, TaxMode,
};
use booking_core::terms::{BookingRules, SaleTerms};
use booking_core::{
    AllocationId, AreaIx, CommandId, FanId, HoldId, Inventory, OrderId, PerformanceId, PriceTypeIx,
    SeatIx, SeatMap,
};
use proptest::prelude::*;
use std::sync::Arc;

const PERFORMANCE: PerformanceId = PerformanceId::from_u128(1);

fn empty_house() -> Inventory {
    let prices = PriceList {
        currency: "EUR".into(),
        minor_digits: 2,
        types: vec![],
        amounts: vec![],
        fees: vec![],
        tax: Tax {
            mode: TaxMode::Inclusive,
            rate_ppm: 0,
            rounding: Rounding::HalfUpPerLine,
        },
        vouchers: vec![],
    };
    let map = SeatMap::build(small()).unwrap();
    let terms = SaleTerms {
        rules: BookingRules::default(),
        prices,
    };
    Inventory::new(Arc::new(map), Arc::new(terms))
}

fn batch(seq: u64, prev_hash: Hash, events: Vec<Event>) -> Batch {
    let entries = vec![Entry {
        command: CommandId::from_u128(seq.into()),
        events,
    }];
    Batch {
        performance: PERFORMANCE,
        seq,
        at_ms: 1_000 + seq as i64,
        prev_hash,
        entries,
    }
}

/// Two batches in which commands were accepted that changed nothing.
fn two() -> (Sealed, Sealed) {
    let first = batch(1, GENESIS, vec![]).seal();
    let second = batch(2, first.hash, vec![]).seal();
    (first, second)
}

fn follow(sealed: &[Sealed]) -> Result<(), LedgerFault> {
    let mut replay = Replay::new(PERFORMANCE, empty_house());
    sealed
        .iter()
        .try_for_each(|sealed| replay.follow(sealed).map(|_| ()))
}

/// One of each kind of event and line, with every field telling.
fn one_of_each() -> Batch {
    let (seats, hold, order) = (
        vec![SeatIx(300), SeatIx(301)],
        HoldId::from_u128(7),
        OrderId::from_u128(8),
    );
    let fan = FanId::from_u128(9);
    let allocation = AllocationId::from_u128(10);
    let places = vec![
        Place::Seat(SeatIx(3)),
        Place::Seat(SeatIx(4)),
        Place::Area(AreaIx(0)),
        Place::Area(AreaIx(0)),
    ];
    let item = |place| OrderItem {
        place,
        price_type: PriceTypeIx(1),
    };
    let line = |kind, amount_minor, tax_minor| QuoteLine {
        kind,
        amount_minor,
        tax_minor,
    };
    let ticket = |place, price_type| LineKind::Ticket {
        item: 0,
        place,
        price_type,
    };
    let events = vec![
        Event::HoldPlaced {
            hold,
            fan,
            places: places.clone(),
            allocation: Some(allocation),
            placed_ms: 1_760_000_000_000,
            expires_ms: 1_760_000_600_000,
            max_expires_ms: 1_760_001_200_000,
        },
        Event::HoldChanged {
            hold,
            added: places[..1].into(),
            removed: places[1..].into(),
        },
        Event::HoldExtended {
            hold,
            expires_ms: 1_760_000_900_000,
        },
        Event::HoldReleased { hold },
        Event::HoldExpired { hold },
        Event::OrderConfirmed {
            order,
            hold,
            fan,
            items: places.iter().copied().map(item).collect(),
            voucher: Some("SUMMER24".into()),
            lines: vec![
                line(ticket(places[0], PriceTypeIx(1)), 50_00, 7_98),
                line(ticket(places[1], PriceTypeIx(0)), 40_00, 6_39),
                line(LineKind::Discount { item: 0 }, -5_00, -80),
                line(LineKind::TicketFee { fee: 2, item: 3 }, 1_25, 20),
                line(LineKind::OrderFee { fee: 1 }, 2_50, 40),
            ],
            total_minor: 88_75,
            quoted_ms: None,
        },
        Event::TicketsCancelled {
            order,
            places: places[2..].into(),
        },
        Event::SeatsExchanged {
            order,
            gave: vec![SeatIx(9), SeatIx(2)],
            took: seats.clone(),
        },
        Event::SeatsKilled {
            seats: seats.clone(),
        },
        Event::SeatsRevived {
            seats: seats.clone(),
        },
        Event::SeatsAllocated {
            allocation,
            seats: seats.clone(),
        },
        Event::AllocationReleased { allocation, seats },
    ];
    Batch {
        at_ms: 1_760_000_000_005,
        ..batch(2, [0xab; 32], events)
    }
}

/// Checked in: a ledger written today must be readable for ever.
#[test]
fn the_bytes_of_every_kind_of_event_never_drift() {
    let sealed = one_of_each().seal();
    let hex: String = sealed
        .bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let kept: String = include_str!("../fixtures/ledger-batch-v1.hex")
        .split_whitespace()
        .collect();
    assert_eq!(hex, kept);
    assert_eq!(Batch::decode(&sealed.bytes), Ok(one_of_each()));
}

#[test]
fn a_two_seat_hold_takes_fewer_than_64_bytes_beside_its_batch() {
    let placed = Event::HoldPlaced {
        hold: HoldId::from_u128(u128::MAX),
        fan: FanId::from_u128(u128::MAX),
        places: vec![Place::Seat(SeatIx(40_000)), Place::Seat(SeatIx(40_001))],
        allocation: None,
        placed_ms: 1_001,
        expires_ms: 601_001,
        max_expires_ms: 1_201_001,
    };
    let [without, with] = [vec![], vec![placed]].map(|events| batch(1, GENESIS, events).seal());
    let bytes = with.bytes.len() - without.bytes.len();
    assert!(bytes < 64, "{bytes} bytes");
}

#[test]
fn an_unknown_version_is_refused() {
    let mut bytes = one_of_each().seal().bytes;
    bytes[3] = b'2';
    assert_eq!(
        Batch::decode(&bytes).unwrap_err().what,
        "not a ledger batch of a known version"
    );
}

#[test]
fn an_unknown_kind_of_event_is_refused_where_it_stands() {
    let released = Event::HoldReleased {
        hold: HoldId::from_u128(7),
    };
    let mut bytes = batch(1, GENESIS, vec![released]).seal().bytes;
    let at = bytes.len() - 17;
    for kind in [0, 15, 255] {
        bytes[at] = kind;
        let error = Batch::decode(&bytes).unwrap_err();
        assert_eq!((error.at, error.what), (at, "unknown kind of event"));
    }
}

#[test]
fn a_sound_chain_is_followed_and_its_head_is_known() {
    let (first, second) = two();
    let mut replay = Replay::new(PERFORMANCE, empty_house());
    assert_eq!((replay.seq, replay.hash), (0, GENESIS));
    assert_eq!(replay.follow(&first).unwrap().seq, 1);
    replay.follow(&second).unwrap();
    assert_eq!(
        (replay.seq, replay.hash, replay.at_ms),
        (2, second.hash, 1_002)
    );
}

#[test]
fn a_ledger_is_followed_on_from_a_snapshot() {
    let (first, second) = two();
    let snapshot = |hash| Replay::from_snapshot(PERFORMANCE, empty_house(), 1, hash, 1_001);
    assert!(snapshot(first.hash).follow(&second).is_ok());
    let fault = snapshot(GENESIS).follow(&second);
    assert_eq!(fault, Err(LedgerFault::BrokenChain { seq: 2 }));
}

#[test]
fn a_missing_batch_is_a_gap() {
    let (_, second) = two();
    assert_eq!(
        follow(&[second]),
        Err(LedgerFault::Gap {
            expected: 1,
            found: 2
        })
    );
}

#[test]
fn a_batch_that_stands_twice_is_a_gap() {
    let (first, _) = two();
    assert_eq!(
        follow(&[first.clone(), first]),
        Err(LedgerFault::Gap {
            expected: 2,
            found: 1
        })
    );
}

#[test]
fn a_batch_that_names_another_before_it_breaks_the_chain() {
    let (first, _) = two();
    let stranger = batch(2, [1; 32], vec![]).seal();
    assert_eq!(
        follow(&[first, stranger]),
        Err(LedgerFault::BrokenChain { seq: 2 })
    );
}

#[test]
fn a_batch_of_another_performance_is_foreign() {
    let other = PerformanceId::from_u128(2);
    let foreign = Batch {
        performance: other,
        ..batch(1, GENESIS, vec![])
    }
    .seal();
    assert_eq!(follow(&[foreign]), Err(LedgerFault::Foreign { seq: 1 }));
}

#[test]
fn time_may_stand_still_but_not_go_back() {
    let (first, _) = two();
    let at = |at_ms| {
        Batch {
            at_ms,
            ..batch(2, first.hash, vec![])
        }
        .seal()
    };
    assert_eq!(follow(&[first.clone(), at(1_001)]), Ok(()));
    assert_eq!(
        follow(&[first.clone(), at(1_000)]),
        Err(LedgerFault::TimeWentBack { seq: 2 })
    );
}

#[test]
fn damaged_bytes_with_a_hash_of_their_own_are_damaged() {
    let sealed = {
        use sha2::{Digest, Sha256};
        let bytes = b"OSL1 and nonsense".to_vec();
        let hash = Sha256::digest(&bytes).into();
        Sealed { bytes, hash }
    };
    assert!(matches!(
        follow(&[sealed]),
        Err(LedgerFault::Damaged { seq: 1, .. })
    ));
}

fn any_place() -> impl Strategy<Value = Place> {
    prop_oneof![
        any::<u32>().prop_map(|ix| Place::Seat(SeatIx(ix))),
        (0..500_u32).prop_map(|ix| Place::Seat(SeatIx(ix))),
        any::<u16>().prop_map(|ix| Place::Area(AreaIx(ix))),
    ]
}

fn any_places() -> impl Strategy<Value = Vec<Place>> {
    prop::collection::vec(any_place(), 0..6)
}

fn any_seats() -> impl Strategy<Value = Vec<SeatIx>> {
    prop::collection::vec(any::<u32>().prop_map(SeatIx), 0..6)
}

fn any_line() -> impl Strategy<Value = QuoteLine> {
    let kind = prop_oneof![
        (0..8_u16, any_place(), any::<u8>()).prop_map(|(item, place, ix)| LineKind::Ticket {
            item,
            place,
            price_type: PriceTypeIx(ix)
        }),
        any::<u16>().prop_map(|item| LineKind::Discount { item }),
        any::<(u8, u16)>().prop_map(|(fee, item)| LineKind::TicketFee { fee, item }),
        any::<u8>().prop_map(|fee| LineKind::OrderFee { fee }),
    ];
    (kind, any::<i64>(), any::<i64>()).prop_map(|(kind, amount_minor, tax_minor)| QuoteLine {
        kind,
        amount_minor,
        tax_minor,
    })
}

/// Any event at all, also those that no `decide` would ever make.
fn any_event() -> impl Strategy<Value = Event> {
    let hold = || any::<u128>().prop_map(HoldId::from_u128);
    let order = || any::<u128>().prop_map(OrderId::from_u128);
    let fan = || any::<u128>().prop_map(FanId::from_u128);
    let allocation = || any::<u128>().prop_map(AllocationId::from_u128);
    let items = (any_places(), any::<u8>()).prop_map(|(places, ix)| {
        let item = |place| OrderItem {
            place,
            price_type: PriceTypeIx(ix),
        };
        places.into_iter().map(item).collect::<Vec<_>>()
    });
    prop_oneof![
        (
            hold(),
            fan(),
            any_places(),
            prop::option::of(allocation()),
            any::<[i64; 3]>()
        )
            .prop_map(|(hold, fan, places, allocation, times)| {
                let [placed_ms, expires_ms, max_expires_ms] = times;
                Event::HoldPlaced {
                    hold,
                    fan,
                    places,
                    allocation,
                    placed_ms,
                    expires_ms,
                    max_expires_ms,
                }
            }),
        (hold(), any_places(), any_places()).prop_map(|(hold, added, removed)| {
            Event::HoldChanged {
                hold,
                added,
                removed,
            }
        }),
        (hold(), any::<i64>())
            .prop_map(|(hold, expires_ms)| Event::HoldExtended { hold, expires_ms }),
        hold().prop_map(|hold| Event::HoldReleased { hold }),
        hold().prop_map(|hold| Event::HoldExpired { hold }),
        (
            (order(), hold(), fan()),
            items,
            prop::option::of(any::<String>()),
            prop::collection::vec(any_line(), 0..5),
            (any::<i64>(), any::<Option<i64>>()),
            any::<bool>(),
        )
            .prop_map(
                |(
                    (order, hold, fan),
                    items,
                    voucher,
                    mut lines,
                    (total_minor, quoted_ms),
                    plain,
                )| {
                    if let (true, Some(OrderItem { place, price_type })) = (plain, items.first()) {
                        let kind = LineKind::Ticket {
                            item: 0,
                            place: *place,
                            price_type: *price_type,
                        };
                        lines.push(QuoteLine {
                            kind,
                            amount_minor: 1,
                            tax_minor: 0,
                        });
                    }
                    Event::OrderConfirmed {
                        order,
                        hold,
                        fan,
                        items,
                        voucher,
                        lines,
                        total_minor,
                        quoted_ms,
                    }
                }
            ),
        (order(), any_places())
            .prop_map(|(order, places)| Event::TicketsCancelled { order, places }),
        (order(), any_seats(), any_seats()).prop_map(|(order, gave, took)| Event::SeatsExchanged {
            order,
            gave,
            took
        }),
        any::<bool>().prop_map(|_| Event::TermsSet {
            terms: Box::new(crate::office::house_and_terms().1.as_ref().clone()),
        }),
        any_seats().prop_map(|seats| Event::SeatsKilled { seats }),
        any_seats().prop_map(|seats| Event::SeatsRevived { seats }),
        (allocation(), any_seats())
            .prop_map(|(allocation, seats)| Event::SeatsAllocated { allocation, seats }),
        (allocation(), any_seats())
            .prop_map(|(allocation, seats)| Event::AllocationReleased { allocation, seats }),
    ]
}

prop_compose! {
    fn any_batch()(
        performance: u128, seq: u64, at_ms: i64, prev_hash: Hash,
        entries in prop::collection::vec(
            (any::<u128>(), prop::collection::vec(any_event(), 0..4)), 0..4),
    ) -> Batch {
        let entries = entries.into_iter().map(|(command, events)| {
            Entry { command: CommandId::from_u128(command), events }
        });
        let performance = PerformanceId::from_u128(performance);
        Batch { performance, seq, at_ms, prev_hash, entries: entries.collect() }
    }
}

proptest! {
    #[test]
    fn any_batch_reads_back_as_written(batch in any_batch()) {
        prop_assert_eq!(Batch::decode(&batch.seal().bytes), Ok(batch));
    }

    #[test]
    fn damaged_bytes_are_refused_or_are_the_canonical_form_of_another_batch(
        batch in any_batch(), at: prop::sample::Index, bits in 1_u8..,
    ) {
        let mut bytes = batch.seal().bytes;
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        if let Ok(other) = Batch::decode(&bytes) {
            prop_assert_ne!(&other, &batch);
            prop_assert_eq!(other.seal().bytes, bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes: Vec<u8>) {
        let _ = Batch::decode(&bytes);
        bytes.splice(0..0, *b"OSL1");
        let _ = Batch::decode(&bytes);
    }

    #[test]
    fn a_flipped_bit_anywhere_in_a_row_is_found(
        batch in any_batch(), at: prop::sample::Index, bit in 0..8_u8,
    ) {
        let mut sealed = batch.seal();
        let at = at.index(sealed.bytes.len() + sealed.hash.len());
        let length = sealed.bytes.len();
        match at.checked_sub(length) {
            None => sealed.bytes[at] ^= 1 << bit,
            Some(at) => sealed.hash[at] ^= 1 << bit,
        }
        let mut replay = Replay::new(batch.performance, empty_house());
        prop_assert_eq!(replay.follow(&sealed), Err(LedgerFault::BrokenChain { seq: 1 }));
    }

    /// Somebody who alters a row and hashes it anew is found at the next row.
    #[test]
    fn a_row_that_was_altered_and_hashed_anew_breaks_the_chain_after_it(at_ms in 0..1_001_i64) {
        let (_, second) = two();
        let altered = Batch { at_ms, ..batch(1, GENESIS, vec![]) }.seal();
        prop_assert_eq!(follow(&[altered, second]), Err(LedgerFault::BrokenChain { seq: 2 }));
    }
}
