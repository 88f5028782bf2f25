//! What several pages use.

pub(crate) mod chrome;
pub(crate) mod countdown;
pub(crate) mod fans_switch;
pub(crate) mod hold_clock;
pub(crate) mod icon;
pub(crate) mod keyboard;
pub(crate) mod load;
pub(crate) mod notice;
pub(crate) mod page;
pub(crate) mod performance_card;
pub(crate) mod stub;

pub(crate) use icon::{Icon, Sign};
