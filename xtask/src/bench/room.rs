//! What the waiting room costs, from `onsale-queue`'s own benchmark program and a real Redis.

use anyhow::Result;

use super::{
    Row, Session, Target,
    program::{Known, Program, known},
};
use crate::apt;

const PROGRAM: Program = Program {
    bench: "room",
    package: "onsale-queue",
    features: "redis",
    words: &[],
};
/// The same, told to lead a million visitors through their life.
const MILLION: Program = Program {
    words: &["million"],
    ..PROGRAM
};

/// Keys of Redis that take fewer bytes a visitor are not named.
const WORTH_NAMING: f64 = 0.01;

pub(crate) const NAMES: &[&str] = &[
    "room_tick_1k",
    "room_tick_1m",
    "room_tick_redis_1m",
    "room_claims_memory",
    "room_claims_redis",
];

pub(crate) const MILLION_NAMES: &[&str] = &[
    "room_bytes_per_waiting",
    "room_bytes_per_visitor_peak",
    "room_overshoot",
    "room_million_wronged",
    "room_million_joins",
    "room_million_polls",
    "room_million_claims",
];

const ROWS: &[Known] = &[
    known(
        "room_tick_1k",
        "a tick that calls, 1,000 waiting, in memory",
        "µs",
        Target::None,
    ),
    known(
        "room_tick_1m",
        "the same with 1,000,000 waiting",
        "µs",
        Target::None,
    ),
    known(
        "room_tick_redis_1m",
        "the same on Redis, three round trips",
        "µs",
        Target::None,
    ),
    known(
        "room_claims_memory",
        "admissions claimed, signed and given up a second, 64 at a time, in memory",
        "/s",
        Target::None,
    ),
    known("room_claims_redis", "the same on Redis", "/s", Target::None),
];

const MILLION_ROWS: &[Known] = &[
    known(
        "room_bytes_per_waiting",
        "memory of Redis (its own count of what its data takes) that 1,000,000 waiting visitors add, \
         a visitor",
        "bytes",
        Target::AtMost(0.1),
    ),
    known(
        "room_bytes_per_visitor_peak",
        "most memory of Redis while those 1,000,000 are called, come in and go again, 50,000 inside at \
         once, a visitor",
        "bytes",
        Target::AtMost(100.0),
    ),
    known(
        "room_overshoot",
        "most shoppers in the shop above the cap, over all of it",
        "shoppers",
        Target::AtMost(0.0),
    ),
    known(
        "room_million_wronged",
        "of those 1,000,000: whose place was given twice, who moved back, whose pass or admission was \
         not good, who lost their turn or was never let in although they waited",
        "visitors",
        Target::AtMost(0.0),
    ),
    known(
        "room_million_joins",
        "places given a second, each with a signed pass, 64 at a time, on Redis, in process",
        "/s",
        Target::None,
    ),
    known(
        "room_million_polls",
        "looks at the public document a second, each for one's own place and when to look again, one \
         thread",
        "/s",
        Target::None,
    ),
    known(
        "room_million_claims",
        "passes shown a second, each checked and claimed on Redis, and, where there is room, the \
         admission signed and checked, 64 at a time",
        "/s",
        Target::None,
    ),
];

pub(crate) fn measure(session: &Session<'_>) -> Result<Vec<Row>> {
    apt::ensure_program(session.step, "redis-server", &["redis-server"])?;
    PROGRAM.measure(session, ROWS)
}

/// Measured once, however often others are: sizes and counts do not differ between runs.
pub(crate) fn million(session: &Session<'_>) -> Result<Vec<Row>> {
    apt::ensure_program(session.step, "redis-server", &["redis-server"])?;
    let printed = MILLION.run(session, 1)?;
    let mut rows = printed.rows(MILLION_ROWS)?;
    let life = format!(
        "{:.0} s of the room's time, {:.1} looks a visitor, {:.0} times called and the shop full, \
         {:.0} inside at most, {:.0} gave up waiting",
        printed.last("seconds_of_the_room")?,
        printed.last("looks_a_visitor")?,
        printed.last("full")?,
        printed.last("most_inside")?,
        printed.last("gave_up")?,
    );
    let keys = printed.parts("peak_of_").into_iter();
    let of_keys: Vec<_> = keys
        .filter(|(_, bytes)| *bytes >= WORTH_NAMING)
        .map(|(key, bytes)| format!("`{key}` {bytes:.2}"))
        .collect();
    for row in &mut rows {
        match row.name.as_str() {
            "room_million_wronged" => row.notes.push(life.clone()),
            "room_bytes_per_visitor_peak" => {
                row.notes.push(format!("by key: {}", of_keys.join(", ")));
            }
            _ => {}
        }
    }
    Ok(rows)
}
