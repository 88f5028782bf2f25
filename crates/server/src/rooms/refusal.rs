//! Every "no" of a room: its code, its status, what the caller can do, and the facts that go with it.

use super::operate::{MOST_PERFORMANCES, MOST_ROOMS};
use super::purchase::{Beyond, Purchase};
use crate::store::StoreError;
use booking_core::OrderId;
use onsale_queue::pow::PowFault;
use onsale_queue::room::ChangeRefused;
use onsale_queue::room::port::MOST_CODES;
use onsale_queue::wire::{ClaimRefused, JoinRefused};
use onsale_queue::{Action, RoomId, RoomState, TokenFault};
use serde_json::{Value, json};

/// A room's "no".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The room is on, and no admission was shown.
    AdmissionNeeded,
    /// Used, left, or past its time.
    AdmissionOver,
    /// Given to another session.
    AdmissionOfAnother,
    /// Given by another room.
    AdmissionOfAnotherRoom,
    /// Not one of ours, altered, or from the future.
    AdmissionInvalid(TokenFault),
    /// More than it entitles to.
    AdmissionLimited(Beyond, Purchase),
    /// Another order is being paid with it.
    AdmissionInUse(OrderId),
    /// Every slot is taken.
    ShopFull {
        /// When to try again.
        retry_ms: u32,
    },
    /// Others are before them.
    NotYourTurn {
        /// How many, themselves included; `None`: not known yet.
        ahead: Option<u64>,
        /// When to ask again.
        retry_ms: u32,
    },
    /// The turn was not taken.
    TurnOver,
    /// The place has let somebody in, and that visit is over.
    PassUsed,
    /// Somebody in another session is inside on it.
    PassElsewhere,
    /// Not one of ours, altered, or from the future.
    PassInvalid(TokenFault),
    /// Given to another account.
    PassOfAnother,
    /// Given by another room.
    PassOfAnotherRoom,
    /// Nobody is called at the moment.
    Paused,
    /// Not open yet.
    NotOpen {
        /// When it opens, where that is known.
        opens_ms: Option<i64>,
    },
    /// Nobody joins any more.
    JoiningOver,
    /// Over.
    Closed,
    /// Nothing is left to sell at the moment.
    SoldOut {
        /// When to try again.
        retry_ms: u32,
    },
    /// No such bypass code, used up or past its time.
    CodeInvalid,
    /// The proof of work is missing or does not count.
    ChallengeFailed(&'static str),
    /// The room's memory is away.
    Away {
        /// When to try again.
        retry_ms: u32,
    },
    /// Somebody else changed the room meanwhile.
    Changed {
        /// What the change was made for.
        expected: u64,
        /// What it is now.
        version: u64,
    },
    /// The draw was announced.
    DrawAnnounced,
    /// Not in this state.
    ActionNotAllowed {
        /// Where the room is.
        state: RoomState,
        /// What was asked.
        action: Action,
    },
    /// The draw takes a moment.
    StillDrawing,
    /// The room is on and cannot be removed.
    RoomOn,
    /// Another room protects the performance.
    PerformanceProtected,
    /// No more bypass codes.
    TooManyCodes,
    /// No more rooms.
    TooManyRooms,
    /// No more performances behind it.
    TooManyPerformances,
    /// Simulated visitors are on their way.
    RushRunning,
}

/// Why something about a room was not done.
#[derive(Debug)]
pub enum RoomsError {
    /// There is no such room (or nothing of that name in it).
    NotFound,
    /// The room says no.
    Refused(RoomId, Refusal),
    /// Only who has signed in joins.
    SignInNeeded,
    /// Too often.
    TooMany {
        /// Seconds until it makes sense to come back.
        retry_after_s: u64,
    },
    /// What was asked is not what it should be.
    Malformed {
        /// Where.
        at: String,
        /// The fault.
        what: String,
    },
    /// The database failed.
    Storage(String),
}

impl From<StoreError> for RoomsError {
    fn from(error: StoreError) -> Self {
        Self::Storage(error.to_string())
    }
}

/// What a person reads of a refusal.
pub(crate) struct Words {
    pub(crate) code: &'static str,
    pub(crate) status: u16,
    pub(crate) title: &'static str,
    pub(crate) detail: &'static str,
}

const fn words(
    status: u16,
    code: &'static str,
    title: &'static str,
    detail: &'static str,
) -> Words {
    Words {
        code,
        status,
        title,
        detail,
    }
}

/// What is wrong with a token, in a word.
const fn token_fault(fault: TokenFault) -> &'static str {
    match fault {
        TokenFault::Malformed => "malformed",
        TokenFault::UnknownKey => "unknown_key",
        TokenFault::BadSignature => "altered",
        TokenFault::FromTheFuture(_) => "from_the_future",
        TokenFault::Expired(_) => "expired",
        TokenFault::OtherRoom => "other_room",
        TokenFault::OtherVisitor => "other_visitor",
    }
}

impl Refusal {
    /// Of an admission that was shown.
    #[must_use]
    pub const fn of_admission(fault: TokenFault) -> Self {
        match fault {
            TokenFault::Expired(_) => Self::AdmissionOver,
            TokenFault::OtherRoom => Self::AdmissionOfAnotherRoom,
            TokenFault::OtherVisitor => Self::AdmissionOfAnother,
            TokenFault::Malformed
            | TokenFault::UnknownKey
            | TokenFault::BadSignature
            | TokenFault::FromTheFuture(_) => Self::AdmissionInvalid(fault),
        }
    }

    /// Of a pass that was shown.
    #[must_use]
    pub const fn of_pass(fault: TokenFault) -> Self {
        match fault {
            TokenFault::OtherRoom => Self::PassOfAnotherRoom,
            TokenFault::OtherVisitor => Self::PassOfAnother,
            TokenFault::Expired(_)
            | TokenFault::Malformed
            | TokenFault::UnknownKey
            | TokenFault::BadSignature
            | TokenFault::FromTheFuture(_) => Self::PassInvalid(fault),
        }
    }

    /// Of a challenge that was shown.
    #[must_use]
    pub const fn of_challenge(fault: PowFault) -> Self {
        Self::ChallengeFailed(match fault {
            PowFault::NotOurs => "not_ours",
            PowFault::Expired(_) => "expired",
            PowFault::OtherRoom => "other_room",
            PowFault::TooEasy { .. } => "too_easy",
            PowFault::Unsolved => "unsolved",
            PowFault::Used => "used",
        })
    }

    const fn of_state(state: RoomState, opens_ms: Option<i64>) -> Self {
        match state {
            RoomState::Scheduled | RoomState::Gathering | RoomState::Drawing => {
                Self::NotOpen { opens_ms }
            }
            // Open rooms refuse for other reasons; one that has just been opened is asked again.
            RoomState::Open | RoomState::Paused | RoomState::Halted => Self::Paused,
            RoomState::Draining => Self::JoiningOver,
            RoomState::Closed => Self::Closed,
        }
    }

    /// Of somebody who wanted a number.
    #[must_use]
    pub const fn of_join(refused: JoinRefused, opens_ms: Option<i64>) -> Self {
        match refused {
            JoinRefused::NotNow {
                state: RoomState::Halted,
            } => Self::JoiningOver,
            JoinRefused::NotNow { state } => Self::of_state(state, opens_ms),
            JoinRefused::Away { retry_ms } => Self::Away { retry_ms },
        }
    }

    /// Of somebody who wanted in. `ahead` and `retry_ms` are for whose turn it is not.
    #[must_use]
    pub const fn of_claim(
        refused: ClaimRefused,
        opens_ms: Option<i64>,
        ahead: Option<u64>,
        retry_ms: u32,
    ) -> Self {
        match refused {
            ClaimRefused::NotYourTurn => Self::NotYourTurn { ahead, retry_ms },
            ClaimRefused::Full { retry_ms } => Self::ShopFull { retry_ms },
            ClaimRefused::SoldOut { retry_ms } => Self::SoldOut { retry_ms },
            ClaimRefused::NotCalling { state } => Self::of_state(state, opens_ms),
            ClaimRefused::TurnOver => Self::TurnOver,
            ClaimRefused::Used => Self::PassUsed,
            ClaimRefused::UsedElsewhere => Self::PassElsewhere,
            ClaimRefused::NoSuchCode => Self::CodeInvalid,
            ClaimRefused::Away { retry_ms } => Self::Away { retry_ms },
        }
    }

    pub(crate) const fn words(&self) -> Words {
        match self {
            Self::AdmissionNeeded => words(
                403,
                "admission_needed",
                "There is a waiting room",
                "join the waiting room; when it is your turn you are let in",
            ),
            Self::AdmissionOver => words(
                403,
                "admission_over",
                "Your time in the shop is over",
                "join the waiting room again to come back",
            ),
            Self::AdmissionOfAnother => words(
                403,
                "admission_of_another",
                "This admission belongs to somebody else",
                "an admission opens the shop only to the session it was given to",
            ),
            Self::AdmissionOfAnotherRoom => words(
                403,
                "admission_of_another_room",
                "This admission is for another waiting room",
                "join the waiting room of this performance",
            ),
            Self::AdmissionInvalid(_) => words(
                403,
                "admission_invalid",
                "This is no admission",
                "it was not given here, or it was altered",
            ),
            Self::AdmissionLimited(..) => words(
                403,
                "admission_limited",
                "Your admission does not cover this",
                "choose within what your admission entitles you to",
            ),
            Self::AdmissionInUse(_) => words(
                409,
                "admission_in_use",
                "Another order is being paid",
                "one order at a time is paid for with an admission",
            ),
            Self::ShopFull { .. } => words(
                409,
                "shop_full",
                "The shop is full at the moment",
                "it is your turn and stays your turn: try again in a moment",
            ),
            Self::NotYourTurn { .. } => words(
                409,
                "not_your_turn",
                "It is not your turn yet",
                "others are before you; your place is kept",
            ),
            Self::TurnOver => words(
                409,
                "turn_over",
                "Your turn is over",
                "it was not taken in time: join again for a new place",
            ),
            Self::PassUsed => words(
                409,
                "pass_used",
                "This place has been used",
                "it has let you in once: join again for a new place",
            ),
            Self::PassElsewhere => words(
                409,
                "pass_elsewhere",
                "This place is used on another device",
                "go on where you were let in; one place lets one in",
            ),
            Self::PassInvalid(_) => words(
                403,
                "pass_invalid",
                "This is no pass",
                "it was not given here, or it was altered: join again",
            ),
            Self::PassOfAnother => words(
                403,
                "pass_of_another",
                "This pass belongs to another account",
                "sign in with the account that joined",
            ),
            Self::PassOfAnotherRoom => words(
                403,
                "pass_of_another_room",
                "This pass is for another waiting room",
                "join the waiting room of this performance",
            ),
            Self::Paused => words(
                409,
                "paused",
                "The waiting room is paused",
                "nobody is let in at the moment; places are kept",
            ),
            Self::NotOpen { .. } => words(
                409,
                "room_not_open",
                "The waiting room is not open yet",
                "come back when it opens",
            ),
            Self::JoiningOver => words(
                409,
                "joining_over",
                "Nobody else can join",
                "the waiting room lets in those who wait and is closed then",
            ),
            Self::Closed => words(
                409,
                "room_closed",
                "The waiting room is closed",
                "this sale is over",
            ),
            Self::SoldOut { .. } => words(
                409,
                "sold_out",
                "Nothing is left at the moment",
                "seats may come back; your place is kept",
            ),
            Self::CodeInvalid => words(
                403,
                "code_invalid",
                "This code does not work",
                "there is no such code, it has been used up, or its time is past",
            ),
            Self::ChallengeFailed(_) => words(
                403,
                "challenge_failed",
                "The challenge was not solved",
                "ask for another challenge and solve it",
            ),
            Self::Away { .. } => words(
                503,
                "room_away",
                "The waiting room catches its breath",
                "places are kept; try again in a moment",
            ),
            Self::Changed { .. } => words(
                409,
                "room_changed",
                "Somebody else changed the room",
                "look at it again and repeat what is still wanted",
            ),
            Self::DrawAnnounced => words(
                409,
                "draw_announced",
                "Visitors are gathering",
                "the draw cannot be added or taken away any more",
            ),
            Self::ActionNotAllowed { .. } => words(
                409,
                "action_not_allowed",
                "Not in this state",
                "the room's state does not allow that",
            ),
            Self::StillDrawing => words(
                409,
                "still_drawing",
                "The draw is being made",
                "it takes two seconds: try again in a moment",
            ),
            Self::RoomOn => words(
                409,
                "room_on",
                "The room is on",
                "close it before removing it",
            ),
            Self::PerformanceProtected => words(
                409,
                "performance_protected",
                "Another room protects this performance",
                "a performance has at most one waiting room",
            ),
            Self::TooManyCodes => words(
                409,
                "too_many_codes",
                "No more codes",
                "withdraw some bypass codes first",
            ),
            Self::TooManyRooms => words(
                409,
                "too_many_rooms",
                "No more rooms",
                "remove waiting rooms that are not needed any more first",
            ),
            Self::TooManyPerformances => words(
                409,
                "too_many_performances",
                "No more performances behind this room",
                "make another room for the others",
            ),
            Self::RushRunning => words(
                409,
                "rush_running",
                "A rush is under way",
                "wait until it is over, or stop it",
            ),
        }
    }

    /// Its stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.words().code
    }

    /// When to try again, where time mends it.
    #[must_use]
    pub const fn retry_ms(&self) -> Option<u32> {
        match self {
            Self::ShopFull { retry_ms }
            | Self::NotYourTurn { retry_ms, .. }
            | Self::SoldOut { retry_ms }
            | Self::Away { retry_ms } => Some(*retry_ms),
            Self::StillDrawing => Some(2_000),
            _ => None,
        }
    }

    /// The facts that go with the code.
    pub(crate) fn facts(&self, room: RoomId) -> Value {
        let mut facts = json!({ "code": self.code(), "room": room });
        if let Some(retry_ms) = self.retry_ms() {
            facts["retry_ms"] = retry_ms.into();
        }
        match self {
            Self::AdmissionInvalid(fault) | Self::PassInvalid(fault) => {
                facts["what"] = token_fault(*fault).into();
            }
            Self::AdmissionLimited(beyond, purchase) => {
                facts["limit"] = beyond.limit().into();
                facts["max_places"] = purchase.max_places.into();
                facts["bands"] = json!(purchase.bands);
                facts["seats"] = json!(purchase.seats);
            }
            Self::AdmissionInUse(order) => facts["order_id"] = json!(order),
            Self::NotYourTurn { ahead, .. } => facts["ahead"] = json!(ahead),
            Self::NotOpen { opens_ms } => facts["opens_ms"] = json!(opens_ms),
            Self::ChallengeFailed(what) => facts["what"] = (*what).into(),
            Self::Changed { expected, version } => {
                facts["expected"] = (*expected).into();
                facts["version"] = (*version).into();
            }
            Self::ActionNotAllowed { state, action } => {
                facts["state"] = json!(state);
                facts["action"] = json!(action);
                facts["actions"] = json!(actions(*state));
            }
            Self::AdmissionNeeded
            | Self::AdmissionOver
            | Self::AdmissionOfAnother
            | Self::AdmissionOfAnotherRoom
            | Self::ShopFull { .. }
            | Self::TurnOver
            | Self::PassUsed
            | Self::PassElsewhere
            | Self::PassOfAnother
            | Self::PassOfAnotherRoom
            | Self::Paused
            | Self::JoiningOver
            | Self::Closed
            | Self::SoldOut { .. }
            | Self::CodeInvalid
            | Self::Away { .. }
            | Self::DrawAnnounced
            | Self::StillDrawing
            | Self::RoomOn
            | Self::PerformanceProtected
            | Self::RushRunning => {}
            Self::TooManyCodes => facts["most"] = MOST_CODES.into(),
            Self::TooManyRooms => facts["most"] = MOST_ROOMS.into(),
            Self::TooManyPerformances => facts["most"] = MOST_PERFORMANCES.into(),
        }
        facts
    }
}

/// What an operator may do in a state.
#[must_use]
pub fn actions(state: RoomState) -> Vec<Action> {
    let allowed = Action::ALL.into_iter();
    allowed
        .filter(|action| state.after(*action).is_ok())
        .collect()
}

/// A rooms' store that cannot be used, as somebody who asked is told.
pub(crate) fn store_refused(room: RoomId, error: onsale_queue::room::StoreError) -> RoomsError {
    use onsale_queue::room::StoreError as Fault;
    match error {
        Fault::Away(_) => RoomsError::Refused(room, Refusal::Away { retry_ms: 2_000 }),
        Fault::NoSuchRoom => RoomsError::NotFound,
        Fault::Unreadable(what) => RoomsError::Storage(what),
    }
}

/// A change that was refused; `under` is where its settings stand in the body.
pub(crate) fn change_refused(room: RoomId, error: ChangeRefused, under: &str) -> RoomsError {
    let refusal = match error {
        ChangeRefused::NotAllowed(not) => Refusal::ActionNotAllowed {
            state: not.state,
            action: not.action,
        },
        ChangeRefused::StillDrawing => Refusal::StillDrawing,
        ChangeRefused::Conflict { expected, version } => Refusal::Changed { expected, version },
        ChangeRefused::DrawAnnounced => Refusal::DrawAnnounced,
        ChangeRefused::TooManyCodes => Refusal::TooManyCodes,
        ChangeRefused::Faults(faults) => return settings_malformed(&faults, under),
        ChangeRefused::Store(error) => return store_refused(room, error),
    };
    RoomsError::Refused(room, refusal)
}

/// Every fault of settings: the first one's place, all of them in words.
pub(crate) fn settings_malformed(
    faults: &[onsale_queue::wire::SettingsFault],
    under: &str,
) -> RoomsError {
    let what = faults.iter().map(ToString::to_string);
    RoomsError::Malformed {
        at: faults.first().map_or_else(
            || "body".to_owned(),
            |fault| format!("{under}{}", fault.field),
        ),
        what: what.collect::<Vec<_>>().join("; "),
    }
}
