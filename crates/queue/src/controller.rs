//! The controller: turns rate, cap, shoppers, no-shows, the shop's health and what is left to sell
//! into the next serving position.
//!
//! It decides how many to *call*. That the shop never holds more than the cap is decided elsewhere,
//! atomically, where an admission is claimed; so calling a few more than there are free places, to
//! make up for those who do not come, cannot overfill the shop.

use crate::life::RoomState;
use crate::number::ServingPosition;

/// Parts per thousand.
const FULL: u64 = 1000;
/// Unused rate is kept for this long and no longer: a pause is not followed by a burst.
const CREDIT_KEPT_MS: u64 = 1_000;
/// The most that no-shows may multiply the calls by.
const MOST_OVERCALL: u64 = 4;
/// A no-show estimate moves by 1/16 of each observation.
const SMOOTHING: u64 = 16;
/// Longest time one tick may stand for (a controller that slept does not make up for it).
const LONGEST_TICK_MS: u64 = 5_000;

/// What the operator sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Settings {
    /// Most visitors called a minute.
    pub rate_per_minute: u32,
    /// Most shoppers in the shop at once.
    pub cap: u32,
}

/// What the shop looks like at a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Shop {
    /// Shoppers inside now.
    pub active: u32,
    /// Visitors called who have neither come in nor missed their turn.
    pub called: u64,
    /// Visitors who came in since the last tick.
    pub came: u32,
    /// Visitors who missed their turn since the last tick.
    pub missed: u32,
    /// Numbers given so far and not called.
    pub waiting: u64,
    /// How well lanes and database keep up: 1000 is well, 0 is not at all.
    pub health_permille: u16,
    /// Places that can be held now; `None` where the room protects nothing that runs out.
    pub places_left: Option<u64>,
}

/// What a tick decided, and what held it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tick {
    /// The new serving position.
    pub serving: ServingPosition,
    /// How many were called by this tick.
    pub calls: u64,
    /// What kept it from calling more.
    pub held_by: HeldBy,
}

/// What keeps a room from calling more visitors; what fans and operators are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum HeldBy {
    /// Everybody who waits has been called.
    NobodyWaiting,
    /// The operator's rate.
    Rate,
    /// The operator's cap: the shop is full.
    Cap,
    /// Nothing is left to sell for the moment.
    SoldOut,
    /// The shop is struggling.
    Health,
    /// The room is not calling (paused, closed, not open yet).
    State,
}

/// Remembers between ticks what has to be remembered: credit of rate and the share that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Controller {
    serving: ServingPosition,
    /// Calls not yet made, in 1/60,000,000: rate a minute × ms × permille.
    credit: u64,
    /// Of those called, how many come, per thousand, smoothed, times `SMOOTHING`.
    show_scaled: u64,
}

const CREDIT_UNIT: u64 = 60_000 * FULL;

impl Controller {
    /// A controller that goes on from `serving`, expecting everybody called to come.
    #[must_use]
    pub const fn new(serving: ServingPosition) -> Self {
        Self {
            serving,
            credit: 0,
            show_scaled: FULL * SMOOTHING,
        }
    }

    /// How far the room has got.
    #[must_use]
    pub const fn serving(&self) -> ServingPosition {
        self.serving
    }

    /// Of a thousand called, how many are expected to come.
    #[must_use]
    pub const fn show_permille(&self) -> u64 {
        self.show_scaled / SMOOTHING
    }

    /// Decides how many to call, `elapsed_ms` after the last tick. O(1).
    pub fn tick(
        &mut self,
        state: RoomState,
        settings: Settings,
        shop: Shop,
        elapsed_ms: u64,
    ) -> Tick {
        self.learn(shop.came, shop.missed);
        if !state.calls() {
            self.credit = 0;
            return self.call(0, HeldBy::State);
        }
        let health = u64::from(shop.health_permille).min(FULL);
        let rate = u64::from(settings.rate_per_minute);
        // A rate of nothing calls nobody, not even for what an earlier rate had earned.
        let most_credit = match rate {
            0 => 0,
            _ => (rate * CREDIT_KEPT_MS * FULL).max(CREDIT_UNIT),
        };
        let earned = rate * elapsed_ms.min(LONGEST_TICK_MS) * health;
        // What one tick earns may be spent at once; only what is left over is limited.
        let credit = self.credit.min(most_credit) + earned;
        let by_rate = credit / CREDIT_UNIT;

        let free = u64::from(settings.cap.saturating_sub(shop.active));
        let by_cap = self.calls_to_fill(free).saturating_sub(shop.called);
        let by_stock = shop.places_left.map_or(u64::MAX, |left| {
            self.calls_to_fill(left.saturating_sub(u64::from(shop.active)))
                .saturating_sub(shop.called)
        });

        let calls = by_rate.min(by_cap).min(by_stock).min(shop.waiting);
        self.credit = (credit - calls * CREDIT_UNIT).min(most_credit);
        let held_by = if calls == shop.waiting {
            HeldBy::NobodyWaiting
        } else if calls == by_stock {
            HeldBy::SoldOut
        } else if calls == by_cap {
            HeldBy::Cap
        } else if health < FULL {
            HeldBy::Health
        } else {
            HeldBy::Rate
        };
        self.call(calls, held_by)
    }

    /// How many to call so that about `places` come.
    fn calls_to_fill(&self, places: u64) -> u64 {
        let show = self.show_permille().max(FULL / MOST_OVERCALL);
        places.saturating_mul(FULL).div_ceil(show)
    }

    fn learn(&mut self, came: u32, missed: u32) {
        let seen = u64::from(came) + u64::from(missed);
        if let Some(share) = (u64::from(came) * FULL).checked_div(seen) {
            self.show_scaled = self.show_scaled - self.show_scaled / SMOOTHING + share;
        }
    }

    fn call(&mut self, calls: u64, held_by: HeldBy) -> Tick {
        self.serving.0 += calls;
        Tick {
            serving: self.serving,
            calls,
            held_by,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SETTINGS: Settings = Settings {
        rate_per_minute: 600,
        cap: 100,
    };

    fn shop() -> Shop {
        Shop {
            active: 0,
            called: 0,
            came: 0,
            missed: 0,
            waiting: 10_000,
            health_permille: 1000,
            places_left: None,
        }
    }

    #[test]
    fn the_rate_is_met_exactly_over_a_minute_of_uneven_ticks() {
        let mut controller = Controller::new(ServingPosition(0));
        let settings = Settings {
            cap: u32::MAX,
            ..SETTINGS
        };
        let mut passed = 0;
        for elapsed in [7, 93, 250, 400, 250].into_iter().cycle() {
            passed += elapsed;
            controller.tick(RoomState::Open, settings, shop(), elapsed);
            if passed == 60_000 {
                break;
            }
        }
        assert_eq!(controller.serving(), ServingPosition(600));
    }

    #[test]
    fn a_full_shop_calls_nobody() {
        let mut controller = Controller::new(ServingPosition(0));
        let tick = controller.tick(
            RoomState::Open,
            SETTINGS,
            Shop {
                active: 100,
                ..shop()
            },
            1_000,
        );
        assert_eq!((tick.calls, tick.held_by), (0, HeldBy::Cap));
    }

    #[test]
    fn a_pause_is_not_followed_by_a_burst() {
        let mut controller = Controller::new(ServingPosition(0));
        for _ in 0..60 {
            controller.tick(RoomState::Paused, SETTINGS, shop(), 1_000);
        }
        let tick = controller.tick(RoomState::Open, SETTINGS, shop(), 1_000);
        assert_eq!(tick.calls, 10);
    }

    #[test]
    fn no_shows_are_made_up_for_within_bounds() {
        let mut controller = Controller::new(ServingPosition(0));
        for _ in 0..200 {
            controller.learn(1, 1);
        }
        assert!(
            (480..=520).contains(&controller.show_permille()),
            "{}",
            controller.show_permille()
        );
        let generous = Settings {
            rate_per_minute: u32::MAX,
            cap: 100,
        };
        assert!(
            (190..=210).contains(
                &controller
                    .tick(RoomState::Open, generous, shop(), 1_000)
                    .calls
            )
        );
        for _ in 0..500 {
            controller.learn(0, 1);
        }
        assert_eq!(controller.calls_to_fill(100), 400);
    }

    #[test]
    fn a_rate_of_nothing_calls_nobody_whatever_was_earned_before() {
        let mut controller = Controller::new(ServingPosition(0));
        let nobody = Shop {
            waiting: 0,
            ..shop()
        };
        let fast = Settings {
            rate_per_minute: 600,
            ..SETTINGS
        };
        controller.tick(RoomState::Open, fast, nobody, 1_000);
        let stopped = Settings {
            rate_per_minute: 0,
            ..SETTINGS
        };
        let tick = controller.tick(RoomState::Open, stopped, shop(), 250);
        assert_eq!((tick.calls, tick.held_by), (0, HeldBy::Rate));
    }

    #[test]
    fn nothing_left_to_sell_stops_calling_until_a_hold_lapses() {
        let mut controller = Controller::new(ServingPosition(0));
        let sold_out = Shop {
            places_left: Some(0),
            ..shop()
        };
        assert_eq!(
            controller
                .tick(RoomState::Open, SETTINGS, sold_out, 1_000)
                .held_by,
            HeldBy::SoldOut
        );
        let lapsed = Shop {
            places_left: Some(2),
            ..shop()
        };
        assert_eq!(
            controller
                .tick(RoomState::Open, SETTINGS, lapsed, 1_000)
                .calls,
            2
        );
    }

    #[test]
    fn a_struggling_shop_is_given_fewer() {
        let mut controller = Controller::new(ServingPosition(0));
        let tick = controller.tick(
            RoomState::Open,
            SETTINGS,
            Shop {
                health_permille: 200,
                ..shop()
            },
            1_000,
        );
        assert_eq!((tick.calls, tick.held_by), (2, HeldBy::Health));
    }

    proptest! {
        #[test]
        fn a_tick_never_calls_more_than_wait_nor_more_than_the_rate_allows(
            rate in 0..1_000_000_u32, cap: u32, active: u32, called in 0..1_000_000_u64,
            waiting in 0..10_000_000_u64, health: u16, elapsed in 0..10_000_u64,
            left in proptest::option::of(0..100_000_u64),
        ) {
            let mut controller = Controller::new(ServingPosition(3));
            let shop = Shop { active, called, came: 0, missed: 0, waiting, health_permille: health, places_left: left };
            let tick = controller.tick(RoomState::Open, Settings { rate_per_minute: rate, cap }, shop, elapsed);
            prop_assert!(tick.calls <= waiting);
            prop_assert!(tick.calls <= u64::from(rate) * elapsed / 60_000);
            prop_assert!(tick.calls <= u64::from(cap.saturating_sub(active)));
            prop_assert_eq!(tick.serving.0, 3 + tick.calls);
        }
    }
}
