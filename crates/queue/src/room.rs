//! Rooms that run: many at once, behind one port.
//!
//! ```text
//! HTTP handlers ─► Rooms (this service) ─► dyn RoomStore (the port)
//!                    signs and checks tokens     ├─ MemoryStore   one process
//!                    hands out leased numbers    └─ RedisStore    many servers (feature `redis`)
//!                    caches the public document
//!                    runs the controller
//! ```
//!
//! # Using it
//! * Make one [`Rooms`] for the process, with a store, the signing key and a [`World`] (clock and
//!   randomness).
//! * Call [`Rooms::open`] once for each room when it is made or the server starts, and
//!   [`Rooms::tick`] for each room about four times a second with the [`ShopReport`]. Every server
//!   does so; the store lets only one of them call visitors at a time.
//! * [`Rooms::is_on`] is one atomic read: the only thing that a shop behind a quiet room pays.
//! * [`Rooms::public`] is what everybody polls; already shared, serialise it once per version.
//! * [`Rooms::join`] takes a number out of a block leased beforehand, seldom a round trip.
//! * [`Rooms::claim`] is where the cap is decided, atomically in the store.
//! * [`Rooms::check_in`] on every hold and checkout and as the page's heartbeat; [`Rooms::leave`] when
//!   the order is done or the fan goes: the place is free at once.
//!
//! # What is promised
//! * Never more shoppers inside than the cap, whoever claims at once and wherever.
//! * A number is given once. Numbers are in the order of joining on one server, and to within
//!   [`LEASE_MS`] between servers.
//! * A place is never lost while its holder keeps the pass: not by a server's restart, a failover, a
//!   flushed store. Nobody moves back.
//!
//! What is not promised is in [`memory`] (one process) and `redis` (a claim that a failing master
//! acknowledged to nobody).

pub mod memory;
pub mod port;
pub mod pulse;
#[cfg(feature = "redis")]
pub mod redis;
mod service;

pub use memory::{Journal, MemoryStore};
pub use port::{RoomStore, StoreError};
#[cfg(feature = "redis")]
pub use redis::{RedisOptions, RedisStore};
pub use service::{
    Admitted, ChangeRefused, Joined, LEASE_MS, Presence, Rooms, RoomsConfig, ShopReport, Switch,
    World, code_id,
};
