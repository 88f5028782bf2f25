//! The rules from outside, in one binary; the same tests natively and in WebAssembly.

// Amounts are written 12_50: euros and cents.
#![allow(clippy::inconsistent_digit_grouping)]

#[cfg(target_arch = "wasm32")]
#[macro_use]
extern crate wasm_test;

mod audit;
mod best;
mod bytes;
mod codec;
mod holds;
mod hostile;
mod houses;
mod import;
mod ledger;
mod model;
mod office;
mod orders;
mod price;
mod replay;
mod rules;
mod seatmap;
mod set_aside;
mod support;
mod terms;
