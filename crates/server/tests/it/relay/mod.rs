//! From the ledger to messages, and on to whoever listens.

mod cli;
mod contract;
#[cfg(feature = "kafka")]
mod kafka;
mod life;
mod recorded;
pub(crate) mod sale;
mod sales;
mod schema;
mod wire;
