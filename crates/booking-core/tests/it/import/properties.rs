//! What holds for every file.

use super::*;
use booking_core::import::Summary;
use proptest::prelude::*;
use serde_json::{Value, json};

// Editors write floats; the core reads them without.
#[allow(clippy::disallowed_types)]
/// Numbers as plans have them: whole, with decimals, as text, or missing.
fn any_number() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => (-40..400_i32).prop_map(|n| json!(n * 5)),
        2 => (-4_000..40_000_i32).prop_map(|n| json!(f64::from(n) / 8.0)),
        1 => (0..400_i32).prop_map(|n| json!(n.to_string())),
        1 => Just(Value::Null),
    ]
}

fn any_position() -> impl Strategy<Value = Value> {
    prop_oneof![
        9 => (any_number(), any_number()).prop_map(|(x, y)| json!({"x": x, "y": y})),
        1 => Just(Value::Null),
    ]
}

fn any_name() -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => "[AB]?[0-9]{1,2}".prop_map(Value::from),
        1 => (0..20_u8).prop_map(Value::from),
        1 => Just(json!(" ")),
        1 => Just(Value::Null),
        1 => "\\PC{0,8}".prop_map(Value::from),
    ]
}

prop_compose! {
    fn any_seat()(
        number in any_name(), guid in any_name(), category in any_name(), at in any_position(),
        wheelchair: bool, null in 0..20_u8,
    ) -> Value {
        if null == 0 {
            return Value::Null;
        }
        json!({"seat_number": number, "seat_guid": guid, "category": category, "position": at,
            "wheelchair": wheelchair})
    }
}

prop_compose! {
    fn any_row()(
        number in any_name(), at in any_position(),
        seats in prop::collection::vec(any_seat(), 0..12),
    ) -> Value {
        json!({"row_number": number, "position": at, "seats": seats})
    }
}

prop_compose! {
    fn any_area()(
        at in any_position(), form in 0..5_u8, size in 0..300_u16, text in any_name(),
        capacity in prop::option::weighted(0.2, 0..500_u32), turn in -400..400_i32,
    ) -> Value {
        let mut area = json!({"position": at, "rotation": turn, "text": {"text": text}});
        match form {
            0 => area["rectangle"] = json!({"width": size, "height": size / 2}),
            1 => area["circle"] = json!({"radius": size}),
            2 => area["ellipse"] = json!({"radius": {"x": size, "y": 7.25}}),
            3 => area["polygon"] = json!({"points": [
                {"x": 0, "y": 0}, {"x": size, "y": 0}, {"x": size, "y": size}]}),
            _ => {}
        }
        if let Some(capacity) = capacity {
            area["capacity"] = json!(capacity);
        }
        area
    }
}

prop_compose! {
    fn any_plan()(
        name in any_name(),
        categories in prop::collection::vec(any_name(), 0..4),
        zones in prop::collection::vec((
            any_name(), any_position(), prop::collection::vec(any_row(), 0..6),
            prop::collection::vec(any_area(), 0..3),
        ), 1..4),
        standing in prop::option::of(0..100_u32),
    ) -> Value {
        let zones: Vec<Value> = zones.into_iter().map(|(name, at, rows, areas)| {
            json!({"name": name, "position": at, "rows": rows, "areas": areas})
        }).collect();
        let categories: Vec<Value> =
            categories.into_iter().map(|name| json!({"name": name})).collect();
        json!({"name": name, "categories": categories, "zones": zones, "standing": standing})
    }
}

fn assert_balanced(summary: &Summary) {
    let Summary {
        zones,
        rows,
        seats,
        areas,
        ..
    } = summary;
    assert_eq!(
        *zones,
        summary.sections + summary.empty_zones,
        "{summary:#?}"
    );
    assert_eq!(
        *rows,
        summary.rows_built + summary.joined_rows + summary.empty_rows
    );
    assert_eq!(
        *seats,
        summary.seats_built + summary.seats_dropped,
        "{summary:#?}"
    );
    let kept = summary.standing + summary.outlines + summary.shapes;
    assert_eq!(*areas, kept + summary.areas_dropped, "{summary:#?}");
}

/// The places of a plan that are `null` instead of a seat.
fn nulls(plan: &Value) -> usize {
    let lists = plan["zones"].as_array().unwrap().iter();
    lists
        .flat_map(|zone| zone["rows"].as_array().unwrap())
        .flat_map(|row| row["seats"].as_array().unwrap())
        .filter(|seat| seat.is_null())
        .count()
}

proptest! {
    #[test]
    fn nothing_of_a_plan_is_lost_untold(plan in any_plan()) {
        let bytes = serde_json::to_vec(&plan).unwrap();
        match pretix(&bytes, &ImportLimits::default()) {
            Ok(imported) => {
                assert_balanced(&imported.summary);
                prop_assert_eq!(imported.summary.seats_dropped as usize, nulls(&plan));
                prop_assert_eq!(imported.map.seat_count(), imported.summary.seats_built);
                prop_assert_eq!(imported.map.rows().len() as u32, imported.summary.rows_built);
                prop_assert_eq!(imported.map.shapes().len() as u32, imported.summary.shapes);
                prop_assert_eq!(imported.map.areas().len() as u32, imported.summary.standing);
            }
            Err(faults) => {
                prop_assert!(faults.0.iter().all(|f| f.what.contains("nothing to sell")), "{}", faults);
            }
        }
    }

    #[test]
    fn the_same_file_gives_the_same_map(plan in any_plan()) {
        let bytes = serde_json::to_vec(&plan).unwrap();
        let pretty = serde_json::to_vec_pretty(&plan).unwrap();
        let read = |bytes: &[u8]| pretix(bytes, &ImportLimits::default()).map(|read| read.map);
        prop_assert_eq!(read(&bytes), read(&bytes));
        prop_assert_eq!(read(&bytes), read(&pretty), "white space does not count");
    }

    #[test]
    fn a_damaged_file_never_panics_and_is_json_or_refused(
        at: prop::sample::Index, byte: u8, insert: bool,
    ) {
        let mut bytes = odd!("extra-fields").to_vec();
        let at = at.index(bytes.len());
        if insert {
            bytes.insert(at, byte);
        } else {
            bytes[at] = byte;
        }
        let read = pretix(&bytes, &ImportLimits::default());
        match serde_json::from_slice::<Value>(&bytes) {
            Err(error) => prop_assert!(read.is_err(), "{error}"),
            Ok(_) => if let Err(faults) = read {
                let syntax = faults.0.iter().any(|fault| fault.at.starts_with("line "));
                prop_assert!(!syntax, "{}", faults);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        prop_assert!(pretix(&bytes, &ImportLimits::default()).is_err());
    }

    #[test]
    fn arbitrary_json_is_refused_by_place_and_not_by_syntax(text in "[\\[\\]{}:,\"a-z0-9 .eE+-]{0,40}") {
        let read = pretix(text.as_bytes(), &ImportLimits::default());
        let faults = read.err().map_or(Vec::new(), |faults| faults.0);
        let syntax = faults.iter().any(|fault| fault.at.starts_with("line "));
        let json = serde_json::from_str::<Value>(&text);
        let empty = text.trim().is_empty();
        // Numbers too large for a float are JSON to us.
        let too_large = json.as_ref().is_err_and(|error| error.to_string().contains("range"));
        prop_assert_eq!(syntax, json.is_err() && !empty && !too_large, "{:?} {:?}", text, faults);
    }
}
