//! Choosing seats. [`state`] is what is known, [`act`] what may be done, [`choice`] the rules as far as
//! the browser can tell, [`feed`] what others do; [`map`], [`list`], [`legend`], [`best`] and [`basket`]
//! show it.

mod act;
pub(crate) mod basket;
pub(crate) mod best;
pub(crate) mod choice;
pub(crate) mod feed;
pub(crate) mod legend;
pub(crate) mod list;
pub(crate) mod map;
pub(crate) mod say;
pub(crate) mod state;

pub(crate) use state::Picker;
