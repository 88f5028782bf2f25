//! From JSON to the parts of a plan. Tells of everything odd, gives up only where it must.

use super::ImportLimits;
use super::plan::{Area, Form, Plan, Row, Seat, Spot, Standing, Zone};
use super::reading::{Read, Reading, Step};
use super::report::RepairKind;
use crate::seatmap::{OUTLINE_POINTS_MAX, ROWS_MAX, SECTIONS_MAX, SHAPES_MAX};
use alloc::{borrow::Cow, format, vec::Vec};

/// Most categories declared, used or not.
const CATEGORIES_MAX: usize = 10_000;
/// How far from the seat before a seat without position is put: the usual spacing.
const SPACING: i64 = 2_500;

/// Reads a whole plan.
pub(super) fn plan<'a>(reading: &mut Reading<'a>, limits: &ImportLimits) -> Read<Plan<'a>> {
    let mut plan = Plan::default();
    let mut has_zones = false;
    let mut counts = Counts {
        limits,
        rows: 0,
        seats: 0,
        areas: 0,
    };
    if let Some(mut members) = reading.object()? {
        while let Some(name) = reading.member(&mut members)? {
            match &*name {
                "name" => plan.name = reading.within(Step::Member("name"), Reading::text)?,
                "categories" => reading.within(Step::Member("categories"), |reading| {
                    categories(reading, &mut plan)
                })?,
                "zones" => {
                    has_zones = true;
                    reading.within(Step::Member("zones"), |reading| {
                        zones(reading, &mut plan.zones, &mut counts)
                    })?;
                }
                "size" => plan.size = reading.within(Step::Member("size"), size)?,
                "standing" | "standing_capacity" => {
                    let step = if name == "standing" {
                        "standing"
                    } else {
                        "standing_capacity"
                    };
                    reading.within(Step::Member(step), |reading| standing(reading, &mut plan))?;
                }
                other => reading.not_kept("", other)?,
            }
        }
    }
    if !has_zones && reading.report.is_sound() {
        reading.fault("has no \"zones\": this is not a seating plan in the pretix format");
    }
    reading.json.end()?;
    plan.seats = counts.seats;
    Ok(plan)
}

/// Bounds are checked while reading, so that a file of empty brackets fills no memory.
struct Counts<'l> {
    limits: &'l ImportLimits,
    rows: usize,
    seats: u32,
    areas: usize,
}

fn categories<'a>(reading: &mut Reading<'a>, plan: &mut Plan<'a>) -> Read<()> {
    reading.list(|reading, _| {
        if plan.categories.len() >= CATEGORIES_MAX {
            return Err(reading.too_many("categories", CATEGORIES_MAX));
        }
        let Some(mut members) = reading.object()? else {
            return Ok(());
        };
        let mut category = None;
        while let Some(name) = reading.member(&mut members)? {
            match &*name {
                "name" => category = reading.within(Step::Member("name"), Reading::text)?,
                other => reading.not_kept("categories[].", other)?,
            }
        }
        // A blank name is what seats of no category have.
        plan.categories.push(category.unwrap_or_default());
        Ok(())
    })
}

fn zones<'a>(
    reading: &mut Reading<'a>,
    zones: &mut Vec<Zone<'a>>,
    counts: &mut Counts<'_>,
) -> Read<()> {
    reading.list(|reading, index| {
        if zones.len() >= SECTIONS_MAX {
            return Err(reading.too_many("zones", SECTIONS_MAX));
        }
        let mut zone = Zone {
            index,
            ..Zone::default()
        };
        if let Some(mut members) = reading.object()? {
            let mut origin = None;
            while let Some(name) = reading.member(&mut members)? {
                match &*name {
                    "name" => zone.name = reading.within(Step::Member("name"), Reading::text)?,
                    "zone_id" => {
                        zone.id = reading.within(Step::Member("zone_id"), Reading::text)?;
                    }
                    "position" => origin = reading.within(Step::Member("position"), spot)?,
                    "rows" => reading.within(Step::Member("rows"), |reading| {
                        rows(reading, &mut zone.rows, counts)
                    })?,
                    "areas" => reading.within(Step::Member("areas"), |reading| {
                        areas(reading, &mut zone.areas, counts)
                    })?,
                    other => reading.not_kept("zones[].", other)?,
                }
            }
            // Not while reading: the position may stand after the rows.
            move_zone(&mut zone, origin.unwrap_or_default());
        }
        zones.push(zone);
        Ok(())
    })
}

fn move_zone(zone: &mut Zone<'_>, origin: Spot) {
    for seat in zone.rows.iter_mut().flat_map(|row| &mut row.seats) {
        seat.at = seat.at.map(|at| at.plus(origin));
    }
    for area in &mut zone.areas {
        area.at = area.at.plus(origin);
    }
}

fn rows<'a>(
    reading: &mut Reading<'a>,
    rows: &mut Vec<Row<'a>>,
    counts: &mut Counts<'_>,
) -> Read<()> {
    reading.list(|reading, index| {
        counts.rows += 1;
        if counts.rows > ROWS_MAX {
            return Err(reading.too_many("rows", ROWS_MAX));
        }
        let mut row = Row {
            index,
            ..Row::default()
        };
        if let Some(mut members) = reading.object()? {
            let (mut origin, mut seat_label) = (None, None);
            while let Some(name) = reading.member(&mut members)? {
                match &*name {
                    "row_number" => {
                        row.number = reading.within(Step::Member("row_number"), Reading::text)?;
                    }
                    "row_label" => {
                        row.label = reading.within(Step::Member("row_label"), Reading::text)?;
                    }
                    "seat_label" => {
                        seat_label = reading.within(Step::Member("seat_label"), Reading::text)?;
                    }
                    "position" => origin = reading.within(Step::Member("position"), spot)?,
                    "seats" => reading.within(Step::Member("seats"), |reading| {
                        seats(reading, &mut row.seats, counts)
                    })?,
                    other => reading.not_kept("zones[].rows[].", other)?,
                }
            }
            finish_row(&mut row, origin.unwrap_or_default(), seat_label.as_ref());
        }
        rows.push(row);
        Ok(())
    })
}

/// What stands beside a row's seats holds for each of them.
fn finish_row<'a>(row: &mut Row<'a>, origin: Spot, seat_label: Option<&Cow<'a, str>>) {
    for seat in &mut row.seats {
        seat.at = seat.at.map(|at| at.plus(origin));
        if seat.label.is_none() {
            seat.label = seat_label.cloned();
        }
    }
}

fn seats<'a>(
    reading: &mut Reading<'a>,
    seats: &mut Vec<Seat<'a>>,
    counts: &mut Counts<'_>,
) -> Read<()> {
    reading.list(|reading, index| {
        counts.seats += 1;
        if counts.seats > counts.limits.seats_max {
            return Err(reading.too_many("seats", counts.limits.seats_max as usize));
        }
        let mut seat = Seat {
            index,
            ..Seat::default()
        };
        if let Some(mut members) = reading.object()? {
            while let Some(name) = reading.member(&mut members)? {
                seat_member(reading, &mut seat, &name)?;
            }
            if seat.at.is_none() {
                let last = seats.last().and_then(|seat| seat.at);
                let spot = last.map_or(Spot::default(), |at| at.plus(Spot { x: SPACING, y: 0 }));
                let what = "the seat has no position; put beside the one before";
                reading.repair(RepairKind::MissingPosition, what);
                seat.at = Some(spot);
            }
            seats.push(seat);
        }
        Ok(())
    })
}

fn seat_member<'a>(reading: &mut Reading<'a>, seat: &mut Seat<'a>, name: &str) -> Read<()> {
    match name {
        "seat_number" => {
            seat.number = reading.within(Step::Member("seat_number"), Reading::text)?;
        }
        "seat_label" => seat.label = reading.within(Step::Member("seat_label"), Reading::text)?,
        "seat_guid" => seat.guid = reading.within(Step::Member("seat_guid"), Reading::text)?,
        "category" => seat.category = reading.within(Step::Member("category"), Reading::text)?,
        "position" => seat.at = reading.within(Step::Member("position"), spot)?,
        "wheelchair" | "is_wheelchair" | "accessible" => {
            seat.wheelchair |= reading.within(Step::Member("wheelchair"), Reading::flag)?;
        }
        "companion" => {
            seat.companion = reading.within(Step::Member("companion"), Reading::flag)?;
        }
        "restricted_view" => {
            seat.restricted_view =
                reading.within(Step::Member("restricted_view"), Reading::flag)?;
        }
        "section_break" => {
            seat.break_after = reading.within(Step::Member("section_break"), Reading::flag)?;
        }
        other => reading.not_kept("zones[].rows[].seats[].", other)?,
    }
    Ok(())
}

/// A point; a missing coordinate is 0, a missing or `null` point is `None`.
fn spot(reading: &mut Reading<'_>) -> Read<Option<Spot>> {
    let Some(mut members) = reading.object()? else {
        return Ok(None);
    };
    let (mut x, mut y) = (None, None);
    while let Some(name) = reading.member(&mut members)? {
        match &*name {
            "x" => x = reading.within(Step::Member("x"), Reading::centi)?,
            "y" => y = reading.within(Step::Member("y"), Reading::centi)?,
            other => reading.not_kept("position.", other)?,
        }
    }
    if x.is_none() && y.is_none() {
        return Ok(None);
    }
    if x.is_none() || y.is_none() {
        reading.repair(
            RepairKind::MissingPosition,
            "a coordinate is missing; taken for 0",
        );
    }
    Ok(Some(Spot {
        x: x.unwrap_or(0),
        y: y.unwrap_or(0),
    }))
}

fn size(reading: &mut Reading<'_>) -> Read<Option<Spot>> {
    let (width, height) = extent(reading, "size.")?;
    Ok(width.zip(height).map(|(x, y)| Spot { x, y }))
}

fn extent(reading: &mut Reading<'_>, holder: &str) -> Read<(Option<i64>, Option<i64>)> {
    let (mut width, mut height) = (None, None);
    let Some(mut members) = reading.object()? else {
        return Ok((None, None));
    };
    while let Some(name) = reading.member(&mut members)? {
        match &*name {
            "width" => width = reading.within(Step::Member("width"), Reading::centi)?,
            "height" => height = reading.within(Step::Member("height"), Reading::centi)?,
            other => reading.not_kept(holder, other)?,
        }
    }
    Ok((width, height))
}

fn areas<'a>(
    reading: &mut Reading<'a>,
    areas: &mut Vec<Area<'a>>,
    counts: &mut Counts<'_>,
) -> Read<()> {
    reading.list(|reading, index| {
        counts.areas += 1;
        if counts.areas > SHAPES_MAX {
            return Err(reading.too_many("areas", SHAPES_MAX));
        }
        let mut area = Area {
            index,
            ..Area::default()
        };
        let (mut width, mut height) = (None, None);
        if let Some(mut members) = reading.object()? {
            while let Some(name) = reading.member(&mut members)? {
                match &*name {
                    // The oldest form of the format: a rectangle with its size beside it.
                    "width" => width = reading.within(Step::Member("width"), Reading::centi)?,
                    "height" => height = reading.within(Step::Member("height"), Reading::centi)?,
                    // The shape is told by the member that describes it.
                    "shape" => drop(reading.within(Step::Member("shape"), Reading::text)?),
                    other => area_member(reading, &mut area, other)?,
                }
            }
        }
        if let (None, Some(width), Some(height)) = (&area.form, width, height) {
            area.form = Some(Form::Rectangle { width, height });
        }
        areas.push(area);
        Ok(())
    })
}

fn area_member<'a>(reading: &mut Reading<'a>, area: &mut Area<'a>, name: &str) -> Read<()> {
    match name {
        "name" => area.name = reading.within(Step::Member("name"), Reading::text)?,
        "category" => area.category = reading.within(Step::Member("category"), Reading::text)?,
        "capacity" | "standing" | "standing_capacity" => {
            area.capacity = reading.within(Step::Member("capacity"), Reading::whole)?;
        }
        "rotation" => {
            let rotation = reading.within(Step::Member("rotation"), Reading::centi)?;
            area.rotation = rotation.unwrap_or(0);
        }
        "position" => {
            area.at = reading
                .within(Step::Member("position"), spot)?
                .unwrap_or_default();
        }
        "rectangle" => {
            let read = |reading: &mut Reading<'a>| extent(reading, "zones[].areas[].rectangle.");
            if let (Some(width), Some(height)) = reading.within(Step::Member("rectangle"), read)? {
                area.form = Some(Form::Rectangle { width, height });
            }
        }
        "circle" | "ellipse" => {
            let step = if name == "circle" {
                "circle"
            } else {
                "ellipse"
            };
            if let Some(radius) = reading.within(Step::Member(step), round)? {
                area.form = Some(Form::Ellipse { radius });
            }
        }
        "polygon" => {
            let corners = reading.within(Step::Member("polygon"), polygon)?;
            if corners.len() > 2 {
                area.form = Some(Form::Polygon(corners));
            }
        }
        "text" => reading.within(Step::Member("text"), |reading| text(reading, area))?,
        other => reading.not_kept("zones[].areas[].", other)?,
    }
    Ok(())
}

/// A circle (`radius` is a number) or an ellipse (`radius` is `x` and `y`).
fn round(reading: &mut Reading<'_>) -> Read<Option<Spot>> {
    use super::json::Kind;
    let Some(mut members) = reading.object()? else {
        return Ok(None);
    };
    let mut radius = None;
    while let Some(name) = reading.member(&mut members)? {
        match &*name {
            "radius" => {
                radius = reading.within(Step::Member("radius"), |reading| {
                    if reading.json.peek()? == Kind::Object {
                        return spot(reading);
                    }
                    Ok(reading.centi()?.map(|radius| Spot {
                        x: radius,
                        y: radius,
                    }))
                })?;
            }
            other => reading.not_kept("zones[].areas[].ellipse.", other)?,
        }
    }
    Ok(radius)
}

fn polygon(reading: &mut Reading<'_>) -> Read<Vec<Spot>> {
    let mut corners = Vec::new();
    let Some(mut members) = reading.object()? else {
        return Ok(corners);
    };
    while let Some(name) = reading.member(&mut members)? {
        match &*name {
            "points" => reading.within(Step::Member("points"), |reading| {
                reading.list(|reading, _| {
                    if corners.len() >= OUTLINE_POINTS_MAX {
                        return Err(reading.too_many("points", OUTLINE_POINTS_MAX));
                    }
                    corners.extend(spot(reading)?);
                    Ok(())
                })
            })?,
            other => reading.not_kept("zones[].areas[].polygon.", other)?,
        }
    }
    Ok(corners)
}

/// The text of an area: an object, or in the oldest form of the format just text.
fn text<'a>(reading: &mut Reading<'a>, area: &mut Area<'a>) -> Read<()> {
    use super::json::Kind;
    match reading.json.peek()? {
        Kind::Object => {}
        Kind::Null => return Ok(reading.json.null()?),
        _ => {
            area.text = reading.text()?;
            return Ok(());
        }
    }
    let Some(mut members) = reading.object()? else {
        return Ok(());
    };
    while let Some(name) = reading.member(&mut members)? {
        match &*name {
            "text" => area.text = reading.within(Step::Member("text"), Reading::text)?,
            "position" => area.text_at = reading.within(Step::Member("position"), spot)?,
            other => reading.not_kept("zones[].areas[].text.", other)?,
        }
    }
    Ok(())
}

/// Standing room beside the zones: a number, an object with a capacity, or a list of either.
fn standing<'a>(reading: &mut Reading<'a>, plan: &mut Plan<'a>) -> Read<()> {
    use super::json::Kind;
    match reading.json.peek()? {
        Kind::Array => reading.list(|reading, _| standing_room(reading, plan)),
        Kind::Null => Ok(reading.json.null()?),
        _ => standing_room(reading, plan),
    }
}

fn standing_room<'a>(reading: &mut Reading<'a>, plan: &mut Plan<'a>) -> Read<()> {
    use super::json::Kind;
    if plan.standing.len() >= SHAPES_MAX {
        return Err(reading.too_many("standing areas", SHAPES_MAX));
    }
    let (mut name, mut capacity, mut category) = (None, None, None);
    if reading.json.peek()? == Kind::Object {
        let Some(mut members) = reading.object()? else {
            return Ok(());
        };
        while let Some(member) = reading.member(&mut members)? {
            match &*member {
                "name" => name = reading.within(Step::Member("name"), Reading::text)?,
                "capacity" => {
                    capacity = reading.within(Step::Member("capacity"), Reading::whole)?;
                }
                "category" => {
                    category = reading.within(Step::Member("category"), Reading::text)?;
                }
                other => reading.not_kept("standing.", other)?,
            }
        }
        if capacity.is_none() {
            reading.fault("standing room needs a \"capacity\"");
        }
    } else {
        capacity = reading.whole()?;
    }
    if let Some(capacity) = capacity {
        let at = format!("{}", reading.path());
        plan.standing.push(Standing {
            at,
            name,
            capacity,
            category,
        });
    }
    Ok(())
}
