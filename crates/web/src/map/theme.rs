//! The colours the map is drawn in, read from the stylesheet's tokens; none is named here.

use seat_painter::{Colour, Palette};
use wasm_bindgen::JsCast;
use web_sys::CssStyleDeclaration;

use crate::browser;

/// Steps of the ramp `--band-1` … `--band-8`, dearest first.
pub(crate) const BAND_STEPS: usize = 8;

/// What the map needs of the look of the page.
pub(crate) struct Theme {
    /// Colours for a house with this many bands.
    pub(crate) palette: Palette,
    /// The family text is written in.
    pub(crate) font: String,
}

impl Theme {
    /// As the page is styled now.
    pub(crate) fn read(bands: usize) -> Self {
        let fallback = Palette::default();
        let Some(style) = root_style() else {
            return Self {
                palette: fallback,
                font: "sans-serif".into(),
            };
        };
        let token = |name: &str| style.get_property_value(name).unwrap_or_default();
        let colour = |name: &str, other: Colour| Colour::from_hex(&token(name)).unwrap_or(other);
        let ramp: Vec<Colour> = (0..BAND_STEPS)
            .map(|i| colour(&format!("--band-{}", i + 1), fallback.band(i as u8)))
            .collect();
        let font = token("--font-text");
        Self {
            palette: Palette {
                paper: colour("--paper", fallback.paper),
                surface: colour("--surface", fallback.surface),
                ink: colour("--ink", fallback.ink),
                muted: colour("--muted", fallback.muted),
                line: colour("--line", fallback.line),
                bands: Palette::spread(&ramp, bands.max(1)),
            },
            font: if font.trim().is_empty() {
                "sans-serif".into()
            } else {
                font.trim().into()
            },
        }
    }
}

/// Which of the stylesheet's colours, from 1, is a band's.
pub(crate) fn band_step(band: usize, bands: usize) -> usize {
    Palette::step(BAND_STEPS, bands, band) + 1
}

/// The class that gives an element the colour of a band; the stylesheet has one a step.
pub(crate) fn band_class(band: usize, bands: usize) -> String {
    format!("band band--{}", band_step(band, bands))
}

/// Whether the reader has asked for little motion.
pub(crate) fn prefers_calm() -> bool {
    let asked = browser::window()
        .match_media("(prefers-reduced-motion: reduce)")
        .ok()
        .flatten();
    asked.is_some_and(|query| query.matches())
}

fn root_style() -> Option<CssStyleDeclaration> {
    let root = browser::document().document_element()?;
    browser::window()
        .get_computed_style(root.unchecked_ref())
        .ok()
        .flatten()
}
