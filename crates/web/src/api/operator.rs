//! Waiting rooms as an operator asks for them.

use booking_core::PerformanceId;
use onsale_queue::wire::{AuditEntry, BypassCode, Figures, PublicRoom, RoomSettings};
use onsale_queue::{Action, RoomState};
use serde::{Deserialize, Serialize};

use super::http::ROOT;
use super::{Answer, call};

/// What an admission entitles to; empty and 0: everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entitled {
    #[serde(default)]
    pub(crate) max_places: u16,
    #[serde(default)]
    pub(crate) bands: Vec<u8>,
    #[serde(default)]
    pub(crate) seats: Vec<u32>,
}

/// A room with all that an operator sees.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct RoomDetail {
    pub(crate) id: String,
    pub(crate) performances: Vec<PerformanceId>,
    pub(crate) version: u64,
    pub(crate) settings: RoomSettings,
    pub(crate) state: RoomState,
    pub(crate) actions: Vec<Action>,
    pub(crate) public: PublicRoom,
    pub(crate) figures: Figures,
}

#[derive(Deserialize)]
struct Rooms {
    rooms: Vec<RoomDetail>,
}

#[derive(Serialize)]
struct RoomMade<'a> {
    settings: &'a RoomSettings,
    performances: &'a [PerformanceId],
}

/// Some settings, by name; the rest stays.
pub(crate) type SomeSettings = serde_json::Map<String, serde_json::Value>;

#[derive(Serialize)]
struct RoomChange<'a> {
    expected_version: Option<u64>,
    settings: &'a SomeSettings,
}

#[derive(Serialize)]
struct ActionAsk {
    action: Action,
    expected_version: Option<u64>,
}

#[derive(Deserialize)]
struct Codes {
    codes: Vec<BypassCode>,
}

#[derive(Serialize)]
struct CodeAsk<'a> {
    label: &'a str,
    limit: u32,
    expires_ms: Option<i64>,
    authority: Entitled,
}

/// A new code; its text is said this once.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct NewCode {
    pub(crate) code: String,
}

/// A room's figures over time.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct History {
    pub(crate) points: Vec<Figures>,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<AuditEntry>,
}

/// Every room.
pub(crate) async fn operator_rooms() -> Answer<Vec<RoomDetail>> {
    let rooms: Rooms = call("GET", "/operator/rooms", None::<&()>).await?;
    Ok(rooms.rooms)
}

/// One room.
pub(crate) async fn operator_room(id: &str) -> Answer<RoomDetail> {
    call("GET", &format!("/operator/rooms/{id}"), None::<&()>).await
}

/// Makes a room.
pub(crate) async fn make_room(
    settings: &RoomSettings,
    performances: &[PerformanceId],
) -> Answer<RoomDetail> {
    let made = RoomMade {
        settings,
        performances,
    };
    call("POST", "/operator/rooms", Some(&made)).await
}

/// Changes settings, if nobody changed the room since.
pub(crate) async fn change_room(
    id: &str,
    expected_version: u64,
    settings: &SomeSettings,
) -> Answer<RoomDetail> {
    let change = RoomChange {
        expected_version: Some(expected_version),
        settings,
    };
    call("PATCH", &format!("/operator/rooms/{id}"), Some(&change)).await
}

/// Takes a room on in its life, if nobody changed it since.
pub(crate) async fn act_on_room(
    id: &str,
    expected_version: u64,
    action: Action,
) -> Answer<RoomDetail> {
    let ask = ActionAsk {
        action,
        expected_version: Some(expected_version),
    };
    call("POST", &format!("/operator/rooms/{id}/actions"), Some(&ask)).await
}

/// Codes past the line.
pub(crate) async fn codes(id: &str) -> Answer<Vec<BypassCode>> {
    let codes: Codes = call("GET", &format!("/operator/rooms/{id}/codes"), None::<&()>).await?;
    Ok(codes.codes)
}

/// A new code.
pub(crate) async fn issue_code(
    id: &str,
    label: &str,
    limit: u32,
    expires_ms: Option<i64>,
) -> Answer<NewCode> {
    let ask = CodeAsk {
        label,
        limit,
        expires_ms,
        authority: Entitled::default(),
    };
    call("POST", &format!("/operator/rooms/{id}/codes"), Some(&ask)).await
}

/// Withdraws a code.
pub(crate) async fn withdraw_code(id: &str, code: &str) -> Answer<()> {
    let path = format!("/operator/rooms/{id}/codes/{code}");
    call("DELETE", &path, None::<&()>).await
}

/// The last figures, oldest first.
pub(crate) async fn figures(id: &str, limit: u32) -> Answer<History> {
    let path = format!("/operator/rooms/{id}/figures?limit={limit}");
    call("GET", &path, None::<&()>).await
}

/// The audit log, newest first.
pub(crate) async fn audit_log(id: &str, limit: u32) -> Answer<Vec<AuditEntry>> {
    let path = format!("/operator/rooms/{id}/log?limit={limit}");
    let log: Log = call("GET", &path, None::<&()>).await?;
    Ok(log.entries)
}

/// Address of a room's live feed.
pub(crate) fn operator_feed_url(id: &str) -> String {
    format!("{ROOT}/operator/rooms/{id}/feed")
}
