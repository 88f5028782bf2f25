//! The HTTP side, from the outside: real requests through the whole edge to real lanes on a real
//! data folder.

mod accounts;
mod accounts_kept;
mod bad_input;
mod buying;
mod catalogue;
mod connections;
mod demo;
mod feed;
mod holds;
mod limits;
mod openapi;
mod rooms;
#[cfg(feature = "postgres")]
mod sales;
mod servers;
mod sessions;
mod shop;
mod terms;
mod traces;
mod who_may;
