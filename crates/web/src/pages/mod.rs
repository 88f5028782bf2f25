//! The routes, one file each.

pub(crate) mod account;
pub(crate) mod checkout;
pub(crate) mod home;
pub(crate) mod not_found;
pub(crate) mod order;
pub(crate) mod performance;
pub(crate) mod step;
pub(crate) mod tickets;
