//! The table in `docs/performance.md`: rows between two markers, replaced by name.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result, bail};

use crate::place;

const BEGIN: &str = "<!-- bench:begin (written by `cargo xtask bench`) -->";
const END: &str = "<!-- bench:end -->";
const HEAD: &str = "| name | what | value | baseline | ratio | target | met | runs | commit |\n\
                    |---|---|--:|--:|--:|---|---|---|---|";
const FRESH: &str = "# Performance\n\n\
    Measured by `cargo xtask bench`, one row a benchmark; `target/bench/NAME.json` has every run.\n\n";

/// Puts rows into the page; the others stay if they were measured on the same machine.
pub(crate) fn update(machine: &str, rows: &[(String, String)]) -> Result<()> {
    let page = place::root().join("docs/performance.md");
    let text = match fs::read_to_string(&page) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            format!("{FRESH}{BEGIN}\n{END}\n")
        }
        Err(error) => return Err(error).with_context(|| format!("reading {}", page.display())),
    };
    fs::write(&page, merged(&text, machine, rows)?)
        .with_context(|| format!("writing {}", page.display()))
}

fn merged(text: &str, machine: &str, rows: &[(String, String)]) -> Result<String> {
    let Some((before, rest)) = text.split_once(BEGIN) else {
        bail!("docs/performance.md has lost its line `{BEGIN}`");
    };
    let Some((old, after)) = rest.split_once(END) else {
        bail!("docs/performance.md has lost its line `{END}`");
    };
    let measured_on = format!("Machine: {machine}");
    let mut table = BTreeMap::new();
    // Figures of two machines in one table would be compared with each other.
    if old.contains(&measured_on) {
        for line in old.lines().filter(|line| line.starts_with("| `")) {
            let name = line
                .trim_start_matches("| `")
                .split('`')
                .next()
                .unwrap_or_default();
            table.insert(name.to_owned(), line.to_owned());
        }
    }
    table.extend(rows.iter().cloned());
    let lines: Vec<_> = table.into_values().collect();
    Ok(format!(
        "{before}{BEGIN}\n{measured_on}\n\n{HEAD}\n{}\n{END}{after}",
        lines.join("\n")
    ))
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, merged};

    fn rows(rows: &[(&str, &str)]) -> Vec<(String, String)> {
        rows.iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    #[test]
    fn a_row_replaces_its_namesake_and_leaves_the_others() {
        let text = format!("x\n{BEGIN}\n{END}\ny\n");
        let text = merged(
            &text,
            "m",
            &rows(&[("a", "| `a` | 1 |"), ("b", "| `b` | 2 |")]),
        )
        .unwrap();
        let text = merged(&text, "m", &rows(&[("a", "| `a` | 3 |")])).unwrap();
        assert!(text.contains("| `a` | 3 |\n| `b` | 2 |"));
        assert!(!text.contains("| `a` | 1 |"));
        assert!(text.starts_with("x\n") && text.ends_with("\ny\n"));
    }

    #[test]
    fn figures_of_another_machine_do_not_stay() {
        let text = format!("{BEGIN}\n{END}\n");
        let text = merged(&text, "old", &rows(&[("b", "| `b` | 2 |")])).unwrap();
        let text = merged(&text, "new", &rows(&[("a", "| `a` | 3 |")])).unwrap();
        assert!(!text.contains("| `b`"));
    }

    #[test]
    fn a_page_without_markers_is_refused() {
        assert!(merged("nothing", "m", &[]).is_err());
    }
}
