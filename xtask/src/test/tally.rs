//! Counting what test programs print.

/// Passed tests by number, failed ones by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: usize,
    failures: Vec<String>,
}

impl Tally {
    pub(crate) fn pass(&mut self, count: usize) {
        self.passed += count;
    }

    pub(crate) fn fail(&mut self, what: impl Into<String>) {
        self.failures.push(what.into());
    }

    pub(crate) fn passed(&self) -> usize {
        self.passed
    }

    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Reads what `cargo test` printed, natively or through wasm-bindgen's runner.
    ///
    /// An ignored test counts as failed: nothing here is left out in silence.
    pub(crate) fn of_libtest(text: &str) -> Self {
        let mut tally = Self::default();
        let mut failed = 0;
        for line in text.lines().map(str::trim) {
            if let Some(name) = line
                .strip_prefix("test ")
                .and_then(|l| l.split_once(" ... "))
            {
                let (name, verdict) = name;
                if verdict.starts_with("FAIL") {
                    tally.fail(name);
                } else if verdict.starts_with("ignored") {
                    tally.fail(format!("{name} is ignored"));
                }
            } else if let Some(counts) = line.strip_prefix("test result: ") {
                tally.pass(count_before(counts, "passed"));
                failed += count_before(counts, "failed");
            }
        }
        // A verdict may be torn from its name by what the test prints; the count still knows.
        let named = tally.failures.len();
        if failed > named {
            tally.fail(format!("{} more, see the log", failed - named));
        }
        tally
    }

    /// Reads the list reporter of Playwright.
    pub(crate) fn of_playwright(text: &str) -> Self {
        let mut tally = Self::default();
        // The summary is the last thing printed: `  2 failed`, names indented below, `  9 passed (1m)`.
        let mut collecting = None;
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            match (
                words.first().and_then(|w| w.parse::<usize>().ok()),
                words.get(1..),
            ) {
                (Some(count), Some(["passed", ..])) => {
                    tally.pass(count);
                    collecting = None;
                }
                (Some(_), Some([kind @ ("failed" | "flaky" | "skipped" | "interrupted")])) => {
                    collecting = Some((*kind).to_owned());
                    if *kind == "skipped" {
                        tally.fail(format!(
                            "{line} (skipped counts as failed)",
                            line = line.trim()
                        ));
                    }
                }
                (Some(count), Some(["did", "not", "run"])) => {
                    tally.fail(format!("{count} did not run"));
                    collecting = None;
                }
                _ => {
                    let trimmed = line.trim();
                    if let Some(kind) = &collecting
                        && trimmed.starts_with('[')
                    {
                        tally.fail(format!("{} ({kind})", trimmed.trim_end_matches(['─', ' '])));
                    }
                }
            }
        }
        tally
    }

    /// Reads the sums of a JUnit file: each case passed unless it failed, broke or was skipped.
    pub(crate) fn of_junit(xml: &str) -> Self {
        let mut tally = Self::default();
        for case in xml.split("<testcase").skip(1) {
            let head = case.split('>').next().unwrap_or_default();
            let body = case.split("</testcase>").next().unwrap_or_default();
            let name = attribute(head, "name").unwrap_or_else(|| "a case without a name".into());
            if head.ends_with('/') {
                tally.pass(1);
                continue;
            }
            if body.contains("<failure") || body.contains("<error") {
                tally.fail(name);
            } else if body.contains("<skipped") {
                tally.fail(format!("{name} was skipped"));
            } else {
                tally.pass(1);
            }
        }
        tally
    }
}

/// The number before a word: 12 in `ok. 12 passed; 0 failed`.
fn count_before(text: &str, word: &str) -> usize {
    let mut last = "";
    for token in text
        .split([' ', ';', '.'])
        .filter(|token| !token.is_empty())
    {
        if token == word {
            return last.parse().unwrap_or(0);
        }
        last = token;
    }
    0
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let from = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let length = tag[from..].find('"')?;
    Some(
        tag[from..from + length]
            .replace("&amp;", "&")
            .replace("&lt;", "<")
            .replace("&gt;", ">"),
    )
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn libtest_counts_add_up_over_binaries() {
        let text = "test a ... ok\ntest b ... FAILED\n\
            test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n\
            test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s\n";
        let tally = Tally::of_libtest(text);
        assert_eq!(tally.passed(), 6);
        assert_eq!(tally.failures(), ["b"]);
    }

    #[test]
    fn an_ignored_test_counts_as_failed() {
        let text =
            "test slow ... ignored, too slow\ntest result: ok. 0 passed; 0 failed; 1 ignored\n";
        assert_eq!(Tally::of_libtest(text).failures(), ["slow is ignored"]);
    }

    #[test]
    fn a_failure_without_its_name_still_counts() {
        let text =
            "test a ... printing\nFAILED\ntest result: FAILED. 0 passed; 1 failed; 0 ignored\n";
        assert_eq!(Tally::of_libtest(text).failures(), ["1 more, see the log"]);
    }

    #[test]
    fn playwright_failures_come_with_their_names() {
        let text = "\n  1) [phone] › buy.spec.ts:3:1 › buys ──\n\n  1 failed\n    \
            [phone] › buy.spec.ts:3:1 › buys ─────\n  2 did not run\n  7 passed (1.2m)\n";
        let tally = Tally::of_playwright(text);
        assert_eq!(tally.passed(), 7);
        assert_eq!(
            tally.failures(),
            ["[phone] › buy.spec.ts:3:1 › buys (failed)", "2 did not run"]
        );
    }

    #[test]
    fn junit_cases_are_told_apart() {
        let xml = r#"<testsuite><testcase name="GET /a" time="1"/><testcase name="POST /b"><failure
            message="x"/></testcase><testcase name="c"></testcase></testsuite>"#;
        let tally = Tally::of_junit(xml);
        assert_eq!(tally.passed(), 2);
        assert_eq!(tally.failures(), ["POST /b"]);
    }
}
