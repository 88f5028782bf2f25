//! What was done to a room, told from its audit log. Pure.

use onsale_queue::wire::{AuditEntry, Deed, Figures, RoomSettings};
use onsale_queue::{Action, Authority, RoomState};

use super::words;
use crate::i18n::{ConsoleTexts, Lang, fill, fill_counts};

/// One line of the log, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) at_ms: i64,
    pub(super) who: String,
    pub(super) what: String,
    /// Whether it is drawn on the graphs.
    pub(super) mark: bool,
}

/// Tells a log, newest first as it comes; a change is told by what is other than before. Where the log
/// does not reach back to what was before, the figures know rate and cap.
pub(super) fn tell(lang: Lang, log: &[AuditEntry], points: &[Figures]) -> Vec<Told> {
    let mut before: Option<RoomSettings> = None;
    let mut told: Vec<Told> = log
        .iter()
        .rev()
        .map(|entry| {
            match &entry.deed {
                Deed::Changed {
                    from: Some(from), ..
                } => before = Some((**from).clone()),
                Deed::Changed { settings, .. } if before.is_none() => {
                    before = known_before(points, entry.at_ms, settings);
                }
                _ => {}
            }
            let (what, mark) = one(lang, &entry.deed, before.as_ref());
            if let Deed::Made { settings } | Deed::Changed { settings, .. } = &entry.deed {
                before = Some((**settings).clone());
            }
            Told {
                at_ms: entry.at_ms,
                who: entry.who.clone(),
                what,
                mark,
            }
        })
        .collect();
    told.reverse();
    told
}

fn known_before(points: &[Figures], at_ms: i64, now: &RoomSettings) -> Option<RoomSettings> {
    let point = points.iter().rev().find(|point| point.at_ms < at_ms)?;
    Some(RoomSettings {
        rate_per_minute: point.rate_per_minute,
        cap: point.cap,
        ..now.clone()
    })
}

fn one(lang: Lang, deed: &Deed, before: Option<&RoomSettings>) -> (String, bool) {
    let t = lang.console_texts();
    match deed {
        Deed::Made { .. } => (t.log_made.to_owned(), false),
        Deed::Acted { action, from, to } => (acted(lang, *action, *from, *to), true),
        Deed::Changed { settings, .. } => (changed(lang, before, settings), true),
        Deed::Protected { performance, .. } => {
            (fill(t.log_protected, &[("id", performance)]), false)
        }
        Deed::Unprotected { performance, .. } => {
            (fill(t.log_unprotected, &[("id", performance)]), false)
        }
        Deed::Entitled { from, to } => {
            let (from, to) = (entitled(t, from), entitled(t, to));
            let blanks = [("from", from.as_str()), ("to", to.as_str())];
            (fill(t.log_entitled, &blanks), false)
        }
        Deed::Removed => (t.log_removed.to_owned(), false),
        Deed::Issued { label, limit } => {
            let limits = [("limit", u64::from(*limit))];
            let said = fill_counts(
                t.log_issued,
                &limits,
                &|n| n.to_string(),
                &[("label", label)],
            );
            (said, false)
        }
        Deed::Withdrew { label } => (fill(t.log_withdrew, &[("label", label)]), false),
        Deed::Recovered { why, .. } => (fill(t.log_recovered, &[("why", why)]), true),
        Deed::Away { for_ms, admitted } => {
            let time = format!("{} s", for_ms / 1_000);
            let blanks = [("time", time.as_str()), ("n", &admitted.to_string())];
            (fill(t.log_away, &blanks), true)
        }
    }
}

/// What may be bought, in a few words.
fn entitled(t: &ConsoleTexts, authority: &Authority) -> String {
    let list = |ids: Vec<String>| ids.join(", ");
    let mut parts = Vec::new();
    if authority.max_places > 0 {
        let n = authority.max_places.to_string();
        parts.push(fill(t.log_at_most, &[("n", &n)]));
    }
    if !authority.bands.is_empty() {
        let bands = list(authority.bands.iter().map(u8::to_string).collect());
        parts.push(fill(t.log_bands, &[("list", &bands)]));
    }
    if !authority.seats.is_empty() {
        let n = authority.seats.len().to_string();
        parts.push(fill(t.log_seats, &[("n", &n)]));
    }
    if parts.is_empty() {
        t.log_everything.to_owned()
    } else {
        parts.join("; ")
    }
}

fn acted(lang: Lang, action: Action, from: RoomState, to: RoomState) -> String {
    let t = lang.console_texts();
    if (action, from, to) == (Action::Draw, RoomState::Drawing, RoomState::Drawing) {
        return t.log_revealed.to_owned();
    }
    fill(
        t.log_acted,
        &[
            ("action", words::action(t, action)),
            ("from", words::state(t, from)),
            ("to", words::state(t, to)),
        ],
    )
}

fn changed(lang: Lang, before: Option<&RoomSettings>, now: &RoomSettings) -> String {
    let t = lang.console_texts();
    let Some(before) = before else {
        return t.log_settings.to_owned();
    };
    let mut parts = Vec::new();
    let mut number = |sentence: &str, from: u32, to: u32| {
        if from != to {
            let (from, to) = (from.to_string(), to.to_string());
            parts.push(fill(sentence, &[("from", &from), ("to", &to)]));
        }
    };
    number(t.log_rate, before.rate_per_minute, now.rate_per_minute);
    number(t.log_cap, before.cap, now.cap);
    if before.message != now.message {
        parts.push(if now.message.is_empty() {
            t.log_message_gone.to_owned()
        } else {
            fill(t.log_message, &[("text", &now.message)])
        });
    }
    for (name, same) in [
        (t.f_name, before.name == now.name),
        (t.f_gathers, before.gathers_ms == now.gathers_ms),
        (t.f_opens, before.opens_ms == now.opens_ms),
        (t.f_drains, before.drains_ms == now.drains_ms),
        (t.f_claim, before.claim_ms == now.claim_ms),
        (t.f_late, before.late_ms == now.late_ms),
        (t.f_shop, before.shop_ms == now.shop_ms),
        (t.f_idle, before.idle_ms == now.idle_ms),
        (
            t.f_auto,
            before.auto_on_per_minute == now.auto_on_per_minute,
        ),
        (t.f_pow, before.pow_bits == now.pow_bits),
        (
            t.f_accounts,
            before.accounts_required == now.accounts_required,
        ),
        (t.f_outage, before.outage == now.outage),
    ] {
        if !same {
            parts.push(fill(t.log_setting, &[("field", name)]));
        }
    }
    if parts.is_empty() {
        t.log_settings.to_owned()
    } else {
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at_ms: i64, deed: Deed) -> AuditEntry {
        AuditEntry {
            at_ms,
            who: "ada@example.org".into(),
            version: 1,
            deed,
        }
    }

    #[test]
    fn a_change_is_told_by_what_is_other_than_before() {
        let made = RoomSettings::default();
        let faster = RoomSettings {
            rate_per_minute: 900,
            message: "Doors at eight".into(),
            ..made.clone()
        };
        let log = [
            entry(
                2,
                Deed::Changed {
                    from: None,
                    settings: Box::new(faster),
                },
            ),
            entry(
                1,
                Deed::Made {
                    settings: Box::new(made),
                },
            ),
        ];
        let told = tell(Lang::En, &log, &[]);
        assert_eq!(told[0].what, "rate 600 → 900, message “Doors at eight”");
        assert!(told[0].mark && !told[1].mark);
    }

    #[test]
    fn a_change_whose_past_is_not_in_the_log_is_told_as_a_change() {
        let log = [entry(
            2,
            Deed::Changed {
                from: None,
                settings: Box::default(),
            },
        )];
        assert_eq!(tell(Lang::En, &log, &[])[0].what, "settings changed");
        let point = Figures {
            at_ms: 1,
            rate_per_minute: 120,
            cap: 500,
            ..Figures::default()
        };
        let told = tell(Lang::En, &log, &[point]);
        assert_eq!(told[0].what, "rate 120 → 600");
    }

    #[test]
    fn protection_and_authority_are_told_by_what_they_were_and_are() {
        let log = [
            entry(3, Deed::Removed),
            entry(
                2,
                Deed::Entitled {
                    from: Box::default(),
                    to: Box::new(Authority {
                        max_places: 4,
                        bands: vec![0, 2],
                        seats: Vec::new(),
                    }),
                },
            ),
            entry(
                1,
                Deed::Protected {
                    performance: "5e47".into(),
                    protects: 1,
                },
            ),
        ];
        let told: Vec<_> = tell(Lang::En, &log, &[])
            .into_iter()
            .map(|told| told.what)
            .collect();
        assert_eq!(
            told,
            [
                "removed the room",
                "may buy: everything → at most 4 places; price bands 0, 2",
                "protects 5e47"
            ]
        );
    }
}
