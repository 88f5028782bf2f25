//! Durable holds and bookings a second over HTTP, beside what a bare echo reaches in the same run.

use anyhow::Result;

use super::{
    Row, Session, Target as Goal,
    load::{Echo, Figures, Programs, Target},
};

const CHOICE: &str = "two free neighbours chosen uniformly, house half full";

pub(crate) const HOLDS: &[&str] = &["holds_sqlite", "holds_sqlite_64", "holds_sqlite_1024"];

/// One hot performance at three numbers of connections.
pub(crate) fn holds(session: &Session<'_>) -> Result<Vec<Row>> {
    let programs = Programs::build(session)?;
    let mut rows = Vec::new();
    for (name, connections) in HOLDS.iter().zip([256, 64, 1_024]) {
        let what = format!(
            "durable holds a second over HTTP, each followed by its release, one performance of \
             50,000 seats, {connections} connections; {CHOICE}"
        );
        let arguments = arguments(connections, &[]);
        rows.push(against_echo(
            session,
            &programs,
            name,
            what,
            &[],
            &arguments,
            0.5,
        )?);
    }
    Ok(rows)
}

/// The same over a thousand performances.
pub(crate) fn holds_over_many(session: &Session<'_>) -> Result<Vec<Row>> {
    let programs = Programs::build(session)?;
    let what = format!(
        "the same spread over 1,000 performances of 1,200 seats, 256 connections; {CHOICE}"
    );
    let arguments = arguments(256, &["--performances", "1000"]);
    let demo = ["--performances", "1000"];
    Ok(vec![against_echo(
        session,
        &programs,
        "holds_sqlite_1000",
        what,
        &demo,
        &arguments,
        0.4,
    )?])
}

fn against_echo(
    session: &Session<'_>,
    programs: &Programs,
    name: &str,
    what: String,
    demo: &[&str],
    arguments: &[String],
    ratio: f64,
) -> Result<Row> {
    let (mut holds, mut echoes, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..session.runs {
        let shop = programs.serve(session, demo, &[])?;
        let figures = programs.drive(&Target::Shop(&shop), "holds", arguments)?;
        shop.close(&programs.onsale)?;
        holds.push(figures.get("holds_per_s")?);
        notes = latency(&figures)?;

        let echo = Echo::start(programs)?;
        let figures = programs.drive(&Target::Echo(&echo), "echo", &arguments[..2])?;
        echoes.push(figures.get("pairs_per_s")?);
    }
    Ok(Row {
        name: name.to_owned(),
        what,
        unit: "/s",
        runs: holds,
        baseline: Some(("pairs of requests to a bare axum echo".to_owned(), echoes)),
        target: Goal::RatioAtLeast(ratio),
        notes,
    })
}

/// Against the same program with one command a transaction.
pub(crate) fn holds_against_naive(session: &Session<'_>) -> Result<Vec<Row>> {
    let programs = Programs::build(session)?;
    let arguments = arguments(256, &[]);
    let (mut gathered, mut naive, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..session.runs {
        for (serve, runs) in [
            (&[][..], &mut gathered),
            (&["--one-by-one"][..], &mut naive),
        ] {
            let shop = programs.serve(session, &[], serve)?;
            let figures = programs.drive(&Target::Shop(&shop), "holds", &arguments)?;
            shop.close(&programs.onsale)?;
            runs.push(figures.get("holds_per_s")?);
            notes = figures.notes();
        }
    }
    Ok(vec![Row {
        name: "holds_sqlite_vs_naive".into(),
        what: format!("durable holds a second, gathered, 256 connections; {CHOICE}"),
        unit: "/s",
        runs: gathered,
        baseline: Some(("the same program, one command a transaction".into(), naive)),
        target: Goal::RatioAtLeast(20.0),
        notes,
    }])
}

/// Hold, quote, pay by the simulator, ticket.
pub(crate) fn bookings(session: &Session<'_>) -> Result<Vec<Row>> {
    let programs = Programs::build(session)?;
    let arguments = arguments(256, &[]);
    let (mut bookings, mut echoes, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..session.runs {
        let shop = programs.serve(session, &[], &[])?;
        let figures = programs.drive(&Target::Shop(&shop), "bookings", &arguments)?;
        shop.close(&programs.onsale)?;
        bookings.push(figures.get("bookings_per_s")?);
        notes = figures.notes();

        let echo = Echo::start(&programs)?;
        let figures = programs.drive(&Target::Echo(&echo), "echo", &arguments[..2])?;
        echoes.push(figures.get("requests_per_s")?);
    }
    Ok(vec![Row {
        name: "bookings_sqlite".into(),
        what:
            "complete bookings of two seats a second: hold, quote, checkout with an approved card, \
               10,000 of them, 256 connections"
                .into(),
        unit: "/s",
        runs: bookings,
        baseline: Some(("requests to a bare axum echo".into(), echoes)),
        target: Goal::RatioAtLeast(0.15),
        notes,
    }])
}

pub(crate) const FEED: &[&str] = &["feed_delay", "feed_delay_p99"];

/// From asking for a seat until each of five thousand others has the change.
pub(crate) fn feed(session: &Session<'_>) -> Result<Vec<Row>> {
    let programs = Programs::build(session)?;
    let (mut medians, mut tails, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..session.runs {
        let shop = programs.serve(session, &[], &[])?;
        let figures = programs.drive(&Target::Shop(&shop), "listeners", &[])?;
        shop.close(&programs.onsale)?;
        medians.push(figures.get("median_ms")?);
        tails.push(figures.get("p99_ms")?);
        notes = figures.notes();
    }
    let row = |name: &str, what: &str, runs, notes| Row {
        name: name.into(),
        what: format!(
            "from asking for two seats until a listener has the change, {what} over 5,000 listeners"
        ),
        unit: "ms",
        runs,
        baseline: None,
        target: Goal::AtMost(300.0),
        notes,
    };
    Ok(vec![
        row("feed_delay", "median", medians, notes),
        row("feed_delay_p99", "p99", tails, Vec::new()),
    ])
}

fn arguments(connections: u32, more: &[&str]) -> Vec<String> {
    let own = ["--connections".to_owned(), connections.to_string()];
    own.into_iter()
        .chain(more.iter().map(ToString::to_string))
        .collect()
}

fn latency(figures: &Figures) -> Result<Vec<String>> {
    let mut notes = vec![format!(
        "hold answered in {:.1} ms (median), {:.1} ms (p99)",
        figures.get("p50_ms")?,
        figures.get("p99_ms")?
    )];
    notes.extend(figures.notes());
    Ok(notes)
}
