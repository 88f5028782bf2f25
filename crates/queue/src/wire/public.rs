//! The one document that everybody polls.

use super::settings::OutagePolicy;
use crate::controller::HeldBy;
use crate::draw::{Commitment, DrawKey, DrawnOrder};
use crate::estimate::{Estimate, estimate, is_observed};
use crate::life::RoomState;
use crate::number::{Epoch, EpochProgress, Place, QueueNumber, ahead_of};
use crate::token::RoomId;
use alloc::{string::String, vec::Vec};

/// The opening draw as everybody sees it.
///
/// Before the gathering only the commitment is there. When the gathering ends, `parts` and `gathered`
/// are fixed; last comes the key. Then [`place_of`](Self::place_of) gives anybody's place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PublicDraw {
    /// Hash of the key, published before anybody gathers.
    pub commitment: Commitment,
    /// The epochs that gathered, and how many numbers of each are in the draw.
    pub parts: Vec<(Epoch, u64)>,
    /// All of them.
    pub gathered: u64,
    /// The epoch of the places that are drawn.
    pub epoch: Epoch,
    /// The key, once revealed.
    pub key: Option<DrawKey>,
}

impl PublicDraw {
    /// As what number somebody takes part in the draw; `None`: they did not gather.
    #[must_use]
    pub fn arrival_of(&self, place: Place) -> Option<QueueNumber> {
        let mut before = 0;
        for (epoch, count) in &self.parts {
            if *epoch == place.epoch {
                return (place.number.0 < *count).then(|| QueueNumber(before + place.number.0));
            }
            before += count;
        }
        None
    }

    /// The place drawn by who gathered as `place`; `None` until the key is revealed, and for who did
    /// not gather.
    #[must_use]
    pub fn place_of(&self, place: Place) -> Option<Place> {
        let number = DrawnOrder::new(self.key?, self.gathered).place_of(self.arrival_of(place)?)?;
        Some(Place {
            epoch: self.epoch,
            number,
        })
    }
}

/// The room's memory is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Outage {
    /// Since when, ms since the epoch.
    pub since_ms: i64,
    /// What the operator decided for that.
    pub policy: OutagePolicy,
}

/// Who has no more than so many in line (themselves included) asks often, also where nothing moves.
const NEAR: u64 = 20;

/// All that anybody needs to know about a room, the same for everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PublicRoom {
    /// Which room.
    pub room: RoomId,
    /// What it is called.
    pub name: String,
    /// Whether the shop is behind it. A quiet room is invisible.
    pub on: bool,
    /// Where it is in its life.
    pub state: RoomState,
    /// Grows with every change by an operator.
    pub version: u64,
    /// When this was written, by the room's clock.
    pub now_ms: i64,
    /// Epochs before this one belong to an earlier sale; their passes are over.
    pub floor: Epoch,
    /// Every epoch of numbers, oldest first.
    pub epochs: Vec<EpochProgress>,
    /// Everybody who waits.
    pub waiting: u64,
    /// The operator's rate.
    pub rate_per_minute: u32,
    /// Calls in each of the last intervals, newest last.
    pub recent: Vec<u32>,
    /// Length of those intervals.
    pub interval_ms: u64,
    /// What keeps the room from calling more, while it calls.
    pub held_by: Option<HeldBy>,
    /// The opening draw, where there is one.
    pub draw: Option<PublicDraw>,
    /// When visitors may begin to gather.
    pub gathers_ms: Option<i64>,
    /// When it opens.
    pub opens_ms: Option<i64>,
    /// Left to sell; `None`: nothing here runs out.
    pub places_left: Option<u64>,
    /// How long a place in the shop is kept free for who has been called.
    pub claim_ms: u32,
    /// Longest stay in the shop.
    pub shop_ms: u32,
    /// Zero bits of proof of work asked for a number.
    pub pow_bits: u8,
    /// Only who is signed in joins.
    pub accounts_required: bool,
    /// The operator's word.
    pub message: String,
    /// The room's memory is away, and what is done about it.
    pub outage: Option<Outage>,
}

/// Where one visitor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "standing"))]
pub enum Standing {
    /// Takes part in the draw; the order is not decided.
    Gathered {
        /// How many have gathered.
        gathered: u64,
    },
    /// Waits.
    Waiting {
        /// Place in line: 1 is next.
        ahead: u64,
        /// Everybody who waits.
        waiting: u64,
        /// How long; `None` where nothing moves.
        estimate: Option<Estimate>,
    },
    /// May come in now.
    YourTurn {
        /// The time in which a place is kept free is past; still, where there is room.
        late: bool,
    },
    /// The turn was not taken.
    TurnOver,
    /// The room is over.
    Closed,
    /// The room does not know the epoch (yet): its memory was lost and is being rebuilt from the passes
    /// that are shown. The place is kept; show the pass to the server.
    Unknown,
}

impl PublicRoom {
    /// The place that counts: for who gathered, the drawn one once it is known.
    #[must_use]
    pub fn effective(&self, place: Place) -> Place {
        self.draw
            .as_ref()
            .and_then(|draw| draw.place_of(place))
            .unwrap_or(place)
    }

    /// Where the holder of `place` stands.
    ///
    /// O(epochs), and for who gathered a few dozen hashes.
    #[must_use]
    pub fn standing(&self, place: Place) -> Standing {
        let undecided = matches!(self.state, RoomState::Gathering | RoomState::Drawing);
        if self.state == RoomState::Closed {
            return Standing::Closed;
        }
        if place.epoch < self.floor {
            return Standing::TurnOver;
        }
        if undecided {
            let gathered = self.draw.as_ref().map_or(0, |draw| draw.gathered);
            return if self.epochs.iter().any(|known| known.epoch == place.epoch) {
                Standing::Gathered {
                    gathered: gathered.max(self.waiting),
                }
            } else {
                Standing::Unknown
            };
        }
        let place = self.effective(place);
        let Some(ahead) = ahead_of(place, &self.epochs) else {
            return Standing::Unknown;
        };
        if ahead > 0 {
            return Standing::Waiting {
                ahead,
                waiting: self.waiting.max(ahead),
                estimate: self.estimate(ahead),
            };
        }
        let own = self.epochs.iter().find(|known| known.epoch == place.epoch);
        match own {
            Some(own) if place.number < own.ended => Standing::TurnOver,
            Some(own) => Standing::YourTurn {
                late: place.number < own.lapsed,
            },
            None => Standing::Unknown,
        }
    }

    /// How long somebody with `ahead` in line (themselves included) waits.
    #[must_use]
    pub fn estimate(&self, ahead: u64) -> Option<Estimate> {
        let still = match self.outage {
            Some(Outage {
                policy: OutagePolicy::Hold,
                ..
            }) => true,
            // What moved until just now says nothing about when held places come back.
            _ => !self.state.calls() || self.held_by == Some(HeldBy::SoldOut),
        };
        // How fast a full shop empties has to be seen before it can be told; the rate says nothing.
        let still = still || (self.held_by == Some(HeldBy::Cap) && !is_observed(&self.recent));
        if still {
            return None;
        }
        let rate = match self.outage {
            Some(Outage {
                policy: OutagePolicy::Reduced { rate_per_minute },
                ..
            }) => rate_per_minute,
            _ => self.rate_per_minute,
        };
        estimate(ahead, &self.recent, self.interval_ms, rate)
    }

    /// When to ask again: often when it is nearly one's turn, seldom when it is far. `spread_permille`
    /// is random, 0 to 1000, so that those who came together do not ask together.
    #[must_use]
    pub fn poll_after_ms(&self, standing: Standing, spread_permille: u16) -> u64 {
        let calm = match standing {
            Standing::YourTurn { .. } => 1_000,
            Standing::Waiting {
                ahead, estimate, ..
            } => match estimate {
                Some(Estimate { soonest_ms, .. }) => (soonest_ms / 20).clamp(1_000, 20_000),
                // Nobody can say when it goes on; those in front are called first when it does.
                None if ahead <= NEAR => 1_000,
                None => 5_000,
            },
            Standing::Gathered { .. } => {
                let left = self
                    .opens_ms
                    .unwrap_or(self.now_ms)
                    .saturating_sub(self.now_ms);
                (u64::try_from(left).unwrap_or(0) / 20).clamp(1_000, 20_000)
            }
            Standing::Unknown => 2_000,
            Standing::TurnOver | Standing::Closed => 30_000,
        };
        calm * 3 / 4 + calm / 2 * u64::from(spread_permille.min(1000)) / 1000
    }
}
