//! Places by the names fans know them by: `Stalls, row C, seats 12 and 13`.

use booking_core::price::Place;
use booking_core::{AreaIx, RowIx, SeatIx};

use super::Speaker;
use crate::i18n::fill;

/// More rows than this are not listed one by one.
const MOST_GROUPS: usize = 4;

/// Places that are named together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Seats of one row, in order.
    Row(RowIx, Vec<SeatIx>),
    /// People in one area.
    Area(AreaIx, u32),
}

/// Seats by row and places by area, in the order of the house.
pub(crate) fn group_places(places: &[Place], row_of: impl Fn(SeatIx) -> RowIx) -> Vec<Group> {
    let mut sorted = places.to_vec();
    sorted.sort_unstable();
    let mut groups: Vec<Group> = Vec::new();
    for place in sorted {
        match (place, groups.last_mut()) {
            (Place::Seat(seat), Some(Group::Row(row, seats))) if *row == row_of(seat) => {
                seats.push(seat);
            }
            (Place::Seat(seat), _) => groups.push(Group::Row(row_of(seat), vec![seat])),
            (Place::Area(area), Some(Group::Area(known, people))) if *known == area => *people += 1,
            (Place::Area(area), _) => groups.push(Group::Area(area, 1)),
        }
    }
    groups
}

/// Seats in words. Seats the map does not have are left out.
pub(crate) fn seats_in_words(seats: &[SeatIx], speaker: &Speaker<'_>) -> String {
    let places: Vec<Place> = seats.iter().copied().map(Place::Seat).collect();
    places_in_words(&places, speaker)
}

/// One place in words.
pub(crate) fn place_in_words(place: Place, speaker: &Speaker<'_>) -> String {
    places_in_words(&[place], speaker)
}

/// Places in words.
pub(crate) fn places_in_words(places: &[Place], speaker: &Speaker<'_>) -> String {
    let map = speaker.map;
    let known: Vec<Place> = places
        .iter()
        .copied()
        .filter(|place| match place {
            Place::Seat(seat) => map.has_seat(*seat),
            Place::Area(area) => map.area(*area).is_some(),
        })
        .collect();
    let groups = group_places(&known, |seat| map.row_of(seat));
    if groups.len() > MOST_GROUPS {
        return fill(
            speaker.texts.so_many_places,
            &[("n", &known.len().to_string())],
        );
    }
    let said: Vec<String> = groups
        .iter()
        .map(|group| group_in_words(group, speaker))
        .collect();
    said.join("; ")
}

fn group_in_words(group: &Group, speaker: &Speaker<'_>) -> String {
    let (texts, map) = (speaker.texts, speaker.map);
    match group {
        Group::Row(row, seats) => {
            let row = &map.rows()[row.index()];
            let section = &map.sections()[row.section.index()].name;
            let labels: Vec<String> = seats
                .iter()
                .map(|seat| map.label(*seat).to_owned())
                .collect();
            let sentence = match (labels.len(), row.name.is_empty()) {
                (1, false) => texts.place_row_seat,
                (_, false) => texts.place_row_seats,
                (1, true) => texts.place_seat,
                (_, true) => texts.place_seats,
            };
            let seats = speaker.formats.list(&labels);
            fill(
                sentence,
                &[("section", section), ("row", &row.name), ("seats", &seats)],
            )
        }
        Group::Area(area, people) => {
            let name = map.area(*area).map_or("", |area| area.name.as_str());
            if *people == 1 {
                name.to_owned()
            } else {
                fill(
                    texts.place_area,
                    &[("area", name), ("n", &people.to_string())],
                )
            }
        }
    }
}
