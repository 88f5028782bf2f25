//! The demo's waiting room: in front of the stadium's concert, quiet until a rush, so that it can be
//! tried with one click.

use super::named;
use crate::rooms::Purchase;
use crate::store::StoreError;
use crate::store::rooms::{RoomRow, RoomTable};
use booking_core::PerformanceId;
use onsale_queue::RoomId;
use onsale_queue::wire::RoomSettings;

/// What it stands in front of.
pub const PERFORMANCE: &str = "The Lanterns";

/// What the room is set to: small enough that a rush of a few hundred is a queue one can watch, and
/// over in a few minutes.
#[must_use]
pub fn settings() -> RoomSettings {
    RoomSettings {
        name: PERFORMANCE.to_owned(),
        rate_per_minute: 120,
        cap: 40,
        claim_ms: 60_000,
        late_ms: 5 * 60_000,
        shop_ms: 10 * 60_000,
        idle_ms: 90_000,
        auto_on_per_minute: Some(120),
        pow_bits: 12,
        ..RoomSettings::default()
    }
}

/// The room's id: an address noted down yesterday still leads there.
#[must_use]
pub fn id() -> RoomId {
    RoomId(*named("room", PERFORMANCE).as_bytes())
}

/// Writes the room into an empty folder.
pub async fn make(table: &dyn RoomTable, now_ms: i64) -> Result<RoomId, StoreError> {
    let text = |value: serde_json::Result<String>| {
        value.map_err(|error| StoreError::Failed(error.to_string()))
    };
    let row = RoomRow {
        room: id().0,
        made_ms: now_ms,
        settings: text(serde_json::to_string(&settings()))?,
        authority: text(serde_json::to_string(&Purchase::default()))?,
        demo: true,
        state: None,
        performances: vec![PerformanceId::from(named("performance", PERFORMANCE))],
    };
    // The folder is empty: it is the first.
    table.add_room(row, 1).await?;
    Ok(id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_demos_room_is_set_to_is_without_fault() {
        assert_eq!(settings().faults(), []);
    }

    #[test]
    fn the_season_has_the_performance_that_the_room_protects() {
        let season = super::super::season::season(1_790_000_000_000, None).unwrap();
        assert!(season.iter().any(|show| show.title == PERFORMANCE));
    }
}
