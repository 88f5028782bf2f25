//! What a booking costs as a sale's ledger grows, from the server's own benchmark program.

use anyhow::Result;

use super::{
    Row, Session, Target,
    program::{Printed, Program},
};

const PROGRAM: Program = Program {
    bench: "growth",
    package: "onsale-server",
    features: "",
    words: &[],
};

pub(crate) const NAMES: &[&str] = &["ledger_booking_10m", "ledger_start_10m"];
/// Sizes of the ledger, events, and how they are said.
const SIZES: [(u64, &str); 4] = [
    (10_000, "10 k"),
    (100_000, "100 k"),
    (1_000_000, "1 M"),
    (10_000_000, "10 M"),
];
/// A booking may cost so many times what it costs at the smallest ledger.
const STAYS: f64 = 1.25;
/// A lane is there after a crash within so many ms.
const START_MS: f64 = 1_000.0;

pub(crate) fn measure(session: &Session<'_>) -> Result<Vec<Row>> {
    let printed = PROGRAM.run(session, session.runs)?;
    let (least, most) = (SIZES[0], SIZES[SIZES.len() - 1]);
    let booking = |size: u64| format!("ledger_booking_{size}");
    let start = |size: u64| format!("ledger_start_{size}");
    Ok(vec![
        Row {
            name: NAMES[0].into(),
            what: format!(
                "a hold of two seats, its order and its cancellation, each durable, 64 at a time, in a \
                 ledger of {} events, in process on SQLite",
                most.1
            ),
            unit: "µs",
            runs: printed.runs(&booking(most.0))?,
            baseline: Some((
                format!("the same in a ledger of {} events", least.1),
                printed.runs(&booking(least.0))?,
            )),
            target: Target::RatioAtMost(STAYS),
            notes: said(&printed, "µs", booking)?,
        },
        Row {
            name: NAMES[1].into(),
            what: format!(
                "a folder is opened after a crash, until its lane answers, with a ledger of {} events",
                most.1
            ),
            unit: "ms",
            runs: printed.runs(&start(most.0))?,
            baseline: None,
            target: Target::AtMost(START_MS),
            notes: said(&printed, "ms", start)?,
        },
    ])
}

/// What the last run said of each size.
fn said(printed: &Printed, unit: &str, name: impl Fn(u64) -> String) -> Result<Vec<String>> {
    SIZES
        .iter()
        .map(|(size, words)| {
            Ok(format!(
                "{words}: {:.0} {unit}",
                printed.last(&name(*size))?
            ))
        })
        .collect()
}
