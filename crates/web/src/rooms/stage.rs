//! Where a visitor is, worked out from the public document and the place that is kept. Pure, so that
//! every way through a room can be tested.

use onsale_queue::controller::HeldBy;
use onsale_queue::wire::{Outage, OutagePolicy, PublicRoom, Standing};
use onsale_queue::{Estimate, Place, RoomState};

/// Where a visitor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The shop is open to everybody.
    Quiet,
    /// Announced, and not open.
    Early {
        gathers_ms: Option<i64>,
        opens_ms: Option<i64>,
    },
    /// Without a place, and one can be had.
    Joinable,
    /// Without a place while the order is drawn: a moment.
    BetweenDraws,
    /// Without a place, and nobody else joins.
    Full,
    /// In the draw.
    Gathered { here: u64, opens_ms: Option<i64> },
    /// In the draw, which is being made.
    Drawing { here: u64 },
    /// In line: 1 is next.
    InLine {
        ahead: u64,
        waiting: u64,
        estimate: Option<Estimate>,
    },
    /// May come in.
    Turn { late: bool },
    /// Did not come in.
    TurnOver,
    /// The room is over.
    Closed,
    /// The room does not know the place (yet).
    Unknown,
}

impl Stage {
    pub(crate) fn of(room: &PublicRoom, place: Option<Place>) -> Self {
        if room.state == RoomState::Closed {
            return if room.on { Self::Closed } else { Self::Quiet };
        }
        if !room.on {
            return Self::Quiet;
        }
        let Some(place) = place else {
            return match room.state {
                RoomState::Scheduled => Self::early(room),
                RoomState::Gathering | RoomState::Open | RoomState::Paused => Self::Joinable,
                RoomState::Drawing => Self::BetweenDraws,
                RoomState::Draining | RoomState::Halted => Self::Full,
                RoomState::Closed => Self::Closed,
            };
        };
        if room.state == RoomState::Scheduled {
            return Self::early(room);
        }
        match room.standing(place) {
            Standing::Gathered { gathered } if room.state == RoomState::Drawing => {
                Self::Drawing { here: gathered }
            }
            Standing::Gathered { gathered } => Self::Gathered {
                here: gathered,
                opens_ms: room.opens_ms,
            },
            Standing::Waiting {
                ahead,
                waiting,
                estimate,
            } => Self::InLine {
                ahead,
                waiting,
                estimate,
            },
            Standing::YourTurn { late } => Self::Turn { late },
            Standing::TurnOver => Self::TurnOver,
            Standing::Closed => Self::Closed,
            Standing::Unknown => Self::Unknown,
        }
    }

    const fn early(room: &PublicRoom) -> Self {
        Self::Early {
            gathers_ms: room.gathers_ms,
            opens_ms: room.opens_ms,
        }
    }

    /// Place in line, where there is one.
    pub(crate) const fn ahead(self) -> Option<u64> {
        match self {
            Self::InLine { ahead, .. } => Some(ahead),
            _ => None,
        }
    }
}

/// What sets the pace of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Stopped by the operator.
    Paused,
    /// Stopped by a fault.
    Outage,
    /// Slowed down by a fault, to so many a minute.
    Reduced(u32),
    /// Nothing left to sell at the moment.
    SoldOut,
    /// As many are in the shop, or called, as there is left to sell.
    LastPlaces,
    /// The shop is full.
    Full,
    /// The shop struggles.
    Slow,
    /// The operator's rate.
    Rate(u32),
    /// Nothing moves, and nobody says why.
    Still,
}

impl Pace {
    pub(crate) fn of(room: &PublicRoom) -> Self {
        match room.outage {
            Some(Outage {
                policy: OutagePolicy::Hold,
                ..
            }) => return Self::Outage,
            Some(Outage {
                policy: OutagePolicy::Reduced { rate_per_minute },
                ..
            }) => return Self::Reduced(rate_per_minute),
            None => {}
        }
        if matches!(room.state, RoomState::Paused | RoomState::Halted) {
            return Self::Paused;
        }
        match room.held_by {
            Some(HeldBy::SoldOut) if room.places_left.is_some_and(|left| left > 0) => {
                Self::LastPlaces
            }
            Some(HeldBy::SoldOut) => Self::SoldOut,
            Some(HeldBy::Cap) => Self::Full,
            Some(HeldBy::Health) => Self::Slow,
            Some(HeldBy::Rate | HeldBy::NobodyWaiting) | None if room.rate_per_minute > 0 => {
                Self::Rate(room.rate_per_minute)
            }
            _ => Self::Still,
        }
    }

    /// Whether nobody is let in.
    pub(crate) const fn stands_still(self) -> bool {
        matches!(
            self,
            Self::Paused | Self::Outage | Self::SoldOut | Self::LastPlaces | Self::Still
        )
    }
}

/// What a visitor saw at one moment; two of them say what moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) stage: Stage,
    pub(crate) pace: Pace,
    pub(crate) rate_per_minute: u32,
}

impl Seen {
    pub(crate) fn of(room: &PublicRoom, place: Option<Place>) -> Self {
        Self {
            stage: Stage::of(room, place),
            pace: Pace::of(room),
            rate_per_minute: room.rate_per_minute,
        }
    }
}

/// Why a number on the page is another than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// Those before were let in.
    Forward { by: u64 },
    /// Earlier places came back after a fault.
    Back { by: u64 },
    /// The draw gave a place.
    Drawn { place: u64, among: u64 },
    /// The operator let in more or fewer a minute.
    Rate { from: u32, to: u32 },
    /// It goes on after standing still.
    GoesOn,
}

impl Moved {
    /// The one thing most worth saying of two looks.
    pub(crate) fn between(before: &Seen, now: &Seen) -> Option<Self> {
        let ahead = now.stage.ahead()?;
        if matches!(before.stage, Stage::Gathered { .. } | Stage::Drawing { .. }) {
            let among = match before.stage {
                Stage::Gathered { here, .. } | Stage::Drawing { here } => here,
                _ => ahead,
            };
            return Some(Self::Drawn {
                place: ahead,
                among: among.max(ahead),
            });
        }
        if before.rate_per_minute != now.rate_per_minute {
            return Some(Self::Rate {
                from: before.rate_per_minute,
                to: now.rate_per_minute,
            });
        }
        if before.pace.stands_still() && !now.pace.stands_still() {
            return Some(Self::GoesOn);
        }
        let was = before.stage.ahead()?;
        if ahead < was {
            Some(Self::Forward { by: was - ahead })
        } else if ahead > was {
            Some(Self::Back { by: ahead - was })
        } else {
            None
        }
    }
}

/// Whether a screen reader is told of `now`, having been told of `told`: each time the way to the front
/// has halved, and near it each of the last few places.
pub(crate) const fn worth_saying(told: u64, now: u64) -> bool {
    now > told || now <= told / 2 || (now != told && now <= 3)
}

/// How long, as it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    UnderMinute,
    /// Whole minutes; the first may be 0 ("up to").
    Minutes(u64, u64),
    /// Half hours.
    HalfHours(u64, u64),
}

impl Range {
    /// Rounded outwards, and the more so the longer it is.
    pub(crate) const fn of(estimate: Estimate) -> Self {
        const MINUTE: u64 = 60_000;
        let latest = estimate.latest_ms.div_ceil(MINUTE);
        let soonest = estimate.soonest_ms / MINUTE;
        if latest <= 1 {
            return Self::UnderMinute;
        }
        if latest > 90 {
            return Self::HalfHours(soonest / 30, latest.div_ceil(30));
        }
        let step = if latest > 20 { 5 } else { 1 };
        Self::Minutes(soonest / step * step, latest.div_ceil(step) * step)
    }
}

#[cfg(test)]
mod tests;
