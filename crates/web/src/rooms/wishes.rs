//! What a visitor is looking for, said while waiting.

use leptos::prelude::*;
use leptos::task::spawn_local;
use onsale_queue::wire::Wishes;

use super::visitor::Visitor;
use crate::api::{self, Failure};
use crate::words;

/// Most places that can be wished for here; a performance may allow fewer.
const MOST: u8 = 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Saving {
    No,
    Now,
    Done,
}

#[component]
pub(super) fn WishesForm(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    let before = visitor
        .place
        .with_untracked(|kept| kept.as_ref().map(|kept| kept.wishes))
        .unwrap_or_default();
    let fresh = before == Wishes::default();
    let places = RwSignal::new(before.places);
    let band = RwSignal::new(before.band);
    let together = RwSignal::new(before.together || fresh);
    let accessible = RwSignal::new(before.accessible);
    let saving = RwSignal::new(Saving::No);
    let refused = RwSignal::new(None::<Failure>);
    let open = RwSignal::new(false);
    // The prices are those of one performance: only asked for once somebody looks at them.
    let bands = LocalResource::new(move || {
        let performance = open.get().then(|| visitor.performance()).flatten();
        async move {
            let id = performance?;
            let performance = api::performance(id).await.ok()?;
            let map = api::seat_map(id, &performance.map_version).await.ok()?;
            let names = map.bands().iter().map(|band| band.name.clone());
            Some(names.collect::<Vec<_>>())
        }
    });
    let save = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if saving.get_untracked() == Saving::Now {
            return;
        }
        saving.set(Saving::Now);
        refused.set(None);
        let wishes = Wishes {
            places: places.get_untracked(),
            band: band.get_untracked(),
            together: together.get_untracked(),
            accessible: accessible.get_untracked(),
        };
        spawn_local(async move {
            match visitor.wish(wishes).await {
                Ok(()) => drop(saving.try_set(Saving::Done)),
                Err(failure) => {
                    let _ = refused.try_set(Some(failure));
                    let _ = saving.try_set(Saving::No);
                }
            }
        });
    };
    let changed = move || saving.set(Saving::No);
    // No more than may be bought: who wished for more would be refused.
    let most = Memo::new(move |_| {
        let bought = visitor
            .room
            .with(|room| room.as_ref().map_or(0, |room| room.max_places));
        match u8::try_from(bought) {
            Ok(bought) if bought > 0 => bought.min(MOST),
            _ => MOST,
        }
    });
    view! {
        <details class="room__more card" on:toggle=move |_| open.set(true)>
            <summary>{i18n.rooms(|t| t.wishes_title)}</summary>
            <form class="room__form" on:submit=save>
                <p class="muted">{i18n.rooms(|t| t.wishes_text)}</p>
                <label class="room__field">
                    <span>{i18n.rooms(|t| t.wishes_how_many)}</span>
                    <select class="chooser" on:change=move |event| {
                        places.set(event_target_value(&event).parse().unwrap_or(0));
                        changed();
                    }>
                        <option value="0" selected=move || places.get() == 0>{i18n.rooms(|t| t.wishes_none)}</option>
                        {move || (1..=most.get()).map(|n| view! {
                            <option value=n.to_string() selected=move || places.get() == n>{n.to_string()}</option>
                        }).collect_view()}
                    </select>
                </label>
                {move || bands.get().flatten().map(|names| view! {
                    <label class="room__field">
                        <span>{i18n.rooms(|t| t.wishes_band)}</span>
                        <select class="chooser" on:change=move |event| {
                            band.set(event_target_value(&event).parse().ok());
                            changed();
                        }>
                            <option value="" selected=move || band.get().is_none()>{i18n.rooms(|t| t.wishes_any)}</option>
                            {names.into_iter().zip(0_u8..).map(|(name, i)| view! {
                                <option value=i.to_string() selected=move || band.get() == Some(i)>{name}</option>
                            }).collect_view()}
                        </select>
                    </label>
                })}
                <label class="tick">
                    <input type="checkbox" prop:checked=together on:change=move |event| { together.set(event_target_checked(&event)); changed(); }/>
                    <span>{i18n.rooms(|t| t.wishes_together)}</span>
                </label>
                <label class="tick">
                    <input type="checkbox" prop:checked=accessible on:change=move |event| { accessible.set(event_target_checked(&event)); changed(); }/>
                    <span>{i18n.rooms(|t| t.wishes_accessible)}</span>
                </label>
                <button type="submit" class="button" aria-disabled=move || (saving.get() == Saving::Now).to_string()>
                    {move || if saving.get() == Saving::Now { i18n.room_t().wishes_saving } else { i18n.room_t().wishes_save }}
                </button>
                <p class="small" role="status">{move || match (refused.get(), saving.get()) {
                    (Some(failure), _) => words::of_failure(&failure, i18n.t()),
                    (None, Saving::Done) => i18n.room_t().wishes_saved.to_owned(),
                    (None, _) => String::new(),
                }}</p>
            </form>
        </details>
    }
}
