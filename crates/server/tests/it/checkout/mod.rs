//! The money saga on a real store, real lanes and the simulator's own journal.

mod cards;
mod crashes;
mod free;
mod load;
mod once;
mod organiser;
mod processes;
mod secrets;
#[cfg(feature = "postgres")]
mod servers;
mod undo;

#[cfg(feature = "postgres")]
pub(crate) use processes::begin;
