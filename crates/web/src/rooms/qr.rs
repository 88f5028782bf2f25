//! A text as a QR code, for a camera: drawn here, because the pass that it carries is nobody else's
//! business, and because it must be had while the server is away.

use std::fmt::Write as _;

use fast_qr::{ECL, QRBuilder};

/// White around a code, in modules, without which cameras do not find it.
const QUIET: usize = 4;

/// The black of a code as an SVG path, and the side of the square that it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) side: usize,
    pub(super) black: String,
}

/// Draws a code; `None` for a text that is longer than any code holds.
pub(super) fn draw(text: &str) -> Option<Drawn> {
    // From screen to camera nothing is torn or soiled: the lowest level keeps the modules large.
    let qr = QRBuilder::new(text).ecl(ECL::L).build().ok()?;
    let mut black = String::new();
    for y in 0..qr.size {
        let row = &qr[y][..qr.size];
        let mut x = 0;
        while x < qr.size {
            let run = row[x..].iter().take_while(|module| module.value()).count();
            if run > 0 {
                // Writing to a string cannot fail.
                let _ = write!(black, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += run.max(1);
        }
    }
    Some(Drawn {
        side: qr.size + 2 * QUIET,
        black,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: usize = 4;

    /// Paints what `draw` wrote, as a browser would.
    fn painted(drawn: &Drawn) -> Vec<bool> {
        let width = drawn.side * SCALE;
        let mut pixels = vec![false; width * width];
        for run in drawn.black.split_terminator('z') {
            let numbers: Vec<usize> = run
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|n| n.parse().ok())
                .collect();
            let [x, y, length, ..] = numbers[..] else {
                panic!("no run: {run}");
            };
            for row in y * SCALE..(y + 1) * SCALE {
                pixels[row * width..][x * SCALE..(x + length) * SCALE].fill(true);
            }
        }
        pixels
    }

    #[test]
    fn a_camera_reads_the_link_that_was_drawn() {
        let link = format!(
            "https://tickets.example.org/rooms/{}#pass=onsale-pass-1.{}",
            "5f".repeat(16),
            "Zk3_-x9".repeat(26)
        );
        let drawn = draw(&link).unwrap();
        let (width, pixels) = (drawn.side * SCALE, painted(&drawn));
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, width, |x, y| {
            if pixels[y * width + x] { 0 } else { 255 }
        });
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1);
        assert_eq!(grids[0].decode().unwrap().1, link);
    }

    #[test]
    fn a_text_longer_than_any_code_is_not_drawn() {
        assert_eq!(draw(&"x".repeat(5_000)), None);
    }
}
