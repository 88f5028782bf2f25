//! The Onsale web app: what a fan sees, drawn in the browser.
//!
//! * [`api`] speaks with the server (docs/http.md); nothing else does.
//! * [`words`] turns a "no" into a sentence, [`i18n`] holds every sentence there is.
//! * [`pages`] are the pages, [`components`] what several of them use; [`way`] leads to them.
//! * [`rooms`] is the waiting room as a visitor meets it, [`console`] as an operator does.
//!
//! The rules (which seats may be chosen, what they cost, whose turn it is) come from `booking_core`
//! and `onsale_queue`, the same crates the server decides with. This app never decides; it only saves
//! a round trip.
//!
//! Four programs are made of it, so that nobody fetches what they do not see, each of what [`programs`]
//! names. Going from one to another is an ordinary change of page; what they share
//! is in cookies and in the browser's storage.

#![allow(unreachable_pub, reason = "the component macro of leptos writes `pub`")]

mod api;
mod browser;
mod components;
mod console;
mod format;
mod i18n;
mod map;
mod pages;
mod picker;
pub mod programs;
mod rooms;
mod way;
mod words;
