//! Durable holds and bookings a second over HTTP, beside what a bare echo reaches in the same run.

use anyhow::Result;

use super::{
    Row, Session, Target as Goal,
    load::{Echo, Figures, Programs, Shop, Target},
};

const CHOICE: &str = "two free neighbours chosen uniformly, house half full";
const BOOKINGS: &str = "complete bookings of two seats (hold, quote, checkout with an approved card; \
                        10,000 of them)";

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

/// On the database in the data folder.
fn against_echo(
    session: &Session<'_>,
    programs: &Programs,
    name: &str,
    what: String,
    demo: &[&str],
    arguments: &[String],
    ratio: f64,
) -> Result<Row> {
    let serve = || programs.serve(session, demo, &[]);
    holds_against_echo(session, programs, name, what, serve, arguments, ratio)
}

/// On whatever `serve` starts.
fn holds_against_echo(
    session: &Session<'_>,
    programs: &Programs,
    name: &str,
    what: String,
    serve: impl Fn() -> Result<Shop>,
    arguments: &[String],
    ratio: f64,
) -> Result<Row> {
    let (mut holds, mut echoes, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..session.runs {
        let shop = serve()?;
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
    let serve = |more: &[&str]| programs.serve(session, &[], more);
    Ok(vec![against_naive(
        session,
        &programs,
        "holds_sqlite_vs_naive",
        serve,
        20.0,
    )?])
}

fn against_naive(
    session: &Session<'_>,
    programs: &Programs,
    name: &str,
    serve: impl Fn(&[&str]) -> Result<Shop>,
    ratio: f64,
) -> Result<Row> {
    let arguments = arguments(256, &[]);
    let (mut gathered, mut naive, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..session.runs {
        for (more, runs) in [
            (&[][..], &mut gathered),
            (&["--one-by-one"][..], &mut naive),
        ] {
            let shop = serve(more)?;
            let figures = programs.drive(&Target::Shop(&shop), "holds", &arguments)?;
            shop.close(&programs.onsale)?;
            runs.push(figures.get("holds_per_s")?);
            notes = figures.notes();
        }
    }
    Ok(Row {
        name: name.into(),
        what: format!("durable holds a second, gathered, 256 connections; {CHOICE}"),
        unit: "/s",
        runs: gathered,
        baseline: Some(("the same program, one command a transaction".into(), naive)),
        target: Goal::RatioAtLeast(ratio),
        notes,
    })
}

/// Hold, quote, pay by the simulator, ticket.
pub(crate) fn bookings(session: &Session<'_>) -> Result<Vec<Row>> {
    let programs = Programs::build(session)?;
    let serve = || programs.serve(session, &[], &[]);
    let target = Goal::RatioAtLeast(0.15);
    Ok(vec![bookings_against_echo(
        session,
        &programs,
        "bookings_sqlite",
        "",
        serve,
        target,
    )?])
}

fn bookings_against_echo(
    session: &Session<'_>,
    programs: &Programs,
    name: &str,
    on: &str,
    serve: impl Fn() -> Result<Shop>,
    target: Goal,
) -> Result<Row> {
    let arguments = arguments(256, &[]);
    let (mut bookings, mut echoes, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..session.runs {
        let shop = serve()?;
        let figures = programs.drive(&Target::Shop(&shop), "bookings", &arguments)?;
        shop.close(&programs.onsale)?;
        bookings.push(figures.get("bookings_per_s")?);
        notes = figures.notes();

        let echo = Echo::start(programs)?;
        let figures = programs.drive(&Target::Echo(&echo), "echo", &arguments[..2])?;
        echoes.push(figures.get("requests_per_s")?);
    }
    Ok(Row {
        name: name.into(),
        what: format!("{BOOKINGS} a second{on}, 256 connections"),
        unit: "/s",
        runs: bookings,
        baseline: Some(("requests to a bare axum echo".into(), echoes)),
        target,
        notes,
    })
}

/// What the servers on PostgreSQL are built with.
const ON_POSTGRES: &[&str] = &["postgres"];

/// One server on a PostgreSQL beside it.
pub(crate) fn holds_on_postgres(session: &Session<'_>) -> Result<Vec<Row>> {
    let programs = Programs::build_with(session, ON_POSTGRES)?;
    let what = format!(
        "durable holds a second over HTTP on PostgreSQL, each followed by its release, one \
         performance of 50,000 seats, 256 connections, one server; {CHOICE}"
    );
    let serve = || programs.serve_on_postgres(session, &[], &[], 1);
    let row = holds_against_echo(
        session,
        &programs,
        "holds_postgres",
        what,
        serve,
        &arguments(256, &[]),
        0.35,
    )?;
    Ok(vec![row])
}

/// Against the same program with one command a transaction.
pub(crate) fn holds_on_postgres_against_naive(session: &Session<'_>) -> Result<Vec<Row>> {
    let programs = Programs::build_with(session, ON_POSTGRES)?;
    let serve = |more: &[&str]| programs.serve_on_postgres(session, &[], more, 1);
    Ok(vec![against_naive(
        session,
        &programs,
        "holds_postgres_vs_naive",
        serve,
        6.0,
    )?])
}

/// By how many servers, how many performances, and whether each performance has its server.
const SPREAD: [(usize, usize, bool); 6] = [
    (2, 1, false),
    (3, 1, false),
    (2, 1_000, false),
    (2, 1_000, true),
    (3, 1_000, false),
    (3, 1_000, true),
];
pub(crate) const HOLDS_ON_SEVERAL: &[&str] = &[
    "holds_postgres_2",
    "holds_postgres_3",
    "holds_postgres_1000_2",
    "holds_postgres_1000_2_sticky",
    "holds_postgres_1000_3",
    "holds_postgres_1000_3_sticky",
];
pub(crate) const BOOKINGS_ON_SEVERAL: &[&str] = &[
    "bookings_postgres_2",
    "bookings_postgres_3",
    "bookings_postgres_1000_2",
    "bookings_postgres_1000_2_sticky",
    "bookings_postgres_1000_3",
    "bookings_postgres_1000_3_sticky",
];

pub(crate) fn holds_on_several(session: &Session<'_>) -> Result<Vec<Row>> {
    let what = format!("durable holds a second ({CHOICE})");
    on_several(session, HOLDS_ON_SEVERAL, &what, "holds", latency)
}

pub(crate) fn bookings_on_several(session: &Session<'_>) -> Result<Vec<Row>> {
    let what = format!("{BOOKINGS} a second");
    let notes = |figures: &Figures| Ok(figures.notes());
    on_several(session, BOOKINGS_ON_SEVERAL, &what, "bookings", notes)
}

/// Several servers on one database, beside one in the same run.
fn on_several(
    session: &Session<'_>,
    names: &[&str],
    what: &str,
    task: &str,
    notes_of: impl Fn(&Figures) -> Result<Vec<String>>,
) -> Result<Vec<Row>> {
    let programs = Programs::build_with(session, ON_POSTGRES)?;
    let once = |servers: usize, performances: usize, sticky: bool| -> Result<Figures> {
        let many = performances.to_string();
        let spread = ["--performances", &many];
        let spread = if performances > 1 { &spread[..] } else { &[] };
        let shop = programs.serve_on_postgres(session, spread, &[], servers)?;
        let stick: &[&str] = if sticky { &["--sticky"] } else { &[] };
        let arguments = arguments(256, &[spread, stick].concat());
        let figures = programs.drive(&Target::Shop(&shop), task, &arguments)?;
        shop.close(&programs.onsale)?;
        Ok(figures)
    };
    let figure = format!("{task}_per_s");
    let mut rows: Vec<Row> = Vec::new();
    for performances in [1, 1_000] {
        let named = names.iter().zip(SPREAD);
        let here = || named.clone().filter(|(_, spread)| spread.1 == performances);
        let mut alone = Vec::new();
        let mut together = vec![(Vec::new(), Vec::new()); here().count()];
        for _ in 0..session.runs {
            alone.push(once(1, performances, false)?.get(&figure)?);
            for ((_, spread), (runs, notes)) in here().zip(&mut together) {
                let (servers, performances, sticky) = spread;
                let figures = once(servers, performances, sticky)?;
                runs.push(figures.get(&figure)?);
                *notes = notes_of(&figures)?;
            }
        }
        for ((name, (servers, performances, sticky)), (runs, notes)) in here().zip(together) {
            let sent = match (performances, sticky) {
                (1, _) => "one performance of 50,000 seats at all of them at once",
                (_, true) => "1,000 performances, each at one server",
                (_, false) => "1,000 performances, each at any server",
            };
            rows.push(Row {
                name: (*name).into(),
                what: format!(
                    "{what} on PostgreSQL with {servers} servers on the same machine, {sent}, 256 \
                     connections"
                ),
                unit: "/s",
                runs,
                baseline: Some(("one server, the same performances".into(), alone.clone())),
                target: Goal::None,
                notes,
            });
        }
    }
    Ok(rows)
}

/// One server on a PostgreSQL beside it.
pub(crate) fn bookings_on_postgres(session: &Session<'_>) -> Result<Vec<Row>> {
    let programs = Programs::build_with(session, ON_POSTGRES)?;
    let serve = || programs.serve_on_postgres(session, &[], &[], 1);
    let (name, on) = ("bookings_postgres", " on PostgreSQL");
    let row = bookings_against_echo(session, &programs, name, on, serve, Goal::None)?;
    Ok(vec![row])
}

pub(crate) const FEED: &[&str] = &["feed_delay", "feed_delay_p99"];

/// From asking for a seat until each of five thousand others has the change.
pub(crate) fn feed(session: &Session<'_>) -> Result<Vec<Row>> {
    let programs = Programs::build(session)?;
    let serve = || programs.serve(session, &[], &[]);
    feed_of(session, &programs, FEED, "", serve)
}

pub(crate) const FEED_ON_TWO: &[&str] = &["feed_delay_postgres_2", "feed_delay_postgres_2_p99"];

/// The same where the others are at another server.
pub(crate) fn feed_on_two(session: &Session<'_>) -> Result<Vec<Row>> {
    let programs = Programs::build_with(session, ON_POSTGRES)?;
    let serve = || programs.serve_on_postgres(session, &[], &[], 2);
    let on = " at another server on the same PostgreSQL";
    feed_of(session, &programs, FEED_ON_TWO, on, serve)
}

fn feed_of(
    session: &Session<'_>,
    programs: &Programs,
    names: &[&str],
    on: &str,
    serve: impl Fn() -> Result<Shop>,
) -> Result<Vec<Row>> {
    let (mut medians, mut tails, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..session.runs {
        let shop = serve()?;
        let figures = programs.drive(&Target::Shop(&shop), "listeners", &[])?;
        shop.close(&programs.onsale)?;
        medians.push(figures.get("median_ms")?);
        tails.push(figures.get("p99_ms")?);
        notes = figures.notes();
    }
    let row = |name: &str, what: &str, runs, notes| Row {
        name: name.into(),
        what: format!(
            "from asking for two seats until a listener{on} has the change, {what} over 5,000 \
             listeners"
        ),
        unit: "ms",
        runs,
        baseline: None,
        target: Goal::AtMost(300.0),
        notes,
    };
    Ok(vec![
        row(names[0], "median", medians, notes),
        row(names[1], "p99", tails, Vec::new()),
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
