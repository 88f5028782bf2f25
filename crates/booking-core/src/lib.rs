//! The rules of booking numbered seats: seat state, holds, pricing.
//!
//! A [`SeatMap`] says what the house looks like, [`SaleTerms`] say how a performance is sold, and an
//! [`Inventory`] is who has what right now. Every change goes one way:
//!
//! ```text
//! Command ──► decide(&Inventory, &Command, now_ms) ─► Decision (events, warnings) | Rejection
//!                                                        │ made durable by the caller
//!                                                        ▼
//!                                          apply(&mut Inventory, &Event)
//! ```
//!
//! Rules about which seats are a good choice (single seats, accessible seats, an embedder's own) are
//! [`Rule`](rule::Rule)s: the browser asks them on each tap with
//! [`check_choice`](rule::check_choice), [`decide_with`] asks them again.
//!
//! The crate does no I/O and has no clock, no randomness, no floats and no hash-map iteration
//! order: the same commands at the same times give the same bytes on every machine, native or
//! WebAssembly. `now_ms` (milliseconds since the Unix epoch) is always an argument.
#![no_std]
#![warn(missing_docs)]
// The same bytes on every machine, and no fault that is not named.
#![deny(clippy::float_arithmetic, clippy::float_cmp, clippy::disallowed_types)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;
// The tests run natively and in WebAssembly; there `#[test]` comes from here.
#[cfg(all(test, target_arch = "wasm32"))]
#[macro_use]
extern crate wasm_test;

pub mod audit;
pub mod best;
pub mod codec;
pub mod command;
pub mod decide;
pub mod event;
pub mod fault;
pub mod id;
#[cfg(feature = "import")]
pub mod import;
pub mod inventory;
pub mod ledger;
pub mod price;
pub mod rejection;
pub mod rule;
pub mod seatmap;
pub mod seatset;
pub mod terms;
#[cfg(feature = "test-support")]
pub mod test_support;
pub mod view;

pub use command::{Command, SeatRequest};
pub use decide::{Decision, Warning, apply, decide, decide_with};
pub use event::Event;
pub use id::{
    AllocationId, AreaIx, BandIx, CommandId, FanId, HoldId, OrderId, PerformanceId, PriceTypeIx,
    RowIx, SeatIx, SectionIx, TicketId,
};
pub use inventory::Inventory;
pub use price::{PriceList, Quote, quote};
pub use rejection::Rejection;
pub use seatmap::SeatMap;
pub use terms::SaleTerms;
pub use view::{PublicView, SeatStatus, ViewDelta};

/// The README's example is compiled and run with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
