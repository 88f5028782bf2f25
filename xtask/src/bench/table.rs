//! The tables in `docs/performance.md`, one a machine, between two markers: rows replaced by name.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result, bail};

use crate::place;

const BEGIN: &str = "<!-- bench:begin (written by `cargo xtask bench`) -->";
const END: &str = "<!-- bench:end -->";
const MACHINE: &str = "Machine: ";
const HEAD: &str = "| name | what | value | baseline | ratio | target | met | runs | commit |\n\
                    |---|---|--:|--:|--:|---|---|---|---|";
const FRESH: &str = "# Performance\n\n\
    Measured by `cargo xtask bench`, one row a benchmark; `target/bench/NAME.json` has every run.\n\n";

/// Puts rows into the page. The others stay, each under the machine it was measured on.
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
    let mut tables: Vec<(&str, BTreeMap<String, String>)> = Vec::new();
    for line in old.lines() {
        if let Some(other) = line.strip_prefix(MACHINE) {
            tables.push((other, BTreeMap::new()));
        } else if let Some(rest) = line.strip_prefix("| `")
            && let Some((_, table)) = tables.last_mut()
        {
            let name = rest.split('`').next().unwrap_or_default();
            table.insert(name.to_owned(), line.to_owned());
        }
    }
    let at = tables.iter().position(|(other, _)| *other == machine);
    let mut here = at.map_or_else(BTreeMap::new, |at| tables.remove(at).1);
    // Nothing is there twice: figures of two machines would be compared with each other.
    for (name, line) in rows {
        for (_, table) in &mut tables {
            table.remove(name);
        }
        here.insert(name.clone(), line.clone());
    }
    tables.insert(0, (machine, here));
    let mut text = format!("{before}{BEGIN}\n");
    for (machine, table) in tables.iter().filter(|(_, table)| !table.is_empty()) {
        text.push_str(&format!("{MACHINE}{machine}\n\n{HEAD}\n"));
        for line in table.values() {
            text.push_str(&format!("{line}\n"));
        }
        text.push('\n');
    }
    Ok(format!("{}\n{END}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, HEAD, MACHINE, merged};

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
    fn figures_of_each_machine_stand_under_its_name_and_nothing_stands_twice() {
        let text = format!("{BEGIN}\n{END}\n");
        let old = [("a", "| `a` | 1 |"), ("b", "| `b` | 2 |")];
        let text = merged(&text, "old", &rows(&old)).unwrap();
        let text = merged(&text, "new", &rows(&[("a", "| `a` | 3 |")])).unwrap();
        let both = format!(
            "{BEGIN}\n{MACHINE}new\n\n{HEAD}\n| `a` | 3 |\n\n{MACHINE}old\n\n{HEAD}\n| `b` | 2 |\n{END}\n"
        );
        assert_eq!(text, both);
        assert_eq!(merged(&text, "new", &[]).unwrap(), both);
        let again = merged(&text, "old", &rows(&[("b", "| `b` | 4 |")])).unwrap();
        assert!(again.find("old") < again.find("new"), "{again}");
        let last = merged(&again, "old", &rows(&[("a", "| `a` | 5 |")])).unwrap();
        assert!(!last.contains("new"), "{last}");
    }

    #[test]
    fn a_page_without_markers_is_refused() {
        assert!(merged("nothing", "m", &[]).is_err());
    }
}
