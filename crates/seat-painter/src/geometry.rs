//! Rectangles, hulls and the few measures that several modules need.

/// A rectangle in plan units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

impl Rect {
    /// The rectangle that holds nothing; growing it by a point gives that point.
    pub const NOTHING: Self = Self {
        x0: f32::INFINITY,
        y0: f32::INFINITY,
        x1: f32::NEG_INFINITY,
        y1: f32::NEG_INFINITY,
    };

    /// Grows to hold the point.
    pub const fn hold(&mut self, x: f32, y: f32) {
        self.x0 = self.x0.min(x);
        self.y0 = self.y0.min(y);
        self.x1 = self.x1.max(x);
        self.y1 = self.y1.max(y);
    }
    /// The smallest rectangle around `points`.
    #[must_use]
    pub fn around(points: &[(f32, f32)]) -> Self {
        let mut rect = Self::NOTHING;
        for &(x, y) in points {
            rect.hold(x, y);
        }
        rect
    }
    /// Both together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }
    /// Larger by `by` on every side.
    #[must_use]
    pub fn grown(self, by: f32) -> Self {
        Self {
            x0: self.x0 - by,
            y0: self.y0 - by,
            x1: self.x1 + by,
            y1: self.y1 + by,
        }
    }
    /// Whether it holds no point at all.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self.x0 > self.x1 || self.y0 > self.y1
    }
    /// Whether the two share a point.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.x0 <= other.x1 && other.x0 <= self.x1 && self.y0 <= other.y1 && other.y0 <= self.y1
    }
    /// Width.
    #[must_use]
    pub fn width(self) -> f32 {
        self.x1 - self.x0
    }
    /// Height.
    #[must_use]
    pub fn height(self) -> f32 {
        self.y1 - self.y0
    }
}

/// A rectangle of whole device pixels; right and bottom edges are outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clip {
    /// First column.
    pub x0: i32,
    /// First row.
    pub y0: i32,
    /// First column beyond.
    pub x1: i32,
    /// First row beyond.
    pub y1: i32,
}

impl Clip {
    /// What both have in common.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        }
    }
    /// Whether there is no pixel in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.x0 >= self.x1 || self.y0 >= self.y1
    }
    /// Number of pixels.
    #[must_use]
    pub fn area(self) -> i64 {
        if self.is_empty() {
            0
        } else {
            i64::from(self.x1 - self.x0) * i64::from(self.y1 - self.y0)
        }
    }
}

/// The convex hull of `points`, moved outwards by `by`; an octagon around a single point, nothing
/// around none.
#[must_use]
pub fn hull(points: &[(f32, f32)], by: f32) -> Vec<(f32, f32)> {
    // The hull of octagons around the points is the hull grown, with its corners cut; and only the
    // corners of the plain hull can be corners of that.
    let cut = by * 0.414;
    let mut corners = Vec::new();
    for (x, y) in convex(outermost(points)) {
        for (dx, dy) in [(by, cut), (cut, by), (-cut, by), (-by, cut)] {
            corners.push((x + dx, y + dy));
            corners.push((x - dx, y - dy));
        }
    }
    convex(corners)
}

/// The points that can be corners of the hull: all but those inside the octagon of the outermost ones
/// in eight directions. One look at each, where sorting would take many.
fn outermost(points: &[(f32, f32)]) -> Vec<(f32, f32)> {
    let Some(&any) = points.first() else {
        return Vec::new();
    };
    let along = |(x, y): (f32, f32)| [x, x + y, y, y - x];
    let (mut least, mut most) = ([any; 4], [any; 4]);
    let (mut low, mut high) = (along(any), along(any));
    for &p in points {
        for (i, far) in along(p).into_iter().enumerate() {
            if far < low[i] {
                (low[i], least[i]) = (far, p);
            }
            if far > high[i] {
                (high[i], most[i]) = (far, p);
            }
        }
    }
    let corners = [
        most[0], most[1], most[2], most[3], least[0], least[1], least[2], least[3],
    ];
    // Strictly inside by more than what rounding can be wrong by.
    let slack = (high[0] - low[0]).max(high[2] - low[2]).powi(2) * 1e-5;
    let edges: Vec<_> = (0..8)
        .map(|i| (corners[i], corners[(i + 1) % 8]))
        .filter(|(a, b)| a != b)
        .collect();
    let inside = |&(x, y): &(f32, f32)| {
        edges.len() > 2
            && edges
                .iter()
                .all(|&(a, b)| (b.0 - a.0) * (y - a.1) - (b.1 - a.1) * (x - a.0) > slack)
    };
    points.iter().copied().filter(|p| !inside(p)).collect()
}

/// The convex hull by Andrew's monotone chain.
fn convex(mut all: Vec<(f32, f32)>) -> Vec<(f32, f32)> {
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    all.dedup();
    if all.len() < 3 {
        return all;
    }
    let half = |points: &mut dyn Iterator<Item = (f32, f32)>| {
        let mut chain: Vec<(f32, f32)> = Vec::new();
        for p in points {
            while let [.., a, b] = chain[..] {
                if (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0) > 0.0 {
                    break;
                }
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut lower = half(&mut all.iter().copied());
    lower.extend(half(&mut all.iter().rev().copied()));
    lower
}

/// Whether the point lies inside the closed outline (even-odd).
#[must_use]
pub fn inside(outline: &[(f32, f32)], x: f32, y: f32) -> bool {
    let mut odd = false;
    let Some(&last) = outline.last() else {
        return false;
    };
    let mut a = last;
    for &b in outline {
        if (a.1 > y) != (b.1 > y) && x < (b.0 - a.0) * (y - a.1) / (b.1 - a.1) + a.0 {
            odd = !odd;
        }
        a = b;
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hull_holds_every_point_it_was_made_from() {
        let points: Vec<(f32, f32)> = (0..200u32)
            .map(|i| (((i * 7919) % 211) as f32, ((i * 104_729) % 97) as f32))
            .collect();
        let outline = hull(&points, 2.0);
        assert!(outline.len() >= 3);
        for &(x, y) in &points {
            assert!(inside(&outline, x, y), "({x}, {y}) is outside");
        }
        assert!(!inside(&outline, -10.0, -10.0));
    }

    #[test]
    fn a_hull_of_many_corners_is_found_too() {
        let circle: Vec<(f32, f32)> = (0..500)
            .map(|i| (i as f32 * 0.012_566).sin_cos())
            .map(|(y, x)| (x * 90.0, y * 90.0))
            .collect();
        let outline = hull(&circle, 1.0);
        assert!(outline.len() > 100);
        assert!(circle.iter().all(|&(x, y)| inside(&outline, x, y)));
    }

    #[test]
    fn leaving_out_what_lies_inside_does_not_change_a_hull() {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 12) as f32 / 4096.0
        };
        for count in [1, 2, 3, 5, 9, 40, 700] {
            for turn in 0..20 {
                let (wide, high) = (next() * 90.0, if turn % 3 == 0 { 0.0 } else { next() });
                let points: Vec<(f32, f32)> =
                    (0..count).map(|_| (next() * wide, next() * high)).collect();
                assert_eq!(convex(outermost(&points)), convex(points));
            }
        }
    }

    #[test]
    fn a_hull_of_one_point_is_an_octagon_around_it() {
        let outline = hull(&[(5.0, 5.0)], 3.0);
        assert_eq!(outline.len(), 8);
        assert!(inside(&outline, 5.0, 5.0));
    }

    #[test]
    fn an_empty_hull_is_empty() {
        assert!(hull(&[], 3.0).is_empty());
        assert!(!inside(&[], 0.0, 0.0));
    }
}
