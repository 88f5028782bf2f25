//! Small multiples on one time axis, drawn as SVG. The geometry is pure.

use leptos::prelude::*;

use crate::i18n::{I18n, fill};

/// The drawing's own measure; it is stretched to where it stands.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 100.0;
/// Half of a mark's flag, and how many stand one above the other.
const FLAG: f64 = 18.0;
const FLAG_LEVELS: u32 = 3;
/// Most points that are drawn of a series: one for each two units.
const MOST_POINTS: usize = 300;

/// Instants in ms and values, in order of time.
pub(super) type Points = Vec<(i64, Option<f64>)>;

/// A quantity over time; `None`: nothing is known of it then.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// The quantity.
    pub(super) points: Points,
    /// A second line to compare with (the cap, the rate).
    pub(super) limit: Points,
    /// The least that the axis reaches up to.
    pub(super) at_least: f64,
}

/// The time that all charts show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
}

impl Span {
    /// Where an instant lies, in the drawing's measure.
    fn x(self, at_ms: i64) -> f64 {
        let whole = (self.to_ms - self.from_ms).max(1) as f64;
        (at_ms - self.from_ms) as f64 / whole * WIDTH
    }
    pub(super) const fn holds(self, at_ms: i64) -> bool {
        self.from_ms <= at_ms && at_ms <= self.to_ms
    }
}

/// The next of 1, 2, 5, 10, 20, 50 … that is not below.
pub(super) fn nice_top(value: f64) -> f64 {
    if !value.is_finite() || value <= 1.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|top| *top >= value - 1e-9)
        .unwrap_or(value)
}

/// At most `most` points, of each bunch the highest, so that no peak is lost.
pub(super) fn thin(points: &[(i64, Option<f64>)], most: usize) -> Points {
    if points.len() <= most.max(1) {
        return points.to_vec();
    }
    points
        .chunks(points.len().div_ceil(most.max(1)))
        .map(|bunch| {
            let highest = bunch
                .iter()
                .filter_map(|(_, value)| *value)
                .reduce(f64::max);
            (bunch[bunch.len() - 1].0, highest)
        })
        .collect()
}

/// The line of a series; it is broken where nothing is known.
fn line(points: &[(i64, Option<f64>)], span: Span, top: f64) -> String {
    use std::fmt::Write as _;
    let mut path = String::new();
    let mut on = false;
    for (at_ms, value) in points {
        let Some(value) = value else {
            on = false;
            continue;
        };
        let y = HEIGHT - (value / top).clamp(0.0, 1.0) * (HEIGHT - 2.0) - 1.0;
        let letter = if on { 'L' } else { 'M' };
        let _ = write!(path, "{letter}{:.1} {y:.1}", span.x(*at_ms));
        on = true;
    }
    path
}

/// The area below a line; only of one that is not broken.
fn area(points: &[(i64, Option<f64>)], span: Span, top: f64) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    if points.iter().any(|(_, value)| value.is_none()) {
        return String::new();
    }
    format!(
        "{}L{:.1} {HEIGHT}L{:.1} {HEIGHT}Z",
        line(points, span, top),
        span.x(last.0),
        span.x(first.0)
    )
}

/// How a series is called and measured.
#[derive(Clone, Copy)]
pub(super) struct Label {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
}

/// One of the multiples.
#[component]
pub(super) fn Chart(
    i18n: I18n,
    #[prop(into)] label: Signal<Label>,
    #[prop(into)] series: Signal<Series>,
    #[prop(into)] span: Signal<Span>,
    /// Changes: when, with which number, and in words.
    #[prop(into)]
    marks: Signal<Vec<(i64, usize, String)>>,
) -> impl IntoView {
    let drawn = Memo::new(move |_| {
        let span = span.get();
        series.with(|series| {
            let seen = |points: &[(i64, Option<f64>)]| {
                let inside: Vec<_> = points
                    .iter()
                    .filter(|(at_ms, _)| span.holds(*at_ms))
                    .copied()
                    .collect();
                thin(&inside, MOST_POINTS)
            };
            let (points, limit) = (seen(&series.points), seen(&series.limit));
            let highest = points
                .iter()
                .chain(&limit)
                .filter_map(|(_, value)| *value)
                .fold(series.at_least, f64::max);
            let top = nice_top(highest);
            let now = points.iter().rev().find_map(|(_, value)| *value);
            let peak = points.iter().filter_map(|(_, v)| *v).reduce(f64::max);
            (
                area(&points, span, top),
                line(&points, span, top),
                line(&limit, span, top),
                top,
                now,
                peak.unwrap_or(0.0),
            )
        })
    });
    let shown = move || {
        let span = span.get();
        let marks = marks.get().into_iter();
        marks
            .filter(move |(at, _, _)| span.holds(*at))
            .map(move |(at, n, said)| (span.x(at), n, said))
    };
    let number = move |value: f64| {
        if value < 10.0 && value.fract() > 0.04 {
            format!("{value:.1}")
        } else {
            crate::format::number(i18n.lang(), value.round() as i64)
        }
    };
    let said = move || {
        let (_, _, _, _, now, peak) = drawn.get();
        let label = label.get();
        fill(
            i18n.console_t().now_is,
            &[
                ("name", label.name),
                ("n", &now.map_or_else(|| "–".to_owned(), number)),
                ("unit", label.unit),
                ("top", &number(peak)),
            ],
        )
    };
    view! {
        <figure class="chart">
            <figcaption class="chart__head">
                <span class="chart__name">{move || label.get().name}</span>
                <span class="chart__now tabular">
                    {move || drawn.get().4.map_or_else(|| "–".to_owned(), number)}
                    <span class="chart__unit">{move || label.get().unit}</span>
                </span>
            </figcaption>
            <svg class="chart__plot" viewBox="0 0 600 100" preserveAspectRatio="none" role="img" aria-label=said>
                <path class="chart__area" d=move || drawn.get().0/>
                <path class="chart__limit" d=move || drawn.get().2/>
                <path class="chart__line" d=move || drawn.get().1/>
                {move || shown().map(|(x, _, _)| {
                    let x = format!("{x:.1}");
                    view! { <line class="chart__mark" x1=x.clone() x2=x y1="0" y2="100"/> }
                }).collect_view()}
            </svg>
            // Not stretched, so that a circle stays one.
            <svg class="chart__flags" viewBox="0 0 600 36" aria-hidden="true">
                {move || perched(shown()).into_iter().map(|(x, y, n, said)| {
                    view! {
                        <g transform=format!("translate({x:.1} {y:.1})")>
                            <title>{said}</title>
                            <circle class="chart__dot" r="17"/>
                            <text class="chart__n" text-anchor="middle" dy="8">{n.to_string()}</text>
                        </g>
                    }
                }).collect_view()}
            </svg>
            <p class="chart__top tabular" aria-hidden="true">{move || number(drawn.get().3)}</p>
        </figure>
    }
}

/// Where the flags of marks stand: at the foot of the drawing, and one above the other where they
/// would cover each other, as far as the drawing is high.
fn perched(marks: impl Iterator<Item = (f64, usize, String)>) -> Vec<(f64, f64, usize, String)> {
    let mut last = (f64::NEG_INFINITY, 0);
    marks
        .map(|(x, n, said)| {
            let x = x.clamp(FLAG, WIDTH - FLAG);
            let level = if x - last.0 < 2.0 * FLAG {
                (last.1 + 1) % FLAG_LEVELS
            } else {
                0
            };
            last = (x, level);
            (x, FLAG - 2.0 * FLAG * f64::from(level), n, said)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span {
        from_ms: 0,
        to_ms: 600,
    };

    #[test]
    fn the_axis_ends_at_a_round_number_that_nothing_exceeds() {
        for (value, top) in [
            (0.0, 1.0),
            (3.0, 5.0),
            (10.0, 10.0),
            (10.1, 20.0),
            (4_213.0, 5_000.0),
        ] {
            assert!((nice_top(value) - top).abs() < 1e-6, "{value}");
        }
        assert!((nice_top(f64::NAN) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn flags_that_would_cover_each_other_stand_one_above_the_other() {
        let marks = [0.0, 10.0, 20.0, 30.0, 300.0];
        let marks = marks.into_iter().map(|x| (x, 0, String::new()));
        let heights: Vec<_> = perched(marks).into_iter().map(|(_, y, _, _)| y).collect();
        assert_eq!(heights, [18.0, -18.0, -54.0, 18.0, 18.0]);
    }

    #[test]
    fn thinning_never_loses_the_peak() {
        let mut points: Vec<_> = (0..10_000).map(|i| (i, Some(1.0))).collect();
        points[4_321].1 = Some(99.0);
        let thinned = thin(&points, 300);
        assert!(thinned.len() <= 300);
        assert!(thinned.iter().any(|(_, value)| *value == Some(99.0)));
    }

    #[test]
    fn a_line_is_broken_where_nothing_is_known() {
        let points = [(0, Some(0.0)), (300, None), (600, Some(1.0))];
        assert_eq!(line(&points, SPAN, 1.0), "M0.0 99.0M600.0 1.0");
        assert_eq!(area(&points, SPAN, 1.0), "");
    }

    #[test]
    fn a_value_above_the_axis_stays_inside() {
        assert_eq!(line(&[(0, Some(9.0))], SPAN, 1.0), "M0.0 1.0");
    }
}
