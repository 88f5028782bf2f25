//! The map on the page: canvas, buttons, minimap, and the line a screen reader hears.

use std::sync::Arc;

use booking_core::SeatMap;
use leptos::html;
use leptos::prelude::*;
use seat_painter::Overview;
use seat_painter::viewport::Insets;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{Clamped, JsCast, JsValue};
use web_sys::{
    HtmlCanvasElement, ImageData, MutationObserver, MutationObserverInit, ResizeObserver,
};

use super::engine::MapEvent;
use super::house::house_of;
use super::input::{self, Hands, ZOOM_STEP};
use super::running::Map;
use super::writer::context_of;
use crate::browser;
use crate::components::{Icon, Sign};
use crate::i18n::use_i18n;

/// Size of the minimap in CSS pixels.
const MINI: (f64, f64) = (132.0, 92.0);

/// The map of a page, once its canvas is there. `Copy`, so that every part of the page can have it.
#[derive(Clone, Copy)]
pub(crate) struct MapHandle(StoredValue<Option<Map>, LocalStorage>, RwSignal<bool>);

impl MapHandle {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self(StoredValue::new_local(None), RwSignal::new(false))
    }
    /// Does something with the map, if it is there. Reactive readers run again once it is.
    pub(crate) fn with<T>(self, work: impl FnOnce(&Map) -> T) -> Option<T> {
        self.1.track();
        // Taken out first: what is done may end with the page asking again.
        let map = self.0.try_with_value(Clone::clone).flatten()?;
        Some(work(&map))
    }
    fn put(self, map: Map) {
        self.0.set_value(Some(map));
        self.1.set(true);
    }
}

/// What watches the page for the map, kept alive as long as the map is.
struct Watchers {
    resize: ResizeObserver,
    theme: MutationObserver,
    queries: Vec<web_sys::MediaQueryList>,
    _closures: Vec<Closure<dyn FnMut()>>,
}

impl Drop for Watchers {
    fn drop(&mut self) {
        self.resize.disconnect();
        self.theme.disconnect();
        for query in &self.queries {
            query.set_onchange(None);
        }
    }
}

/// The seat map. `said` is read out when it changes; `free` gives each section's share of free seats.
#[component]
pub(crate) fn SeatMapView(
    seat_map: Arc<SeatMap>,
    handle: MapHandle,
    on_event: UnsyncCallback<MapEvent>,
    #[prop(into)] said: Signal<String>,
    #[prop(into)] free: Signal<Vec<f32>>,
) -> impl IntoView {
    let i18n = use_i18n();
    let canvas = NodeRef::<html::Canvas>::new();
    let mini = NodeRef::<html::Canvas>::new();
    let hands = StoredValue::new_local(Hands::default());
    let watchers = StoredValue::new_local(None::<Watchers>);
    // Bumped when the view moves or the theme changes: the minimap follows.
    let moved = RwSignal::new(0_u32);
    let styled = RwSignal::new(0_u32);
    let here = RwSignal::new(None::<String>);
    let near = RwSignal::new(false);

    Effect::new(move || {
        let Some(element) = canvas.get() else { return };
        let element: HtmlCanvasElement = element.unchecked_into();
        let tell = move |event: MapEvent| {
            if event == MapEvent::Moved {
                let _ = moved.try_update(|n| *n = n.wrapping_add(1));
            }
            // The page may be gone already when the last frame reports.
            let _ = on_event.try_run(event);
        };
        match Map::start(element.clone(), house_of(&seat_map), tell) {
            Ok(map) => {
                watchers.set_value(watch(&map, &element, moved, styled).ok());
                handle.put(map);
            }
            Err(error) => leptos::logging::error!("no seat map: {error:?}"),
        }
    });
    on_cleanup(move || {
        let _ = watchers.try_update_value(Option::take);
    });

    // Where we are, in words and on the minimap.
    let overview = StoredValue::new_local(None::<Overview>);
    Effect::new(move || {
        styled.track();
        let shares = free.get();
        handle.with(|map| {
            map.read(|engine| {
                let dpr = browser::window().device_pixel_ratio();
                let (w, h) = ((MINI.0 * dpr) as usize, (MINI.1 * dpr) as usize);
                let palette = engine.painter().palette();
                let drawn = Overview::draw(engine.house(), palette, &shares, w, h, dpr as f32);
                overview.set_value(Some(drawn));
            });
        });
        moved.update(|n| *n = n.wrapping_add(1));
    });
    Effect::new(move || {
        moved.track();
        let Some(Some(zoom)) = handle.with(|map| {
            map.read(|engine| {
                let zoom = engine.view.zoom();
                if let Some(canvas) = mini.get() {
                    overview.with_value(|overview| {
                        if let Some(overview) = overview {
                            let _ =
                                show(&canvas.unchecked_into(), &overview.with_view(&engine.view));
                        }
                    });
                }
                let (mx, my) = engine.view.middle_of_view();
                let (px, py) = engine.view.to_plan(mx, my);
                let house = engine.house();
                let block = house.block_at(px as f32, py as f32);
                let name = block.map(|block| house.text(house.blocks[block].name).to_owned());
                let name = name.filter(|_| engine.view.zoom() > 1.15);
                if here.with_untracked(|known| *known != name) {
                    here.set(name);
                }
                Some(zoom)
            })
        }) else {
            return;
        };
        let inside = zoom > 1.15;
        if near.get_untracked() != inside {
            near.set(inside);
        }
    });

    let on_map = move |work: &dyn Fn(&Map, &Hands)| {
        hands.with_value(|hands| {
            handle.0.with_value(|map| {
                if let Some(map) = map {
                    work(map, hands);
                }
            });
        });
    };
    let jump = move |event: &web_sys::PointerEvent| {
        let dpr = browser::window().device_pixel_ratio();
        let (x, y) = (
            f64::from(event.offset_x()) * dpr,
            f64::from(event.offset_y()) * dpr,
        );
        let Some((px, py)) = overview.with_value(|o| o.as_ref().map(|o| o.to_plan(x, y))) else {
            return;
        };
        on_map(&|map, _| {
            map.with(|engine| {
                engine.look(|view| {
                    let pitch = view.css_pitch();
                    view.look_at(px, py, pitch);
                });
            });
            map.tell(MapEvent::Moved);
        });
    };

    view! {
        <div class="map">
            <canvas
                class="map__canvas" id="seat-map" node_ref=canvas tabindex="0" role="application"
                aria-label=i18n.seats(|t| t.map_label) aria-describedby="seat-map-help"
                on:pointerdown=move |e| on_map(&|map, hands| hands.down(map, &e))
                on:pointermove=move |e| on_map(&|map, hands| hands.moved(map, &e))
                on:pointerup=move |e| on_map(&|map, hands| hands.up(map, &e))
                on:pointercancel=move |e| on_map(&|_, hands| hands.lost(&e))
                on:pointerleave=move |e| on_map(&|map, _| input::left(map, &e))
                on:wheel=move |e| on_map(&|map, _| input::wheel(map, &e))
                on:keydown=move |e| on_map(&|map, _| if input::key(map, &e) { e.prevent_default() })
                on:blur=move |_| on_map(&|map, _| {
                    map.with(|engine| engine.set_focus(None));
                    map.tell(MapEvent::Focus(None));
                })
            ></canvas>
            <p class="visually-hidden" id="seat-map-help">{i18n.seats(|t| t.map_help)}</p>
            <p class="visually-hidden" role="status" aria-live="polite">{said}</p>
            <div class="map__tools">
                <button type="button" class="map__tool" aria-label=i18n.seats(|t| t.zoom_in) title=i18n.seats(|t| t.zoom_in)
                    on:click=move |_| on_map(&|map, _| { input::zoom(map, ZOOM_STEP); })><Icon sign=Sign::Plus/></button>
                <button type="button" class="map__tool" aria-label=i18n.seats(|t| t.zoom_out) title=i18n.seats(|t| t.zoom_out)
                    on:click=move |_| on_map(&|map, _| { input::zoom(map, 1.0 / ZOOM_STEP); })><Icon sign=Sign::Minus/></button>
                <button type="button" class="map__tool" aria-label=i18n.seats(|t| t.whole_house) title=i18n.seats(|t| t.whole_house)
                    on:click=move |_| on_map(&|map, _| { input::whole(map); })><Icon sign=Sign::Whole/></button>
            </div>
            <div class="map__here" class:map__here--away=move || !near.get()>
                <canvas class="map__mini" node_ref=mini aria-hidden="true"
                    on:pointerdown=move |e| {
                        if let Some(target) = e.target() {
                            let _ = target.unchecked_into::<web_sys::Element>().set_pointer_capture(e.pointer_id());
                        }
                        jump(&e);
                    }
                    on:pointermove=move |e| if e.buttons() & 1 == 1 { jump(&e) }
                ></canvas>
                <span class="map__where" aria-hidden="true">{move || here.get().unwrap_or_default()}</span>
            </div>
        </div>
    }
}

/// Follows the size of the canvas and the theme of the page.
fn watch(
    map: &Map,
    canvas: &HtmlCanvasElement,
    moved: RwSignal<u32>,
    styled: RwSignal<u32>,
) -> Result<Watchers, JsValue> {
    let sized = map.clone();
    let on_size: Closure<dyn FnMut()> = Closure::new(move || {
        sized.with(|engine| engine.fit_canvas(Insets::default()));
        // In the same frame as the new size, or the canvas would flash empty.
        sized.paint_now();
        let _ = moved.try_update(|n| *n = n.wrapping_add(1));
    });
    let resize = ResizeObserver::new(on_size.as_ref().unchecked_ref())?;
    resize.observe(canvas);

    let themed = map.clone();
    let on_theme: Closure<dyn FnMut()> = Closure::new(move || {
        themed.with(super::engine::Engine::restyle);
        let _ = styled.try_update(|n| *n = n.wrapping_add(1));
    });
    let theme = MutationObserver::new(on_theme.as_ref().unchecked_ref())?;
    let options = MutationObserverInit::new();
    options.set_attributes(true);
    options.set_attribute_filter(&js_sys::Array::of1(&"data-theme".into()));
    if let Some(root) = browser::document().document_element() {
        theme.observe_with_options(&root, &options)?;
    }
    let mut queries = Vec::new();
    for query in [
        "(prefers-color-scheme: dark)",
        "(prefers-reduced-motion: reduce)",
    ] {
        if let Some(query) = browser::window().match_media(query)? {
            query.set_onchange(Some(on_theme.as_ref().unchecked_ref()));
            queries.push(query);
        }
    }
    Ok(Watchers {
        resize,
        theme,
        queries,
        _closures: vec![on_size, on_theme],
    })
}

/// Puts a small picture on a canvas.
fn show(canvas: &HtmlCanvasElement, frame: &seat_painter::Frame) -> Result<(), JsValue> {
    let (w, h) = (frame.width() as u32, frame.height() as u32);
    if (canvas.width(), canvas.height()) != (w, h) {
        canvas.set_width(w);
        canvas.set_height(h);
    }
    let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(frame.bytes()), w, h)?;
    context_of(canvas)?.put_image_data(&image, 0.0, 0.0)
}
