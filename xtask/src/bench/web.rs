//! The size of what a browser fetches first.

use anyhow::Result;

use super::{Row, Session, Target};
use crate::{toolchain, web};

pub(crate) fn first_load(session: &Session<'_>) -> Result<Vec<Row>> {
    let wasm = toolchain::ensure(session.screen)?;
    let dist = web::ensure(session.screen, &wasm, web::Args::RELEASE)?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a bundle is far below 2^52 bytes"
    )]
    let kib = web::first_load_bytes(&dist)? as f64 / 1024.0;
    Ok(vec![Row {
        name: "web_first_load".into(),
        what: "first load of the web app: the season and a performance with its seats, all files, brotli".into(),
        unit: "KiB",
        runs: vec![kib],
        baseline: None,
        target: Target::AtMost(300.0),
        notes: Vec::new(),
    }])
}
