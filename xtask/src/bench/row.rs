//! One measured figure: what it is, what it is compared with, whether it reaches its target.

use std::{fmt::Write, fs, path::PathBuf};

use anyhow::{Context, Result};

use crate::place;

/// What a figure must be to be good enough.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// The value divided by the baseline, at least.
    RatioAtLeast(f64),
    /// The value divided by the baseline, at most.
    RatioAtMost(f64),
    /// The value, at most.
    AtMost(f64),
    /// The value, at least.
    AtLeast(f64),
    /// Measured to be known, without a promise.
    None,
}

impl Target {
    fn words(self, unit: &str) -> String {
        match self {
            Self::RatioAtLeast(ratio) => format!("≥ {} × baseline", number(ratio)),
            Self::RatioAtMost(ratio) => format!("≤ {} × baseline", number(ratio)),
            Self::AtMost(value) => format!("≤ {} {unit}", number(value)),
            Self::AtLeast(value) => format!("≥ {} {unit}", number(value)),
            Self::None => "–".to_owned(),
        }
    }
}

/// One row of the table, one file in `target/bench`.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    /// One value a run; the middle one counts.
    pub(crate) runs: Vec<f64>,
    /// What it is compared with, and one value a run.
    pub(crate) baseline: Option<(String, Vec<f64>)>,
    pub(crate) target: Target,
    /// What else a reader must know to believe it: rejections, the generator's share of the CPU.
    pub(crate) notes: Vec<String>,
}

impl Row {
    pub(crate) fn value(&self) -> f64 {
        median(&self.runs)
    }

    fn baseline_value(&self) -> Option<f64> {
        self.baseline.as_ref().map(|(_, runs)| median(runs))
    }

    pub(crate) fn ratio(&self) -> Option<f64> {
        self.baseline_value()
            .map(|baseline| self.value() / baseline)
    }

    /// `None` where nothing was promised.
    pub(crate) fn met(&self) -> Option<bool> {
        match self.target {
            Target::RatioAtLeast(least) => Some(self.ratio().is_some_and(|ratio| ratio >= least)),
            Target::RatioAtMost(most) => Some(self.ratio().is_some_and(|ratio| ratio <= most)),
            Target::AtMost(most) => Some(self.value() <= most),
            Target::AtLeast(least) => Some(self.value() >= least),
            Target::None => None,
        }
    }

    /// Largest minus smallest run, as a share of the middle one.
    fn spread(&self) -> f64 {
        let (low, high) = self
            .runs
            .iter()
            .fold((f64::MAX, f64::MIN), |(low, high), run| {
                (low.min(*run), high.max(*run))
            });
        if self.value() == 0.0 {
            0.0
        } else {
            (high - low) / self.value()
        }
    }

    /// Writes `target/bench/NAME.json`.
    pub(crate) fn save(&self, machine: &str, commit: &str) -> Result<PathBuf> {
        let dir = place::target().join("bench");
        fs::create_dir_all(&dir)?;
        let file = dir.join(format!("{}.json", self.name));
        fs::write(&file, self.json(machine, commit))
            .with_context(|| format!("writing {}", file.display()))?;
        Ok(file)
    }

    fn json(&self, machine: &str, commit: &str) -> String {
        let optional = |value: Option<f64>| value.map_or_else(|| "null".into(), |v| v.to_string());
        let list = |values: &[f64]| {
            values
                .iter()
                .map(f64::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let baseline = self
            .baseline
            .as_ref()
            .map_or_else(|| "null".into(), |(b, _)| quoted(b));
        let met = self
            .met()
            .map_or_else(|| "null".into(), |met| met.to_string());
        let notes = self
            .notes
            .iter()
            .map(|n| quoted(n))
            .collect::<Vec<_>>()
            .join(", ");
        format!(
            "{{\n  \"name\": {},\n  \"what\": {},\n  \"unit\": {},\n  \"value\": {},\n  \
             \"baseline\": {baseline},\n  \"baseline_value\": {},\n  \"ratio\": {},\n  \
             \"target\": {},\n  \"met\": {met},\n  \"runs\": [{}],\n  \"spread\": {},\n  \
             \"machine\": {},\n  \"commit\": {},\n  \"notes\": [{notes}]\n}}\n",
            quoted(&self.name),
            quoted(&self.what),
            quoted(self.unit),
            self.value(),
            optional(self.baseline_value()),
            optional(self.ratio()),
            quoted(&self.target.words(self.unit)),
            list(&self.runs),
            self.spread(),
            quoted(machine),
            quoted(commit),
        )
    }

    /// The row in Markdown, as [`super::table`] keeps it.
    pub(crate) fn markdown(&self, commit: &str) -> String {
        let baseline = self.baseline.as_ref().map_or_else(
            || "–".to_owned(),
            |(what, runs)| format!("{} ({what})", number(median(runs))),
        );
        let ratio = self.ratio().map_or_else(|| "–".to_owned(), number);
        let met = match self.met() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "–",
        };
        let what = if self.notes.is_empty() {
            self.what.clone()
        } else {
            format!("{}; {}", self.what, self.notes.join("; "))
        };
        format!(
            "| `{}` | {what} | {} {} | {baseline} | {ratio} | {} | {met} | {} × ± {:.0} % | {commit} |",
            self.name,
            number(self.value()),
            self.unit,
            self.target.words(self.unit),
            self.runs.len(),
            self.spread() * 50.0,
        )
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Three figures that count, thousands apart: `31,400`, `0.52`, `7.25`.
pub(crate) fn number(value: f64) -> String {
    if value.abs() < 100.0 {
        let text = format!("{value:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::{Row, Target, number};

    fn row(runs: &[f64], target: Target) -> Row {
        Row {
            name: "holds".into(),
            what: "holds a second".into(),
            unit: "/s",
            runs: runs.to_vec(),
            baseline: Some(("echo".into(), vec![100.0, 300.0, 200.0])),
            target,
            notes: Vec::new(),
        }
    }

    #[test]
    fn the_middle_run_is_compared_with_the_middle_baseline() {
        let row = row(&[90.0, 500.0, 110.0], Target::RatioAtLeast(0.55));
        assert_eq!(row.ratio(), Some(0.55));
        assert_eq!(row.met(), Some(true));
    }

    #[test]
    fn a_missed_target_says_no() {
        assert_eq!(row(&[301.0], Target::RatioAtMost(1.5)).met(), Some(false));
        assert_eq!(row(&[300.0], Target::RatioAtMost(1.5)).met(), Some(true));
        assert_eq!(row(&[99.0], Target::RatioAtLeast(0.5)).met(), Some(false));
        assert_eq!(row(&[99.0], Target::AtMost(98.0)).met(), Some(false));
        assert_eq!(row(&[99.0], Target::None).met(), None);
    }

    #[test]
    fn numbers_are_read_at_a_glance() {
        assert_eq!(number(31_400.2), "31,400");
        assert_eq!(number(0.5), "0.5");
        assert_eq!(number(1_234_567.0), "1,234,567");
    }
}
