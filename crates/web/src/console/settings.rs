//! What is set before the day: schedule, times, protection. Only what was changed is sent.

use leptos::prelude::*;
use onsale_queue::wire::{OutagePolicy, RoomSettings};
use serde_json::Value;
use wasm_bindgen::JsValue;

use super::live::Live;
use crate::api::SomeSettings;
use crate::i18n::{ConsoleKey, fill, fill_counts};
use crate::rooms::say;

/// How a setting is written in its field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// Local time, kept as ms.
    Instant,
    /// Seconds, kept as ms.
    Seconds,
    /// A whole number that may be left out.
    Optional,
    Number,
}

struct Field {
    /// Name on the wire.
    name: &'static str,
    label: ConsoleKey,
    kind: Kind,
}

const FIELDS: [Field; 10] = [
    Field {
        name: "name",
        label: |t| t.f_name,
        kind: Kind::Text,
    },
    Field {
        name: "gathers_ms",
        label: |t| t.f_gathers,
        kind: Kind::Instant,
    },
    Field {
        name: "opens_ms",
        label: |t| t.f_opens,
        kind: Kind::Instant,
    },
    Field {
        name: "drains_ms",
        label: |t| t.f_drains,
        kind: Kind::Instant,
    },
    Field {
        name: "claim_ms",
        label: |t| t.f_claim,
        kind: Kind::Seconds,
    },
    Field {
        name: "late_ms",
        label: |t| t.f_late,
        kind: Kind::Seconds,
    },
    Field {
        name: "shop_ms",
        label: |t| t.f_shop,
        kind: Kind::Seconds,
    },
    Field {
        name: "idle_ms",
        label: |t| t.f_idle,
        kind: Kind::Seconds,
    },
    Field {
        name: "auto_on_per_minute",
        label: |t| t.f_auto,
        kind: Kind::Optional,
    },
    Field {
        name: "pow_bits",
        label: |t| t.f_pow,
        kind: Kind::Number,
    },
];

/// A number as a field shows it; nothing for `null`.
fn shown_number(value: &Value, divided_by: i64) -> String {
    value
        .as_i64()
        .map(|n| (n / divided_by).to_string())
        .unwrap_or_default()
}

/// What somebody typed as the wire has it. What is no number goes as it is: the server names the fault.
fn typed_number(text: &str, times: i64) -> Value {
    match text.trim() {
        "" => Value::Null,
        text => match text.parse::<i64>() {
            Ok(n) => n.saturating_mul(times).into(),
            Err(_) => text.into(),
        },
    }
}

/// `2026-11-21T10:00` on the reader's own clock.
fn local_input(ms: i64) -> String {
    let date = js_sys::Date::new(&JsValue::from(ms as f64));
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}",
        date.get_full_year(),
        date.get_month() + 1,
        date.get_date(),
        date.get_hours(),
        date.get_minutes()
    )
}

fn show(kind: Kind, value: &Value) -> String {
    match kind {
        Kind::Text => value.as_str().unwrap_or_default().to_owned(),
        Kind::Instant => value.as_i64().map(local_input).unwrap_or_default(),
        Kind::Seconds => shown_number(value, 1_000),
        Kind::Optional | Kind::Number => shown_number(value, 1),
    }
}

fn typed(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Text => text.trim().into(),
        Kind::Instant => {
            // A date without a zone is read on the reader's own clock.
            let ms = js_sys::Date::parse(text);
            if ms.is_nan() {
                Value::Null
            } else {
                (ms as i64).into()
            }
        }
        Kind::Seconds => typed_number(text, 1_000),
        Kind::Optional | Kind::Number => typed_number(text, 1),
    }
}

/// The reader's zone by its name.
fn zone() -> String {
    let options = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new())
        .resolved_options();
    js_sys::Reflect::get(&options, &"timeZone".into())
        .ok()
        .and_then(|zone| zone.as_string())
        .unwrap_or_default()
}

#[component]
pub(super) fn SettingsPanel(live: Live) -> impl IntoView {
    let i18n = live.i18n;
    let before = live
        .room
        .with_untracked(|room| room.as_ref().map(|room| room.settings.clone()))
        .unwrap_or_default();
    let known = RwSignal::new(serde_json::to_value(&before).unwrap_or_default());
    let fields = FIELDS.map(|field| {
        let text = known.with_untracked(|known| show(field.kind, &known[field.name]));
        (field, RwSignal::new(text))
    });
    let accounts = RwSignal::new(before.accounts_required);
    let outage = RwSignal::new(before.outage);
    let fixed = RwSignal::new(match before.outage {
        OutagePolicy::Reduced { rate_per_minute } => rate_per_minute.to_string(),
        OutagePolicy::Hold => "60".to_owned(),
    });
    let said = RwSignal::new(None::<ConsoleKey>);
    let values: [(&'static str, Kind, RwSignal<String>); 10] =
        std::array::from_fn(|i| (fields[i].0.name, fields[i].0.kind, fields[i].1));
    let save = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let mut changed = SomeSettings::new();
        known.with_untracked(|known| {
            for (name, kind, text) in values {
                let text = text.get_untracked();
                if show(kind, &known[name]) != text {
                    changed.insert(name.to_owned(), typed(kind, &text));
                }
            }
            let policy = match outage.get_untracked() {
                OutagePolicy::Hold => OutagePolicy::Hold,
                OutagePolicy::Reduced { .. } => OutagePolicy::Reduced {
                    rate_per_minute: fixed.get_untracked().trim().parse().unwrap_or(0),
                },
            };
            for (name, value) in [
                ("accounts_required", accounts.get_untracked().into()),
                ("outage", serde_json::to_value(policy).unwrap_or_default()),
            ] {
                if known[name] != value {
                    changed.insert(name.to_owned(), value);
                }
            }
        });
        if changed.is_empty() {
            return said.set(Some(|t| t.nothing_changed));
        }
        said.set(None);
        live.change(changed, None, move || {
            let now = live
                .room
                .with_untracked(|room| room.as_ref().map(|room| room.settings.clone()));
            if live.refused.with_untracked(Option::is_none) {
                known.set(serde_json::to_value(now.unwrap_or_default()).unwrap_or_default());
                said.set(Some(|t| t.saved));
            }
        });
    };
    let inputs = fields.map(|(field, text)| {
        let kind = match field.kind {
            Kind::Instant => "datetime-local",
            Kind::Text | Kind::Seconds | Kind::Optional | Kind::Number => "text",
        };
        let mode = if matches!(field.kind, Kind::Seconds | Kind::Optional | Kind::Number) { "numeric" } else { "text" };
        view! {
            <label class="console-field">
                <span>{i18n.console(field.label)}</span>
                <input type=kind inputmode=mode prop:value=text on:input=move |event| text.set(event_target_value(&event))/>
            </label>
        }
    });
    let reduced = move || matches!(outage.get(), OutagePolicy::Reduced { .. });
    view! {
        <details class="panel-box">
            <summary>{i18n.console(|t| t.settings_title)}</summary>
            <form class="console-form" on:submit=save>
                <p class="muted small">{move || fill(i18n.console_t().zone_note, &[("zone", &zone())])}</p>
                <div class="console-fields">{inputs.into_iter().collect_view()}
                    <label class="console-field">
                        <span>{i18n.console(|t| t.f_outage)}</span>
                        <select on:change=move |event| outage.set(if event_target_value(&event) == "hold" {
                            OutagePolicy::Hold
                        } else {
                            OutagePolicy::Reduced { rate_per_minute: 0 }
                        })>
                            <option value="hold" selected=move || !reduced()>{i18n.console(|t| t.f_outage_hold)}</option>
                            <option value="reduced" selected=reduced>{i18n.console(|t| t.f_outage_reduced)}</option>
                        </select>
                    </label>
                    <label class="console-field" hidden=move || !reduced()>
                        <span>{i18n.console(|t| t.f_outage_reduced)}</span>
                        <input type="text" inputmode="numeric" prop:value=fixed on:input=move |event| fixed.set(event_target_value(&event))/>
                    </label>
                </div>
                <label class="console-tick">
                    <input type="checkbox" prop:checked=accounts on:change=move |event| accounts.set(event_target_checked(&event))/>
                    <span>{i18n.console(|t| t.f_accounts)}</span>
                </label>
                <button type="submit" class="button" aria-disabled=move || live.doing.get().to_string()>{i18n.console(|t| t.save)}</button>
                <p class="small" role="status">{move || said.get().map(|said| said(i18n.console_t()))}</p>
            </form>
        </details>
    }
}

/// The operator's word to all who wait.
#[component]
pub(super) fn MessagePanel(live: Live) -> impl IntoView {
    let i18n = live.i18n;
    let said = move |settings: &RoomSettings| settings.message.clone();
    let now = Memo::new(move |_| {
        live.room
            .with(|room| room.as_ref().map(|room| said(&room.settings)))
            .unwrap_or_default()
    });
    let text = RwSignal::new(now.get_untracked());
    let waiting = move || {
        live.room
            .with(|room| room.as_ref().map_or(0, |room| room.figures.waiting))
    };
    let go = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let mut settings = SomeSettings::new();
        settings.insert("message".into(), text.get_untracked().trim().into());
        live.change(settings, None, || {});
    };
    view! {
        <section class="panel-box" aria-labelledby="message-title">
            <h2 id="message-title">{i18n.console(|t| t.message_title)}</h2>
            <form class="console-form" on:submit=go>
                <textarea class="console-text" rows="2" maxlength="500" aria-labelledby="message-title"
                    prop:value=text on:input=move |event| text.set(event_target_value(&event))></textarea>
                <p class="muted small">{move || {
                    let lang = i18n.lang();
                    fill_counts(lang.console_texts().message_help, &[("n", waiting())], &|n| say::number(lang, n), &[])
                }}</p>
                <button type="submit" class="button" aria-disabled=move || (live.doing.get() || text.get().trim() == now.get()).to_string()>
                    {i18n.console(|t| t.message_go)}
                </button>
            </form>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_reads_back_as_it_was_shown() {
        for (ms, times) in [(120_000_i64, 1_000), (16, 1)] {
            let shown = shown_number(&ms.into(), times);
            assert_eq!(typed_number(&shown, times), Value::from(ms));
        }
        assert_eq!(typed_number("  ", 1), Value::Null);
    }

    #[test]
    fn what_is_no_number_is_left_for_the_server_to_name() {
        assert_eq!(typed_number("soon", 1_000), Value::from("soon"));
    }

    #[test]
    fn every_field_is_a_setting_of_the_queue() {
        let known = serde_json::to_value(RoomSettings::default()).unwrap();
        for field in FIELDS {
            assert!(known.get(field.name).is_some(), "{}", field.name);
        }
    }
}
