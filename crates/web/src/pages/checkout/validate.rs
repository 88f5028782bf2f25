//! What is wrong with what was typed, by name. The server and the bank judge again; this only saves
//! the reader a round trip.

use crate::i18n::Texts;

/// A fault of a field, as the sentence to show beside it.
pub(crate) type Fault = fn(&'static Texts) -> &'static str;

/// A name is whatever a person says it is; it must only be there, and fit on a ticket.
pub(crate) fn name(typed: &str) -> Option<Fault> {
    match typed.trim().chars().count() {
        0 => Some(|t| t.name_missing),
        1..=120 => None,
        _ => Some(|t| t.name_too_long),
    }
}

/// Something before and after one `@`, a dot in what comes after, no spaces.
pub(crate) fn email(typed: &str) -> Option<Fault> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Some(|t| t.email_missing);
    }
    if typed.contains(char::is_whitespace) {
        return Some(|t| t.email_has_space);
    }
    let Some((local, domain)) = typed.split_once('@') else {
        return Some(|t| t.email_no_at);
    };
    let sound = !local.is_empty()
        && !domain.contains('@')
        && domain.split('.').count() >= 2
        && domain.split('.').all(|label| !label.is_empty())
        && typed.len() <= 254;
    if sound {
        None
    } else {
        Some(|t| t.email_not_whole)
    }
}

/// Only the digits of what was typed.
pub(crate) fn digits(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_digit).collect()
}

/// Groups of four, as on the card.
pub(crate) fn grouped(typed: &str) -> String {
    let digits = digits(typed);
    let mut out = String::with_capacity(24);
    for (at, digit) in digits.chars().take(19).enumerate() {
        if at > 0 && at % 4 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// 12 to 19 digits whose check digit (Luhn) is right.
pub(crate) fn card_number(typed: &str) -> Option<Fault> {
    let digits = digits(typed);
    if digits.is_empty() {
        return Some(|t| t.card_missing);
    }
    if !(12..=19).contains(&digits.len()) {
        return Some(|t| t.card_length);
    }
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| {
            let digit = u32::from(byte - b'0');
            match (at % 2, digit * 2) {
                (0, _) => digit,
                (_, doubled) if doubled > 9 => doubled - 9,
                (_, doubled) => doubled,
            }
        })
        .sum();
    if sum.is_multiple_of(10) {
        None
    } else {
        Some(|t| t.card_check_digit)
    }
}

/// `12/30` from what was typed: a slash is put in, a leading `7` becomes `07`.
pub(crate) fn expiry_shaped(typed: &str) -> String {
    let mut digits = digits(typed);
    if digits.len() == 1 && (digits.as_str() > "1" || typed.contains('/')) {
        digits.insert(0, '0');
    }
    digits.truncate(4);
    if digits.len() > 2 || (digits.len() == 2 && typed.contains('/')) {
        digits.insert(2, '/');
    }
    digits
}

/// A month that is not over yet, `year` and `month` being now.
pub(crate) fn expiry(typed: &str, year: u32, month: u32) -> Option<Fault> {
    let digits = digits(typed);
    if digits.is_empty() {
        return Some(|t| t.expiry_missing);
    }
    let (Some(card_month), Some(card_year), 4) = (
        digits.get(..2).and_then(|m| m.parse().ok()),
        digits.get(2..).and_then(|y| y.parse::<u32>().ok()),
        digits.len(),
    ) else {
        return Some(|t| t.expiry_shape);
    };
    if !(1..=12).contains(&card_month) {
        return Some(|t| t.expiry_shape);
    }
    if (2000 + card_year, card_month) < (year, month) {
        Some(|t| t.expiry_past)
    } else {
        None
    }
}

/// Three or four digits.
pub(crate) fn cvc(typed: &str) -> Option<Fault> {
    match typed.trim() {
        "" => Some(|t| t.cvc_missing),
        typed if (3..=4).contains(&typed.len()) && typed.bytes().all(|b| b.is_ascii_digit()) => {
            None
        }
        _ => Some(|t| t.cvc_shape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    fn said(fault: Option<Fault>) -> Option<&'static str> {
        fault.map(|fault| fault(Lang::En.texts()))
    }
    fn en() -> &'static Texts {
        Lang::En.texts()
    }

    #[test]
    fn an_address_needs_both_halves_and_no_spaces() {
        assert_eq!(said(email("ada@example.org")), None);
        assert_eq!(said(email(" ada@example.org ")), None);
        assert_eq!(said(email("")), Some(en().email_missing));
        assert_eq!(said(email("ada")), Some(en().email_no_at));
        assert_eq!(said(email("a da@example.org")), Some(en().email_has_space));
        for half in [
            "ada@",
            "@example.org",
            "ada@example",
            "ada@@example.org",
            "ada@example.",
        ] {
            assert_eq!(said(email(half)), Some(en().email_not_whole), "{half}");
        }
    }

    #[test]
    fn every_fault_card_of_the_simulator_passes_and_a_slip_of_one_digit_does_not() {
        for card in [
            "4242 4242 4242 4242",
            "4000 0000 0000 0002",
            "4000 0000 0000 9995",
            "4000 0025 0000 3155",
            "4000 0000 0000 0077",
            "4000 0000 0000 0119",
            "4000 0000 0000 0259",
            "4000 0000 0000 0267",
        ] {
            assert_eq!(said(card_number(card)), None, "{card}");
        }
        assert_eq!(
            said(card_number("4242 4242 4242 4241")),
            Some(en().card_check_digit)
        );
        assert_eq!(said(card_number("4242")), Some(en().card_length));
    }

    #[test]
    fn a_card_is_good_until_its_month_is_over() {
        assert_eq!(said(expiry("11/26", 2026, 11)), None);
        assert_eq!(said(expiry("10/26", 2026, 11)), Some(en().expiry_past));
        assert_eq!(said(expiry("13/30", 2026, 11)), Some(en().expiry_shape));
        assert_eq!(said(expiry("1/3", 2026, 11)), Some(en().expiry_shape));
    }

    #[test]
    fn what_is_typed_takes_the_shape_on_the_card() {
        assert_eq!(grouped("4242424242424242"), "4242 4242 4242 4242");
        assert_eq!(grouped("4242-42"), "4242 42");
        assert_eq!(expiry_shaped("1230"), "12/30");
        assert_eq!(expiry_shaped("7"), "07");
        assert_eq!(expiry_shaped("1"), "1");
        assert_eq!(expiry_shaped("1/"), "01/");
        assert_eq!(expiry_shaped("12"), "12");
    }
}
