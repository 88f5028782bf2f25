//! The few things only the browser knows: its clock, its random numbers, its storage, its preferences.
//! The rest of the app asks here, so that what is pure stays testable outside a browser.

use std::cell::Cell;

use wasm_bindgen::JsCast;

thread_local! {
    /// Server clock minus browser clock, and whether it came from an answer in milliseconds (the
    /// `Date` header only counts seconds).
    static CLOCK: Cell<(i64, bool)> = const { Cell::new((0, false)) };
}

/// The element that the app is drawn into, emptied of what stood there while it loaded.
pub(crate) fn take_over_page() -> web_sys::HtmlElement {
    let root = document()
        .get_element_by_id("app")
        .expect("index.html has an element #app");
    root.set_inner_html("");
    root.unchecked_into()
}

pub(crate) fn window() -> web_sys::Window {
    web_sys::window().expect("the app runs in a window")
}

pub(crate) fn document() -> web_sys::Document {
    window().document().expect("the window shows a document")
}

/// Milliseconds since the Unix epoch by the server's clock, as far as it is known.
pub(crate) fn now_ms() -> i64 {
    js_sys::Date::now() as i64 + CLOCK.get().0
}

/// Milliseconds by a clock that only goes forward.
pub(crate) fn stopwatch_ms() -> f64 {
    window().performance().map_or(0.0, |clock| clock.now())
}

/// Sends a few words to the server, for which nobody waits; they go out even when the page is left.
pub(crate) fn tell(path: &str, words: &str) {
    let _ = window()
        .navigator()
        .send_beacon_with_opt_str(path, Some(words));
}

/// The server said `now_ms` in an answer that took `took_ms` to arrive.
pub(crate) fn learn_clock(server_now_ms: i64, took_ms: i64) {
    let offset = server_now_ms + took_ms / 2 - js_sys::Date::now() as i64;
    CLOCK.set((offset, true));
}

/// The server's `Date` header: good to a second, so only believed where the two clocks are far
/// apart and nothing better is known.
pub(crate) fn learn_clock_roughly(date_header: &str) {
    let (_, exact) = CLOCK.get();
    let server = js_sys::Date::parse(date_header);
    if exact || server.is_nan() {
        return;
    }
    let offset = server as i64 + 500 - js_sys::Date::now() as i64;
    CLOCK.set((if offset.abs() > 2_000 { offset } else { 0 }, false));
}

/// Bytes nobody can guess.
fn random<const N: usize>() -> [u8; N] {
    let mut random = [0_u8; N];
    let crypto = window()
        .crypto()
        .expect("the browser has a source of randomness");
    crypto
        .get_random_values_with_u8_array(&mut random)
        .expect("the browser gives a few random bytes");
    random
}

/// A new UUIDv7 for a command, a hold or an order.
pub(crate) fn new_id() -> uuid::Uuid {
    let ms = u64::try_from(now_ms()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(ms, &random()).into_uuid()
}

/// The header `traceparent` (W3C Trace Context) of a request that begins a trace. It says that nothing
/// is recorded here: whether the server records what it does is the server's choice.
pub(crate) fn new_traceparent() -> String {
    let number = || u64::from_be_bytes(random());
    traceparent([number(), number()], number())
}

/// Two halves of a trace's id, and a span's.
fn traceparent(trace: [u64; 2], span: u64) -> String {
    format!("00-{:016x}{:016x}-{span:016x}-00", trace[0], trace[1])
}

/// Which of the browser's two stores.
#[derive(Clone, Copy)]
pub(crate) enum Store {
    /// Kept for good: choices of looks and language.
    Lasting,
    /// Kept for this tab: what a checkout is in the middle of.
    Tab,
}

fn storage(store: Store) -> Option<web_sys::Storage> {
    match store {
        Store::Lasting => window().local_storage().ok().flatten(),
        Store::Tab => window().session_storage().ok().flatten(),
    }
}

/// What is kept under `key`; nothing where storage is switched off.
pub(crate) fn recall(store: Store, key: &str) -> Option<String> {
    storage(store)?.get_item(key).ok().flatten()
}

/// Keeps `value` under `key`; does nothing where storage is full or switched off.
pub(crate) fn remember(store: Store, key: &str, value: &str) {
    if let Some(storage) = storage(store) {
        let _ = storage.set_item(key, value);
    }
}

/// Forgets what is kept under `key`.
pub(crate) fn forget(store: Store, key: &str) {
    if let Some(storage) = storage(store) {
        let _ = storage.remove_item(key);
    }
}

/// Languages the reader prefers, best first.
pub(crate) fn languages() -> Vec<String> {
    window()
        .navigator()
        .languages()
        .iter()
        .filter_map(|tag| tag.as_string())
        .collect()
}

/// Whether the browser believes that it has a network.
pub(crate) fn online() -> bool {
    window().navigator().on_line()
}

/// Resolves after `ms` milliseconds.
pub(crate) async fn pause(ms: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
    });
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}

/// Moves the keyboard to the element `id` where what it stood on has gone: otherwise the next press
/// of Tab begins at the top of the page. Call it when the page has changed.
pub(crate) fn focus_if_lost(id: &str) {
    if !has_focus() {
        focus(id);
    }
}

/// Whether the keyboard stands on anything of the page.
pub(crate) fn has_focus() -> bool {
    let on = document().active_element();
    on.is_some_and(|element| element.tag_name() != "BODY")
}

/// Moves the keyboard to the element `id`, and brings it into view.
pub(crate) fn focus(id: &str) {
    if let Some(element) = document().get_element_by_id(id)
        && let Ok(element) = element.dyn_into::<web_sys::HtmlElement>()
    {
        let _ = element.focus();
    }
}

#[cfg(test)]
mod tests {
    use super::traceparent;

    #[test]
    fn a_trace_is_written_as_the_standard_wants_it() {
        assert_eq!(
            traceparent([0x4bf9_2f35_77b3_4da6, 0x0000_0000_0e0e_4736], 0xf0_67aa),
            "00-4bf92f3577b34da6000000000e0e4736-0000000000f067aa-00"
        );
    }
}
