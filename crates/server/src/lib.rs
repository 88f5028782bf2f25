//! The Onsale server. Data flows one way:
//!
//! ```text
//! http handler ─► service ─► Command ─► lane(performance) ─► decide ─► Store::append ─► apply ─► reply
//!                                                                        │                └────► feed (SSE)
//!                                                                        ▼
//!                                                        ledger row + projections + idempotency
//! ```
//!
//! | module | what it is for | may call |
//! |---|---|---|
//! | [`http`] | routes, parsing, sessions, limits, problem documents, the embedded web app | service, lane, catalogue |
//! | [`accounts`] | who may sign in, as what, and whose orders are whose | store |
//! | [`catalogue`] | venues and performances: what is sold where and when | store |
//! | [`checkout`] | the money saga: authorise → confirm → capture, and its recovery | payments, lane, store |
//! | [`payments`] | the provider port and the simulator | nothing of ours |
//! | [`lane`] | one task a hot performance: gathers, decides, appends, answers | store |
//! | [`rooms`] | waiting rooms: who comes in, and what operators set | lanes (read), store |
//! | [`relay`] | the ledger as messages: to Kafka or in process, and what was sold by the minute | store |
//! | [`feed`] | coalesced deltas of a performance for any number of listeners | lane's view |
//! | [`store`] | the port to the database and its adapters | nothing of ours |
//! | [`trace`] | which request is being worked for, for the log and for traces | nothing of ours |
//! | [`clock`] | the only place that reads the time and makes ids and random bytes | |
//! | [`cli`], [`demo`] | the command line; the demo season and its simulated fans | everything |
//!
//! Nothing below calls up.

pub mod accounts;
pub mod app;
pub mod catalogue;
pub mod checkout;
pub mod cli;
pub mod clock;
pub mod demo;
pub mod feed;
pub mod http;
pub mod keys;
pub mod lane;
pub mod ledger_tools;
pub mod money;
pub mod observe;
pub mod orders;
pub mod payments;
pub mod quoting;
pub mod relay;
pub mod rooms;
pub mod site_copy;
pub mod store;
pub mod tickets;
pub mod trace;
