//! The seat map on a canvas. [`engine`] paints when [`running`], [`input`] listens, [`view`] puts both on the page;
//! what is drawn comes from the pure crate `seat_painter`.

pub(crate) mod bench;
pub(crate) mod engine;
pub(crate) mod house;
pub(crate) mod input;
pub(crate) mod practice;
pub(crate) mod running;
pub(crate) mod theme;
pub(crate) mod view;
mod writer;
