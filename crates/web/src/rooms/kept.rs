//! What this browser keeps of waiting rooms, where a closed tab does not take it along.

use booking_core::PerformanceId;
use onsale_queue::Place;
use onsale_queue::draw::Commitment;
use onsale_queue::wire::Wishes;
use serde::{Deserialize, Serialize};

use crate::api::{Admitted, Joined, Offer};
use crate::browser::{self, Store};

/// A place in line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Proves the place; whoever has it has the place.
    pub(crate) pass: String,
    pub(crate) place: Place,
    pub(crate) joined_ms: i64,
    #[serde(default)]
    pub(crate) wishes: Wishes,
    /// How many were ahead when the way to the front began; what the bar is measured by.
    #[serde(default)]
    pub(crate) began_at: Option<u64>,
    /// The draw's commitment, as it was seen before the draw.
    #[serde(default)]
    pub(crate) seen: Option<Commitment>,
}

impl Kept {
    /// With what only this browser knows taken over from what was kept before.
    pub(crate) fn from_joined(joined: Joined, before: Option<&Self>) -> Self {
        let same = before.filter(|kept| kept.place == joined.place);
        Self {
            pass: joined.pass,
            place: joined.place,
            joined_ms: joined.joined_ms,
            wishes: joined.wishes,
            began_at: same.and_then(|kept| kept.began_at),
            seen: same.and_then(|kept| kept.seen),
        }
    }
}

/// A visit to the shop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Visit {
    pub(crate) room: String,
    pub(crate) admission: String,
    pub(crate) expires_ms: i64,
    pub(crate) idle_ms: i64,
    #[serde(default)]
    pub(crate) offer: Option<Offer>,
}

fn place_key(room: &str) -> String {
    format!("onsale.place.{room}")
}

/// Whether `key` is where the place in `room` is kept.
pub(crate) fn is_place_key(key: &str, room: &str) -> bool {
    key == place_key(room)
}

fn visit_key(performance: PerformanceId) -> String {
    format!("onsale.visit.{performance}")
}

fn from_key(room: &str) -> String {
    format!("onsale.from.{room}")
}

fn read<T: serde::de::DeserializeOwned>(key: &str) -> Option<T> {
    serde_json::from_str(&browser::recall(Store::Lasting, key)?).ok()
}

fn write<T: Serialize>(key: &str, value: &T) {
    if let Ok(text) = serde_json::to_string(value) {
        browser::remember(Store::Lasting, key, &text);
    }
}

/// The place in a room.
pub(crate) fn place(room: &str) -> Option<Kept> {
    read(&place_key(room))
}

pub(crate) fn keep_place(room: &str, kept: &Kept) {
    write(&place_key(room), kept);
}

pub(crate) fn forget_place(room: &str) {
    browser::forget(Store::Lasting, &place_key(room));
}

/// How a visitor is called at their turn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Notice,
    Sound,
}

/// Whether nobody has been called in this way for this place before; from now on somebody has.
pub(crate) fn first_call(room: &str, call: Call, place: Place) -> bool {
    let key = match call {
        Call::Notice => format!("onsale.called.notice.{room}"),
        Call::Sound => format!("onsale.called.sound.{room}"),
    };
    if read(&key) == Some(place) {
        return false;
    }
    write(&key, &place);
    true
}

/// Keeps a visit for everything it opens.
pub(crate) fn keep_visit(room: &str, admitted: &Admitted) {
    for performance in &admitted.performances {
        let offer = admitted
            .offer
            .clone()
            .filter(|offer| offer.performance_id == *performance);
        let visit = Visit {
            room: room.to_owned(),
            admission: admitted.admission.clone(),
            expires_ms: admitted.expires_ms,
            idle_ms: admitted.idle_ms,
            offer,
        };
        write(&visit_key(*performance), &visit);
    }
}

/// The visit that opens a performance, while it lasts.
pub(crate) fn visit_of(performance: PerformanceId) -> Option<Visit> {
    read::<Visit>(&visit_key(performance)).filter(|visit| visit.expires_ms > browser::now_ms())
}

/// The visit that opened a performance, though its time may be past.
pub(crate) fn last_visit_of(performance: PerformanceId) -> Option<Visit> {
    read(&visit_key(performance))
}

pub(crate) fn update_visit(performance: PerformanceId, visit: &Visit) {
    write(&visit_key(performance), visit);
}

/// The visit is over; the place it came from is used up.
pub(crate) fn forget_visit(performance: PerformanceId) {
    if let Some(visit) = last_visit_of(performance) {
        forget_place(&visit.room);
    }
    browser::forget(Store::Lasting, &visit_key(performance));
}

/// Forgets a visit whose time is past; whether there was one.
pub(crate) fn forget_past_visit(performance: PerformanceId) -> bool {
    let past = visit_of(performance).is_none() && last_visit_of(performance).is_some();
    if past {
        forget_visit(performance);
    }
    past
}

/// Which performance the visitor came from to a room.
pub(crate) fn came_from(room: &str) -> Option<PerformanceId> {
    browser::recall(Store::Lasting, &from_key(room))?
        .parse()
        .ok()
}

pub(crate) fn keep_came_from(room: &str, performance: PerformanceId) {
    browser::remember(Store::Lasting, &from_key(room), &performance.to_string());
}
