//! Draws a house of tens of thousands of seats into a pixel buffer, and finds the seat under a
//! finger. Pure: no browser, no clock, no I/O, so that every part is tested natively; the web app
//! hands the finished pixels to a canvas in one call.
//!
//! Vector commands cost a software rasteriser microseconds each, and a house has fifty thousand
//! seats. So seats are *stamps*: small pictures made once for each size, state and price band, and
//! copied into the buffer. Text is stamped too (the browser rasterises each word once), which leaves
//! nothing to draw by command and keeps everything sharp at every zoom.
//!
//! * [`House`] is what stands still: positions, bands, outlines, names.
//! * [`Scene`] is what changes: statuses, what is yours, focus, filters, fades.
//! * [`Viewport`] maps plan units to device pixels.
//! * [`Painter`] paints a scene through a viewport, all of it or a rectangle of it. Painting a
//!   rectangle gives the same pixels as painting everything (a test holds it to that).
#![warn(missing_docs)]

pub mod frame;
pub mod geometry;
pub mod grid;
pub mod house;
pub mod look;
pub mod overview;
pub mod painter;
pub mod scene;
pub mod stamp;
pub mod text;
pub mod viewport;

pub use frame::Frame;
pub use geometry::{Clip, Rect};
pub use grid::{Direction, Grid};
pub use house::{Block, Glyph, House, Outline};
pub use look::{Colour, Palette};
pub use overview::Overview;
pub use painter::Painter;
pub use scene::{BlockLabel, Fade, Scene};
pub use text::{Mask, Missing, TextId, TextStyle};
pub use viewport::Viewport;
