//! `onsale echo`: what the benchmark compares the server with. A bare handler that reads a hold's
//! request and answers with a hold's answer, and does nothing in between; and one that gives away as
//! many bytes as it is asked for.

use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::process::ExitCode;

/// Bare axum handler for the benchmark
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to listen at
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
}

#[derive(Debug, Deserialize)]
struct Wish {
    hold_id: uuid::Uuid,
    request: booking_core::SeatRequest,
}

#[derive(Debug, Serialize)]
struct Answer {
    hold: Hold,
    warnings: Vec<()>,
    now_ms: i64,
    seq: u64,
}

#[derive(Debug, Serialize)]
struct Hold {
    hold: uuid::Uuid,
    places: Vec<booking_core::price::Place>,
    placed_ms: i64,
    expires_ms: i64,
    max_expires_ms: i64,
}

async fn echo(Json(wish): Json<Wish>) -> Json<Answer> {
    let places = match wish.request {
        booking_core::SeatRequest::These(places) => places,
        booking_core::SeatRequest::BestAvailable { .. }
        | booking_core::SeatRequest::GeneralAdmission { .. } => Vec::new(),
    };
    let placed_ms = 1_800_000_000_000;
    Json(Answer {
        hold: Hold {
            hold: wish.hold_id,
            places,
            placed_ms,
            expires_ms: placed_ms + 600_000,
            max_expires_ms: placed_ms + 1_200_000,
        },
        warnings: Vec::new(),
        now_ms: placed_ms,
        seq: 1,
    })
}

/// What bodies are made of.
static LETTERS: [u8; 65_536] = [b'x'; 65_536];

async fn bytes(Path(count): Path<u16>) -> Bytes {
    Bytes::from_static(&LETTERS[..usize::from(count)])
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let listener = tokio::net::TcpListener::bind(args.listen).await?;
    println!("echo serves at http://{}", listener.local_addr()?);
    let router = Router::new()
        .fallback(post(echo))
        .route("/bytes/{count}", get(bytes))
        .route("/", get(|| async { "ok" }));
    axum::serve(listener, router).await?;
    Ok(ExitCode::SUCCESS)
}
