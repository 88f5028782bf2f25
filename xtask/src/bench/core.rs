//! What the rules of `booking-core` cost, from its own benchmark program.

use anyhow::Result;

use super::{
    Row, Session, Target,
    program::{Known, Program, known},
};

const PROGRAM: Program = Program {
    bench: "core",
    package: "booking-core",
    features: "serde,import",
    words: &[],
};

pub(crate) const NAMES: &[&str] = &[
    "core_decide_hold",
    "core_decide_hold_1k",
    "core_decide_hold_1m",
    "core_best_available",
    "core_best_available_1k",
    "core_best_available_90",
    "core_best_available_1m",
    "core_bytes_per_seat",
    "core_bytes_per_seat_half_sold",
    "size_map",
    "size_snapshot",
    "size_delta_100",
];

const ROWS: &[Known] = &[
    known(
        "core_decide_hold",
        "decide a hold of two seats, 50,000 seats, half sold",
        "ns",
        Target::AtMost(500.0),
    ),
    known(
        "core_decide_hold_1k",
        "the same at 1,000 seats",
        "ns",
        Target::AtMost(500.0),
    ),
    known(
        "core_decide_hold_1m",
        "the same at 1,000,000 seats",
        "ns",
        Target::AtMost(500.0),
    ),
    known(
        "core_best_available",
        "find four together, 50,000 seats, half sold",
        "µs",
        Target::AtMost(20.0),
    ),
    known(
        "core_best_available_1k",
        "the same at 1,000 seats",
        "µs",
        Target::AtMost(20.0),
    ),
    known(
        "core_best_available_90",
        "the same at 50,000 seats, 90 % sold",
        "µs",
        Target::AtMost(20.0),
    ),
    known(
        "core_best_available_1m",
        "the same at 1,000,000 seats, half sold",
        "µs",
        Target::AtMost(20.0),
    ),
    known(
        "core_bytes_per_seat",
        "memory of an inventory of 50,000 seats / seats",
        "bytes",
        Target::AtMost(8.0),
    ),
    known(
        "core_bytes_per_seat_half_sold",
        "the same with half of them sold, two an order",
        "bytes",
        Target::None,
    ),
    known(
        "size_map",
        "seat map of 50,000 seats, encoded, not compressed",
        "bytes",
        Target::None,
    ),
    known(
        "size_snapshot",
        "state of 50,000 seats as sent, not compressed",
        "bytes",
        Target::None,
    ),
    known(
        "size_delta_100",
        "change of 100 seats as sent, JSON, not compressed",
        "bytes",
        Target::None,
    ),
];

pub(crate) fn measure(session: &Session<'_>) -> Result<Vec<Row>> {
    PROGRAM.measure(session, ROWS)
}
