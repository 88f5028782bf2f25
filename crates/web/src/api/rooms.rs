//! Waiting rooms as a visitor asks for them, and the admission that goes along into the shop.

use booking_core::price::Place as Seat;
use booking_core::{PerformanceId, SeatRequest};
use onsale_queue::Place;
use onsale_queue::wire::{PublicRoom, Wishes};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Answer, Besides, Failure, call, call_text, call_with, read};
use crate::browser;
use crate::rooms::kept;

/// A room, and what stands beside its public document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Room {
    pub(crate) public: PublicRoom,
    /// What it protects.
    pub(crate) performances: Vec<PerformanceId>,
    /// Most places that may be wished for and bought; 0: as many as the performance allows.
    pub(crate) max_places: u16,
    /// Whether a rush can be simulated here.
    pub(crate) demo: bool,
}

#[derive(Deserialize)]
struct Beside {
    performances: Vec<PerformanceId>,
    #[serde(default)]
    max_places: u16,
    #[serde(default)]
    demo: bool,
}

/// Work that is asked for a place.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Challenge {
    pub(crate) bits: u8,
    pub(crate) challenge: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct JoinAsk<'a> {
    pub(crate) challenge: Option<&'a str>,
    pub(crate) counter: Option<u64>,
    pub(crate) wishes: Wishes,
    pub(crate) pass: Option<&'a str>,
}

/// A place in line, with the pass that proves it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Joined {
    pub(crate) pass: String,
    pub(crate) place: Place,
    pub(crate) joined_ms: i64,
    #[serde(default)]
    pub(crate) wishes: Wishes,
}

#[derive(Serialize)]
struct PassAsk<'a> {
    pass: &'a str,
}

#[derive(Serialize)]
struct WishesAsk<'a> {
    pass: &'a str,
    wishes: Wishes,
}

#[derive(Serialize)]
struct ClaimAsk<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    performance_id: Option<PerformanceId>,
}

/// Let in.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Admitted {
    pub(crate) admission: String,
    pub(crate) expires_ms: i64,
    pub(crate) idle_ms: i64,
    pub(crate) performances: Vec<PerformanceId>,
    #[serde(default)]
    pub(crate) offer: Option<Offer>,
}

/// What the wishes found, not held yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Offer {
    pub(crate) performance_id: PerformanceId,
    pub(crate) needs_accessible: bool,
    pub(crate) request: SeatRequest,
    pub(crate) places: Vec<Seat>,
}

#[derive(Serialize)]
struct AdmissionAsk<'a> {
    admission: &'a str,
}

/// How long the shop is still open to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Presence {
    pub(crate) expires_ms: i64,
    pub(crate) idle_ms: i64,
}

/// A simulated rush.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Rush {
    pub(crate) running: bool,
    pub(crate) sent: u32,
    pub(crate) visitors: u32,
    pub(crate) waiting: u32,
    pub(crate) inside: u32,
    pub(crate) done: u32,
    pub(crate) gave_up: u32,
}

#[derive(Serialize)]
struct RushAsk {
    visitors: u32,
    within_s: u32,
}

/// The document that everybody polls. Asked for afresh: a kept answer may be older than the change
/// that an operator has just made.
pub(crate) async fn room(id: &str) -> Answer<Room> {
    let path = format!("/rooms/{id}");
    let besides = Besides {
        afresh: true,
        ..Besides::default()
    };
    let text = call_text("GET", &path, None::<&()>, besides).await?;
    let mut public: PublicRoom = read(&path, &text)?;
    // After a 304 its own time is that of the answer that was kept.
    public.now_ms = browser::now_ms();
    let beside: Beside = read(&path, &text)?;
    Ok(Room {
        public,
        performances: beside.performances,
        max_places: beside.max_places,
        demo: beside.demo,
    })
}

/// Work for a place.
pub(crate) async fn challenge(room: &str) -> Answer<Challenge> {
    let besides = Besides {
        afresh: true,
        ..Besides::default()
    };
    let path = format!("/rooms/{room}/challenge");
    call_with("GET", &path, None::<&()>, besides).await
}

/// Takes a place in line.
pub(crate) async fn join(room: &str, ask: &JoinAsk<'_>) -> Answer<Joined> {
    call("POST", &format!("/rooms/{room}/join"), Some(ask)).await
}

/// The server's word on a pass.
pub(crate) async fn standing(room: &str, pass: &str) -> Answer<Joined> {
    let path = format!("/rooms/{room}/standing");
    call("POST", &path, Some(&PassAsk { pass })).await
}

/// Says what is wanted.
pub(crate) async fn wish(room: &str, pass: &str, wishes: Wishes) -> Answer<Joined> {
    let path = format!("/rooms/{room}/wishes");
    call("PUT", &path, Some(&WishesAsk { pass, wishes })).await
}

/// Comes in on a pass.
pub(crate) async fn claim(
    room: &str,
    pass: &str,
    performance_id: Option<PerformanceId>,
) -> Answer<Admitted> {
    let ask = ClaimAsk {
        pass: Some(pass),
        code: None,
        performance_id,
    };
    call("POST", &format!("/rooms/{room}/claim"), Some(&ask)).await
}

/// Comes in on a code.
pub(crate) async fn claim_by_code(
    room: &str,
    code: &str,
    performance_id: Option<PerformanceId>,
) -> Answer<Admitted> {
    let ask = ClaimAsk {
        pass: None,
        code: Some(code),
        performance_id,
    };
    call("POST", &format!("/rooms/{room}/claim"), Some(&ask)).await
}

/// A sign of life from the shop.
pub(crate) async fn presence(room: &str, admission: &str) -> Answer<Presence> {
    let path = format!("/rooms/{room}/presence");
    call("POST", &path, Some(&AdmissionAsk { admission })).await
}

/// Frees the place in the shop; also where the page is closed at once.
pub(crate) async fn leave(room: &str, admission: &str) -> Answer<()> {
    let path = format!("/rooms/{room}/leave");
    let besides = Besides {
        outlives_page: true,
        ..Besides::default()
    };
    call_with("POST", &path, Some(&AdmissionAsk { admission }), besides).await
}

/// Sends simulated visitors.
pub(crate) async fn begin_rush(room: &str, visitors: u32, within_s: u32) -> Answer<Rush> {
    let ask = RushAsk { visitors, within_s };
    call("POST", &format!("/rooms/{room}/rush"), Some(&ask)).await
}

/// How a rush goes.
pub(crate) async fn rush(room: &str) -> Answer<Rush> {
    call("GET", &format!("/rooms/{room}/rush"), None::<&()>).await
}

/// No more simulated visitors.
pub(crate) async fn end_rush(room: &str) -> Answer<()> {
    call("DELETE", &format!("/rooms/{room}/rush"), None::<&()>).await
}

/// A request that a waiting room may stand before: shows the admission that is kept, and where the
/// room says no, says so to the page.
pub(super) async fn through_room<T: DeserializeOwned>(
    performance: PerformanceId,
    method: &str,
    path: &str,
    ask: &impl Serialize,
) -> Answer<T> {
    through_room_with(performance, method, path, ask, Besides::default()).await
}

/// The same, with more to say.
pub(super) async fn through_room_with<T: DeserializeOwned>(
    performance: PerformanceId,
    method: &str,
    path: &str,
    ask: &impl Serialize,
    besides: Besides<'_>,
) -> Answer<T> {
    let visit = kept::visit_of(performance);
    let besides = Besides {
        admission: visit.as_ref().map(|visit| visit.admission.as_str()),
        ..besides
    };
    let answer = call_with(method, path, Some(ask), besides).await;
    if let Err(Failure::Problem(problem)) = &answer {
        crate::rooms::gate::refused(performance, problem);
    }
    answer
}
