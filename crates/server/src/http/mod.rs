//! Routes, parsing, sessions, limits, problem documents and the embedded web app.
//!
//! Handlers are thin: take typed input ([`extract`], [`session`]), call one service, shape the
//! answer. Every error leaves through [`problem`]. [`router`] lists every route, grouped by caller.

pub mod accounts;
pub mod accounts_admin;
pub mod accounts_sessions;
pub mod accounts_who;
pub mod checkout;
pub mod counts;
pub mod demo;
pub mod edge;
pub mod encoded;
pub mod extract;
pub mod holds;
pub mod house;
pub mod operations;
pub mod operator;
pub mod orders;
pub mod performances;
pub mod problem;
pub mod quote;
pub mod rooms;
pub mod router;
pub mod sales;
pub mod schema;
pub mod seats;
pub mod serve;
pub mod session;
pub mod settings;
pub mod state;
pub mod tickets;
mod traced;
pub mod unread;
pub mod web;
pub mod webhook;

pub use accounts_who::{Admin, Door, Mine, Operator, Organiser, RunsSales, SignedIn};
pub use edge::Edge;
pub use extract::{Json, Path, Query, Raw};
pub use problem::{ApiError, Inside};
pub use rooms::RoomDoor;
pub use session::Fan;
pub use settings::Settings;
pub use state::AppState;
