//! Who was inside when: by what the visitors saw themselves, by what the room said while it went on,
//! and by the room's own book afterwards. Each has to keep to the cap, and all have to agree.

use anyhow::{Context, Result};

/// A finished audit.
pub(super) struct Audit {
    cap: u32,
    /// Most at once of whom their own log says that they were certainly inside.
    by_visitors: u32,
    /// Most at once by the room, asked five times a second.
    by_room: u32,
    /// Most ever, by the count that the room keeps where it lets people in.
    by_book: u32,
    samples: usize,
    /// How many of these saw the shop as full as it may be.
    full: usize,
    visits: usize,
    faults: Vec<String>,
}

/// What the room's book said at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    at_ms: i64,
    active: u32,
    joined: u64,
    admitted: u64,
    completed: u64,
    abandoned: u64,
    expired: u64,
    most_inside: u32,
}

impl Audit {
    /// Reads the lines that begin with `audit`.
    pub(super) fn read(text: &str, cap: u32) -> Result<Self> {
        let (mut visits, mut inside, mut book) = (Vec::new(), Vec::new(), Vec::new());
        let mut bought = 0;
        for line in text.lines() {
            let Some(line) = line.strip_prefix("audit\t") else {
                continue;
            };
            let fields: Vec<_> = line.split('\t').collect();
            let number = |at: usize| -> Result<i64> {
                let field = fields
                    .get(at)
                    .with_context(|| format!("too short: {line}"))?;
                field.parse().with_context(|| format!("no number: {line}"))
            };
            let count = |at: usize| -> Result<u32> { Ok(u32::try_from(number(at)?)?) };
            let total = |at: usize| -> Result<u64> { Ok(u64::try_from(number(at)?)?) };
            match fields[0] {
                "visit" => {
                    visits.push((number(1)?, number(2)?));
                    bought += u64::from(fields.get(3) == Some(&"bought"));
                }
                "inside" => inside.push(count(2)?.max(count(3)?)),
                "figures" => book.push(Entry {
                    at_ms: number(1)?,
                    active: count(2)?,
                    joined: total(4)?,
                    admitted: total(5)?,
                    completed: total(6)?,
                    abandoned: total(7)?,
                    expired: total(8)?,
                    most_inside: count(9)?,
                }),
                _ => {}
            }
        }
        let last = *book.last().context("the room's book is empty")?;
        let in_book = book.iter().map(|entry| entry.active.max(entry.most_inside));
        Ok(Self {
            cap,
            by_visitors: most_at_once(&visits),
            by_room: inside
                .iter()
                .copied()
                .max()
                .context("the room was never asked")?,
            by_book: in_book.max().unwrap_or(0),
            samples: inside.len(),
            full: inside.iter().filter(|active| **active >= cap).count(),
            visits: visits.len(),
            faults: faults(&book, last, visits.len() as u64, bought),
        })
    }

    /// Shoppers above the cap, by whoever saw most.
    pub(super) fn overshoot(&self) -> u32 {
        let most = self.by_visitors.max(self.by_room).max(self.by_book);
        most.saturating_sub(self.cap)
    }

    /// What does not add up, in words.
    pub(super) fn faults(&self) -> &[String] {
        &self.faults
    }

    pub(super) fn disagreements(&self) -> usize {
        self.faults.len()
    }

    pub(super) fn words(&self) -> String {
        format!(
            "at most {} inside by the count at the door, {} by {} looks at the room (of which {} saw \
             it full), {} by the log of its {} visitors",
            self.by_book, self.by_room, self.samples, self.full, self.by_visitors, self.visits
        )
    }
}

/// Most intervals that share a moment; each is from coming in until before going.
fn most_at_once(visits: &[(i64, i64)]) -> u32 {
    let mut moves: Vec<_> = visits
        .iter()
        .flat_map(|&(came_ms, went_ms)| [(came_ms, 1), (went_ms.max(came_ms), -1)])
        .collect();
    // Who goes in the same millisecond goes first: nobody is to be counted who may be out.
    moves.sort_unstable();
    let (mut now, mut most) = (0_i32, 0);
    for (_, step) in moves {
        now += step;
        most = most.max(now);
    }
    most.unsigned_abs()
}

fn faults(book: &[Entry], last: Entry, visits: u64, bought: u64) -> Vec<String> {
    let mut faults = Vec::new();
    let mut hold = |is_so: bool, otherwise: String| {
        if !is_so {
            faults.push(otherwise);
        }
    };
    hold(
        last.admitted == visits,
        format!("the room let {} in, {visits} came in", last.admitted),
    );
    hold(
        last.completed == bought,
        format!("the room saw {} buy, {bought} bought", last.completed),
    );
    let gone = last.completed + last.abandoned + last.expired;
    hold(
        last.admitted == gone + u64::from(last.active),
        format!(
            "of {} let in {gone} are gone and {} inside",
            last.admitted, last.active
        ),
    );
    for pair in book.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let grew = before.at_ms <= after.at_ms
            && before.joined <= after.joined
            && before.admitted <= after.admitted
            && before.completed <= after.completed
            && before.abandoned <= after.abandoned
            && before.expired <= after.expired;
        hold(grew, format!("counts went back at {} ms", after.at_ms));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "audit\tinside\t5\t2\t2\n\
        audit\tvisit\t0\t10\tbought\naudit\tvisit\t4\t8\tleft\nnoise\n\
        audit\tfigures\t0\t0\t0\t0\t0\t0\t0\t0\t0\n\
        audit\tfigures\t20\t0\t0\t2\t2\t1\t1\t0\t2\n";

    #[test]
    fn a_surge_in_which_all_agree_has_no_fault() {
        let audit = Audit::read(GOOD, 2).unwrap();
        assert_eq!(audit.faults(), [""; 0]);
        assert_eq!(audit.overshoot(), 0);
        assert_eq!((audit.by_visitors, audit.by_room, audit.by_book), (2, 2, 2));
        assert_eq!(audit.full, 1);
    }

    #[test]
    fn whoever_saw_one_too_many_is_believed() {
        assert_eq!(Audit::read(GOOD, 1).unwrap().overshoot(), 1);
        let by_room = GOOD.replace("inside\t5\t2\t2", "inside\t5\t2\t4");
        assert_eq!(Audit::read(&by_room, 2).unwrap().overshoot(), 2);
        let by_book = GOOD.replace("\t1\t1\t0\t2\n", "\t1\t1\t0\t3\n");
        assert_eq!(Audit::read(&by_book, 2).unwrap().overshoot(), 1);
        let by_visitors = format!("{GOOD}audit\tvisit\t5\t6\tlooked\n");
        assert_eq!(Audit::read(&by_visitors, 2).unwrap().overshoot(), 1);
    }

    #[test]
    fn one_who_comes_as_another_goes_is_not_one_too_many() {
        assert_eq!(most_at_once(&[(0, 5), (5, 9)]), 1);
        assert_eq!(most_at_once(&[(0, 6), (5, 9)]), 2);
        assert_eq!(most_at_once(&[(3, 3)]), 0);
    }

    #[test]
    fn counts_that_differ_from_the_visitors_are_faults() {
        let more_bought = GOOD.replace("8\tleft", "8\tbought");
        assert_eq!(Audit::read(&more_bought, 2).unwrap().disagreements(), 1);
        let never_went = GOOD.replace("\t2\t2\t1\t1\t0\t2\n", "\t2\t2\t1\t0\t0\t2\n");
        assert_eq!(Audit::read(&never_went, 2).unwrap().disagreements(), 1);
        let nobody_let_in = format!("{GOOD}audit\tvisit\t15\t16\tlooked\n");
        assert_eq!(Audit::read(&nobody_let_in, 2).unwrap().disagreements(), 1);
        let backwards = format!("{GOOD}audit\tfigures\t30\t0\t0\t1\t2\t1\t1\t0\t2\n");
        assert_eq!(Audit::read(&backwards, 2).unwrap().disagreements(), 1);
    }

    #[test]
    fn a_log_without_the_rooms_word_is_no_audit() {
        assert!(Audit::read("audit\tvisit\t0\t1\tleft\n", 2).is_err());
        assert!(Audit::read("audit\tinside\tx\t1\t1\n", 2).is_err());
    }
}
