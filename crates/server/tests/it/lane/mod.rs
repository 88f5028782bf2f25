//! Lanes on a real store.

mod idempotency;
mod lapses;
mod life;
#[cfg(feature = "postgres")]
mod postgres;
mod projections;
mod races;
mod storage;
mod traced;
