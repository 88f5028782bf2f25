//! The waiting room as a visitor meets it.
//!
//! * [`kept`] is what this browser keeps: the pass that holds a place, the visit that opens the shop.
//! * [`stage`] says where a visitor is, from the public document and the pass: pure.
//! * [`say`] puts it into words: pure but for the browser's formats.
//! * [`visitor`] is the page's life: polls, joins, comes in. [`page`] shows it.
//! * [`gate`] leads there from the shop, [`bar`] is the visit's clock while in it.

mod alone;
pub(crate) mod bar;
mod bell;
mod check;
pub(crate) mod gate;
pub(crate) mod kept;
pub(crate) mod page;
mod qr;
mod rush;
pub(crate) mod say;
mod side;
mod stage;
mod turn;
mod visitor;
mod wishes;
mod work;
