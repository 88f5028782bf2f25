//! From the ledger to messages, and on to whoever listens.

mod recorded;
mod schema;
mod wire;
