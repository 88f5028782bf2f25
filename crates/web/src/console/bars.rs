//! What happened within equal stretches of time, drawn as bars whose parts are the price bands. The
//! geometry is pure.

use leptos::prelude::*;

use super::chart::{Span, nice_top};
use crate::map::theme::band_step;

/// The drawing's own measure; it is stretched to where it stands.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 100.0;
/// Between two bars, as a share of the width of one.
const GAP: f64 = 0.2;
/// No bar is thinner.
const THINNEST: f64 = 1.0;
/// Nothing that is more than nothing is lower.
const LOWEST: f64 = 1.0;

/// One stretch: when it begins, and how much of each band.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stretch {
    pub(super) from_ms: i64,
    pub(super) parts: Vec<(usize, f64)>,
}

impl Stretch {
    pub(super) fn whole(&self) -> f64 {
        self.parts.iter().map(|(_, value)| value).sum()
    }
}

/// Part of a bar, in the drawing's measure.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    band: usize,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// What the axis reaches up to.
fn top_of(stretches: &[Stretch]) -> f64 {
    nice_top(stretches.iter().map(Stretch::whole).fold(1.0, f64::max))
}

/// Bars from the foot up, the dearest band lowest.
fn parts(stretches: &[Stretch], span: Span, every_ms: i64) -> Vec<Part> {
    let top = top_of(stretches);
    let whole_ms = (span.to_ms - span.from_ms).max(1) as f64;
    let width = every_ms as f64 / whole_ms * WIDTH;
    let mut drawn = Vec::new();
    for stretch in stretches {
        if stretch.from_ms + every_ms <= span.from_ms || stretch.from_ms > span.to_ms {
            continue;
        }
        let x = (stretch.from_ms - span.from_ms) as f64 / whole_ms * WIDTH;
        let mut y = HEIGHT;
        for (band, value) in &stretch.parts {
            if *value <= 0.0 {
                continue;
            }
            let height = (value / top * HEIGHT).max(LOWEST);
            y -= height;
            drawn.push(Part {
                band: *band,
                x: x + width * GAP / 2.0,
                y: y.max(0.0),
                width: (width * (1.0 - GAP)).max(THINNEST),
                height,
            });
        }
    }
    drawn
}

/// The drawing. What it shows stands beside it as a table, so it says of itself only the shape.
#[component]
pub(super) fn Bars(
    #[prop(into)] name: Signal<String>,
    #[prop(into)] said: Signal<String>,
    #[prop(into)] stretches: Signal<Vec<Stretch>>,
    #[prop(into)] span: Signal<Span>,
    #[prop(into)] every_ms: Signal<i64>,
    /// How many bands the house has.
    #[prop(into)]
    bands: Signal<usize>,
    /// How an amount is written.
    #[prop(into)]
    written: Callback<f64, String>,
) -> impl IntoView {
    let drawn = Memo::new(move |_| {
        stretches.with(|stretches| parts(stretches, span.get(), every_ms.get()))
    });
    let top = Memo::new(move |_| stretches.with(|stretches| top_of(stretches)));
    view! {
        <figure class="chart chart--bars">
            <figcaption class="chart__head"><span class="chart__name">{name}</span></figcaption>
            <svg class="chart__plot chart__plot--bars" viewBox="0 0 600 100" preserveAspectRatio="none" role="img" aria-label=said>
                {move || {
                    let bands = bands.get();
                    drawn.get().into_iter().map(|part| view! {
                        <rect class=format!("bar band--{}", band_step(part.band, bands))
                            x=format!("{:.2}", part.x) y=format!("{:.2}", part.y)
                            width=format!("{:.2}", part.width) height=format!("{:.2}", part.height)/>
                    }).collect_view()
                }}
            </svg>
            <p class="chart__top tabular" aria-hidden="true" hidden=move || drawn.with(Vec::is_empty)>{move || written.run(top.get())}</p>
        </figure>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span {
        from_ms: 0,
        to_ms: 600,
    };

    fn stretch(from_ms: i64, parts: &[(usize, f64)]) -> Stretch {
        Stretch {
            from_ms,
            parts: parts.to_vec(),
        }
    }

    #[test]
    fn parts_stand_one_on_the_other_and_reach_as_high_as_they_are_together() {
        let stretches = [stretch(0, &[(0, 4.0), (1, 6.0)]), stretch(100, &[(1, 5.0)])];
        let drawn = parts(&stretches, SPAN, 100);
        assert_eq!(drawn.len(), 3);
        assert!((drawn[0].y - 60.0).abs() < 1e-9 && (drawn[0].height - 40.0).abs() < 1e-9);
        assert!((drawn[1].y - 0.0).abs() < 1e-9 && (drawn[1].height - 60.0).abs() < 1e-9);
        assert!((drawn[2].y - 50.0).abs() < 1e-9);
        assert!((drawn[0].x - 10.0).abs() < 1e-9 && (drawn[0].width - 80.0).abs() < 1e-9);
    }

    #[test]
    fn what_lies_outside_is_not_drawn_and_what_is_thin_is_still_seen() {
        let stretches = [
            stretch(-100, &[(0, 1.0)]),
            stretch(0, &[(0, 1.0), (1, 0.0)]),
            stretch(601, &[(0, 9.0)]),
        ];
        let drawn = parts(&stretches, SPAN, 1);
        assert_eq!(drawn.len(), 1);
        assert!(drawn[0].width >= THINNEST);
        let tall = [stretch(0, &[(0, 100_000.0), (1, 1.0)])];
        assert!(parts(&tall, SPAN, 100)[1].height >= LOWEST);
    }
}
