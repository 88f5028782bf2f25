//! A room as Redis keeps it: decimal text where the scripts count, JSON where they do not look.

use super::answer::{parse, state, texts, unreadable};
use crate::life::RoomState;
use crate::number::{Epoch, EpochProgress, Place, QueueNumber, ServingPosition};
use crate::room::port::{NumberBlock, RoomRow, Shopper, Slot, StoreError};
use crate::wire::{AuditEntry, BypassCode, RoomSettings, Totals};
use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use fred::prelude::Value;
use serde::{Serialize, de::DeserializeOwned};

pub(super) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data")
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable(error.to_string()))
}

pub(super) fn state_text(state: RoomState) -> String {
    to_json(&state).trim_matches('"').into()
}

pub(super) fn epochs_text(epochs: &[EpochProgress]) -> String {
    let each: Vec<_> = epochs
        .iter()
        .map(|known| {
            format!(
                "{}:{}:{}:{}:{}",
                known.epoch.0, known.serving.0, known.next.0, known.lapsed.0, known.ended.0
            )
        })
        .collect();
    each.join(" ")
}

fn epochs_of(text: &str) -> Result<Vec<EpochProgress>, StoreError> {
    let one = |packed: &str| {
        let numbers = packed
            .split(':')
            .map(parse::<u64>)
            .collect::<Result<Vec<_>, _>>()?;
        let [epoch, serving, next, lapsed, ended] = numbers[..] else {
            return Err(unreadable("an epoch"));
        };
        Ok(EpochProgress {
            epoch: Epoch(u32::try_from(epoch).map_err(|_| unreadable("an epoch"))?),
            serving: ServingPosition(serving),
            next: QueueNumber(next),
            lapsed: QueueNumber(lapsed),
            ended: QueueNumber(ended),
        })
    };
    text.split_whitespace().map(one).collect()
}

pub(super) fn block_text(block: &NumberBlock) -> String {
    format!("{}:{}:{}", block.epoch.0, block.first.0, block.count)
}

fn block_of(text: &str) -> Result<NumberBlock, StoreError> {
    let parts: Vec<_> = text.split(':').collect();
    let [epoch, first, count] = parts[..] else {
        return Err(unreadable("numbers that nobody has"));
    };
    Ok(NumberBlock {
        epoch: Epoch(parse(epoch)?),
        first: QueueNumber(parse(first)?),
        count: parse(count)?,
    })
}

pub(super) fn slot_text(slot: Slot) -> String {
    format!("{:08x}{:016x}", slot.0.epoch.0, slot.0.number.0)
}

pub(super) fn shopper_text(shopper: &Shopper) -> String {
    format!(
        "{}:{}:{}:{}:{}",
        slot_text(shopper.slot),
        shopper.visitor.to_hex(),
        crate::text::to_hex(&shopper.nonce),
        shopper.issued_ms,
        shopper.expires_ms
    )
}

pub(super) fn shopper_of(slot: &str, kept: &str) -> Result<Shopper, StoreError> {
    let odd = || StoreError::Unreadable(format!("a shopper `{slot}` `{kept}`"));
    let (epoch, number) = slot.split_at_checked(8).ok_or_else(odd)?;
    let parts: Vec<_> = kept.split(':').collect();
    let [visitor, nonce, issued_ms, expires_ms] = parts[..] else {
        return Err(odd());
    };
    Ok(Shopper {
        slot: Slot(Place {
            epoch: Epoch(u32::from_str_radix(epoch, 16).map_err(|_| odd())?),
            number: QueueNumber(u64::from_str_radix(number, 16).map_err(|_| odd())?),
        }),
        visitor: visitor.parse().map_err(|_| odd())?,
        nonce: crate::text::from_hex(nonce).map_err(|_| odd())?,
        issued_ms: parse(issued_ms)?,
        expires_ms: parse(expires_ms)?,
    })
}

/// The settings whole, and what the scripts need of them.
pub(super) fn settings_fields(settings: &RoomSettings) -> Vec<String> {
    let numbers = [
        ("cap", settings.cap),
        ("claim_ms", settings.claim_ms),
        ("late_ms", settings.late_ms),
        ("shop_ms", settings.shop_ms),
        ("idle_ms", settings.idle_ms),
    ];
    let mut fields = Vec::from(["settings".to_string(), to_json(settings)]);
    for (name, value) in numbers {
        fields.extend([name.to_string(), value.to_string()]);
    }
    fields
}

/// Fields and values of a room that is made.
pub(super) fn fields_of(row: &RoomRow) -> Vec<String> {
    let mut fields = settings_fields(&row.settings);
    let mut put = |name: &str, value: String| fields.extend([name.to_string(), value]);
    let optional = |value: Option<String>| value.unwrap_or_default();
    put("version", row.version.to_string());
    put("state", state_text(row.state));
    put("since", row.since_ms.to_string());
    put("auto", u8::from(row.auto).to_string());
    put("draw", optional(row.draw.as_ref().map(to_json)));
    put("floor", row.floor.0.to_string());
    put("controller", optional(row.controller.as_ref().map(to_json)));
    put("held_by", optional(row.held_by.as_ref().map(to_json)));
    put("pulse", to_json(&row.pulse));
    put(
        "left",
        optional(row.places_left.map(|left| left.to_string())),
    );
    // Called before, and nobody knows any more who came: nothing is expected of them.
    put("expected", 0.to_string());
    let Totals {
        arrivals,
        joined,
        called,
        admitted,
        no_shows,
        completed,
        abandoned,
        expired,
        most_inside,
        bypassed,
    } = row.totals;
    let totals = [
        ("arrivals", arrivals),
        ("joined", joined),
        ("called", called),
        ("admitted", admitted),
        ("no_shows", no_shows),
        ("completed", completed),
        ("abandoned", abandoned),
        ("expired", expired),
        ("most_inside", most_inside),
        ("bypassed", bypassed),
    ];
    for (name, value) in totals {
        put(name, value.to_string());
    }
    fields
}

/// The answer of `row()` in `lua/common.lua`.
pub(super) fn row_of(answer: Value) -> Result<RoomRow, StoreError> {
    let Value::Array(parts) = answer else {
        return Err(unreadable("a room"));
    };
    let [fields, active, now_ms, unused] =
        <[Value; 4]>::try_from(parts).map_err(|_| unreadable("a room"))?;
    let unused = texts(unused)?;
    let blocks = unused.iter().map(|block| block_of(block));
    let mut unused = blocks.collect::<Result<Vec<_>, _>>()?;
    unused.sort_unstable();
    let nobodys: u64 = unused.iter().map(|block| u64::from(block.count)).sum();
    let flat = texts(fields)?;
    let (pairs, _) = flat.as_chunks::<2>();
    let fields: BTreeMap<&str, &str> = pairs
        .iter()
        .map(|[name, value]| (name.as_str(), value.as_str()))
        .collect();
    let text = |name: &str| fields.get(name).copied().unwrap_or_default();
    let count = |name: &str| match text(name) {
        "" => Ok(0),
        number => parse::<u64>(number),
    };
    Ok(RoomRow {
        version: count("version")?,
        settings: from_json(text("settings"))?,
        state: state(text("state"))?,
        since_ms: parse(text("since"))?,
        auto: text("auto") == "1",
        draw: optional_json(text("draw"))?,
        floor: Epoch(parse(text("floor"))?),
        epochs: epochs_of(text("epochs"))?,
        unused,
        controller: optional_json(text("controller"))?,
        held_by: optional_json(text("held_by"))?,
        pulse: optional_json(text("pulse"))?.unwrap_or_default(),
        places_left: match text("left") {
            "" => None,
            left => Some(parse(left)?),
        },
        expected: count("expected")?,
        active: active
            .as_i64()
            .and_then(|active| u32::try_from(active).ok())
            .ok_or(unreadable("how many are inside"))?,
        totals: Totals {
            arrivals: count("arrivals")?,
            joined: count("joined")?.saturating_sub(nobodys),
            called: count("called")?,
            admitted: count("admitted")?,
            no_shows: count("no_shows")?,
            completed: count("completed")?,
            abandoned: count("abandoned")?,
            expired: count("expired")?,
            most_inside: count("most_inside")?,
            bypassed: count("bypassed")?,
        },
        settle_until_ms: match text("settle_until") {
            "" => 0,
            until => parse(until)?,
        },
        now_ms: parse(&now_ms.into_string().unwrap_or_default())?,
    })
}

fn optional_json<T: DeserializeOwned>(text: &str) -> Result<Option<T>, StoreError> {
    (!text.is_empty()).then(|| from_json(text)).transpose()
}

/// `at_ms:version:JSON`
pub(super) fn entry_of(line: &str) -> Result<AuditEntry, StoreError> {
    let odd = || unreadable("a line of the audit log");
    let (at_ms, rest) = line.split_once(':').ok_or_else(odd)?;
    let (version, entry) = rest.split_once(':').ok_or_else(odd)?;
    Ok(AuditEntry {
        at_ms: parse(at_ms)?,
        version: parse(version)?,
        ..from_json(entry)?
    })
}

/// `limit:used:expires_ms:label`
pub(super) fn code_of(id: &str, text: &str) -> Result<BypassCode, StoreError> {
    let parts: Vec<_> = text.splitn(4, ':').collect();
    let [limit, used, expires_ms, label] = parts[..] else {
        return Err(unreadable("a bypass code"));
    };
    Ok(BypassCode {
        id: id.into(),
        label: label.into(),
        limit: parse(limit)?,
        used: parse(used)?,
        expires_ms: match expires_ms {
            "" => None,
            end => Some(parse(end)?),
        },
    })
}
