//! A server's answers in words, one line a thing.

use jiff::Timestamp;
use serde_json::Value;

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}

fn time(ms: &Value) -> String {
    ms.as_i64()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .map_or_else(
            || "never".to_owned(),
            |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        )
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

pub(super) fn nothing(_: &Value) {
    println!("done");
}

pub(super) fn list(answer: &Value) {
    let mut none = true;
    for room in each(&answer["rooms"]) {
        none = false;
        println!(
            "{}  {:<9}  waiting {:>7}  inside {:>5} of {:<5}  {}",
            text(&room["id"]),
            text(&room["state"]),
            text(&room["figures"]["waiting"]),
            text(&room["figures"]["active"]),
            text(&room["settings"]["cap"]),
            text(&room["settings"]["name"]),
        );
    }
    if none {
        eprintln!("no rooms yet: `onsale room make NAME --performance ID` makes one");
    }
}

pub(super) fn removed(answer: &Value) {
    let mut none = true;
    for room in each(&answer["rooms"]) {
        none = false;
        println!(
            "{}  removed {} by {}  {}",
            text(&room["id"]),
            time(&room["removed_ms"]),
            text(&room["removed_by"]),
            text(&room["name"]),
        );
    }
    if none {
        eprintln!("no room has been removed");
    }
}

pub(super) fn detail(room: &Value) {
    let figures = &room["figures"];
    println!("{}", text(&room["settings"]["name"]));
    println!("id        {}", text(&room["id"]));
    let on = if room["public"]["on"] == true {
        "on"
    } else {
        "quiet"
    };
    println!(
        "state     {} ({on}) since {}, version {}",
        text(&room["state"]),
        time(&room["since_ms"]),
        text(&room["version"])
    );
    let actions: Vec<_> = each(&room["actions"]).map(text).collect();
    println!("can       {}", actions.join(", "));
    println!(
        "waiting   {}; called and expected {}",
        text(&figures["waiting"]),
        text(&figures["expected"])
    );
    println!(
        "inside    {} of {}; most ever {}",
        text(&figures["active"]),
        text(&room["settings"]["cap"]),
        text(&figures["totals"]["most_inside"])
    );
    println!(
        "shop      health {}/1000, places left {}",
        text(&figures["health_permille"]),
        text(&figures["places_left"])
    );
    for performance in each(&room["performances"]) {
        println!("protects  {}", text(performance));
    }
    for (name, value) in room["settings"].as_object().into_iter().flatten() {
        let is_instant = name.ends_with("s_ms") && value.as_i64().is_some_and(|ms| ms > 1 << 40);
        let value = if is_instant { time(value) } else { text(value) };
        println!("  {name:<20} {value}");
    }
}

pub(super) fn codes(answer: &Value) {
    for code in each(&answer["codes"]) {
        println!(
            "{}  {} of {} used, until {}  {}",
            text(&code["id"]),
            text(&code["used"]),
            text(&code["limit"]),
            time(&code["expires_ms"]),
            text(&code["label"]),
        );
    }
}

pub(super) fn code(answer: &Value) {
    println!("{}", text(&answer["code"]));
    eprintln!(
        "shown this once; `onsale room withdraw ROOM {}` withdraws it",
        text(&answer["bypass"]["id"])
    );
}

pub(super) fn log(answer: &Value) {
    for entry in each(&answer["entries"]) {
        println!(
            "{}  v{:<5} {:<24} {}",
            time(&entry["at_ms"]),
            text(&entry["version"]),
            text(&entry["who"]),
            deed(&entry["deed"])
        );
    }
}

/// What was done, in a line. A deed that this program does not know is shown as it came.
fn deed(deed: &Value) -> String {
    let (name, facts) = match deed {
        Value::String(name) => (name.as_str(), &Value::Null),
        Value::Object(one) => match one.iter().next() {
            Some((name, facts)) => (name.as_str(), facts),
            None => return deed.to_string(),
        },
        _ => return deed.to_string(),
    };
    let fact = |member: &str| text(&facts[member]);
    match name {
        "made" => format!("made {:?}", text(&facts["settings"]["name"])),
        "removed" => "removed the room".to_owned(),
        "acted" => format!("{}: {} -> {}", fact("action"), fact("from"), fact("to")),
        "changed" => changed(&facts["from"], &facts["settings"]),
        "protected" => format!(
            "protects {} ({} now)",
            fact("performance"),
            fact("protects")
        ),
        "unprotected" => format!(
            "no longer protects {} ({} now)",
            fact("performance"),
            fact("protects")
        ),
        "entitled" => match changed(&facts["from"], &facts["to"]).split_once(' ') {
            Some((_, what)) => format!("may buy: {what}"),
            None => "may buy the same as before".to_owned(),
        },
        "issued" => format!("code {:?}, {} times", fact("label"), fact("limit")),
        "withdrew" => format!("code {:?} withdrawn", fact("label")),
        "recovered" => format!("places recovered: {}", fact("why")),
        "away" => format!(
            "memory was away for {} ms, {} let in meanwhile",
            fact("for_ms"),
            fact("admitted")
        ),
        _ => deed.to_string(),
    }
}

/// What is other than before; all of it where nobody knows what was before.
fn changed(from: &Value, to: &Value) -> String {
    let members = to.as_object().into_iter().flatten();
    let other: Vec<_> = members
        .filter(|(name, now)| from.is_null() || from[name.as_str()] != **now)
        .map(|(name, now)| match from.is_null() {
            true => format!("{name} {now}"),
            false => format!("{name} {} -> {now}", from[name.as_str()]),
        })
        .collect();
    if other.is_empty() {
        "changed nothing".to_owned()
    } else {
        format!("changed {}", other.join(", "))
    }
}

pub(super) fn figures(answer: &Value) {
    println!(
        "{:<21} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>7}",
        "time",
        "joined",
        "waiting",
        "admitted",
        "inside",
        "bought",
        "abandoned",
        "no-shows",
        "left"
    );
    for point in each(&answer["points"]).chain(std::iter::once(&answer["now"])) {
        let totals = &point["totals"];
        println!(
            "{:<21} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>7}",
            time(&point["at_ms"]),
            text(&totals["joined"]),
            text(&point["waiting"]),
            text(&totals["admitted"]),
            text(&point["active"]),
            text(&totals["completed"]),
            text(&totals["abandoned"]),
            text(&totals["no_shows"]),
            text(&point["places_left"]),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_of_the_log_says_what_was_and_what_is() {
        let old = json!({ "rate_per_minute": 600, "cap": 500 });
        let new = json!({ "rate_per_minute": 900, "cap": 500 });
        for (what, says) in [
            (
                json!({ "changed": { "from": old, "settings": new } }),
                "changed rate_per_minute 600 -> 900",
            ),
            (
                json!({ "changed": { "settings": { "cap": 5 } } }),
                "changed cap 5",
            ),
            (
                json!({ "protected": { "performance": "5e47", "protects": 2 } }),
                "protects 5e47 (2 now)",
            ),
            (
                json!({ "entitled": { "from": { "max_places": 0 }, "to": { "max_places": 4 } } }),
                "may buy: max_places 0 -> 4",
            ),
            (json!("removed"), "removed the room"),
            (
                json!({ "sang": { "song": "la" } }),
                "{\"sang\":{\"song\":\"la\"}}",
            ),
        ] {
            assert_eq!(deed(&what), says);
        }
    }
}
