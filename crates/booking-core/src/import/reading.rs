//! Values as people write them: with the place at hand for whatever is odd about them.

use super::decimal::centi;
use super::json::{Json, Kind, SyntaxError};
use super::report::{RepairKind, Report};
use alloc::{borrow::Cow, vec::Vec};
use core::fmt;

/// Most members of one object whose repetition is noticed; no known object has so many.
const MEMBERS_MAX: usize = 32;

/// Reading has to stop: the rest of the file cannot be made sense of, or a bound was passed.
pub(super) enum Halt {
    Syntax(SyntaxError),
    /// Already among the faults.
    Bound,
}

impl From<SyntaxError> for Halt {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax(error)
    }
}

pub(super) type Read<T> = Result<T, Halt>;

/// One step of a path.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Member(&'static str),
    Element(u32),
}

/// The file, where we are in it, and what is odd so far.
pub(super) struct Reading<'a> {
    pub(super) json: Json<'a>,
    pub(super) report: Report,
    path: Vec<Step>,
}

/// Where a value stands: `zones[3].rows[1]`.
pub(super) struct Path<'p>(&'p [Step]);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the plan");
        }
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Member(name) if i == 0 => f.write_str(name)?,
                Step::Member(name) => write!(f, ".{name}")?,
                Step::Element(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// The members of one object, one after another.
pub(super) struct Members<'a> {
    first: bool,
    seen: Vec<Cow<'a, str>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(json: Json<'a>) -> Self {
        Self {
            json,
            report: Report::default(),
            path: Vec::new(),
        }
    }

    /// Reads within a member or element, which then is part of every place told.
    pub(super) fn within<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let value = read(self);
        self.path.pop();
        value
    }
    pub(super) fn path(&self) -> Path<'_> {
        Path(&self.path)
    }
    pub(super) fn fault(&mut self, what: impl fmt::Display) {
        self.report.fault(Path(&self.path), what);
    }
    pub(super) fn repair(&mut self, kind: RepairKind, what: impl fmt::Display) {
        self.report.repair(kind, Path(&self.path), what);
    }
    /// Stops because a bound was passed.
    pub(super) fn too_many(&mut self, what: &str, most: usize) -> Halt {
        self.fault(format_args!("there are more than {most} {what}"));
        Halt::Bound
    }

    /// Goes into an object; `None` where something else stands (told and skipped).
    pub(super) fn object(&mut self) -> Read<Option<Members<'a>>> {
        if self.enter(Kind::Object)? {
            Ok(Some(Members {
                first: true,
                seen: Vec::new(),
            }))
        } else {
            Ok(None)
        }
    }

    /// The next member's name. Tells of names that stand twice.
    pub(super) fn member(&mut self, members: &mut Members<'a>) -> Read<Option<Cow<'a, str>>> {
        let Some(name) = self.json.key(&mut members.first)? else {
            return Ok(None);
        };
        if members.seen.contains(&name) {
            let what =
                format_args!("{name:?} stands here twice; the last counts, lists are joined");
            self.report
                .repair(RepairKind::RepeatedMember, Path(&self.path), what);
        } else if members.seen.len() < MEMBERS_MAX {
            members.seen.push(name.clone());
        }
        Ok(Some(name))
    }

    /// Reads past a member that has no place in a seat map, and counts it.
    pub(super) fn not_kept(&mut self, holder: &str, name: &str) -> Read<()> {
        self.report.not_kept(holder, name);
        Ok(self.json.skip()?)
    }

    /// Reads a list element by element. `null` is taken for an empty list.
    pub(super) fn list(&mut self, mut each: impl FnMut(&mut Self, u32) -> Read<()>) -> Read<()> {
        if !self.enter(Kind::Array)? {
            return Ok(());
        }
        let (mut first, mut index) = (true, 0);
        while self.json.element(&mut first)? {
            self.within(Step::Element(index), |reading| each(reading, index))?;
            index = index.saturating_add(1);
        }
        Ok(())
    }

    fn enter(&mut self, wanted: Kind) -> Read<bool> {
        let found = self.json.peek()?;
        if found == wanted {
            self.json.enter()?;
            return Ok(true);
        }
        if found == Kind::Null {
            let what = format_args!("null stands for {}; taken for an empty one", wanted.name());
            self.repair(RepairKind::NullValue, what);
        } else {
            self.fault(format_args!(
                "should be {}, is {}",
                wanted.name(),
                found.name()
            ));
        }
        self.json.skip()?;
        Ok(false)
    }

    /// A text, trimmed; a number is taken as it is written; blank and `null` are `None`.
    pub(super) fn text(&mut self) -> Read<Option<Cow<'a, str>>> {
        Ok(match self.json.peek()? {
            Kind::Text => match self.json.text()? {
                Cow::Borrowed(text) => Some(Cow::Borrowed(text.trim())),
                Cow::Owned(text) => Some(Cow::Owned(text.trim().into())),
            }
            .filter(|text| !text.is_empty()),
            Kind::Number => {
                let number = self.json.number()?;
                let what = format_args!("the number {number} stands where text belongs");
                self.repair(RepairKind::NumberAsText, what);
                // `7.0` is what some tools make of seat 7.
                let whole = number.strip_suffix(".0").unwrap_or(number);
                Some(Cow::Borrowed(whole))
            }
            Kind::Null => {
                self.json.null()?;
                self.repair(RepairKind::NullValue, "null stands where text belongs");
                None
            }
            found => {
                self.fault(format_args!("should be text, is {}", found.name()));
                self.json.skip()?;
                None
            }
        })
    }

    /// A number in hundredths; text that holds a number is taken.
    pub(super) fn centi(&mut self) -> Read<Option<i64>> {
        let number = match self.json.peek()? {
            Kind::Number => Cow::Borrowed(self.json.number()?),
            Kind::Text => {
                let text = self.json.text()?;
                if !is_number(text.trim()) {
                    self.fault(format_args!("should be a number, is the text {text:?}"));
                    return Ok(None);
                }
                let what = format_args!("the text {text:?} stands where a number belongs");
                self.repair(RepairKind::TextAsNumber, what);
                Cow::Owned(text.trim().into())
            }
            Kind::Null => {
                self.json.null()?;
                self.repair(RepairKind::NullValue, "null stands where a number belongs");
                return Ok(None);
            }
            found => {
                self.fault(format_args!("should be a number, is {}", found.name()));
                self.json.skip()?;
                return Ok(None);
            }
        };
        let Some(read) = centi(&number) else {
            self.fault(format_args!("{} is out of all bounds", shortened(&number)));
            return Ok(None);
        };
        if read.rounded {
            self.report.rounded(Path(&self.path));
        }
        if read.fraction {
            self.report.fraction(Path(&self.path));
        }
        Ok(Some(read.value))
    }

    /// A whole number of at least 0; `95.0` is 95, a real fraction is rounded down and told.
    pub(super) fn whole(&mut self) -> Read<Option<u32>> {
        let Some(centi) = self.centi()? else {
            return Ok(None);
        };
        let whole = u32::try_from(centi.div_euclid(100)).ok();
        if whole.is_none() {
            self.fault("should be a whole number of at least 0");
        } else if centi % 100 != 0 {
            self.repair(
                RepairKind::Rounded,
                "a fraction stands for a count; rounded down",
            );
        }
        Ok(whole)
    }

    /// A yes or no: `true`, 1, "yes" and the like.
    pub(super) fn flag(&mut self) -> Read<bool> {
        Ok(match self.json.peek()? {
            Kind::Bool => self.json.bool()?,
            Kind::Null => {
                self.json.null()?;
                false
            }
            Kind::Number => self
                .json
                .number()?
                .bytes()
                .any(|byte| matches!(byte, b'1'..=b'9')),
            Kind::Text => {
                let text = self.json.text()?;
                let yes = ["true", "yes", "1", "y"];
                let value = yes.iter().any(|yes| text.trim().eq_ignore_ascii_case(yes));
                let what = format_args!("the text {text:?} stands for {value}");
                self.repair(RepairKind::TextAsNumber, what);
                value
            }
            found @ (Kind::Object | Kind::Array) => {
                self.fault(format_args!("should be true or false, is {}", found.name()));
                self.json.skip()?;
                false
            }
        })
    }
}

fn is_number(text: &str) -> bool {
    let mut json = Json::new(text, 0);
    json.peek() == Ok(Kind::Number) && json.number().is_ok() && json.end().is_ok()
}

fn shortened(number: &str) -> &str {
    &number[..number.len().min(40)]
}
