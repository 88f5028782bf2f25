//! What a seat is and what has happened, in words. Names and reasons are those of [`crate::words`], which
//! the checkout speaks with too.

use booking_core::decide::Warning;
use booking_core::price::Place;
use booking_core::seatmap::SeatAttributes;
use booking_core::{Rejection, SeatIx, SeatMap, SeatStatus};

use super::state::{Picker, Told};
use crate::i18n::{I18n, Lang, SeatTexts, count, fill};
use crate::words;
use leptos::prelude::WithUntracked;

/// A place by name: `Stalls, row C, seat 12`.
pub(crate) fn place(picker: Picker, lang: Lang, place: Place) -> String {
    picker.speak(lang, |speaker| words::place_in_words(place, speaker))
}

/// What is special about a seat.
pub(crate) fn attributes(map: &SeatMap, t: &SeatTexts, seat: SeatIx) -> Vec<&'static str> {
    let all = [
        (SeatAttributes::WHEELCHAIR, t.wheelchair),
        (SeatAttributes::COMPANION, t.companion),
        (SeatAttributes::RESTRICTED_VIEW, t.restricted_view),
        (SeatAttributes::EXTRA_LEGROOM, t.extra_legroom),
        (SeatAttributes::STEP_FREE, t.step_free),
    ];
    let has = map.attributes(seat);
    all.into_iter()
        .filter(|(flag, _)| has.contains(*flag))
        .map(|(_, word)| word)
        .collect()
}

/// A status in a word or two.
pub(crate) fn status(t: &SeatTexts, status: SeatStatus, yours: bool) -> &'static str {
    match (yours, status) {
        (true, _) => t.is_yours,
        (_, SeatStatus::Free) => t.is_free,
        (_, SeatStatus::Held) => t.is_held,
        (_, SeatStatus::Sold) => t.is_sold,
        (_, SeatStatus::Closed) => t.is_closed,
    }
}

/// Everything about a seat, as a screen reader hears it.
pub(crate) fn seat_aloud(picker: Picker, lang: Lang, ix: SeatIx) -> String {
    let t = lang.seat_texts();
    let map = picker.map();
    let band = map.band(ix);
    let mut parts = vec![place(picker, lang, Place::Seat(ix))];
    if let Some(band_name) = map.bands().get(band.index()) {
        parts.push(band_name.name.clone());
    }
    let price = picker.house(|house| super::choice::usual_price(&house.terms, band));
    parts.extend(price.map(|price| picker.money(lang, price)));
    parts.extend(attributes(&map, t, ix).into_iter().map(str::to_owned));
    let now = picker.view(|view| view.status(ix));
    let yours = picker
        .chosen
        .with_untracked(|c| c.iter().any(|c| c.place == Place::Seat(ix)));
    parts.push(status(t, now, yours).to_owned());
    parts.join(", ")
}

/// A piece of news as a sentence or two.
pub(crate) fn told(picker: Picker, i18n: I18n, told: &Told) -> String {
    let (lang, t) = (i18n.lang(), i18n.seat_t());
    let seat = |seat: SeatIx| place(picker, lang, Place::Seat(seat));
    match told {
        Told::Refused(no) => rejection(picker, lang, no),
        Told::NotFree(ix, now) => {
            let sentence = match now {
                SeatStatus::Held | SeatStatus::Free => t.no_held,
                SeatStatus::Sold => t.no_sold,
                SeatStatus::Closed => t.no_closed,
            };
            fill(sentence, &[("seat", &seat(*ix))])
        }
        Told::Gone { seat: ix, like } => {
            let gone = fill(t.gone, &[("seats", &seat(*ix))]);
            let then = match like {
                Some(like) => fill(t.nearest_like, &[("seat", &seat(*like))]),
                None => t.gone_nothing_like.to_owned(),
            };
            format!("{gone} {then}")
        }
        Told::Warned(hint) => warning(picker, lang, hint),
        Told::Ended { gone } if gone.is_empty() => t.ended_free.to_owned(),
        Told::Ended { gone } => {
            let names = picker.speak(lang, |speaker| words::seats_in_words(gone, speaker));
            fill(t.ended_gone, &[("seats", &names)])
        }
        Told::Failed(failure) => {
            picker.speak(lang, |speaker| words::words_for_failure(failure, speaker))
        }
    }
}

/// Why not.
pub(crate) fn rejection(picker: Picker, lang: Lang, no: &Rejection) -> String {
    picker.speak(lang, |speaker| words::words_for_rejection(no, speaker))
}

/// What is worth knowing.
pub(crate) fn warning(picker: Picker, lang: Lang, hint: &Warning) -> String {
    picker.speak(lang, |speaker| words::words_for_warning(hint, speaker))
}

/// `1 seat`, `4 seats`.
pub(crate) fn how_many(t: &SeatTexts, n: usize) -> String {
    count(u32::try_from(n).unwrap_or(u32::MAX), t.seats_one, t.seats_n)
}
