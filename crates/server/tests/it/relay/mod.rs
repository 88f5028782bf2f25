//! From the ledger to messages, and on to whoever listens.

mod cli;
mod contract;
mod life;
mod recorded;
pub(crate) mod sale;
mod schema;
mod wire;
