//! The store: one contract for every backend, and what is particular to files.

mod accounts;
pub(crate) mod backend;
mod catalogue;
mod checkouts;
mod contract;
mod damage;
mod kept;
#[cfg(feature = "postgres")]
mod postgres;
mod relay;
#[cfg(feature = "postgres")]
pub(crate) mod replica;
mod rooms;
mod sqlite;
mod writes;
