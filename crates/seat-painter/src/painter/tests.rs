//! The painter's promises, held on a small house.

use super::*;
use crate::house::tests::small;
use crate::scene::{BlockLabel, Fade};
use crate::text::{Mask, TextStyle};

/// A painter with a mask for every word it may write.
fn painter(width: usize, height: usize, dpr: f32) -> Painter {
    let mut painter = Painter::new(small(), Palette::default());
    painter.resize(width, height, dpr);
    painter
}

fn rasterise(painter: &mut Painter) {
    for missing in painter.take_missing() {
        let letters = painter.house().text(missing.text).len();
        let (width, height) = (letters * 6, 12);
        let alpha = (0..width * height).map(|i| (i * 37 % 256) as u8).collect();
        painter.put_mask(
            missing,
            Mask {
                width,
                height,
                baseline: 9,
                alpha,
            },
        );
    }
}

fn views(painter: &Painter, dpr: f64) -> Vec<Viewport> {
    let frame = painter.frame();
    let size = (frame.width() as f64, frame.height() as f64);
    let whole = Viewport::new(
        painter.house().bounds,
        painter.house().pitch,
        size.0,
        size.1,
        dpr,
    );
    [1.0, 2.3, 6.0, 30.0]
        .map(|zoom| {
            let mut view = whole;
            view.zoom_at(zoom, size.0 * 0.4, size.1 * 0.5);
            view
        })
        .to_vec()
}

#[test]
fn painting_a_part_gives_the_same_pixels_as_painting_everything() {
    for dpr in [1.0_f32, 2.0] {
        let mut one = painter(400, 300, dpr);
        let mut other = painter(400, 300, dpr);
        let mut before = vec![0_u8; 180];
        let after: Vec<u8> = (0..180).map(|i| (i * 73 % 251) as u8).collect();
        before[3] = 0b10_01_11_00;
        let labels = [BlockLabel {
            note: None,
            free: 0.4,
        }; 2];
        for view in views(&one, f64::from(dpr)) {
            let fades = [Fade {
                seat: 44,
                from: 0,
                left: 0.5,
            }];
            let scene = Scene {
                packed: &before,
                yours: &[40, 41],
                labels: &labels,
                ..Scene::EMPTY
            };
            let then = Scene {
                packed: &after,
                yours: &[41],
                focus: Some(9),
                hover: Some(640),
                fades: &fades,
                ..scene
            };
            for p in [&mut one, &mut other] {
                p.paint(&view, &scene);
                rasterise(p);
                p.paint(&view, &scene);
                p.paint(&view, &then);
                rasterise(p);
            }
            // One paints everything; the other goes from the old scene by parts.
            one.paint(&view, &then);
            other.paint(&view, &scene);
            let marked = [40, 41, 9, 640].map(|s| other.mark_clip(&view, s));
            let clips: Vec<Clip> = (0..one.house().seat_count())
                .map(|s| other.seat_clip(&view, s))
                .chain(marked)
                .collect();
            for clip in clips {
                other.paint_clip(&view, &then, clip);
            }
            assert!(
                one.frame().pixels() == other.frame().pixels(),
                "dpr {dpr} zoom {}",
                view.zoom()
            );
        }
    }
}

#[test]
fn a_change_of_one_seat_stays_within_its_clip() {
    for dpr in [1.0_f32, 2.0] {
        let mut p = painter(500, 400, dpr);
        for view in views(&p, f64::from(dpr)) {
            for (seat, marked) in [0_u32, 31, 300, 719]
                .into_iter()
                .flat_map(|seat| [(seat, false), (seat, true)])
            {
                let mut packed = vec![0_u8; 180];
                let free = Scene {
                    packed: &packed,
                    ..Scene::EMPTY
                };
                for _ in 0..4 {
                    p.paint(&view, &free);
                    rasterise(&mut p);
                }
                let before = p.frame().pixels().to_vec();
                packed[seat as usize / 4] |= 2 << (seat % 4 * 2);
                let mine = [seat];
                let (yours, focus, clip): (&[u32], _, _) = if marked {
                    (&mine, Some(seat), p.mark_clip(&view, seat))
                } else {
                    (&[], None, p.seat_clip(&view, seat))
                };
                let scene = Scene {
                    packed: &packed,
                    yours,
                    focus,
                    ..Scene::EMPTY
                };
                p.paint(&view, &scene);
                for (i, (a, b)) in before.iter().zip(p.frame().pixels()).enumerate() {
                    let (x, y) = ((i % 500) as i32, (i / 500) as i32);
                    let inside = x >= clip.x0 && x < clip.x1 && y >= clip.y0 && y < clip.y1;
                    assert!(
                        inside || a == b,
                        "seat {seat} at {x},{y}, zoom {}",
                        view.zoom()
                    );
                }
            }
        }
    }
}

#[test]
fn each_status_is_drawn_as_it_should_be() {
    let mut p = painter(800, 600, 1.0);
    let palette = Palette::default();
    let mut view = views(&p, 1.0)[0];
    let seat = 65_u32; // row 2, band 2
    let (x, y) = (p.house().xs[65], p.house().ys[65]);
    view.look_at(f64::from(x), f64::from(y), 18.0);
    let (sx, sy) = view.to_screen(f64::from(x), f64::from(y));
    let mut middle = |status: u8, yours: &[u32], bands: Option<&[bool]>| {
        let mut packed = vec![0_u8; 180];
        packed[seat as usize / 4] |= status << (seat % 4 * 2);
        p.paint(
            &view,
            &Scene {
                packed: &packed,
                yours,
                bands,
                ..Scene::EMPTY
            },
        );
        let at = |dx: i32| p.frame().pixels()[(sy as i32 * 800 + sx as i32 + dx) as usize];
        (at(0), at(5))
    };
    let (band, surface) = (palette.band(2).pixel(), palette.surface.pixel());
    assert_eq!(middle(0, &[], None), (band, band), "free: filled");
    let (hole, rim) = middle(1, &[], None);
    assert_eq!(hole, surface, "held: hollow");
    assert_ne!(rim, surface, "held: with a rim");
    let (dot, around) = middle(2, &[], None);
    assert_ne!(dot, surface, "sold: a dot");
    assert_eq!(around, surface, "sold: a small one");
    assert_eq!(middle(3, &[], None), (surface, surface), "closed: nothing");
    let (_, disc) = middle(0, &[seat], None);
    assert_eq!(disc, palette.ink.pixel(), "yours: an ink disc");
    assert_eq!(
        middle(2, &[seat], None).1,
        disc,
        "yours even where the feed says sold"
    );
    assert_ne!(
        middle(0, &[], Some(&[true, true, false])).0,
        band,
        "filtered out: pale"
    );
}

#[test]
fn far_out_sections_are_named_and_near_by_seats_are() {
    let mut p = painter(900, 700, 1.0);
    let all = views(&p, 1.0);
    p.paint(&all[0], &Scene::EMPTY);
    let styles: Vec<TextStyle> = p.take_missing().iter().map(|m| m.style).collect();
    assert!(styles.contains(&TextStyle::Stage));
    p.forget_masks();
    let mut near = all[0];
    near.look_at(1000.0, 800.0, 30.0);
    p.paint(&near, &Scene::EMPTY);
    let styles: Vec<TextStyle> = p.take_missing().iter().map(|m| m.style).collect();
    assert!(
        styles.contains(&TextStyle::Seat) && styles.contains(&TextStyle::Row),
        "{styles:?}"
    );
    near.look_at(1000.0, 800.0, 5.0);
    p.forget_masks();
    p.paint(&near, &Scene::EMPTY);
    let styles: Vec<TextStyle> = p.take_missing().iter().map(|m| m.style).collect();
    assert!(
        styles.contains(&TextStyle::Name) && !styles.contains(&TextStyle::Seat),
        "{styles:?}"
    );
}

#[test]
fn a_scene_shorter_than_the_house_counts_the_rest_as_free() {
    let mut p = painter(200, 200, 1.0);
    let view = views(&p, 1.0)[0];
    p.paint(
        &view,
        &Scene {
            packed: &[0],
            yours: &[99_999],
            focus: Some(99_999),
            ..Scene::EMPTY
        },
    );
    assert!(p.frame().pixels().iter().all(|px| px >> 24 == 255));
}

#[test]
fn words_looked_for_are_those_painting_would_miss_and_no_pixel_changes() {
    for zoom in 0..4 {
        let mut one = painter(900, 700, 1.0);
        let mut other = painter(900, 700, 1.0);
        let view = views(&one, 1.0)[zoom];
        let blank = one.frame().pixels().to_vec();
        one.look_for_words(&view, &Scene::EMPTY);
        assert_eq!(one.frame().pixels(), blank);
        other.paint(&view, &Scene::EMPTY);
        assert_eq!(one.take_missing(), other.take_missing());
    }
}

/// A row of narrow sections side by side, as in the corners of a stadium seen from far away.
fn narrow(count: usize, width: usize) -> Painter {
    let mut house = House::new();
    for i in 0..count {
        let x = i as f32 * 1_000.0;
        house.begin_block(&format!("Block {}", 101 + i), Vec::new(), (x, 1_500.0));
        for row in 0..40 {
            house.begin_row(&row.to_string());
            for seat in 0..18 {
                let at = (x + (seat as f32 - 8.5) * 50.0, row as f32 * 75.0);
                house.seat(at, 0, Glyph::Plain, "1");
            }
        }
    }
    house.finish();
    let mut painter = Painter::new(house, Palette::default());
    painter.resize(width, 400, 1.0);
    painter
}

#[test]
fn names_of_sections_never_touch_and_as_many_as_fit_are_there() {
    for (width, least) in [(300, 8), (420, 16), (500, 16), (900, 16), (1_600, 16)] {
        let mut p = narrow(16, width);
        let note = Some(p.text_id("from 24"));
        let labels = [BlockLabel { note, free: 0.5 }; 16];
        let scene = Scene {
            labels: &labels,
            ..Scene::EMPTY
        };
        let house = p.house();
        let view = Viewport::new(house.bounds, house.pitch, width as f64, 400.0, 1.0);
        for _ in 0..4 {
            p.paint(&view, &scene);
            rasterise(&mut p);
        }
        let placed: Vec<(f32, f32)> = (p.plates.all.iter().zip(&p.house().blocks))
            .filter_map(|(plate, block)| {
                let x = block.label_at.0 * view.scale as f32;
                plate.map(|plate| (x - plate.width * 0.5, x + plate.width * 0.5))
            })
            .collect();
        for pair in placed.windows(2) {
            assert!(pair[0].1 < pair[1].0, "{width} wide: {pair:?}");
        }
        assert!(placed.len() >= least, "{width} wide: {}", placed.len());
    }
}
