//! Who a request says it belongs to: the header `traceparent` of W3C Trace Context. Reading it has no
//! effects, and what is in it is a stranger's word.

use super::{SpanId, TraceId};
use axum::http::{HeaderMap, HeaderName};

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Bytes of version 00: `00-<32 digits>-<16 digits>-<2 digits>`.
const LENGTH: usize = 55;

/// The lowest bit of the flags.
const SAMPLED: u8 = 1;

/// The trace that a request is part of, and the caller's own span in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The whole trace.
    pub trace: TraceId,
    /// The caller's span.
    pub span: SpanId,
    /// Whether the caller keeps its own spans.
    pub sampled: bool,
}

impl Parent {
    /// What the headers of a request say; `None`: nothing, or nothing that makes sense, and a new
    /// trace begins. Two of them are nothing that makes sense.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(&TRACEPARENT).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self::parse(value.as_bytes()),
            _ => None,
        }
    }

    /// Reads the header's value. A later version may say more behind what version 00 says.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (known, more) = text.split_at_checked(LENGTH)?;
        let dashes = [known[2], known[35], known[52]];
        if dashes != [b'-'; 3] {
            return None;
        }
        let version = number(&known[..2])?;
        let is_whole = match version {
            0 => more.is_empty(),
            0xff => false,
            _ => more.is_empty() || more[0] == b'-',
        };
        let trace = TraceId::new(number(&known[3..35])?)?;
        let span = SpanId::new(u64::try_from(number(&known[36..52])?).ok()?)?;
        let flags = u8::try_from(number(&known[53..])?).ok()?;
        is_whole.then_some(Self {
            trace,
            span,
            sampled: flags & SAMPLED != 0,
        })
    }
}

/// Lower-case hexadecimal, at most 32 digits.
fn number(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0_u128, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parse(text: &str) -> Option<Parent> {
        Parent::parse(text.as_bytes())
    }

    #[test]
    fn version_00_is_read() {
        let parent = parse(GOOD).unwrap();
        assert_eq!(parent.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.span.to_string(), "00f067aa0ba902b7");
        assert!(parent.sampled);
        assert!(!parse(&GOOD.replace("-01", "-00")).unwrap().sampled);
        assert!(parse(&GOOD.replace("-01", "-ff")).unwrap().sampled);
    }

    #[test]
    fn a_later_version_may_say_more() {
        let later = GOOD.replacen("00-", "cc-", 1);
        assert_eq!(parse(&later), parse(GOOD));
        assert_eq!(
            parse(&format!("{later}-what-the-future-will-be")),
            parse(GOOD)
        );
        assert_eq!(parse(&format!("{later}.what")), None);
    }

    #[test]
    fn what_makes_no_sense_is_nothing() {
        let no_trace = GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
        let no_span = GOOD.replace("00f067aa0ba902b7", &"0".repeat(16));
        for text in [
            "",
            "00",
            &GOOD[..54],
            &format!("{GOOD}-"),
            &format!("{GOOD} "),
            &GOOD.to_uppercase(),
            &GOOD.replace('-', "_"),
            &GOOD.replacen("00-", "ff-", 1),
            &GOOD.replacen("00-", "0g-", 1),
            &GOOD.replace("a6a3", "a6ä"),
            &no_trace,
            &no_span,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn two_parents_are_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(Parent::of(&headers), None);
        headers.append(&TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(Parent::of(&headers), parse(GOOD));
        headers.append(&TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(Parent::of(&headers), None);
    }
}
