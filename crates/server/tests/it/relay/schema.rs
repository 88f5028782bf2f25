//! Messages are what docs/schemas says they are. The check knows the few words of JSON Schema that
//! those files use, and refuses every other, so that none is passed over.

use super::recorded::sale;
use booking_core::PerformanceId;
use booking_core::price::TaxMode;
use onsale_server::relay::message::VERSION;
use onsale_server::relay::{Admitted, Encoded, Topic};
use onsale_server::store::relay::AdmissionRow;
use serde_json::Value;
use std::path::Path;

/// Words that describe and demand nothing.
const WORDS: [&str; 5] = ["$schema", "$defs", "title", "description", "required"];

fn schema(topic: Topic) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
    let file = root.join(format!("{}.v{VERSION}.json", topic.name()));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// What is wrong with a value, if anything.
fn check(value: &Value, schema: &Value, root: &Value, at: &str) -> Result<(), String> {
    let no = |what: &str| Err(format!("{at}: {what}: {value}"));
    for (word, wanted) in schema.as_object().unwrap() {
        match word.as_str() {
            word if WORDS.contains(&word) => {}
            "$ref" => {
                let name = wanted.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                let target = root["$defs"].get(name).ok_or(format!("no {name}"))?;
                check(value, target, root, at)?;
            }
            "type" => {
                let is_it = match wanted.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    other => return Err(format!("the check knows no type {other}")),
                };
                if !is_it {
                    return no(&format!("not of type {wanted}"));
                }
            }
            "minimum" => {
                if value.as_i64().is_some_and(|n| n < wanted.as_i64().unwrap()) {
                    return no("too small");
                }
            }
            "pattern" => {
                if !fits(value.as_str().unwrap_or_default(), wanted.as_str().unwrap()) {
                    return no(&format!("does not fit {wanted}"));
                }
            }
            "const" if value != wanted => return no(&format!("not {wanted}")),
            "const" => {}
            "enum" => {
                if !wanted.as_array().unwrap().contains(value) {
                    return no(&format!("none of {wanted}"));
                }
            }
            "items" => {
                for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(item, wanted, root, &format!("{at}/{n}"))?;
                }
            }
            "oneOf" => {
                let tried: Vec<_> = wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| check(value, one, root, at))
                    .collect();
                if tried.iter().filter(|one| one.is_ok()).count() != 1 {
                    return no(&format!("fits not exactly one: {tried:?}"));
                }
            }
            "properties" => {
                for (name, wanted) in wanted.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        check(value, wanted, root, &format!("{at}/{name}"))?;
                    }
                }
            }
            other => return Err(format!("the check does not know the word {other}")),
        }
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            return no(&format!("{name} is missing"));
        }
    }
    Ok(())
}

/// The patterns that the schemas use: a chain of `[class]`, each with `{n}` or `+`, and plain letters.
fn fits(text: &str, pattern: &str) -> bool {
    let inner = pattern.strip_prefix('^').and_then(|p| p.strip_suffix('$'));
    let mut rest = inner.expect("patterns are anchored");
    let mut letters = text.chars().peekable();
    while let Some(first) = rest.chars().next() {
        if first != '[' {
            if letters.next() != Some(first) {
                return false;
            }
            rest = &rest[1..];
            continue;
        }
        let (class, after) = rest[1..].split_once(']').unwrap();
        let (count, after) = match after.strip_prefix('{') {
            Some(after) => {
                let (count, after) = after.split_once('}').unwrap();
                (Some(count.parse::<usize>().unwrap()), after)
            }
            None => (None, after.strip_prefix('+').expect("a class has a count")),
        };
        let mut taken = 0;
        while count.is_none_or(|count| taken < count)
            && letters.next_if(|letter| is_in(*letter, class)).is_some()
        {
            taken += 1;
        }
        if taken < count.unwrap_or(1) {
            return false;
        }
        rest = after;
    }
    letters.next().is_none()
}

fn is_in(letter: char, class: &str) -> bool {
    let class: Vec<char> = class.chars().collect();
    let mut at = 0;
    while at < class.len() {
        if at + 2 < class.len() && class[at + 1] == '-' {
            if (class[at]..=class[at + 2]).contains(&letter) {
                return true;
            }
            at += 3;
        } else {
            if class[at] == letter {
                return true;
            }
            at += 1;
        }
    }
    false
}

/// Every property that an object of the schema may have.
fn properties(schema: &Value, names: &mut Vec<String>) {
    if let Some(object) = schema.get("properties").and_then(Value::as_object) {
        names.extend(object.keys().cloned());
    }
    for one in schema["oneOf"].as_array().into_iter().flatten() {
        properties(one, names);
    }
}

#[test]
fn every_message_of_a_sale_fits_its_schema() {
    for mode in [TaxMode::Inclusive, TaxMode::Exclusive] {
        let messages = sale(mode).messages();
        let dead = messages.iter().map(|message| message.dead("too long"));
        let mut seen = Vec::new();
        for message in messages.iter().cloned().chain(dead) {
            let schema = schema(message.topic);
            let value = serde_json::from_slice(&message.payload()).unwrap();
            check(&value, &schema, &schema, "").unwrap_or_else(|fault| panic!("{fault}"));
            let mut known = Vec::new();
            properties(&schema, &mut known);
            for name in value.as_object().unwrap().keys() {
                assert!(known.contains(name), "{name} is in no schema");
            }
            seen.push(message.topic);
        }
        let mut topics = Topic::ALL.iter();
        assert!(topics.all(|topic| seen.contains(topic) || *topic == Topic::Admissions));
    }
}

#[test]
fn what_does_not_fit_is_found() {
    let schema = schema(Topic::Orders);
    let good = sale(TaxMode::Inclusive)
        .messages()
        .into_iter()
        .find(|message| message.topic == Topic::Orders)
        .unwrap();
    let good: Value = serde_json::from_slice(&good.payload()).unwrap();
    let fits = |value: &Value| check(value, &schema, &schema, "").is_ok();
    assert!(fits(&good));
    for (name, bad) in [
        ("seq", Value::from(-1)),
        ("kind", Value::from("order_lost")),
        ("total_minor", Value::from(1.5)),
        ("currency", Value::from("eur")),
        ("performance", Value::from("1")),
        ("version", Value::from(2)),
    ] {
        let mut value = good.clone();
        value[name] = bad;
        assert!(!fits(&value), "{value}");
        value.as_object_mut().unwrap().remove(name);
        assert!(!fits(&value), "{value}");
    }
}

#[test]
fn an_admission_fits_its_schema() {
    let row = AdmissionRow {
        admission: [3; 16],
        room: [0xab; 16],
        at_ms: 1_790_000_000_000,
        performances: format!("[\"{}\"]", PerformanceId::from_u128(1)),
    };
    let schema = schema(Topic::Admissions);
    let encoded = Encoded::from(&Admitted::from(&row));
    assert_eq!(encoded.key, "ab".repeat(16));
    let value = serde_json::from_slice(&encoded.payload).unwrap();
    check(&value, &schema, &schema, "").unwrap_or_else(|fault| panic!("{fault}"));
    let mut known = Vec::new();
    properties(&schema, &mut known);
    let names = value.as_object().unwrap().keys();
    assert_eq!(names.count(), known.len());
}
