//! Money, numbers and times as the reader's browser writes them, in the reader's language and zone.

use js_sys::{Array, Intl, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::i18n::Lang;

fn options(pairs: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in pairs {
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object
}

fn call(formatter: &JsValue, value: &JsValue) -> String {
    let format: js_sys::Function = Reflect::get(formatter, &"format".into())
        .map(JsCast::unchecked_into)
        .unwrap_or_default();
    format
        .call1(formatter, value)
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}

fn locale(lang: Lang) -> Array {
    // The reader's own region, where they speak the language we use: 1.234,50 € or CHF 1’234.50.
    let regional = crate::browser::languages()
        .into_iter()
        .find(|tag| tag.starts_with(lang.tag()));
    Array::of1(&JsValue::from_str(
        regional.as_deref().unwrap_or(lang.tag()),
    ))
}

/// An amount with its currency: `€24.00`.
pub(crate) fn money(lang: Lang, minor: i64, currency: &str, minor_digits: u8) -> String {
    let digits = JsValue::from(minor_digits);
    let formatter = Intl::NumberFormat::new(
        &locale(lang),
        &options(&[
            ("style", "currency".into()),
            ("currency", currency.into()),
            ("minimumFractionDigits", digits.clone()),
            ("maximumFractionDigits", digits),
        ]),
    );
    // Only for reading: sums are made in whole minor units, never from this.
    call(
        &formatter,
        &JsValue::from(minor as f64 / 10_f64.powi(i32::from(minor_digits))),
    )
}

/// An amount without cents where there are none: `from €24`.
pub(crate) fn money_short(lang: Lang, minor: i64, currency: &str, minor_digits: u8) -> String {
    let unit = 10_i64.pow(u32::from(minor_digits));
    if minor % unit == 0 {
        money(lang, minor / unit, currency, 0)
    } else {
        money(lang, minor, currency, minor_digits)
    }
}

/// Digits after the point that a currency has, where nothing nearer says so.
pub(crate) fn digits_of(currency: &str) -> u8 {
    let formatter = Intl::NumberFormat::new(
        &Array::new(),
        &options(&[("style", "currency".into()), ("currency", currency.into())]),
    );
    Reflect::get(
        &formatter.resolved_options(),
        &"maximumFractionDigits".into(),
    )
    .ok()
    .and_then(|digits| digits.as_f64())
    .map_or(2, |digits| digits as u8)
}

/// A share given in parts per million: `7 %`.
pub(crate) fn percent(lang: Lang, ppm: u32) -> String {
    let formatter = Intl::NumberFormat::new(
        &locale(lang),
        &options(&[
            ("style", "percent".into()),
            ("maximumFractionDigits", 2.into()),
        ]),
    );
    call(&formatter, &JsValue::from(f64::from(ppm) / 1e6))
}

/// A whole number with the reader's separators.
pub(crate) fn number(lang: Lang, n: i64) -> String {
    call(
        &Intl::NumberFormat::new(&locale(lang), &Object::new()),
        &JsValue::from(n as f64),
    )
}

/// A number with a unit that Intl knows, in full: `2 minutes`.
pub(crate) fn unit(lang: Lang, n: i64, unit: &str) -> String {
    let formatter = Intl::NumberFormat::new(
        &locale(lang),
        &options(&[
            ("style", "unit".into()),
            ("unit", unit.into()),
            ("unitDisplay", "long".into()),
        ]),
    );
    call(&formatter, &JsValue::from(n as f64))
}

/// How much of an instant is said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// `Fri, 21 Nov, 19:30`
    Short,
    /// `Friday, 21 November 2026 at 19:30`
    Full,
    /// `19:30`
    Clock,
    /// `21`
    Day,
}

/// An instant, in the reader's zone or in the one named.
pub(crate) fn instant(lang: Lang, ms: i64, detail: Detail, zone: Option<&str>) -> String {
    let mut pairs: Vec<(&str, JsValue)> = match detail {
        Detail::Short => vec![
            ("weekday", "short".into()),
            ("day", "numeric".into()),
            ("month", "short".into()),
            ("hour", "numeric".into()),
            ("minute", "2-digit".into()),
        ],
        Detail::Full => vec![
            ("weekday", "long".into()),
            ("day", "numeric".into()),
            ("month", "long".into()),
            ("year", "numeric".into()),
            ("hour", "numeric".into()),
            ("minute", "2-digit".into()),
        ],
        Detail::Clock => vec![("hour", "numeric".into()), ("minute", "2-digit".into())],
        Detail::Day => vec![("day", "numeric".into())],
    };
    if let Some(zone) = zone {
        pairs.push(("timeZone", zone.into()));
    }
    let formatter = Intl::DateTimeFormat::new(&locale(lang), &options(&pairs));
    call(&formatter, &js_sys::Date::new(&JsValue::from(ms as f64)))
}

/// The same instant on the wall of the venue, with its zone's name, where that clock shows something
/// else than the reader's: `20:30 Central European Standard Time`, or `20:30 CET` where there is
/// little room. The day is said where it is another.
pub(crate) fn at_venue(lang: Lang, ms: i64, zone: &str, detail: Detail) -> Option<String> {
    let there = instant(lang, ms, Detail::Short, Some(zone));
    if there == instant(lang, ms, Detail::Short, None) {
        return None;
    }
    let name = if detail == Detail::Full {
        "long"
    } else {
        "short"
    };
    let mut pairs: Vec<(&str, JsValue)> = vec![
        ("hour", "numeric".into()),
        ("minute", "2-digit".into()),
        ("timeZone", zone.into()),
        ("timeZoneName", name.into()),
    ];
    if instant(lang, ms, Detail::Day, Some(zone)) != instant(lang, ms, Detail::Day, None) {
        pairs.push(("weekday", "short".into()));
    }
    let formatter = Intl::DateTimeFormat::new(&locale(lang), &options(&pairs));
    Some(call(
        &formatter,
        &js_sys::Date::new(&JsValue::from(ms as f64)),
    ))
}

/// A list in words: `12, 13 and 14`.
pub(crate) fn list(lang: Lang, parts: &[String]) -> String {
    // js-sys has no Intl.ListFormat; every browser with WebAssembly exceptions has had it for years.
    let made = Reflect::get(&js_sys::global(), &"Intl".into())
        .and_then(|intl| Reflect::get(&intl, &"ListFormat".into()))
        .ok()
        .and_then(|constructor| constructor.dyn_into::<js_sys::Function>().ok())
        .and_then(|constructor| Reflect::construct(&constructor, &Array::of1(&locale(lang))).ok());
    match made {
        Some(formatter) => call(
            &formatter,
            &parts.iter().map(JsValue::from).collect::<Array>(),
        ),
        None => parts.join(", "),
    }
}

/// What is left of a countdown: `9:41`, `3:12:09`.
pub(crate) fn clock_face(left_ms: i64) -> String {
    // A countdown shows the second that has begun: 0:01 is the last, 0:00 is over.
    let seconds = left_ms.max(0).saturating_add(999) / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::clock_face;

    #[test]
    fn a_countdown_shows_the_second_that_has_begun() {
        assert_eq!(clock_face(600_000), "10:00");
        assert_eq!(clock_face(599_001), "10:00");
        assert_eq!(clock_face(1), "0:01");
        assert_eq!(clock_face(0), "0:00");
        assert_eq!(clock_face(-5), "0:00");
        assert_eq!(clock_face(11_529_000), "3:12:09");
    }
}
