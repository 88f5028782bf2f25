//! Text as masks: the browser rasterises each word once in each style, and the painter stamps it.

/// A word's shape: how much of each pixel it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row on which the letters stand.
    pub baseline: usize,
    /// Cover of each pixel, 0–255, row by row.
    pub alpha: Vec<u8>,
}

/// A word the house knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TextId(pub u32);

/// The styles in which the map writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TextStyle {
    /// Names of sections and areas.
    Name = 0,
    /// What stands below a name.
    Note = 1,
    /// Names of rows.
    Row = 2,
    /// Seat labels, small.
    SeatSmall = 3,
    /// Seat labels.
    Seat = 4,
    /// Seat labels, large.
    SeatLarge = 5,
    /// The name of the stage or pitch.
    Stage = 6,
}

impl TextStyle {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Name,
        Self::Note,
        Self::Row,
        Self::SeatSmall,
        Self::Seat,
        Self::SeatLarge,
        Self::Stage,
    ];
    /// Letter size in CSS pixels and weight.
    #[must_use]
    pub const fn font(self) -> (f32, u16) {
        match self {
            Self::Name => (13.0, 600),
            Self::Note => (11.0, 400),
            Self::Row => (11.0, 500),
            Self::SeatSmall => (9.0, 500),
            Self::Seat => (11.0, 500),
            Self::SeatLarge => (13.0, 500),
            Self::Stage => (15.0, 600),
        }
    }
}

/// A word the painter would have written, had it been rasterised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Missing {
    /// Which word.
    pub text: TextId,
    /// In which style.
    pub style: TextStyle,
}

/// The masks there are.
#[derive(Debug, Default)]
pub struct TextBook {
    masks: [Vec<Option<Mask>>; 7],
    missing: Vec<Missing>,
    asked: [Vec<bool>; 7],
    version: u32,
}

impl TextBook {
    /// The mask of a word, or a note that it is missing.
    pub fn get(&mut self, text: TextId, style: TextStyle) -> Option<&Mask> {
        let (i, s) = (text.0 as usize, style as usize);
        if self.masks[s].len() <= i {
            self.masks[s].resize(i + 1, None);
            self.asked[s].resize(i + 1, false);
        }
        if self.masks[s][i].is_none() && !self.asked[s][i] {
            self.asked[s][i] = true;
            self.missing.push(Missing { text, style });
        }
        self.masks[s][i].as_ref()
    }
    /// Puts a mask in. A mask whose size and content do not agree is dropped.
    pub fn put(&mut self, of: Missing, mask: Mask) {
        let (i, s) = (of.text.0 as usize, of.style as usize);
        if mask.alpha.len() == mask.width * mask.height && i < self.masks[s].len() {
            self.masks[s][i] = Some(mask);
            self.version = self.version.wrapping_add(1);
        }
    }
    /// Another number whenever a word has got or lost its mask.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }
    /// Takes the list of what was missing.
    pub fn take_missing(&mut self) -> Vec<Missing> {
        core::mem::take(&mut self.missing)
    }
    /// Forgets every mask: another font, or another device pixel ratio.
    pub fn forget(&mut self) {
        *self = Self {
            version: self.version.wrapping_add(1),
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_asked_for_once_until_everything_is_forgotten() {
        let mut book = TextBook::default();
        let word = Missing {
            text: TextId(7),
            style: TextStyle::Seat,
        };
        assert!(book.get(word.text, word.style).is_none());
        assert!(book.get(word.text, word.style).is_none());
        assert_eq!(book.take_missing(), [word]);
        book.put(
            word,
            Mask {
                width: 2,
                height: 1,
                baseline: 1,
                alpha: vec![1, 2],
            },
        );
        assert!(book.get(word.text, word.style).is_some());
        assert!(book.take_missing().is_empty());
        book.forget();
        assert!(book.get(word.text, word.style).is_none());
        assert_eq!(book.take_missing(), [word]);
    }

    #[test]
    fn a_mask_with_the_wrong_number_of_pixels_is_not_used() {
        let mut book = TextBook::default();
        let word = Missing {
            text: TextId(0),
            style: TextStyle::Name,
        };
        book.get(word.text, word.style);
        book.put(
            word,
            Mask {
                width: 9,
                height: 9,
                baseline: 8,
                alpha: vec![0; 5],
            },
        );
        assert!(book.get(word.text, word.style).is_none());
    }
}
