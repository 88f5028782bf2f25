//! One room as it lives: its feed, its log and its figures.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use onsale_queue::Action;
use onsale_queue::wire::{AuditEntry, Figures};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, EventSource, MessageEvent};

use super::words::Intent;
use crate::api::{self, Failure, RoomDetail, SomeSettings};
use crate::browser;
use crate::i18n::I18n;

/// Lines of the log that are read; graphs are marked with them.
const LOG_LINES: u32 = 300;
/// A day of points, one each ten seconds.
const WHOLE_SALE: u32 = 8_640;
const FIGURES_EVERY: Duration = Duration::from_secs(10);
const FIRST_WAIT_MS: i32 = 1_000;
const LONGEST_WAIT_MS: i32 = 15_000;

/// A room, while its page is open.
#[derive(Clone, Copy)]
pub(super) struct Live {
    pub(super) id: StoredValue<String>,
    pub(super) i18n: I18n,
    pub(super) room: RwSignal<Option<RoomDetail>>,
    pub(super) failed: RwSignal<Option<Failure>>,
    /// Newest first.
    pub(super) log: RwSignal<Vec<AuditEntry>>,
    /// Oldest first; the last one is now.
    pub(super) points: RwSignal<Vec<Figures>>,
    pub(super) online: RwSignal<bool>,
    /// What is being done, and why the last thing was not.
    pub(super) doing: RwSignal<bool>,
    pub(super) refused: RwSignal<Option<Failure>>,
    feed: StoredValue<Option<Feed>, LocalStorage>,
}

struct Feed {
    source: EventSource,
    _closures: Vec<Closure<dyn FnMut(Event)>>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.source.close();
    }
}

impl Live {
    pub(super) fn begin(id: String, i18n: I18n) -> Self {
        let live = Self {
            id: StoredValue::new(id),
            i18n,
            room: RwSignal::new(None),
            failed: RwSignal::new(None),
            log: RwSignal::new(Vec::new()),
            points: RwSignal::new(Vec::new()),
            online: RwSignal::new(true),
            doing: RwSignal::new(false),
            refused: RwSignal::new(None),
            feed: StoredValue::new_local(None),
        };
        live.read_all();
        live.follow(FIRST_WAIT_MS);
        if let Ok(timer) = set_interval_with_handle(move || live.read_figures(), FIGURES_EVERY) {
            on_cleanup(move || timer.clear());
        }
        on_cleanup(move || drop(live.feed.try_update_value(Option::take)));
        live
    }

    pub(super) fn room_id(self) -> String {
        self.id.get_value()
    }

    /// Everything, from the beginning.
    pub(super) fn read_all(self) {
        spawn_local(async move {
            let id = self.room_id();
            match api::operator_room(&id).await {
                Ok(room) => self.take(room),
                Err(failure) => drop(self.failed.try_set(Some(failure))),
            }
            if let Ok(log) = api::audit_log(&id, LOG_LINES).await {
                let _ = self.log.try_set(log);
            }
            self.read_figures();
        });
    }

    fn read_figures(self) {
        spawn_local(async move {
            let Some(id) = self.id.try_get_value() else {
                return;
            };
            if let Ok(history) = api::figures(&id, WHOLE_SALE).await {
                let _ = self.points.try_set(history.points);
            }
        });
    }

    /// A newer word about the room; an older one is dropped.
    fn take(self, room: RoomDetail) {
        let older = self
            .room
            .try_with_untracked(|known| {
                known.as_ref().is_some_and(|known| {
                    (known.version, known.figures.at_ms) > (room.version, room.figures.at_ms)
                })
            })
            .unwrap_or(true);
        if !older {
            let _ = self.failed.try_set(None);
            let _ = self.room.try_set(Some(room));
        }
    }

    fn follow(self, wait_ms: i32) {
        let Ok(source) = EventSource::new(&api::operator_feed_url(&self.room_id())) else {
            return;
        };
        let text = |event: &Event| event.unchecked_ref::<MessageEvent>().data().as_string();
        let on_room: Closure<dyn FnMut(Event)> = Closure::new(move |event: Event| {
            let _ = self.online.try_set(true);
            if let Some(room) = text(&event).and_then(|text| serde_json::from_str(&text).ok()) {
                self.take(room);
            }
        });
        let on_log: Closure<dyn FnMut(Event)> = Closure::new(move |event: Event| {
            let entry = text(&event).and_then(|text| serde_json::from_str(&text).ok());
            if let Some(entry) = entry {
                let entry: AuditEntry = entry;
                let _ = self.log.try_update(|log| {
                    if !log.contains(&entry) {
                        log.insert(0, entry);
                    }
                });
            }
        });
        let on_error: Closure<dyn FnMut(Event)> = Closure::new(move |event: Event| {
            let _ = self.online.try_set(false);
            let source = event
                .target()
                .and_then(|target| target.dyn_into::<EventSource>().ok());
            if source.is_some_and(|source| source.ready_state() == EventSource::CLOSED) {
                spawn_local(async move {
                    browser::pause(wait_ms).await;
                    if self.feed.try_update_value(Option::take).flatten().is_some() {
                        self.read_all();
                        self.follow((wait_ms * 2).min(LONGEST_WAIT_MS));
                    }
                });
            }
        });
        let closures = vec![on_room, on_log, on_error];
        for (name, closure) in ["room", "log", "error"].iter().zip(&closures) {
            let _ = source.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
        }
        self.feed.set_value(Some(Feed {
            source,
            _closures: closures,
        }));
    }

    fn version(self) -> u64 {
        self.room
            .with_untracked(|room| room.as_ref().map_or(0, |room| room.version))
    }

    /// Does what was intended, unless somebody changed the room since `seen_version` was shown.
    pub(super) fn carry_out(
        self,
        intent: Intent,
        seen_version: u64,
        done: impl FnOnce() + 'static,
    ) {
        let mut settings = SomeSettings::new();
        match intent {
            Intent::Rate(rate) => {
                settings.insert("rate_per_minute".into(), rate.into());
            }
            Intent::Cap(cap) => {
                settings.insert("cap".into(), cap.into());
            }
            Intent::Act(action) => return self.act(action, seen_version, done),
        }
        self.change(settings, Some(seen_version), done);
    }

    /// Changes settings.
    pub(super) fn change(
        self,
        settings: SomeSettings,
        seen_version: Option<u64>,
        done: impl FnOnce() + 'static,
    ) {
        let version = seen_version.unwrap_or_else(|| self.version());
        self.ask(
            async move { api::change_room(&self.room_id(), version, &settings).await },
            done,
        );
    }

    fn act(self, action: Action, version: u64, done: impl FnOnce() + 'static) {
        self.ask(
            async move { api::act_on_room(&self.room_id(), version, action).await },
            done,
        );
    }

    fn ask(
        self,
        request: impl Future<Output = Result<RoomDetail, Failure>> + 'static,
        done: impl FnOnce() + 'static,
    ) {
        if self.doing.get_untracked() {
            return;
        }
        self.doing.set(true);
        self.refused.set(None);
        spawn_local(async move {
            let answer = request.await;
            if self.doing.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(room) => {
                    self.take(room);
                    done();
                }
                Err(failure) => {
                    // Show what is so now, above all where somebody else was first.
                    self.refused.set(Some(failure));
                    self.read_all();
                    done();
                }
            }
        });
    }
}
