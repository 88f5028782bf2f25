//! The waiting room: who is next, and when.
//!
//! A visitor gets a [`QueueNumber`] once; the room has one [`ServingPosition`] for everybody. Whoever's
//! number lies below it may come in. So a place in the queue is a subtraction, the one document that
//! everybody polls is the same for all, and a million waiting fans cost nothing per fan.
//!
//! | module | what it decides |
//! |---|---|
//! | [`number`] | numbers, epochs, and how many are ahead |
//! | [`draw`] | the order of those who gathered before opening: a keyed permutation, committed to first |
//! | [`life`] | the life cycle of a room, and what an operator may do in each state |
//! | [`controller`] | the next serving position from rate, cap, shoppers, no-shows, health and stock |
//! | [`mod@token`] | the pass that holds a place, and the admission token that opens the shop |
//! | [`mod@estimate`] | how long it takes, as a range that errs on the safe side |
//! | [`gate`] | admit or send to the waiting room, by the token and the public key alone |
//! | [`simulator`] | a sale run forward from a scenario, with the real controller |
//! | [`pow`] | proof of work on joining |
//! | `room` | rooms that run, in memory and on Redis (feature `rooms`, `redis`) |
//! | [`wire`] | settings, the public document, the room's "no": what is said over HTTP |
//!
//! Like `booking-core` the rules do no I/O and have no clock and no randomness: `now_ms`
//! (milliseconds since the Unix epoch) and keys are arguments. They run in the server, in the
//! browser and in the operators' flight simulator.
#![no_std]
#![warn(missing_docs)]

extern crate alloc;
#[cfg(feature = "rooms")]
extern crate std;

pub mod controller;
pub mod draw;
pub mod estimate;
pub mod gate;
pub mod life;
pub mod number;
pub mod pow;
#[cfg(feature = "rooms")]
pub mod room;
pub mod simulator;
mod text;
pub mod token;
pub mod wire;

pub use controller::{Controller, Settings, Shop, Tick};
pub use draw::{Commitment, DrawKey, DrawnOrder, verify_draw};
pub use estimate::{Estimate, estimate};
pub use life::{Action, NotAllowed, RoomState};
pub use number::{Epoch, Place, QueueNumber, ServingPosition};
pub use text::NotHex;
pub use token::{Admission, Authority, Issuer, Keys, Pass, RoomId, TokenFault, VisitorId};
