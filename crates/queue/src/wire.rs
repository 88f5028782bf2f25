//! What room, browser and operator say to each other. With the feature `serde` these are the JSON
//! shapes of the API; nothing here does I/O.
//!
//! * [`RoomSettings`]: what an operator sets, with [`RoomSettings::faults`].
//! * [`PublicRoom`]: the one document that everybody polls. It is the same for all; a browser works out
//!   its own place with [`PublicRoom::standing`] and when to ask again with
//!   [`PublicRoom::poll_after_ms`].
//! * [`PublicDraw`]: the opening draw as anybody may check it.
//! * [`ClaimRefused`], [`JoinRefused`]: the room's "no", with what a fan needs to know.

mod public;
mod settings;

pub use public::{Outage, PublicDraw, PublicRoom, Standing};
pub use settings::{MOST_CAP, MOST_RATE, OutagePolicy, RoomSettings, SettingsFault};

use crate::life::RoomState;

/// Why somebody gets no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "reason"))]
pub enum JoinRefused {
    /// Nobody joins in this state: not open yet, being drawn, draining, over.
    #[error("nobody can join while the room is {state:?}")]
    NotNow {
        /// The room's state.
        state: RoomState,
    },
    /// The room's memory is away, and no number can be given that would be good afterwards. Try again.
    #[error("the room cannot be reached; try again in {retry_ms} ms")]
    Away {
        /// When to try again.
        retry_ms: u32,
    },
}

/// Why somebody is not let in now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "reason"))]
pub enum ClaimRefused {
    /// Others are before them.
    #[error("it is not their turn yet")]
    NotYourTurn,
    /// Their turn, but the shop is full: it stays their turn.
    #[error("the shop is full; try again in {retry_ms} ms")]
    Full {
        /// When to try again.
        retry_ms: u32,
    },
    /// Their turn, but nothing can be bought at the moment. Holds may lapse: it stays their turn.
    #[error("nothing is left to sell at the moment")]
    SoldOut {
        /// When to try again.
        retry_ms: u32,
    },
    /// The room lets nobody in: paused, not open, closed.
    #[error("nobody is let in while the room is {state:?}")]
    NotCalling {
        /// The room's state.
        state: RoomState,
    },
    /// The turn was not taken in time, nor in the grace after it. They may join again.
    #[error("the turn was not taken in time")]
    TurnOver,
    /// This place has let somebody in already, and that visit is over.
    #[error("this place has been used")]
    Used,
    /// Somebody in another session is in the shop on this place.
    #[error("this place is being used in another session")]
    UsedElsewhere,
    /// A bypass code that does not exist, is used up or is past its time.
    #[error("this code is not good (any more)")]
    NoSuchCode,
    /// The room's memory is away or has just come back; places are kept. Try again.
    #[error("the room is catching its breath; try again in {retry_ms} ms")]
    Away {
        /// When to try again.
        retry_ms: u32,
    },
}

/// What a visitor wants, said while waiting; on admission a matching offer is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Wishes {
    /// How many places; 0: not said.
    pub places: u8,
    /// Only this price band.
    pub band: Option<u8>,
    /// Only next to each other.
    pub together: bool,
    /// At least one place for a wheelchair.
    pub accessible: bool,
}

impl Wishes {
    /// Most places that can be wished for, whatever may be bought.
    pub const MOST_PLACES: u8 = 50;
}

/// Counted since the room was made. Differences between two of these are what graphs show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct Totals {
    /// Requests for the shop that came to the room, joined or not.
    pub arrivals: u64,
    /// Numbers given.
    pub joined: u64,
    /// Numbers called.
    pub called: u64,
    /// Visitors let in.
    pub admitted: u64,
    /// Turns that were not taken in time (numbers lost in a server's restart among them).
    pub no_shows: u64,
    /// Shoppers who bought.
    pub completed: u64,
    /// Shoppers who left without buying.
    pub abandoned: u64,
    /// Shoppers whose time ran out, or who were idle for too long.
    pub expired: u64,
    /// Most shoppers ever inside at once.
    pub most_inside: u64,
    /// Let in on a bypass code, among `admitted`.
    pub bypassed: u64,
}

/// One point of an operator's graphs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct Figures {
    /// When, ms since the epoch.
    pub at_ms: i64,
    /// Counted until then.
    pub totals: Totals,
    /// Waiting then.
    pub waiting: u64,
    /// In the shop then.
    pub active: u32,
    /// Called, expected, not yet in.
    pub expected: u64,
    /// Operator's rate then.
    pub rate_per_minute: u32,
    /// Operator's cap then.
    pub cap: u32,
    /// How well the shop kept up, of 1000.
    pub health_permille: u16,
    /// Left to sell then.
    pub places_left: Option<u64>,
    /// For whoever would have joined then: when to expect their turn, at the latest.
    pub estimate_ms: Option<u64>,
}

#[cfg(feature = "serde")]
pub use audit::{AuditEntry, BypassCode, Deed};

#[cfg(feature = "serde")]
mod audit {
    use super::RoomSettings;
    use crate::life::{Action, RoomState};
    use crate::token::Authority;
    use alloc::{boxed::Box, string::String};

    /// One line of the audit log: who did what when.
    #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    pub struct AuditEntry {
        /// When, ms since the epoch.
        pub at_ms: i64,
        /// Who: an operator's name, `schedule`, `threshold` or `room`.
        pub who: String,
        /// Version of the room after it.
        pub version: u64,
        /// What.
        pub deed: Deed,
    }

    /// What was done to a room.
    #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Deed {
        /// The room was made.
        Made {
            /// With these settings.
            settings: Box<RoomSettings>,
        },
        /// An action of its life.
        Acted {
            /// Which.
            action: Action,
            /// State before.
            from: RoomState,
            /// State after.
            to: RoomState,
        },
        /// Settings were changed.
        Changed {
            /// From these; lines from before this was kept do not say.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            from: Option<Box<RoomSettings>>,
            /// To these.
            settings: Box<RoomSettings>,
        },
        /// A performance was put behind the room.
        Protected {
            /// Its id.
            performance: String,
            /// How many the room protects with it.
            protects: u32,
        },
        /// A performance was taken away from behind the room.
        Unprotected {
            /// Its id.
            performance: String,
            /// How many the room protects without it.
            protects: u32,
        },
        /// What may be bought by who waited was changed.
        Entitled {
            /// From this.
            from: Box<Authority>,
            /// To this.
            to: Box<Authority>,
        },
        /// The room was removed; its log is kept.
        Removed,
        /// A bypass code was issued.
        Issued {
            /// What it is for.
            label: String,
            /// How often it may be used.
            limit: u32,
        },
        /// A bypass code was withdrawn.
        Withdrew {
            /// What it was for.
            label: String,
        },
        /// The room's memory had lost numbers it had given; those who hold them keep their places in
        /// front, newcomers get numbers of a new epoch.
        Recovered {
            /// The new epoch.
            epoch: u32,
            /// Why.
            why: String,
        },
        /// The room's memory was away and the operator's policy for that was in force.
        Away {
            /// For how long.
            for_ms: u64,
            /// Let in meanwhile.
            admitted: u64,
        },
    }

    /// A code that lets people in without waiting, within the cap.
    #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    pub struct BypassCode {
        /// Hash of the code, which also names it.
        pub id: String,
        /// What it is for.
        pub label: String,
        /// How often it may be used.
        pub limit: u32,
        /// How often it has been used.
        pub used: u32,
        /// First instant at which it is not good any more.
        pub expires_ms: Option<i64>,
    }
}
