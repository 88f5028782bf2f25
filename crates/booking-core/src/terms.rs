//! How a performance is sold: limits, hold lifetime, seat rules and prices.

use crate::price::PriceList;

pub(crate) mod encode;

/// Everything `decide` needs besides the map and the state. A performance opens under the terms it
/// was added with; [`SetTerms`](crate::Command::SetTerms) puts others in their place, and the
/// ledger records them whole, so that every order can be judged by those it was sold under.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SaleTerms {
    /// Limits and seat rules.
    pub rules: BookingRules,
    /// Prices, fees, tax and vouchers.
    pub prices: PriceList,
}

/// Limits and seat rules of one performance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BookingRules {
    /// First instant at which holds are taken, ms since the epoch.
    pub on_sale_from_ms: i64,
    /// First instant at which they are no longer taken, ms since the epoch.
    pub on_sale_until_ms: i64,
    /// How long a hold lasts, counted from selection.
    pub hold_ttl_ms: i64,
    /// How much one extension adds.
    pub hold_extension_ms: i64,
    /// Longest life of a hold whatever is asked for, counted from selection.
    pub hold_max_ms: i64,
    /// Most places in one hold, and so in one order.
    pub max_places_per_hold: u16,
    /// Most live holds one fan may have.
    pub max_holds_per_fan: u16,
    /// Most places one fan may hold and own together.
    pub max_places_per_fan: u16,
    /// What to do about a choice that strands a single seat.
    pub single_seat_gap: GapRule,
    /// Who may take wheelchair and companion seats.
    pub accessible_seats: AccessibleRule,
}

/// What to do about a choice that leaves one lone free seat between taken ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum GapRule {
    /// Nothing.
    Off,
    /// Accept with a [`Warning`](crate::Warning).
    Warn,
    /// Refuse, unless no choice of as many seats in that stretch would avoid it.
    ForbidUnlessUnavoidable,
}

/// Who may take seats whose [attributes](crate::seatmap::SeatAttributes) make them accessible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum AccessibleRule {
    /// Anybody.
    Anyone,
    /// Only who says they need them.
    OnlyOnNeed,
    /// Only who says they need them, until this instant; then anybody.
    OnlyOnNeedUntil {
        /// Ms since the epoch.
        until_ms: i64,
    },
}

impl Default for BookingRules {
    /// Open at all times; 10 minutes' hold, one extension of 5, 20 at most; 8 places a hold, 2
    /// holds and 12 places a fan; gaps warned about; accessible seats on need.
    fn default() -> Self {
        const MINUTE_MS: i64 = 60_000;
        Self {
            on_sale_from_ms: 0,
            on_sale_until_ms: i64::MAX,
            hold_ttl_ms: 10 * MINUTE_MS,
            hold_extension_ms: 5 * MINUTE_MS,
            hold_max_ms: 20 * MINUTE_MS,
            max_places_per_hold: 8,
            max_holds_per_fan: 2,
            max_places_per_fan: 12,
            single_seat_gap: GapRule::Warn,
            accessible_seats: AccessibleRule::OnlyOnNeed,
        }
    }
}
