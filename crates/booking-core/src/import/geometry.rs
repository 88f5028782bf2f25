//! Outlines of areas, without floats.

use super::plan::{Form, Spot};
use alloc::{vec, vec::Vec};

/// Sines of whole degrees from 0 to 90, in millionths.
#[rustfmt::skip]
const SINES: [i64; 91] = [
    0, 17_452, 34_899, 52_336, 69_756, 87_156, 104_528, 121_869,
    139_173, 156_434, 173_648, 190_809, 207_912, 224_951, 241_922, 258_819,
    275_637, 292_372, 309_017, 325_568, 342_020, 358_368, 374_607, 390_731,
    406_737, 422_618, 438_371, 453_990, 469_472, 484_810, 500_000, 515_038,
    529_919, 544_639, 559_193, 573_576, 587_785, 601_815, 615_661, 629_320,
    642_788, 656_059, 669_131, 681_998, 694_658, 707_107, 719_340, 731_354,
    743_145, 754_710, 766_044, 777_146, 788_011, 798_636, 809_017, 819_152,
    829_038, 838_671, 848_048, 857_167, 866_025, 874_620, 882_948, 891_007,
    898_794, 906_308, 913_545, 920_505, 927_184, 933_580, 939_693, 945_519,
    951_057, 956_305, 961_262, 965_926, 970_296, 974_370, 978_148, 981_627,
    984_808, 987_688, 990_268, 992_546, 994_522, 996_195, 997_564, 998_630,
    999_391, 999_848, 1_000_000,
];
const WHOLE: i64 = 1_000_000;
/// A full turn in hundredths of a degree.
const TURN: i64 = 36_000;
/// An ellipse is drawn with a corner every so many hundredths of a degree.
const ELLIPSE_STEP: usize = 1_000;

/// Sine in millionths of an angle in hundredths of a degree, between whole degrees by a straight
/// line: right to four decimals.
fn sine(angle: i64) -> i64 {
    let angle = angle.rem_euclid(TURN);
    let (quarter, within) = (angle / 9_000, angle % 9_000);
    let rising = |angle: i64| {
        let (degree, rest) = ((angle / 100) as usize, angle % 100);
        let next = SINES[(degree + 1).min(90)];
        SINES[degree] + (next - SINES[degree]) * rest / 100
    };
    match quarter {
        0 => rising(within),
        1 => rising(9_000 - within),
        2 => -rising(within),
        _ => -rising(9_000 - within),
    }
}

fn cosine(angle: i64) -> i64 {
    sine(angle.rem_euclid(TURN) + 9_000)
}

/// Turns a point around the origin, clockwise as drawn (y grows downwards).
pub(super) fn turned(spot: Spot, angle: i64) -> Spot {
    let (sine, cosine) = (sine(angle), cosine(angle));
    Spot {
        x: (spot.x * cosine - spot.y * sine) / WHOLE,
        y: (spot.x * sine + spot.y * cosine) / WHOLE,
    }
}

/// The corners of a form that stands at `at` and is turned around it.
pub(super) fn outline(form: &Form, at: Spot, rotation: i64) -> Vec<Spot> {
    let corners = match form {
        Form::Rectangle { width, height } => {
            let corner = |x, y| Spot { x, y };
            vec![
                corner(0, 0),
                corner(*width, 0),
                corner(*width, *height),
                corner(0, *height),
            ]
        }
        Form::Ellipse { radius } => (0..TURN)
            .step_by(ELLIPSE_STEP)
            .map(|angle| Spot {
                x: radius.x * cosine(angle) / WHOLE,
                y: radius.y * sine(angle) / WHOLE,
            })
            .collect(),
        Form::Polygon(corners) => corners.clone(),
    };
    let place = |corner| turned(corner, rotation).plus(at);
    corners.into_iter().map(place).collect()
}

/// Smallest upright rectangle around some points: its upper left and lower right corner.
pub(super) fn bounds(spots: impl IntoIterator<Item = Spot>) -> Option<(Spot, Spot)> {
    let mut spots = spots.into_iter();
    let first = spots.next()?;
    Some(spots.fold((first, first), |(low, high), spot| {
        (
            Spot {
                x: low.x.min(spot.x),
                y: low.y.min(spot.y),
            },
            Spot {
                x: high.x.max(spot.x),
                y: high.y.max(spot.y),
            },
        )
    }))
}

pub(super) fn middle((low, high): (Spot, Spot)) -> Spot {
    Spot {
        x: i64::midpoint(low.x, high.x),
        y: i64::midpoint(low.y, high.y),
    }
}

/// Whether a point lies inside a closed outline (even-odd rule).
pub(super) fn contains(outline: &[Spot], spot: Spot) -> bool {
    let mut inside = false;
    let mut from = match outline.last() {
        Some(last) => *last,
        None => return false,
    };
    for to in outline {
        if (from.y > spot.y) != (to.y > spot.y) {
            // Which side of the edge the point is on, as the sign of a cross product.
            let (dx, dy) = (to.x - from.x, to.y - from.y);
            let cross = i128::from(spot.x - from.x) * i128::from(dy)
                - i128::from(spot.y - from.y) * i128::from(dx);
            if (cross < 0) == (dy > 0) {
                inside = !inside;
            }
        }
        from = *to;
    }
    inside
}

/// A distance without roots: right along the axes, at most an eighth off between them.
pub(super) fn distance(from: Spot, to: Spot) -> i64 {
    let (dx, dy) = ((to.x - from.x).abs(), (to.y - from.y).abs());
    let (long, short) = (dx.max(dy), dx.min(dy));
    // The larger of two lines that both lie close under the true curve.
    long.max(long * 7 / 8 + short / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(x: i64, y: i64) -> Spot {
        Spot { x, y }
    }

    #[test]
    fn turns_by_quarters_are_exact_and_go_clockwise() {
        let right = spot(1_000, 0);
        let turns = [0, 9_000, 18_000, 27_000, 36_000, -9_000];
        let turned = turns.map(|angle| turned(right, angle));
        let (up, down, left) = (spot(0, -1_000), spot(0, 1_000), spot(-1_000, 0));
        assert_eq!(turned, [right, down, left, up, right, up]);
    }

    #[test]
    fn a_turn_keeps_the_distance() {
        for angle in (0..TURN).step_by(77) {
            let Spot { x, y } = turned(spot(100_000, 0), angle);
            let length = (x * x + y * y).isqrt();
            assert!((99_980..=100_001).contains(&length), "{angle}: {length}");
        }
    }

    #[test]
    fn a_point_is_inside_or_outside_whichever_way_the_outline_runs() {
        let mut corner = outline(
            &Form::Rectangle {
                width: 100,
                height: 50,
            },
            spot(10, 10),
            0,
        );
        for _ in 0..2 {
            assert!(contains(&corner, spot(11, 59)));
            assert!(!contains(&corner, spot(9, 30)));
            assert!(!contains(&corner, spot(111, 30)));
            assert!(!contains(&corner, spot(50, 61)));
            corner.reverse();
        }
        let notched = [
            spot(0, 0),
            spot(100, 0),
            spot(100, 100),
            spot(50, 10),
            spot(0, 100),
        ];
        assert!(contains(&notched, spot(5, 50)));
        assert!(!contains(&notched, spot(50, 50)));
        assert!(!contains(&[], spot(0, 0)));
    }

    #[test]
    fn distances_are_close_to_the_true_ones() {
        for (x, y) in [(300, 400), (100, 100), (7, 0), (0, 9), (500, 10), (60, 100)] {
            let truth = i64::isqrt(x * x + y * y);
            let found = distance(spot(0, 0), spot(x, y));
            assert!(
                (truth * 7 / 8..=truth * 9 / 8).contains(&found),
                "{x}, {y}: {found}"
            );
        }
    }
}
