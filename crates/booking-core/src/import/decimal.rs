//! Decimal text to hundredths, without floats.

/// Far beyond any coordinate, small enough that sums of several never overflow an `i64`.
const CENTI_MAX: i64 = 1_000_000_000_000;
/// Digits of the largest number taken, in hundredths.
const DIGITS_MAX: i64 = 13;

/// A number of a plan, in hundredths of its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Centi {
    pub(super) value: i64,
    /// More than two decimals were written, and not zeros.
    pub(super) rounded: bool,
    /// Written with a point or an exponent, though it may be whole: `95.0`.
    pub(super) fraction: bool,
}

/// Reads a number as JSON writes it (`-12.5e1`), rounding halves away from zero. `None` if it is
/// beyond all bounds.
pub(super) fn centi(number: &str) -> Option<Centi> {
    let (negative, digits) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, self::exponent(exponent)),
        None => (digits, 0),
    };
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // The value is `all digits` × 10^shift hundredths.
    let shift = exponent - decimals.len() as i64 + 2;
    let all = || whole.bytes().chain(decimals.bytes());
    let count = (whole.len() + decimals.len()) as i64;
    let kept = (count + shift).clamp(0, count) as usize;
    let significant = all().skip_while(|digit| *digit == b'0').count() as i64;
    if significant > 0 && significant + shift > DIGITS_MAX {
        return None;
    }
    let mut value = 0_i64;
    for digit in all().take(kept) {
        value = value * 10 + i64::from(digit - b'0');
    }
    if value != 0 {
        for _ in 0..shift {
            value *= 10;
        }
    }
    let mut cut = all().skip(kept);
    // Digits cut off further right than the first place count for less than half.
    let half_or_more = count + shift >= 0 && cut.clone().next().is_some_and(|digit| digit >= b'5');
    let rounded = cut.any(|digit| digit != b'0');
    value += i64::from(half_or_more);
    if value > CENTI_MAX {
        return None;
    }
    Some(Centi {
        value: if negative { -value } else { value },
        rounded,
        fraction: digits.contains(['.', 'e', 'E']),
    })
}

/// Saturates: beyond these bounds every number is zero or too large.
fn exponent(text: &str) -> i64 {
    const BOUND: i64 = 1_000_000_000;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = digits.bytes().fold(0_i64, |value, digit| {
        (value * 10 + i64::from(digit - b'0')).min(BOUND)
    });
    if negative { -magnitude } else { magnitude }
}

#[cfg(test)]
// Hundredths are written 95_00.
#[allow(clippy::inconsistent_digit_grouping)]
mod tests {
    use super::*;

    fn read(number: &str) -> Option<i64> {
        centi(number).map(|centi| centi.value)
    }

    #[test]
    fn numbers_become_hundredths_however_they_are_written() {
        for (number, hundredths) in [
            ("0", 0),
            ("-0.0", 0),
            ("95", 95_00),
            ("95.0", 95_00),
            ("-12.5", -12_50),
            ("1261.05673144212", 1261_06),
            ("0.005", 1),
            ("0.0049999999999999999999", 0),
            ("-0.005", -1),
            ("1e2", 100_00),
            ("1.5E+3", 1_500_00),
            ("25e-2", 25),
            ("5e-3", 1),
            ("5e-4", 0),
            ("5e-999999999999999999999", 0),
            ("0e999999999999999999999", 0),
            ("000000000000000000000000.5", 50),
            ("10000000000", 1_000_000_000_000),
        ] {
            assert_eq!(read(number), Some(hundredths), "{number}");
        }
    }

    #[test]
    fn numbers_beyond_all_bounds_are_none() {
        for number in [
            "10000000001",
            "1e300",
            "-1e99",
            "1e999999999999999999999",
            "99999999999999",
        ] {
            assert_eq!(read(number), None, "{number}");
        }
    }

    #[test]
    fn what_was_rounded_and_what_has_a_fraction_is_known() {
        let about = |number| centi(number).map(|centi| (centi.rounded, centi.fraction));
        assert_eq!(about("95"), Some((false, false)));
        assert_eq!(about("95.000"), Some((false, true)));
        assert_eq!(about("95.001"), Some((true, true)));
    }
}
