//! Integration tests of the server, one binary: real files, real tasks, the real store.

mod checkout;
mod cli;
mod cli_database;
mod http;
mod kill;
mod lane;
mod ledger_tools;
mod rooms_cli;
#[cfg(feature = "postgres")]
mod site_copy;
mod store;
mod support;
mod users;
