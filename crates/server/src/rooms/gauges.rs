//! What a room comes to, for whoever watches at night. The same on every server that shares the room.

use onsale_queue::RoomId;
use onsale_queue::RoomState;
use onsale_queue::wire::Figures;

/// Records the figures of a tick, and whether visitors are called in this state of the room.
pub(super) fn record(room: RoomId, state: RoomState, figures: &Figures) {
    let room = room.to_hex();
    let gauge = |name: &'static str, value: f64| {
        metrics::gauge!(name, "room" => room.clone()).set(value);
    };
    gauge("onsale_room_calling", f64::from(u8::from(state.calls())));
    gauge("onsale_room_waiting", figures.waiting as f64);
    gauge("onsale_room_active", figures.active.into());
    gauge("onsale_room_expected", figures.expected as f64);
    gauge("onsale_room_cap", figures.cap.into());
    gauge(
        "onsale_room_rate_per_minute",
        figures.rate_per_minute.into(),
    );
    if let Some(left) = figures.places_left {
        gauge("onsale_room_places_left", left as f64);
    }
    let counter = |name: &'static str, value: u64| {
        metrics::counter!(name, "room" => room.clone()).absolute(value);
    };
    let totals = &figures.totals;
    counter("onsale_room_arrivals", totals.arrivals);
    counter("onsale_room_joined", totals.joined);
    counter("onsale_room_called", totals.called);
    counter("onsale_room_admitted", totals.admitted);
    counter("onsale_room_no_shows", totals.no_shows);
    counter("onsale_room_completed", totals.completed);
    counter("onsale_room_abandoned", totals.abandoned);
    counter("onsale_room_expired", totals.expired);
}
