//! One tab at a time: the browser's own locks, which end with the tab that holds them.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

use crate::browser;

/// Held until it is dropped.
pub(super) struct Alone {
    /// Ends the promise for whose length the browser holds the lock.
    release: Option<Function>,
}

impl Drop for Alone {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Waits until no other tab of this browser holds `name`. Where a browser has no locks (or not here:
/// they want a secure address) it is as if nobody held it.
pub(super) async fn take(name: &str) -> Alone {
    match ask(name) {
        // Whatever the browser answers, a visitor is not kept from a place by it.
        Some((turn, release)) => Alone {
            release: JsFuture::from(turn).await.ok().map(|_| release),
        },
        None => Alone { release: None },
    }
}

/// Asks for the lock: what resolves when it is ours, and what gives it back.
fn ask(name: &str) -> Option<(Promise, Function)> {
    // `web-sys` counts Web Locks among what is unstable; every browser has had them since 2022.
    let navigator = browser::window().navigator();
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    let request: Function = Reflect::get(&locks, &"request".into())
        .ok()?
        .dyn_into()
        .ok()?;

    let (held, release) = promise();
    let (ours, granted) = promise();
    let on_grant = Closure::once_into_js(move |_lock: JsValue| -> JsValue {
        let _ = granted.call0(&JsValue::UNDEFINED);
        held.into()
    });
    let asked: Promise = request
        .call2(&locks, &name.into(), &on_grant)
        .ok()?
        .dyn_into()
        .ok()?;
    // A request that the browser refuses ends at once; one that it grants, only with the lock.
    Some((Promise::race(&js_sys::Array::of2(&ours, &asked)), release))
}

/// A promise, and what resolves it.
fn promise() -> (Promise, Function) {
    let mut resolve = None;
    let promise = Promise::new(&mut |done, _| resolve = Some(done));
    (promise, resolve.unwrap_or_default())
}
