//! What an operator sets.

use alloc::{format, string::String, vec::Vec};

/// Most visitors a minute that can be asked for.
pub const MOST_RATE: u32 = 1_000_000;
/// Most shoppers at once that can be asked for.
pub const MOST_CAP: u32 = 1_000_000;
const MOST_MESSAGE_CHARS: usize = 500;
const MOST_NAME_CHARS: usize = 120;
const MINUTE_MS: u32 = 60_000;
const HOUR_MS: u32 = 60 * MINUTE_MS;

/// What the room does while its memory (Redis) is away. Chosen beforehand, shown to visitors, logged:
/// never a silent open door.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "policy"))]
pub enum OutagePolicy {
    /// Nobody is let in until it is back. Places are kept, shoppers inside go on.
    #[default]
    Hold,
    /// Visitors are called at this fixed rate, shared among the servers, and never beyond the cap as
    /// it was last known.
    Reduced {
        /// All servers together.
        rate_per_minute: u32,
    },
}

/// What an operator sets. Everything has a default; durations are in ms.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct RoomSettings {
    /// What the room is called, for people.
    pub name: String,
    /// Most visitors called a minute; 0 calls nobody. At most [`MOST_RATE`].
    pub rate_per_minute: u32,
    /// Most shoppers in the shop at once: hard. At most [`MOST_CAP`].
    pub cap: u32,
    /// How long a place in the shop is kept free for who has been called.
    pub claim_ms: u32,
    /// How much longer they may still come in, where there is room.
    pub late_ms: u32,
    /// Longest stay in the shop.
    pub shop_ms: u32,
    /// A shopper who gives no sign for so long has gone.
    pub idle_ms: u32,
    /// A scheduled room opens by itself when more than this arrive in a minute.
    pub auto_on_per_minute: Option<u32>,
    /// When visitors may begin to gather for the draw; with it the opening is a draw.
    pub gathers_ms: Option<i64>,
    /// When the room opens.
    pub opens_ms: Option<i64>,
    /// When nobody can join any more.
    pub drains_ms: Option<i64>,
    /// What is done while the room's memory is away.
    pub outage: OutagePolicy,
    /// Zero bits of proof of work for a number; 0: none.
    pub pow_bits: u8,
    /// Only who is signed in joins, and has one place.
    pub accounts_required: bool,
    /// The operator's word to all who wait.
    pub message: String,
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            rate_per_minute: 600,
            cap: 500,
            claim_ms: 2 * MINUTE_MS,
            late_ms: 10 * MINUTE_MS,
            shop_ms: 15 * MINUTE_MS,
            idle_ms: 2 * MINUTE_MS,
            auto_on_per_minute: None,
            gathers_ms: None,
            opens_ms: None,
            drains_ms: None,
            outage: OutagePolicy::Hold,
            pow_bits: 0,
            accounts_required: false,
            message: String::new(),
        }
    }
}

/// One thing wrong with settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[error("{field}: {problem}")]
pub struct SettingsFault {
    /// Which member.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl RoomSettings {
    /// Everything that is wrong with these settings; empty when they are good.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingsFault> {
        let mut faults = Vec::new();
        let mut check = |field, good: bool, problem: String| {
            if !good {
                faults.push(SettingsFault { field, problem });
            }
        };
        let mut within = |field, value: u64, least: u64, most: u64| {
            let good = (least..=most).contains(&value);
            check(
                field,
                good,
                format!("{value} is not between {least} and {most}"),
            );
        };
        within(
            "rate_per_minute",
            self.rate_per_minute.into(),
            0,
            MOST_RATE.into(),
        );
        within("cap", self.cap.into(), 0, MOST_CAP.into());
        within("claim_ms", self.claim_ms.into(), 1_000, HOUR_MS.into());
        within("late_ms", self.late_ms.into(), 0, (6 * HOUR_MS).into());
        within("shop_ms", self.shop_ms.into(), 1_000, (6 * HOUR_MS).into());
        within("idle_ms", self.idle_ms.into(), 1_000, (6 * HOUR_MS).into());
        within(
            "pow_bits",
            self.pow_bits.into(),
            0,
            crate::pow::MOST_BITS.into(),
        );
        let letters = |text: &str| text.chars().count() as u64;
        within(
            "message",
            letters(&self.message),
            0,
            MOST_MESSAGE_CHARS as u64,
        );
        within("name", letters(&self.name), 0, MOST_NAME_CHARS as u64);
        if let Some(threshold) = self.auto_on_per_minute {
            within("auto_on_per_minute", threshold.into(), 1, MOST_RATE.into());
        }
        if let OutagePolicy::Reduced { rate_per_minute } = self.outage {
            within(
                "outage.rate_per_minute",
                rate_per_minute.into(),
                1,
                MOST_RATE.into(),
            );
        }
        let ordered = |earlier: Option<i64>, later: Option<i64>| match (earlier, later) {
            (Some(earlier), Some(later)) => earlier < later,
            _ => true,
        };
        check(
            "opens_ms",
            ordered(self.gathers_ms, self.opens_ms),
            "the opening must be after the gathering begins".into(),
        );
        check(
            "opens_ms",
            self.gathers_ms.is_none() || self.opens_ms.is_some(),
            "who gathers must know when the draw is: set the opening too".into(),
        );
        check(
            "drains_ms",
            ordered(self.opens_ms, self.drains_ms),
            "the end of joining must be after the opening".into(),
        );
        faults
    }

    /// What the controller goes by.
    #[must_use]
    pub const fn for_controller(&self) -> crate::Settings {
        crate::Settings {
            rate_per_minute: self.rate_per_minute,
            cap: self.cap,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(settings: &RoomSettings) -> Vec<&'static str> {
        settings.faults().iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn the_defaults_are_good() {
        assert_eq!(RoomSettings::default().faults(), []);
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let settings = RoomSettings {
            rate_per_minute: u32::MAX,
            cap: u32::MAX,
            claim_ms: 0,
            idle_ms: 0,
            pow_bits: 33,
            auto_on_per_minute: Some(0),
            outage: OutagePolicy::Reduced { rate_per_minute: 0 },
            gathers_ms: Some(5),
            opens_ms: Some(5),
            drains_ms: Some(4),
            message: "x".repeat(501),
            ..RoomSettings::default()
        };
        assert_eq!(
            fields(&settings),
            [
                "rate_per_minute",
                "cap",
                "claim_ms",
                "idle_ms",
                "pow_bits",
                "message",
                "auto_on_per_minute",
                "outage.rate_per_minute",
                "opens_ms",
                "drains_ms"
            ]
        );
    }

    #[test]
    fn a_rate_of_zero_is_a_choice_and_not_a_fault() {
        let still = RoomSettings {
            rate_per_minute: 0,
            cap: 0,
            ..RoomSettings::default()
        };
        assert_eq!(still.faults(), []);
    }
}
