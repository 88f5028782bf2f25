//! Payment cards: read, checked, handed to the provider and forgotten.
//!
//! **Invariant:** a card's number and code never leave this type except through
//! [`Card::number`], which only a provider adapter calls. They are in no `Debug`, no serialised
//! form, no error text, and the memory is wiped on drop.

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// Most digits a card number has (ISO/IEC 7812).
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;

/// Text that must not be shown, logged or kept: what a client typed into a card field.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        // The default visitor quotes the value it did not expect: a card number sent as a JSON
        // number would end up in an error and in a log.
        macro_rules! refuse {
            ($($name:ident: $ty:ty),*) => {$(
                fn $name<E: de::Error>(self, _: $ty) -> Result<Secret, E> {
                    Err(E::custom("expected a text"))
                }
            )*};
        }
        impl Visitor<'_> for Text {
            type Value = Secret;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret::new(text))
            }
            refuse!(visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64,
                    visit_u128: u128, visit_f64: f64, visit_bytes: &[u8]);
        }
        // Not `deserialize_str`: serde_json then makes that error by itself.
        deserializer.deserialize_any(Text)
    }
}

/// What a client sends: `{"card_number":"4242…","expiry":"12/30","cvc":"123"}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardInput {
    /// Digits, perhaps with spaces or hyphens.
    pub card_number: Secret,
    /// `MM/YY` or `MM/YYYY`.
    pub expiry: Secret,
    /// Three or four digits.
    pub cvc: Secret,
}

/// A card that passed every check that can be made without asking its bank.
#[derive(Clone)]
pub struct Card {
    number: Zeroizing<String>,
    expiry: Expiry,
    summary: CardSummary,
}

/// The month up to whose end a card is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Expiry {
    year: i16,
    month: i8,
}

/// What may be kept and shown of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardSummary {
    /// Whose network: `visa`, `mastercard`, `amex` or `card`.
    pub brand: String,
    /// The last four digits.
    pub last4: String,
}

/// What is wrong with a card as typed, and in which field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardFault {
    /// `card_number`, `expiry` or `cvc`.
    pub field: &'static str,
    /// What is wrong, in words for the fan; never the value.
    pub what: &'static str,
}

impl Card {
    /// Checks what was typed; reports every fault.
    pub fn check(input: &CardInput, now_ms: i64) -> Result<Self, Vec<CardFault>> {
        let mut faults = Vec::new();
        let number = digits(&input.card_number.0);
        match &number {
            None => faults.push(CardFault {
                field: "card_number",
                what: "a card number is 12 to 19 digits, perhaps with spaces between them",
            }),
            Some(number) if !NUMBER_DIGITS.contains(&number.len()) => faults.push(CardFault {
                field: "card_number",
                what: "a card number has 12 to 19 digits",
            }),
            Some(number) if !luhn(number) => faults.push(CardFault {
                field: "card_number",
                what: "this is not a card number: a digit is wrong or two are swapped",
            }),
            Some(_) => {}
        }
        let expiry = Expiry::parse(&input.expiry.0);
        match expiry {
            None => faults.push(CardFault {
                field: "expiry",
                what: "write the month and year as on the card, such as 04/29",
            }),
            Some(expiry) if expiry.is_past(now_ms) => {
                faults.push(CardFault {
                    field: "expiry",
                    what: "this card has expired",
                });
            }
            Some(_) => {}
        }
        let cvc = &input.cvc.0;
        if !(3..=4).contains(&cvc.len()) || !cvc.bytes().all(|b| b.is_ascii_digit()) {
            faults.push(CardFault {
                field: "cvc",
                what: "the security code is 3 or 4 digits",
            });
        }
        match (number, expiry) {
            (Some(number), Some(expiry)) if faults.is_empty() => {
                let summary = CardSummary {
                    brand: brand(&number).to_owned(),
                    last4: number[number.len() - 4..].to_owned(),
                };
                Ok(Self {
                    number,
                    expiry,
                    summary,
                })
            }
            _ => Err(faults),
        }
    }
    /// What may be kept and shown.
    #[must_use]
    pub fn summary(&self) -> &CardSummary {
        &self.summary
    }
    /// `MM/YYYY`.
    #[must_use]
    pub fn expiry(&self) -> String {
        format!("{:02}/{}", self.expiry.month, self.expiry.year)
    }
    /// The digits. For a provider adapter and nobody else.
    pub(in crate::payments) fn number(&self) -> &str {
        &self.number
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Card({} …{})", self.summary.brand, self.summary.last4)
    }
}

impl Expiry {
    fn parse(text: &str) -> Option<Self> {
        let (month, year) = text.trim().split_once('/')?;
        let (month, year) = (month.trim(), year.trim());
        let numeric = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !numeric(month) || month.len() > 2 || !numeric(year) {
            return None;
        }
        let month: i8 = month.parse().ok().filter(|m| (1..=12).contains(m))?;
        let year: i16 = match year.len() {
            2 => 2000 + year.parse::<i16>().ok()?,
            4 => year.parse().ok().filter(|y| (2000..=2199).contains(y))?,
            _ => return None,
        };
        Some(Self { year, month })
    }
    /// Whether the month is over everywhere on Earth (twelve hours behind UTC).
    fn is_past(self, now_ms: i64) -> bool {
        let here = jiff::Timestamp::from_millisecond(now_ms)
            .unwrap_or(jiff::Timestamp::MIN)
            .to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(-12)));
        self < Self {
            year: here.year(),
            month: here.month(),
        }
    }
}

fn digits(text: &str) -> Option<Zeroizing<String>> {
    // Room for every digit at once: growing would leave copies behind in freed memory.
    let mut digits = Zeroizing::new(String::with_capacity(text.len()));
    for c in text.chars() {
        match c {
            '0'..='9' => digits.push(c),
            ' ' | '-' | '\u{a0}' => {}
            _ => return None,
        }
    }
    Some(digits)
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let digit = u32::from(b - b'0');
            if i % 2 == 0 {
                digit
            } else if digit > 4 {
                digit * 2 - 9
            } else {
                digit * 2
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn brand(number: &str) -> &'static str {
    let head: u32 = number.get(..4).and_then(|s| s.parse().ok()).unwrap_or(0);
    match head {
        4000..=4999 => "visa",
        5100..=5599 | 2221..=2720 => "mastercard",
        3400..=3499 | 3700..=3799 => "amex",
        _ => "card",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20T13:00:00Z.
    const NOW_MS: i64 = 1_795_179_600_000;

    fn input(number: &str, expiry: &str, cvc: &str) -> CardInput {
        CardInput {
            card_number: Secret::new(number),
            expiry: Secret::new(expiry),
            cvc: Secret::new(cvc),
        }
    }

    fn fields(number: &str, expiry: &str, cvc: &str) -> Vec<&'static str> {
        Card::check(&input(number, expiry, cvc), NOW_MS)
            .err()
            .unwrap_or_default()
            .iter()
            .map(|fault| fault.field)
            .collect()
    }

    #[test]
    fn a_card_is_read_as_people_type_it() {
        let card = Card::check(&input("4242 4242-4242 4242", " 1 / 2027", "123"), NOW_MS).unwrap();
        assert_eq!(card.number(), "4242424242424242");
        assert_eq!(card.expiry(), "01/2027");
        assert_eq!(card.summary().brand, "visa");
        assert_eq!(card.summary().last4, "4242");
    }

    #[test]
    fn every_fault_of_a_card_is_named_with_its_field() {
        assert_eq!(
            fields("4242 4242 4242 4241", "13/30", "12"),
            ["card_number", "expiry", "cvc"]
        );
        assert_eq!(fields("", "12/30", "123"), ["card_number"]);
        assert_eq!(fields("０４２", "12/30", "123"), ["card_number"]);
        assert_eq!(fields("4242424242424242", "12/300", "123"), ["expiry"]);
        assert_eq!(fields("4242424242424242", "+1/30", "123"), ["expiry"]);
        assert_eq!(fields("4242424242424242", "12/30", "1２3"), ["cvc"]);
    }

    #[test]
    fn a_card_is_good_to_the_end_of_its_month() {
        assert!(fields("4242424242424242", "11/26", "123").is_empty());
        assert_eq!(fields("4242424242424242", "10/26", "123"), ["expiry"]);
    }

    #[test]
    fn a_card_number_is_in_no_debug_text_and_no_parse_error() {
        let typed = input("4242424242424242", "12/30", "987");
        let card = Card::check(&typed, NOW_MS).unwrap();
        for text in [
            format!("{typed:?}"),
            format!("{card:?}"),
            format!("{card:#?}"),
        ] {
            assert!(!text.contains("42424242"), "{text}");
            assert!(!text.contains("987"), "{text}");
        }
        for body in [
            r#"{"card_number":4242424242424242,"expiry":"12/30","cvc":"987"}"#,
            r#"{"card_number":"4242424242424242","expiry":"12/30","cvc":987}"#,
            r#"{"card_number":-4242424242424242,"expiry":"12/30","cvc":"1"}"#,
            r#"{"card_number":4242424242424242.5,"expiry":"12/30","cvc":"1"}"#,
        ] {
            let error = serde_json::from_str::<CardInput>(body)
                .unwrap_err()
                .to_string();
            assert!(
                !error.contains("42424242") && !error.contains("987"),
                "{error}"
            );
        }
    }
}
