//! Colours, as the stylesheet names them. This crate invents none.

/// An opaque colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Colour {
    /// Red, 0–255.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

impl Colour {
    /// From its three parts.
    #[must_use]
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }
    /// Reads `#rgb` and `#rrggbb` (an alpha part is refused: the map is opaque).
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix('#')?;
        if !digits.is_ascii() {
            return None;
        }
        let pair = |i: usize| u8::from_str_radix(digits.get(i..i + 2)?, 16).ok();
        match digits.len() {
            6 => Some(Self::new(pair(0)?, pair(2)?, pair(4)?)),
            3 => {
                let one = |i: usize| {
                    u8::from_str_radix(digits.get(i..=i)?, 16)
                        .ok()
                        .map(|v| v * 17)
                };
                Some(Self::new(one(0)?, one(1)?, one(2)?))
            }
            _ => None,
        }
    }
    /// `share` of `other` mixed in, 0.0–1.0.
    #[must_use]
    pub fn mixed(self, other: Self, share: f32) -> Self {
        let mix =
            |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share).round() as u8;
        Self::new(
            mix(self.red, other.red),
            mix(self.green, other.green),
            mix(self.blue, other.blue),
        )
    }
    /// Relative luminance as WCAG defines it.
    #[must_use]
    pub fn luminance(self) -> f32 {
        let linear = |c: u8| {
            let c = f32::from(c) / 255.0;
            if c <= 0.040_45 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
    /// Contrast ratio as WCAG defines it, 1–21.
    #[must_use]
    pub fn contrast(self, other: Self) -> f32 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
    /// Whichever of the two reads better on this colour.
    #[must_use]
    pub fn reader(self, one: Self, other: Self) -> Self {
        if self.contrast(one) >= self.contrast(other) {
            one
        } else {
            other
        }
    }
    /// As a pixel: red in the lowest byte, opaque.
    #[must_use]
    pub const fn pixel(self) -> u32 {
        u32::from_le_bytes([self.red, self.green, self.blue, 255])
    }
}

/// The colours of one theme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Palette {
    /// The page behind the house.
    pub paper: Colour,
    /// Sections.
    pub surface: Colour,
    /// Text, what is yours, focus.
    pub ink: Colour,
    /// Row names, sold seats.
    pub muted: Colour,
    /// Outlines.
    pub line: Colour,
    /// Bands, dearest first. A house with more bands than colours uses the last for the rest.
    pub bands: Vec<Colour>,
}

impl Palette {
    /// The colour of a band.
    #[must_use]
    pub fn band(&self, band: u8) -> Colour {
        self.bands
            .get(usize::from(band))
            .or(self.bands.last())
            .copied()
            .unwrap_or(self.ink)
    }
    /// Chooses `count` of the ramp's steps, spread so that neighbours differ as much as they can.
    #[must_use]
    pub fn spread(ramp: &[Colour], count: usize) -> Vec<Colour> {
        if ramp.is_empty() || count == 0 {
            return Vec::new();
        }
        if count == 1 {
            return vec![ramp[ramp.len() / 3]];
        }
        (0..count)
            .map(|i| ramp[Self::step(ramp.len(), count, i)])
            .collect()
    }
    /// Which step of a ramp of `steps` band `band` of `count` takes; the legend uses it too.
    #[must_use]
    pub fn step(steps: usize, count: usize, band: usize) -> usize {
        if count <= 1 {
            return steps / 3;
        }
        let last = count - 1;
        (band.min(last) * (steps - 1) + last / 2) / last
    }
}

impl Default for Palette {
    /// Black on white with a grey ramp: for tests, and until a theme has been read.
    fn default() -> Self {
        let grey = |v| Colour::new(v, v, v);
        Self {
            paper: grey(250),
            surface: grey(255),
            ink: grey(20),
            muted: grey(110),
            line: grey(225),
            bands: (0..8).map(|i| grey(40 + i * 16)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_colours_are_read_and_nothing_else_is() {
        assert_eq!(
            Colour::from_hex(" #FBFAF6 "),
            Some(Colour::new(0xfb, 0xfa, 0xf6))
        );
        assert_eq!(Colour::from_hex("#fff"), Some(Colour::new(255, 255, 255)));
        for bad in ["fff", "#ff", "#ggg", "#12345678", "#é1", "red", ""] {
            assert_eq!(Colour::from_hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn black_on_white_has_the_contrast_wcag_gives_it() {
        let contrast = Colour::new(0, 0, 0).contrast(Colour::new(255, 255, 255));
        assert!((contrast - 21.0).abs() < 0.01);
    }

    #[test]
    fn few_bands_take_steps_far_apart_and_in_order() {
        assert_eq!([0, 1].map(|b| Palette::step(8, 2, b)), [0, 7]);
        let four: Vec<usize> = (0..4).map(|b| Palette::step(8, 4, b)).collect();
        assert!(four.windows(2).all(|w| w[1] > w[0] + 1), "{four:?}");
        let eight: Vec<usize> = (0..8).map(|b| Palette::step(8, 8, b)).collect();
        assert_eq!(eight, (0..8).collect::<Vec<_>>());
    }
}
