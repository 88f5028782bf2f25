//! The seat map in a real browser: `end2end/bench/map.mjs` drives it, this reads what it says.

use std::process::Command;

use anyhow::{Context, Result};

use super::{Row, Session, Target, load::Programs};
use crate::{exec, place, test::browser, toolchain, web};

pub(crate) const NAMES: &[&str] = &[
    "map_first_pixels",
    "map_fps",
    "map_frame_p95",
    "map_change_100",
];

pub(crate) fn measure(session: &Session<'_>) -> Result<Vec<Row>> {
    let wasm = toolchain::ensure(session.screen)?;
    web::ensure(session.screen, &wasm, web::Args::RELEASE)?;
    let programs = Programs::build(session)?;
    browser::ensure_packages(session.step)?;
    let shop = programs.serve(session, &[], &[])?;
    let mut said = Vec::new();
    for _ in 0..session.runs {
        let mut drive = Command::new("node");
        drive
            .current_dir(place::root().join("end2end"))
            .arg("bench/map.mjs")
            .arg(shop.url());
        drive.env("ONSALE_CHROMIUM", browser::chromium()?);
        said.push(exec::stdout(&mut drive)?);
    }
    shop.close(&programs.onsale)?;

    let house = "50,000 seats, no GPU, the worse of 1280 × 800 and a phone at 2×";
    let rows = [
        (
            "map_first_pixels",
            "from data in memory to the first drawn frame",
            "ms",
            Target::AtMost(50.0),
        ),
        (
            "map_fps",
            "slowest of panning the house, panning at 4×, zooming 1→4→1",
            "/s",
            Target::AtLeast(58.0),
        ),
        (
            "map_frame_p95",
            "time between frames, 95th percentile of the same",
            "ms",
            Target::AtMost(20.0),
        ),
        (
            "map_change_100",
            "100 seats change until painted",
            "ms",
            Target::AtMost(12.0),
        ),
    ];
    rows.into_iter()
        .map(|(name, what, unit, target)| {
            let runs = said
                .iter()
                .map(|text| figure(text, name))
                .collect::<Result<_>>()?;
            Ok(Row {
                name: name.into(),
                what: format!("{what}; {house}"),
                unit,
                runs,
                baseline: None,
                target,
                notes: Vec::new(),
            })
        })
        .collect()
}

/// A number of the outermost object, which is written last and so found from the end.
fn figure(json: &str, name: &str) -> Result<f64> {
    let key = format!("\"{name}\":");
    let at = json
        .rfind(&key)
        .with_context(|| format!("map.mjs does not say {name}"))?;
    let rest = json[at + key.len()..].trim_start();
    let end = rest.find([',', '\n', '}']).unwrap_or(rest.len());
    rest[..end]
        .trim()
        .parse()
        .with_context(|| format!("{name} is not a number"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_figure_is_read_from_the_outermost_object() {
        let json =
            "{\n \"screens\": {\"map_fps\": 1},\n \"map_fps\": 59.5,\n \"map_frame_p95\": 17\n}";
        assert_eq!(super::figure(json, "map_fps").unwrap(), 59.5);
        assert_eq!(super::figure(json, "map_frame_p95").unwrap(), 17.0);
        assert!(super::figure(json, "map_change_100").is_err());
    }
}
