//! What Redis answers, in our words.

use crate::life::RoomState;
use crate::room::port::StoreError;
use crate::wire::ClaimRefused;
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use fred::prelude::Value;

const RETRY_FULL_MS: u32 = 2_000;
const RETRY_SOLD_OUT_MS: u32 = 5_000;
const RETRY_SETTLING_MS: u32 = 1_000;

#[allow(clippy::needless_pass_by_value)]
pub(super) fn fault(error: fred::error::Error) -> StoreError {
    let text = error.to_string();
    if text.contains("user_script") {
        StoreError::Unreadable(text)
    } else {
        StoreError::Away(text)
    }
}

pub(super) fn unreadable(what: &str) -> StoreError {
    StoreError::Unreadable(what.into())
}

/// The texts of an array, numbers among them.
pub(super) fn texts(value: Value) -> Result<Vec<String>, StoreError> {
    value
        .convert::<Vec<String>>()
        .map_err(|error| StoreError::Unreadable(error.to_string()))
}

pub(super) fn parse<T: core::str::FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse()
        .map_err(|_| StoreError::Unreadable(format!("`{text}` where a number should be")))
}

pub(super) fn state(text: &str) -> Result<RoomState, StoreError> {
    serde_json::from_value(serde_json::Value::from(text))
        .map_err(|_| StoreError::Unreadable(format!("`{text}` is no state")))
}

pub(super) fn refusal(answer: &[String]) -> Result<ClaimRefused, StoreError> {
    let why = answer.get(1).map_or("", String::as_str);
    Ok(match why {
        "not_your_turn" => ClaimRefused::NotYourTurn,
        "turn_over" => ClaimRefused::TurnOver,
        "used" => ClaimRefused::Used,
        "used_elsewhere" => ClaimRefused::UsedElsewhere,
        "no_such_code" => ClaimRefused::NoSuchCode,
        "full" => ClaimRefused::Full {
            retry_ms: RETRY_FULL_MS,
        },
        "sold_out" => ClaimRefused::SoldOut {
            retry_ms: RETRY_SOLD_OUT_MS,
        },
        "away" => ClaimRefused::Away {
            retry_ms: RETRY_SETTLING_MS,
        },
        "not_calling" => ClaimRefused::NotCalling {
            state: state(answer.get(2).map_or("", String::as_str))?,
        },
        other => {
            return Err(StoreError::Unreadable(format!(
                "`{other}` is no reason to refuse"
            )));
        }
    })
}
