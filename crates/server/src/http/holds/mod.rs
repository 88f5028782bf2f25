//! A fan's holds: one file an endpoint, and what they share.

pub mod change;
pub mod extend;
pub mod place;
pub mod read;
pub mod release;

use super::problem::ApiError;
use super::{AppState, schema};
use crate::lane::Answer;
use booking_core::inventory::Hold;
use booking_core::price::Place;
use booking_core::{Command, CommandId, HoldId, PerformanceId, Rejection, Warning};

/// A hold as its owner sees it, with the server's time to count down by.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct HoldAnswer {
    #[schema(value_type = schema::Hold)]
    hold: HoldBody,
    #[schema(value_type = Vec<schema::Warning>)]
    warnings: Vec<Warning>,
    /// The server's clock now.
    now_ms: i64,
    /// Ledger position of the answer.
    seq: u64,
}

#[derive(Debug, serde::Serialize)]
struct HoldBody {
    hold: HoldId,
    places: Vec<Place>,
    placed_ms: i64,
    expires_ms: i64,
    max_expires_ms: i64,
}

impl HoldAnswer {
    fn new(hold: Hold, warnings: Vec<Warning>, now_ms: i64, seq: u64) -> Self {
        let Hold {
            hold,
            places,
            placed_ms,
            expires_ms,
            max_expires_ms,
            ..
        } = hold;
        let hold = HoldBody {
            hold,
            places,
            placed_ms,
            expires_ms,
            max_expires_ms,
        };
        Self {
            hold,
            warnings,
            now_ms,
            seq,
        }
    }
}

/// Sends a command about hold `id`, and shapes what comes of it.
async fn send(
    state: &AppState,
    performance: PerformanceId,
    command_id: CommandId,
    command: Command,
    id: HoldId,
) -> Result<axum::Json<HoldAnswer>, ApiError> {
    let Answer {
        hold,
        warnings,
        seq,
        ..
    } = state.lanes.send(performance, command_id, command).await?;
    let hold = hold.ok_or(ApiError::Rejected(Rejection::NoSuchHold { hold: id }))?;
    let now_ms = state.clock.now_ms();
    Ok(axum::Json(HoldAnswer::new(hold, warnings, now_ms, seq)))
}
