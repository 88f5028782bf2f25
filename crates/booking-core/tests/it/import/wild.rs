//! Plans that others wrote. They are not ours to give away, so they are not in this repository: the
//! tests read them from the folder `ONSALE_PLANS`, or from `../shared/seating-plans` beside it.

use super::*;
use std::path::PathBuf;

/// The bytes of a plan, or `None` (said aloud) where the plans are not at hand.
fn plan(file: &str) -> Option<Vec<u8>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/seating-plans");
    let folder = std::env::var_os("ONSALE_PLANS").map_or_else(|| beside.into(), PathBuf::from);
    let bytes = std::fs::read(folder.join(file));
    if bytes.is_err() {
        assert!(
            std::env::var_os("ONSALE_PLANS").is_none(),
            "ONSALE_PLANS has no {file}"
        );
        eprintln!("not tested: {file} is not there (set ONSALE_PLANS to a folder of plans)");
    }
    bytes.ok()
}

#[test]
fn a_real_stadium_loads_with_its_missing_numbers_as_aisles() {
    let Some(bytes) = plan("metalist-kharkiv-39k.json") else {
        return;
    };
    let imported = import(&bytes);
    let summary = &imported.summary;
    assert_eq!(
        (summary.sections, summary.rows_built, summary.seats_built),
        (58, 1_453, 39_616)
    );
    assert_eq!(
        (summary.bands, summary.aisles),
        (4, 9),
        "nine rows leave numbers out"
    );
    assert_eq!(imported.map.shapes()[0].kind, ShapeKind::Stage, "the pitch");
    let bytes = imported.map.encode();
    assert!(bytes.len() < 3 * 39_616, "{} bytes", bytes.len());
    assert_eq!(SeatMap::decode(&bytes).unwrap(), imported.map);
}

#[test]
fn a_hall_of_rows_of_hundreds_loads_with_its_outlines() {
    let Some(bytes) = plan("ticketland-demo-hall.json") else {
        return;
    };
    let imported = import(&bytes);
    let summary = &imported.summary;
    assert_eq!(
        (summary.sections, summary.rows_built, summary.seats_built),
        (6, 10, 1_115)
    );
    assert_eq!((summary.outlines, summary.bands), (6, 6));
    assert_eq!(summary.repairs[&MissingName], 1, "the blank row name");
    // The dance floor is one row of 30 lines of 30 seats.
    let floor = &imported.map.rows()[0];
    assert_eq!(floor.seats.len(), 900);
    let breaks = floor
        .seats
        .clone()
        .filter(|seat| imported.map.next(SeatIx(*seat)).is_none());
    assert_eq!(breaks.count(), 30);
}

#[test]
fn a_demo_stadium_with_guids_used_eight_times_loads_every_seat() {
    let Some(bytes) = plan("seatmap-canvas-stadium.json") else {
        return;
    };
    let imported = import(&bytes);
    let summary = &imported.summary;
    assert_eq!(
        (summary.sections, summary.rows_built, summary.seats_built),
        (2, 90, 738)
    );
    assert_eq!(summary.repairs[&RepeatedGuid], 126);
    assert!(
        imported
            .repairs
            .iter()
            .any(|repair| repair.what.contains("is used by 8 seats"))
    );
    assert_eq!((summary.categories, summary.bands), (5, 4));
    assert_eq!(summary.repairs[&UnusedCategory], 1);
}
