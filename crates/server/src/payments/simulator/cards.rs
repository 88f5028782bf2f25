//! The fault cards: which number makes the simulator do what. Documented in `docs/http.md`.

use serde::{Deserialize, Serialize};

/// What happens to a payment with this card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing: approved.
    None,
    /// Declined: `do_not_honour`.
    DoNotHonour,
    /// Declined: `insufficient_funds`.
    InsufficientFunds,
    /// The bank wants to ask the fan.
    NeedsStep,
    /// Answers late.
    Slow,
    /// Succeeds, but the answer never comes.
    TimesOut,
    /// Every notice is sent twice.
    NoticesTwice,
    /// The notice of the capture comes before that of the authorisation.
    NoticesReordered,
    /// Approved, but the money can never be taken.
    CaptureRefused,
    /// Approved; taking the money fails twice before it works.
    CaptureFlaky,
}

const CARDS: [(&str, Fault); 9] = [
    ("4000000000000002", Fault::DoNotHonour),
    ("4000000000009995", Fault::InsufficientFunds),
    ("4000002500003155", Fault::NeedsStep),
    ("4000000000000077", Fault::Slow),
    ("4000000000000119", Fault::TimesOut),
    ("4000000000000259", Fault::NoticesTwice),
    ("4000000000000267", Fault::NoticesReordered),
    ("4000000000000341", Fault::CaptureRefused),
    ("4000000000000358", Fault::CaptureFlaky),
];

impl Fault {
    /// The fault of a card number; every number that is not listed is approved.
    #[must_use]
    pub fn of(number: &str) -> Self {
        CARDS
            .iter()
            .find(|(card, _)| *card == number)
            .map_or(Self::None, |(_, fault)| *fault)
    }
}
