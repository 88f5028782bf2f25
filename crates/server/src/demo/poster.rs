//! Posters drawn, not photographed: flat shapes from a title, a motif and a palette, as one small
//! SVG each. The same input gives the same picture.

use std::fmt::Write as _;

/// Width and height of a poster in its own units (3 : 4).
const WIDTH: i32 = 600;
const HEIGHT: i32 = 800;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motif {
    /// Fruit on branches.
    Orchard,
    /// Rails running to a moon.
    Rails,
    /// Birds over water.
    Gulls,
    /// Paper lanterns on lines.
    Lanterns,
    /// A pitch from above.
    Pitch,
    /// Waves.
    Tide,
    /// Sun and moon behind hills.
    Forest,
    /// Strings of an instrument.
    Strings,
    /// A microphone in a spot.
    Microphone,
}

/// Five flat colours: ground, two for the picture, one accent, and the letters.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// The paper.
    pub ground: &'static str,
    /// Large shapes.
    pub one: &'static str,
    /// Shapes beside them.
    pub two: &'static str,
    /// The eye's target.
    pub accent: &'static str,
    /// Letters.
    pub ink: &'static str,
}

/// Draws a poster: the motif, the title over several lines and a line of small print.
#[must_use]
pub fn poster(title: &str, small_print: &str, motif: Motif, palette: Palette) -> String {
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}"><rect width="{WIDTH}" height="{HEIGHT}" fill="{}"/>"#,
        escape(title),
        palette.ground
    );
    draw(&mut svg, motif, palette);
    letters(&mut svg, title, small_print, palette);
    svg.push_str("</svg>");
    svg
}

fn letters(svg: &mut String, title: &str, small_print: &str, palette: Palette) {
    let lines = wrap(title, 11);
    let longest = lines
        .iter()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or(1)
        .max(5) as i32;
    // Wide bold letters are about 0.66 of their size; the lines must fit whatever face is there.
    // More lines are set smaller, to leave the picture its room.
    let most = [92, 92, 74, 60][lines.len().min(3)];
    let size = (510 * 100 / (66 * longest)).clamp(36, most);
    let line_height = size * 98 / 100;
    let first = HEIGHT - 92 - line_height * (lines.len() as i32 - 1);
    let face = r#"font-family="'Bricolage Grotesque','Helvetica Neue',Arial,'Liberation Sans',sans-serif""#;
    for (i, line) in (0..).zip(&lines) {
        let _ = write!(
            svg,
            r#"<text x="44" y="{}" {face} font-weight="800" font-size="{size}" letter-spacing="-1" fill="{}">{}</text>"#,
            first + line_height * i,
            palette.ink,
            escape(line)
        );
    }
    let _ = write!(
        svg,
        r#"<text x="46" y="{}" {face} font-weight="600" font-size="22" fill="{}">{}</text>"#,
        HEIGHT - 44,
        palette.ink,
        escape(small_print)
    );
}

fn draw(svg: &mut String, motif: Motif, p: Palette) {
    match motif {
        Motif::Orchard => {
            for (x, height) in [(150, 400), (320, 470), (480, 360)] {
                rect(svg, x - 7, 520 - height / 2, 14, height / 2 + 20, p.two);
                circle(svg, x, 520 - height / 2, 118, p.one);
                for (dx, dy) in [(-58, -20), (-8, -66), (44, -14), (-24, 36), (52, 46)] {
                    circle(svg, x + dx, 520 - height / 2 + dy, 19, p.accent);
                }
            }
            rect(svg, 0, 540, WIDTH, 8, p.two);
        }
        Motif::Rails => {
            circle(svg, 420, 170, 96, p.accent);
            polygon(
                svg,
                &[
                    (0, 330),
                    (190, 250),
                    (330, 320),
                    (470, 240),
                    (600, 300),
                    (600, 560),
                    (0, 560),
                ],
                p.one,
            );
            polygon(svg, &[(286, 300), (296, 300), (130, 560), (60, 560)], p.two);
            polygon(
                svg,
                &[(306, 300), (316, 300), (540, 560), (470, 560)],
                p.two,
            );
            for i in 0..7 {
                let (y, half, thick) = (322 + i * (i + 5) * 3, 16 + i * (i + 5) * 3, 4 + i * 2);
                rect(svg, 301 - half, y, half * 2, thick, p.two);
            }
        }
        Motif::Gulls => {
            circle(svg, 300, 250, 150, p.accent);
            for (x, y, s) in [(150, 180, 10), (330, 120, 14), (430, 250, 9), (235, 300, 7)] {
                let d = format!(
                    "M{} {} q{} {} {} 0 q{} {} {} 0 q{} {} {} 0 q{} {} {} 0z",
                    x,
                    y,
                    s * 3,
                    -s * 4,
                    s * 6,
                    s * 3,
                    -s * 4,
                    s * 6,
                    -s * 3,
                    -s * 2,
                    -s * 6,
                    -s * 3,
                    -s * 2,
                    -s * 6
                );
                path(svg, &d, p.two);
            }
            waves(svg, 400, 3, p.one, p.two);
        }
        Motif::Lanterns => {
            for (x, drop, r) in [
                (95, 150, 50),
                (215, 260, 66),
                (345, 120, 56),
                (470, 300, 74),
                (545, 110, 40),
                (120, 390, 44),
                (340, 400, 48),
            ] {
                rect(svg, x - 2, 0, 4, drop - r, p.two);
                let _ = write!(
                    svg,
                    r#"<ellipse cx="{x}" cy="{drop}" rx="{r}" ry="{}" fill="{}"/>"#,
                    r * 5 / 4,
                    p.one
                );
                let _ = write!(
                    svg,
                    r#"<ellipse cx="{x}" cy="{drop}" rx="{}" ry="{}" fill="{}"/>"#,
                    r / 2,
                    r * 5 / 4,
                    p.accent
                );
                rect(svg, x - r / 2, drop - r * 5 / 4 - 6, r, 10, p.two);
                rect(svg, x - r / 2, drop + r * 5 / 4 - 4, r, 10, p.two);
            }
        }
        Motif::Pitch => {
            rect(svg, 60, 60, 480, 470, p.one);
            for i in 0..4 {
                rect(svg, 60 + i * 120, 60, 60, 470, p.two);
            }
            let line = |svg: &mut String, d: &str| {
                let _ = write!(
                    svg,
                    r#"<path d="{d}" fill="none" stroke="{}" stroke-width="7"/>"#,
                    p.ink
                );
            };
            line(
                svg,
                "M84 84h432v422h-432z M84 295h432 M190 84v70h220v-70 M190 506v-70h220v70",
            );
            let _ = write!(
                svg,
                r#"<circle cx="300" cy="295" r="66" fill="none" stroke="{}" stroke-width="7"/>"#,
                p.ink
            );
            circle(svg, 300, 295, 22, p.accent);
        }
        Motif::Tide => {
            circle(svg, 180, 190, 104, p.accent);
            waves(svg, 260, 6, p.one, p.two);
        }
        Motif::Forest => {
            circle(svg, 300, 210, 128, p.accent);
            circle(svg, 352, 178, 112, p.ground);
            for (x, y, s) in [
                (90, 540, 150),
                (210, 540, 210),
                (330, 540, 170),
                (450, 540, 240),
                (560, 540, 160),
                (150, 560, 120),
                (390, 560, 130),
            ] {
                let color = if s > 165 { p.one } else { p.two };
                polygon(
                    svg,
                    &[(x, y - s * 2 + 60), (x + s / 2, y), (x - s / 2, y)],
                    color,
                );
            }
            rect(svg, 0, 536, WIDTH, 20, p.two);
        }
        Motif::Strings => {
            let _ = write!(
                svg,
                r#"<ellipse cx="300" cy="170" rx="150" ry="140" fill="{0}"/><ellipse cx="300" cy="420" rx="190" ry="160" fill="{0}"/>"#,
                p.one
            );
            rect(svg, 196, 220, 208, 140, p.one);
            circle(svg, 118, 290, 66, p.ground);
            circle(svg, 482, 290, 66, p.ground);
            for (i, x) in [(0, 270), (1, 290), (2, 310), (3, 330)] {
                rect(svg, x - 2, 0, 4, 500 - i * 4, p.accent);
            }
            rect(svg, 236, 452, 128, 16, p.two);
            path(
                svg,
                "M206 330 q-24 60 10 110 q-14 -60 -10 -110z M394 330 q24 60 -10 110 q14 -60 10 -110z",
                p.two,
            );
        }
        Motif::Microphone => {
            polygon(svg, &[(300, -40), (560, 560), (40, 560)], p.one);
            circle(svg, 300, 210, 74, p.two);
            rect(svg, 226, 210, 148, 60, p.two);
            let _ = write!(
                svg,
                r#"<path d="M232 270h136l-22 44h-92z" fill="{}"/>"#,
                p.accent
            );
            rect(svg, 290, 310, 20, 250, p.ink);
            for y in [160, 190, 220] {
                rect(svg, 240, y, 120, 6, p.one);
            }
        }
    }
}

fn waves(svg: &mut String, top: i32, count: i32, one: &str, two: &str) {
    for i in 0..count {
        let y = top + i * 46;
        let shift = if i % 2 == 0 { 0 } else { -60 };
        let mut d = format!("M{} {y}", shift - 60);
        for _ in 0..7 {
            d.push_str(" q30 -34 60 0 t60 0");
        }
        let _ = write!(d, " V{} H{} z", HEIGHT, shift - 60);
        path(svg, &d, if i % 2 == 0 { one } else { two });
    }
}

fn rect(svg: &mut String, x: i32, y: i32, width: i32, height: i32, fill: &str) {
    let _ = write!(
        svg,
        r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}"/>"#
    );
}

fn circle(svg: &mut String, x: i32, y: i32, r: i32, fill: &str) {
    let _ = write!(svg, r#"<circle cx="{x}" cy="{y}" r="{r}" fill="{fill}"/>"#);
}

fn polygon(svg: &mut String, points: &[(i32, i32)], fill: &str) {
    let points: Vec<_> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    let _ = write!(
        svg,
        r#"<polygon points="{}" fill="{fill}"/>"#,
        points.join(" ")
    );
}

fn path(svg: &mut String, d: &str, fill: &str) {
    let _ = write!(svg, r#"<path d="{d}" fill="{fill}"/>"#);
}

/// Breaks a title between words into lines of about `width` characters.
fn wrap(title: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in title.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALETTE: Palette = Palette {
        ground: "#111",
        one: "#222",
        two: "#333",
        accent: "#444",
        ink: "#fff",
    };

    #[test]
    fn a_title_is_broken_between_words_only() {
        assert_eq!(
            wrap("A Midsummer Night's Dream", 11),
            ["A Midsummer", "Night's", "Dream"]
        );
    }

    #[test]
    fn a_title_cannot_break_out_of_the_picture() {
        let svg = poster(r#"<script>"x"&"#, "", Motif::Tide, PALETTE);
        assert!(!svg.contains("<script>"));
        assert!(svg.contains("&lt;script&gt;"));
    }
}
