//! Best available: what fans get who say only how many they are.

use booking_core::best::{Accessible, Remaining, Search, best_available, remaining};
use booking_core::seatmap::{SeatAttributes, SeatMap};
use booking_core::seatset::SeatSet;
use booking_core::test_support::*;
use booking_core::*;
use proptest::prelude::*;
use std::sync::Arc;

use crate::support::*;

fn search(quantity: u16) -> Search<'static> {
    Search {
        quantity,
        bands: &[],
        together: false,
        accessible: Accessible::Never,
    }
}
fn together(quantity: u16) -> Search<'static> {
    Search {
        together: true,
        ..search(quantity)
    }
}

/// A house drawn with its taken seats: `-` is taken.
fn picture(rows: &[&str]) -> (Arc<SeatMap>, SeatSet) {
    let plan: Vec<String> = rows.iter().map(|row| row.replace('-', ".")).collect();
    let plan: Vec<&str> = plan.iter().map(String::as_str).collect();
    let map = drawn(&plan);
    let mut open = SeatSet::full(map.seat_count());
    let marks = rows.iter().flat_map(|row| row.chars());
    for (i, mark) in (0..).zip(marks.filter(|mark| *mark != ' ')) {
        if mark == '-' {
            open.remove(SeatIx(i));
        }
    }
    (map, open)
}
fn found(rows: &[&str], search: Search<'_>) -> Option<Vec<u32>> {
    let (map, open) = picture(rows);
    let seats = best_available(&map, &open, search)?;
    Some(seats.iter().map(|seat| seat.0).collect())
}

#[test]
fn a_party_sits_in_the_middle_of_the_front_row() {
    let rows = ["........", "........"];
    assert_eq!(found(&rows, search(2)), Some(vec![3, 4]));
    assert_eq!(found(&rows, search(4)), Some(vec![2, 3, 4, 5]));
    assert_eq!(found(&rows, search(8)), Some((0..8).collect()));
}

#[test]
fn ties_go_to_the_lower_index() {
    assert_eq!(found(&["........"], search(1)), Some(vec![3]));
}

#[test]
fn a_party_stays_together_in_a_row_further_back() {
    let rows = ["..-..-..", "........"];
    assert_eq!(found(&rows, search(4)), Some(vec![10, 11, 12, 13]));
}

#[test]
fn a_party_does_not_sit_across_an_aisle_or_a_taken_seat() {
    assert_eq!(found(&["... ..."], together(4)), None);
    assert_eq!(found(&["...-..."], together(4)), None);
    assert_eq!(found(&["...", "..."], together(4)), None);
}

#[test]
fn nobody_is_left_alone_where_that_can_be_avoided() {
    // The middle two would leave one seat on either side.
    assert_eq!(found(&["--....--"], together(2)), Some(vec![2, 3]));
    // The front row would leave one; the back row fits.
    assert_eq!(
        found(&["--...---", "---..---"], together(2)),
        Some(vec![11, 12])
    );
    // It cannot be avoided.
    assert_eq!(found(&["--...---"], together(2)), Some(vec![3, 4]));
}

#[test]
fn a_party_that_cannot_sit_together_is_split_into_few_even_groups() {
    // Three and two beside each other, not four and one.
    let rows = ["....-....", "...-..-.."];
    let seats = found(&rows, search(5)).unwrap();
    let (map, _) = picture(&rows);
    assert_eq!(group_sizes(&map, &seats), [3, 2]);
    assert_eq!(found(&rows, together(5)), None);
    // As few groups as there can be: two of three, though two of two would be nearer.
    let rows = ["..-..-..", "--...-...--"];
    let seats = found(&rows, search(6)).unwrap();
    let (map, _) = picture(&rows);
    assert_eq!(group_sizes(&map, &seats), [3, 3]);
}

#[test]
fn groups_of_a_party_are_near_each_other() {
    // The pairs at the far left of the second row, not the one at the far right of the first.
    let rows = ["..----------------..", "..----------------.."];
    let seats = found(&rows, search(4)).unwrap();
    assert_eq!(seats, [0, 1, 20, 21]);
}

#[test]
fn too_few_seats_give_nobody_anything() {
    assert_eq!(found(&["--..--.-"], search(4)), None);
    assert_eq!(found(&["........"], search(0)), None);
    let (map, open) = picture(&["--..--.-"]);
    let rest = Remaining {
        most_together: 2,
        left: 3,
    };
    assert_eq!(remaining(&map, &open, search(4)), rest);
}

#[test]
fn only_the_wanted_bands_are_searched() {
    let rows = ["0000", "1111", "2211"];
    let bands = [BandIx(1)];
    let in_band = |quantity| Search {
        bands: &bands,
        ..search(quantity)
    };
    assert_eq!(found(&rows, in_band(2)), Some(vec![4, 5]));
    assert_eq!(found(&rows, in_band(5)), Some(vec![4, 5, 6, 10, 11]));
    assert_eq!(found(&rows, in_band(7)), None);
    let (map, open) = picture(&rows);
    let rest = Remaining {
        most_together: 4,
        left: 6,
    };
    assert_eq!(remaining(&map, &open, in_band(7)), rest);
}

#[test]
fn accessible_seats_are_given_to_those_who_need_them_and_to_no_others() {
    let rows = ["..wc..", "......"];
    let with = |accessible, quantity| Search {
        accessible,
        together: true,
        ..search(quantity)
    };
    assert_eq!(
        found(&rows, with(Accessible::Never, 3)),
        Some(vec![6, 7, 8])
    );
    assert_eq!(found(&rows, with(Accessible::Needed, 2)), Some(vec![2, 3]));
    let rows = ["..wc..", "--..--"];
    assert_eq!(found(&rows, with(Accessible::Never, 3)), None);
    assert_eq!(
        found(&rows, with(Accessible::IfNothingElse, 2)),
        Some(vec![0, 1])
    );
    assert_eq!(
        found(&rows, with(Accessible::IfNothingElse, 4)),
        Some(vec![0, 1, 2, 3])
    );
    assert_eq!(found(&["......"], with(Accessible::Needed, 2)), None);
}

#[test]
fn a_companion_seat_alone_is_no_wheelchair_place() {
    let needed = |quantity| Search {
        accessible: Accessible::Needed,
        ..search(quantity)
    };
    // The companion seat is nearer, but of no use.
    assert_eq!(found(&["...c...", "...w..."], needed(1)), Some(vec![10]));
    assert_eq!(found(&["...cw--"], needed(2)), Some(vec![3, 4]));
    assert_eq!(found(&["...c..."], needed(1)), None);
    assert_eq!(found(&["...c..."], needed(2)), None);
    let rest = |rows: &[&str]| {
        let (map, open) = picture(rows);
        remaining(&map, &open, needed(3))
    };
    assert_eq!(rest(&["...c..."]), Remaining::default());
    let beside = Remaining {
        most_together: 2,
        left: 7,
    };
    assert_eq!(rest(&["wc ....."]), beside);
}

#[test]
fn companions_who_find_no_room_beside_a_wheelchair_space_sit_near_it() {
    let rows = ["....w.....w....", "..............."];
    let needed = Search {
        accessible: Accessible::Needed,
        ..search(3)
    };
    assert_eq!(found(&["w --..-", "......."], needed), Some(vec![0, 6, 7]));
    // Together where there is room.
    let seats = found(&rows, needed).unwrap();
    let (map, _) = picture(&rows);
    assert_eq!(group_sizes(&map, &seats), [3]);
}

#[test]
fn parties_larger_than_a_word_sit_together() {
    let (map, mut open) = (house(1, 3, 150), SeatSet::full(450));
    let seats = best_available(&map, &open, together(100)).unwrap();
    assert_eq!(seats, (25..125).map(SeatIx).collect::<Vec<_>>());
    open.remove(seat(75));
    let seats = best_available(&map, &open, together(100)).unwrap();
    assert_eq!(seats, (175..275).map(SeatIx).collect::<Vec<_>>());
    // Two hundred need two groups.
    let seats = best_available(&map, &open, search(200)).unwrap();
    let seats: Vec<u32> = seats.iter().map(|seat| seat.0).collect();
    assert_eq!(group_sizes(&map, &seats), [100, 100]);
}

#[test]
fn the_last_place_in_a_nearly_full_house_is_found() {
    let map = house(20, 50, 12);
    let mut open = SeatSet::empty(map.seat_count());
    // Lone seats everywhere, so that every run must be looked at; one place for three.
    for seat in (0..map.seat_count()).step_by(3) {
        open.insert(SeatIx(seat));
    }
    let last = map.seat_count() - 5;
    for seat in last..last + 3 {
        open.insert(SeatIx(seat));
    }
    let seats = best_available(&map, &open, together(3)).unwrap();
    assert_eq!(Some(seats), slow_best(&map, &open, together(3)));
}

fn group_sizes(map: &SeatMap, seats: &[u32]) -> Vec<usize> {
    let seats: Vec<SeatIx> = seats.iter().copied().map(SeatIx).collect();
    let groups = seats.chunk_by(|a, b| map.next(*a) == Some(*b));
    let mut sizes: Vec<usize> = groups.map(<[SeatIx]>::len).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes
}

/// The same by looking at everything.
fn slow_best(map: &SeatMap, open: &SeatSet, search: Search<'_>) -> Option<Vec<SeatIx>> {
    let may_give = |seat: SeatIx, unkept: bool| {
        open.contains(seat)
            && (search.bands.is_empty() || search.bands.contains(&map.band(seat)))
            && (unkept || !map.attributes(seat).is_accessible())
    };
    let block = |start: SeatIx| {
        let mut seats = vec![start];
        while seats.len() < search.quantity.into() {
            seats.push(map.next(*seats.last()?)?);
        }
        Some(seats)
    };
    let distance = |seat: &SeatIx| {
        let (at, focal) = (map.point(*seat), map.focal_point());
        let (dx, dy) = (i64::from(at.x - focal.x), i64::from(at.y - focal.y));
        (dx * dx + dy * dy).isqrt()
    };
    let strands = |seats: &[SeatIx]| {
        let free = |seat: Option<SeatIx>| {
            seat.filter(|seat| open.contains(*seat) && !seats.contains(seat))
        };
        let all = (0..map.seat_count()).map(SeatIx);
        let beside = |seat: SeatIx| {
            let neighbours = [map.prev(seat), map.next(seat)];
            neighbours
                .into_iter()
                .flatten()
                .any(|seat| seats.contains(&seat))
        };
        all.filter(|seat| free(Some(*seat)).is_some() && beside(*seat))
            .any(|seat| {
                free(map.prev(seat)).is_none()
                    && free(map.next(seat)).is_none()
                    && !map.attributes(seat).is_accessible()
            })
    };
    let passes: &[(bool, bool)] = match search.accessible {
        Accessible::Never => &[(false, false)],
        Accessible::IfNothingElse => &[(false, false), (true, false)],
        Accessible::Needed => &[(true, true)],
    };
    passes.iter().find_map(|(unkept, need)| {
        let starts = (0..map.seat_count()).map(SeatIx);
        let blocks = starts.filter_map(block).filter(|seats| {
            seats.iter().all(|seat| may_give(*seat, *unkept))
                && (!need
                    || seats
                        .iter()
                        .any(|seat| map.attributes(*seat).contains(SeatAttributes::WHEELCHAIR)))
        });
        blocks.min_by_key(|seats| {
            let cost: i64 = seats.iter().map(distance).sum();
            (strands(seats), cost, seats[0])
        })
    })
}

fn some_accessible() -> impl Strategy<Value = Accessible> {
    prop_oneof![
        Just(Accessible::Never),
        Just(Accessible::IfNothingElse),
        Just(Accessible::Needed)
    ]
}

/// Rows of seats, wheelchair spaces, aisles and two bands, and which of the seats are taken.
fn some_house() -> impl Strategy<Value = (Arc<SeatMap>, SeatSet)> {
    let letter =
        prop_oneof![6 => Just('.'), 4 => Just('1'), 1 => Just('w'), 1 => Just('c'), 1 => Just(' ')];
    let row = proptest::collection::vec(letter, 1..40)
        .prop_map(|letters| format!("{}.", letters.into_iter().collect::<String>()));
    let rows = proptest::collection::vec(row, 1..8);
    (rows, 0..100_u32, any::<u64>()).prop_map(|(rows, sold_percent, seed)| {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let map = drawn(&rows);
        let mut open = SeatSet::full(map.seat_count());
        let mut dice = seed | 1;
        for seat in (0..map.seat_count()).map(SeatIx) {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            if dice % 100 < u64::from(sold_percent) {
                open.remove(seat);
            }
        }
        (map, open)
    })
}

proptest! {
    #[test]
    fn nothing_better_is_found_by_looking_at_everything(
        (map, open) in some_house(),
        quantity in 1..7_u16,
        accessible in some_accessible(),
        band in proptest::option::of(0..2_u8),
    ) {
        let bands: Vec<BandIx> = band.map(BandIx).into_iter().collect();
        let search = Search { quantity, bands: &bands, together: true, accessible };
        prop_assert_eq!(best_available(&map, &open, search), slow_best(&map, &open, search));
    }

    #[test]
    fn a_party_gets_seats_exactly_if_there_are_enough_in_as_few_groups_as_can_be(
        (map, open) in some_house(),
        quantity in 1..12_u16,
    ) {
        let seats = best_available(&map, &open, search(quantity));
        let rest = remaining(&map, &open, search(quantity));
        prop_assert_eq!(seats.is_some(), rest.left >= u32::from(quantity));
        let Some(seats) = seats else { return Ok(()) };
        prop_assert_eq!(seats.len(), usize::from(quantity));
        prop_assert!(seats.is_sorted_by(|a, b| a < b));
        for seat in &seats {
            prop_assert!(open.contains(*seat) && !map.attributes(*seat).is_accessible());
        }
        // Runs of free neighbours, longest first: so many are needed at least.
        let free: Vec<SeatIx> =
            open.iter().filter(|seat| !map.attributes(*seat).is_accessible()).collect();
        let mut runs: Vec<usize> =
            free.chunk_by(|a, b| map.next(*a) == Some(*b)).map(<[SeatIx]>::len).collect();
        runs.sort_unstable_by(|a, b| b.cmp(a));
        let mut room = 0;
        let needed = runs.iter().take_while(|run| {
            let enough = room >= usize::from(quantity);
            room += **run;
            !enough
        });
        let seats: Vec<u32> = seats.iter().map(|seat| seat.0).collect();
        prop_assert!(group_sizes(&map, &seats).len() <= needed.count());
    }

    #[test]
    fn the_gap_rule_never_refuses_seats_that_were_found_together(
        (map, open) in some_house(),
        quantity in 1..7_u16,
        needs_accessible in any::<bool>(),
    ) {
        let rules = terms::BookingRules {
            single_seat_gap: terms::GapRule::ForbidUnlessUnavoidable,
            ..terms::BookingRules::default()
        };
        let accessible =
            if needs_accessible { Accessible::Needed } else { Accessible::Never };
        let search = Search { accessible, ..together(quantity) };
        let Some(seats) = best_available(&map, &open, search) else { return Ok(()) };
        let choice = rule::Choice {
            map: &map,
            open: &open,
            seats: &seats,
            area_places: 0,
            needs_accessible,
            places_elsewhere: 0,
            rules: &rules,
            now_ms: T0,
        };
        prop_assert!(rule::check_choice(&choice).is_ok());
    }
}
