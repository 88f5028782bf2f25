//! What the documents say exists, exists: paths in backticks and links between files.
//!
//! A path may be written from the repository's root, from beside the document, or from the crate
//! that the nearest heading names (`### crates/server` and below it `src/feed.rs`).

use std::path::{Path, PathBuf};

use crate::place;

const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "docs/http.md",
    "docs/glossary.md",
    "crates/booking-core/README.md",
];
/// What a path in backticks begins with.
const FOLDERS: &[&str] = &[
    "crates/",
    "assets/",
    "docs/",
    "end2end/",
    "xtask/",
    "src/",
    "tests/",
    "migrations/",
    "examples/",
];

/// Every path that `document` names and that is not there, with its line.
fn missing(root: &Path, document: &str) -> Vec<String> {
    let file = root.join(document);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => return vec![format!("{document}: {error}")],
    };
    let beside = file.parent().unwrap_or(root).to_owned();
    let mut crate_named = root.to_owned();
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with('#')
            && let Some(named) = in_backticks(line).find(|name| name.starts_with("crates/"))
        {
            crate_named = root.join(named);
        }
        for name in in_backticks(line) {
            let is_path = FOLDERS.iter().any(|folder| name.starts_with(folder));
            if is_path && !is_there(&[root, &beside, &crate_named], name) {
                faults.push(format!("{document}:{number}: `{name}` does not exist"));
            }
        }
        for link in links(line) {
            let target = link.split('#').next().unwrap_or_default();
            if !target.is_empty() && !is_there(&[&beside], target) {
                faults.push(format!(
                    "{document}:{number}: the link to {link} leads nowhere"
                ));
            }
        }
    }
    faults
}

fn is_there(places: &[&Path], name: &str) -> bool {
    let name = name.trim_end_matches('/');
    places
        .iter()
        .map(|place| place.join(name))
        .any(|path: PathBuf| path.exists())
}

/// Text between backticks that has no blank in it.
fn in_backticks(line: &str) -> impl Iterator<Item = &str> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| !name.contains(' '))
}

/// Targets of links and pictures that are files of the repository.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
}

#[test]
fn every_path_that_the_documents_name_exists() {
    let faults: Vec<_> = DOCUMENTS
        .iter()
        .flat_map(|document| missing(place::root(), document))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_path_that_is_not_there_is_found_with_its_line() {
    let root = std::env::temp_dir().join(format!("onsale-docs-{}", std::process::id()));
    std::fs::create_dir_all(root.join("crates/one/src")).unwrap();
    std::fs::write(root.join("crates/one/src/here.rs"), "").unwrap();
    std::fs::write(
        root.join("d.md"),
        "### `crates/one`\n`src/here.rs` and `src/gone.rs`\n[a](nowhere.md)\n",
    )
    .unwrap();
    let found = missing(&root, "d.md");
    std::fs::remove_dir_all(&root).unwrap();
    assert_eq!(
        found,
        [
            "d.md:2: `src/gone.rs` does not exist",
            "d.md:3: the link to nowhere.md leads nowhere"
        ]
    );
}
