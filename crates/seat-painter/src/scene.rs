//! What changes from frame to frame, borrowed from whoever keeps it.

use crate::text::TextId;

/// A seat on its way from one look to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fade {
    /// Which seat.
    pub seat: u32,
    /// The status it had, as in the packed statuses.
    pub from: u8,
    /// How much of the old look is left, 1.0 → 0.0.
    pub left: f32,
}

/// What is written on a section when far out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BlockLabel {
    /// Below the name: the lowest price, or that nothing is left.
    pub note: Option<TextId>,
    /// Share of its seats that are free, 0.0–1.0.
    pub free: f32,
}

/// Everything a frame shows besides the house.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Statuses, 2 bits a seat, low bits first: 0 free, 1 held, 2 sold, 3 closed.
    pub packed: &'a [u8],
    /// Bands shown at full strength; `None`: all.
    pub bands: Option<&'a [bool]>,
    /// This fan's seats, whatever their status.
    pub yours: &'a [u32],
    /// Seats that are changing.
    pub fades: &'a [Fade],
    /// The seat the keyboard is at.
    pub focus: Option<u32>,
    /// The seat under the pointer.
    pub hover: Option<u32>,
    /// The section under the pointer.
    pub hot_block: Option<usize>,
    /// One for each section; may be empty.
    pub labels: &'a [BlockLabel],
    /// One for each area; may be empty.
    pub area_notes: &'a [Option<TextId>],
}

impl Scene<'_> {
    /// A house where every seat is free and nothing is chosen.
    pub const EMPTY: Scene<'static> = Scene {
        packed: &[],
        bands: None,
        yours: &[],
        fades: &[],
        focus: None,
        hover: None,
        hot_block: None,
        labels: &[],
        area_notes: &[],
    };
    /// Status of a seat; free where it is not known.
    #[inline]
    #[must_use]
    pub fn status(&self, seat: u32) -> u8 {
        self.packed
            .get(seat as usize / 4)
            .map_or(0, |byte| byte >> (seat % 4 * 2) & 3)
    }
    /// Whether seats of a band are shown at full strength.
    #[inline]
    #[must_use]
    pub fn shows(&self, band: u8) -> bool {
        self.bands
            .is_none_or(|bands| bands.get(usize::from(band)).copied().unwrap_or(true))
    }
}
