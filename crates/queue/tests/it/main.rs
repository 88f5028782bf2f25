//! Rooms from outside: one suite of rules, run on every store.

mod contract;
mod export;
#[cfg(feature = "redis")]
mod faults;
#[cfg(feature = "redis")]
mod model;
#[cfg(feature = "redis")]
mod servers;
#[cfg(feature = "redis")]
mod several;
mod signing;
mod support;
