//! Files that cannot be mended: refused with every fault and its place, within bounds.

use super::*;
use booking_core::import::ImportFaults;

macro_rules! faulty {
    ($name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/plans/faulty/",
            $name,
            ".json"
        ))
        .as_slice()
    };
}

fn refused(bytes: &[u8]) -> ImportFaults {
    let refused = pretix(bytes, &ImportLimits::default());
    refused.expect_err("the plan should be refused")
}

/// The only fault: where and what.
fn only(bytes: &[u8]) -> (String, String) {
    let mut faults = refused(bytes).0;
    assert_eq!(faults.len(), 1, "{faults:#?}");
    let fault = faults.remove(0);
    (fault.at, fault.what)
}

fn says(bytes: &[u8], at: &str, what: &str) {
    let (found_at, found_what) = only(bytes);
    assert_eq!(found_at, at, "{found_what}");
    assert!(
        found_what.contains(what),
        "{found_what:?} should say {what:?}"
    );
}

#[test]
fn a_truncated_file_is_refused_where_it_ends() {
    let bytes = faulty!("truncated");
    let text = std::str::from_utf8(bytes).unwrap();
    let line = text.lines().count() + 1;
    says(bytes, &format!("line {line}, column 1"), "cut off");
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = odd!("areas");
    let end = bytes.trim_ascii_end().len();
    for cut in 0..end {
        let faults = refused(&bytes[..cut]);
        let what = &faults.0.last().unwrap().what;
        assert!(
            what.contains("cut off") || what.contains("is empty"),
            "at {cut}: {what}"
        );
    }
}

#[test]
fn what_is_not_json_is_refused_by_line_and_column() {
    says(
        faulty!("trailing-comma"),
        "line 19, column 11",
        "nothing follows this comma",
    );
    says(
        faulty!("single-quotes"),
        "line 8, column 15",
        "a value should stand here",
    );
    says(
        faulty!("something-after"),
        "line 27, column 1",
        "something follows",
    );
    says(faulty!("bad-escape"), "line 8, column 18", "not an escape");
    says(
        faulty!("bad-number"),
        "line 15, column 70",
        "not how a number is written",
    );
    says(
        faulty!("bad-word"),
        "line 15, column 69",
        "a value should stand here",
    );
}

#[test]
fn columns_are_counted_in_characters() {
    says(
        "{\"name\": \"Bühne\" 1}".as_bytes(),
        "line 1, column 18",
        "a comma",
    );
}

#[test]
fn what_is_not_utf_8_is_refused() {
    says(
        b"{\n \"name\": \"B\xfchne\"}",
        "line 2, column 12",
        "not UTF-8",
    );
    says(b"\xff\xfe{\0}\0", "the file", "UTF-16");
    says(b"", "the file", "empty");
    says(b"  \n ", "the file", "empty");
}

#[test]
fn every_wrong_type_is_reported_with_its_place() {
    let faults = refused(faulty!("wrong-types"));
    let told: Vec<String> = faults.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "name: should be text, is a list",
            "categories: should be a list, is text",
            "zones[0].name: should be text, is true or false",
            "zones[0].position.x: should be a number, is the text \"left\"",
            "zones[0].rows[0].row_number: should be text, is an object",
            "zones[0].rows[0].seats[0].position.y: should be a number, is a list",
            "zones[0].rows[0].seats[1]: should be an object, is text",
            "zones[0].rows[0].seats[2].seat_number: should be text, is a list",
            "zones[0].rows[1]: should be an object, is a number",
            "zones[0].areas[0].rotation: should be a number, is the text \"a bit\"",
            "zones[0].areas[0].capacity: should be a whole number of at least 0",
            "zones[1]: should be an object, is text",
            "size.width: should be a number, is an object",
            "standing: standing room needs a \"capacity\"",
        ]
    );
}

#[test]
fn places_out_of_bounds_are_refused() {
    let faults = refused(faulty!("out-of-bounds"));
    let places: Vec<&str> = faults.0.iter().map(|fault| fault.at.as_str()).collect();
    assert_eq!(
        places,
        [
            "zones[0].rows[0].seats[0].position.x",
            "zones[0].rows[0].seats[1]"
        ]
    );
}

#[test]
fn what_is_no_plan_or_sells_nothing_is_refused() {
    says(faulty!("nothing-to-sell"), "zones", "nothing to sell");
    says(faulty!("not-a-plan"), "the plan", "has no \"zones\"");
    says(
        faulty!("a-list"),
        "the plan",
        "should be an object, is a list",
    );
    says(b"null", "the plan", "has no \"zones\"");
}

#[test]
fn a_file_of_200_megabytes_is_refused_before_it_is_looked_at() {
    // Zeroed memory that is never touched costs nothing.
    let bytes = vec![0; 200 << 20];
    says(
        &bytes,
        "the file",
        "209715200 bytes; at most 67108864 are taken",
    );
}

#[test]
fn a_deeply_nested_file_is_refused_where_it_gets_too_deep() {
    let faults = refused(&b"[".repeat(1_000_000));
    let last = faults.0.last().unwrap();
    assert_eq!((last.at.as_str(), faults.0.len()), ("line 1, column 33", 2));
    let nested = [b"{\"zones\": [], \"x\": ".to_vec(), b"[".repeat(1_000_000)].concat();
    says(&nested, "line 1, column 51", "nest too deep");
    let nested = b"{\"x\":".repeat(1_000_000);
    says(&nested, "line 1, column 161", "nest too deep");
}

#[test]
fn a_file_of_more_seats_than_fit_is_refused_while_it_is_read() {
    let limits = ImportLimits {
        seats_max: 1_000,
        ..ImportLimits::default()
    };
    let seats = "{},".repeat(5_000);
    let plan = format!(r#"{{"zones":[{{"rows":[{{"seats":[{seats}{{}}]}}]}}]}}"#);
    let faults = pretix(plan.as_bytes(), &limits).unwrap_err();
    assert_eq!(faults.0.len(), 1);
    assert_eq!(faults.0[0].at, "zones[0].rows[0].seats[1000]");
    assert_eq!(faults.0[0].what, "there are more than 1000 seats");
}

#[test]
fn more_zones_rows_areas_or_points_than_fit_are_refused() {
    let many = |count: usize| "{},".repeat(count) + "{}";
    let zones = format!(r#"{{"zones":[{}]}}"#, many(10_000));
    says(zones.as_bytes(), "zones[10000]", "more than 10000 zones");
    let rows = format!(r#"{{"zones":[{{"rows":[{}]}}]}}"#, many(500_000));
    says(
        rows.as_bytes(),
        "zones[0].rows[500000]",
        "more than 500000 rows",
    );
    let areas = format!(r#"{{"zones":[{{"areas":[{}]}}]}}"#, many(10_000));
    says(
        areas.as_bytes(),
        "zones[0].areas[10000]",
        "more than 10000 areas",
    );
    let points = format!(
        r#"{{"zones":[{{"areas":[{{"polygon":{{"points":[{}]}}}}]}}]}}"#,
        r#"{"x":1,"y":1},"#.repeat(10_000) + "{}"
    );
    says(
        points.as_bytes(),
        "zones[0].areas[0].polygon.points[10000]",
        "more than 10000 points",
    );
}

#[test]
fn more_categories_than_there_can_be_bands_are_refused() {
    let seats: Vec<String> = (0..257)
        .map(|i| {
            format!(r#"{{"seat_number":"{i}","category":"C{i}","position":{{"x":{i}e2,"y":0}}}}"#)
        })
        .collect();
    let plan = format!(
        r#"{{"name":"P","zones":[{{"name":"Z","rows":[{{"row_number":"1","seats":[{}]}}]}}]}}"#,
        seats.join(",")
    );
    says(
        plan.as_bytes(),
        "categories",
        "257 categories are used; at most 256 fit",
    );
}

/// Faults and repairs of a hostile file are listed up to a bound and counted beyond it.
#[test]
fn a_file_of_nothing_but_oddities_is_told_within_bounds() {
    let seats = r#"{"seat_number":1,"category":"","position":{"x":0,"y":0}},"#.repeat(20_000);
    let seats = seats.trim_end_matches(',');
    let plan = format!(
        r#"{{"name":"P","zones":[{{"name":"Z","rows":[{{"row_number":"1","seats":[{seats}]}}]}}]}}"#
    );
    let imported = import(plan.as_bytes());
    assert_eq!(imported.map.seat_count(), 20_000);
    assert_eq!(imported.summary.repairs[&NumberAsText], 20_000);
    assert_eq!(imported.summary.repairs[&SeatRenamed], 19_999);
    assert!(imported.repairs.len() < 6_000, "{}", imported.repairs.len());
    let moved = imported.summary.repairs[&SeatMoved] + imported.summary.repairs[&SeatsOverlap];
    assert_eq!(moved, 19_999);
}
