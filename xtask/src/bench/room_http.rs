//! The waiting room over HTTP: joining, asking, an operator's changes. No proof of work is asked for:
//! it is the browser's to do, and the server checks it in one hash. The surge is in
//! [`room_surge`](super::room_surge).

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{
    Row, Session, Target as Goal,
    load::{Echo, Figures, Programs, Shop, Target},
};
use crate::{apt, place, server};

pub(crate) const JOIN: &[&str] = &["room_join_memory", "room_join_redis"];
pub(crate) const CHANGE: &[&str] = &["room_change_effect", "room_change_effect_p99"];

const CONNECTIONS: &str = "256";

/// The server with Redis in it for all of these, so that they are of the same program.
fn programs(session: &Session<'_>) -> Result<Programs> {
    Programs::build_with(session, &["redis"])
}

/// Without the limit on joins that one address of this generator would run into.
fn serve(session: &Session<'_>, programs: &Programs, more: &[&str]) -> Result<Shop> {
    programs.serve(session, &[], &[&["--room-joins", "0"], more].concat())
}

fn drive(
    programs: &Programs,
    shop: &Shop,
    scenario: &str,
    more: &[(&str, &str)],
) -> Result<Figures> {
    let operator = shop.operator();
    let operator = operator
        .to_str()
        .context("the demo's folder has a name that is not text")?;
    let arguments = [&[("--operator", operator)], more].concat();
    programs.drive(&Target::Shop(shop), scenario, &words(&arguments))
}

fn words(pairs: &[(&str, &str)]) -> Vec<String> {
    pairs
        .iter()
        .flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()])
        .collect()
}

/// Places taken a second, in memory and on Redis, beside the echo.
pub(crate) fn join(session: &Session<'_>) -> Result<Vec<Row>> {
    apt::ensure_program(session.step, "redis-server", &["redis-server"])?;
    let programs = programs(session)?;
    let connections = [("--connections", CONNECTIONS)];
    let mut echoes = Vec::new();
    let mut joins = [Vec::new(), Vec::new()];
    let mut notes = [Vec::new(), Vec::new()];
    for _ in 0..session.runs {
        let redis = Redis::start()?;
        let url = redis.url();
        let stores = [&[][..], &["--room-store", &url][..]];
        for ((store, joins), notes) in stores.iter().zip(&mut joins).zip(&mut notes) {
            let shop = serve(session, &programs, store)?;
            let figures = drive(&programs, &shop, "room-join", &connections)?;
            shop.close(&programs.onsale)?;
            joins.push(figures.get("joins_per_s")?);
            *notes = latency("place given", &figures)?;
        }
        let echo = Echo::start(&programs)?;
        let figures = programs.drive(&Target::Echo(&echo), "echo", &words(&connections))?;
        echoes.push(figures.get("requests_per_s")?);
    }
    let row = |name: &str, store: &str, runs, notes| Row {
        name: name.into(),
        what: format!(
            "places in a waiting room taken a second over HTTP, each by a visitor without a cookie \
             who gets a session and a signed pass, room {store}, no proof of work, 256 connections"
        ),
        unit: "/s",
        runs,
        baseline: Some(("requests to a bare axum echo".into(), echoes.clone())),
        target: Goal::RatioAtLeast(0.6),
        notes,
    };
    let [in_memory, on_redis] = joins;
    let [of_memory, of_redis] = notes;
    Ok(vec![
        row(JOIN[0], "in memory", in_memory, of_memory),
        row(JOIN[1], "on Redis", on_redis, of_redis),
    ])
}

/// The public document, beside a bare answer of as many bytes.
pub(crate) fn poll(session: &Session<'_>) -> Result<Vec<Row>> {
    let programs = programs(session)?;
    let connections = ("--connections", CONNECTIONS);
    let (mut polls, mut gets, mut notes, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0.0);
    for _ in 0..session.runs {
        let shop = serve(session, &programs, &[])?;
        let figures = drive(&programs, &shop, "room-poll", &[connections])?;
        shop.close(&programs.onsale)?;
        polls.push(figures.get("gets_per_s")?);
        notes = latency("answered", &figures)?;
        bytes = figures.get("document_bytes")?;

        let echo = Echo::start(&programs)?;
        let path = format!("/bytes/{bytes:.0}");
        let arguments = words(&[connections, ("--path", &path)]);
        let figures = programs.drive(&Target::Echo(&echo), "gets", &arguments)?;
        gets.push(figures.get("gets_per_s")?);
    }
    Ok(vec![Row {
        name: "room_poll".into(),
        what: format!(
            "a room's public document got a second, whole ({bytes:.0} bytes, no `304`), 1,000 \
             waiting, 256 connections"
        ),
        unit: "/s",
        runs: polls,
        baseline: Some(("a bare axum GET of as many bytes".into(), gets)),
        target: Goal::RatioAtLeast(0.9),
        notes,
    }])
}

/// From an operator's request until the public document has the change.
pub(crate) fn change(session: &Session<'_>) -> Result<Vec<Row>> {
    let programs = programs(session)?;
    let (mut medians, mut tails, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..session.runs {
        let shop = serve(session, &programs, &[])?;
        let figures = drive(&programs, &shop, "room-change", &[])?;
        shop.close(&programs.onsale)?;
        medians.push(figures.get("median_ms")?);
        tails.push(figures.get("p99_ms")?);
        notes = vec![format!("at most {:.0} ms", figures.get("max_ms")?)];
        notes.extend(figures.notes());
    }
    let row = |name: &str, what: &str, runs, notes| Row {
        name: name.into(),
        what: format!(
            "from sending an operator's change (message, rate, pause, resume in turn) until the \
             room's public document has it, {what} of 400"
        ),
        unit: "ms",
        runs,
        baseline: None,
        target: Goal::AtMost(1_000.0),
        notes,
    };
    Ok(vec![
        row(CHANGE[0], "median", medians, notes),
        row(CHANGE[1], "p99", tails, Vec::new()),
    ])
}

fn latency(what: &str, figures: &Figures) -> Result<Vec<String>> {
    let mut notes = vec![format!(
        "{what} in {:.1} ms (median), {:.1} ms (p99)",
        figures.get("p50_ms")?,
        figures.get("p99_ms")?
    )];
    notes.extend(figures.notes());
    Ok(notes)
}

/// A Redis of our own on a free port, which keeps nothing.
struct Redis {
    child: Child,
    address: SocketAddr,
}

impl Redis {
    fn start() -> Result<Self> {
        let address = server::free_address()?;
        let dir = place::target().join("xtask/data/bench-redis");
        fs::create_dir_all(&dir)?;
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--port", &address.port().to_string()])
            .arg("--dir")
            .arg(&dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("starting `redis-server`")?;
        let redis = Self { child, address };
        let started = Instant::now();
        while !redis.answers() {
            if started.elapsed() > Duration::from_secs(10) {
                bail!("`redis-server` does not answer");
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(redis)
    }

    fn answers(&self) -> bool {
        let ping = || {
            let mut stream = TcpStream::connect(self.address)?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(b"PING\r\n")?;
            let mut answer = [0; 5];
            stream.read_exact(&mut answer)?;
            std::io::Result::Ok(answer == *b"+PONG")
        };
        ping().unwrap_or(false)
    }

    fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
