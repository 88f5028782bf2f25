//! Sound and notification when it is their turn: off until asked for. The sound is made here, so nothing
//! is fetched for it.

use std::cell::RefCell;

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AudioContext, AudioContextState, Notification, NotificationOptions, NotificationPermission,
};

use crate::browser::{self, Store};

const SOUND_KEPT_AS: &str = "onsale.bell.sound";
const NOTICE_KEPT_AS: &str = "onsale.bell.notice";

thread_local! {
    static CONTEXT: RefCell<Option<AudioContext>> = const { RefCell::new(None) };
}

pub(super) fn wants_sound() -> bool {
    browser::recall(Store::Lasting, SOUND_KEPT_AS).is_some()
}

pub(super) fn wants_notice() -> bool {
    browser::recall(Store::Lasting, NOTICE_KEPT_AS).is_some()
        && Notification::permission() == NotificationPermission::Granted
}

/// Switches the sound; switching it on plays it once, which also is what lets a browser play it later.
pub(super) fn set_sound(on: bool) {
    if on {
        browser::remember(Store::Lasting, SOUND_KEPT_AS, "1");
        let _ = ring();
    } else {
        browser::forget(Store::Lasting, SOUND_KEPT_AS);
    }
}

/// After a reload a browser plays nothing until the page was touched: any touch makes it ready.
pub(super) fn make_ready() {
    if wants_sound() {
        let _ = context().map(|context| context.resume());
    }
}

/// Switches the notification; `false` where the browser does not allow it.
pub(super) async fn set_notice(on: bool) -> bool {
    if !on {
        browser::forget(Store::Lasting, NOTICE_KEPT_AS);
        return true;
    }
    if let Ok(asked) = Notification::request_permission() {
        let _ = JsFuture::from(asked).await;
    }
    let granted = Notification::permission() == NotificationPermission::Granted;
    if granted {
        browser::remember(Store::Lasting, NOTICE_KEPT_AS, "1");
    }
    granted
}

/// Shows the notification.
pub(super) fn notify(title: &str, body: &str) {
    let options = NotificationOptions::new();
    options.set_body(body);
    options.set_tag("onsale-turn");
    // Some phones allow them only from a service worker; the sound and the title remain.
    let _ = Notification::new_with_options(title, &options);
}

/// Whether a sound would be heard: a browser plays nothing for a page that was never touched.
pub(super) fn can_play() -> bool {
    context().is_ok_and(|context| context.state() == AudioContextState::Running)
}

/// Plays the sound.
pub(super) fn play() {
    let _ = ring();
}

fn context() -> Result<AudioContext, JsValue> {
    CONTEXT.with_borrow_mut(|kept| match kept {
        Some(context) => Ok(context.clone()),
        None => {
            let context = AudioContext::new()?;
            *kept = Some(context.clone());
            Ok(context)
        }
    })
}

/// Three soft notes.
fn ring() -> Result<(), JsValue> {
    let context = context()?;
    let _ = context.resume()?;
    let start = context.current_time() + 0.05;
    for (step, hertz) in [523.25_f32, 659.25, 783.99].into_iter().enumerate() {
        let at = start + 0.22 * step as f64;
        let note = context.create_oscillator()?;
        let loudness = context.create_gain()?;
        note.frequency().set_value(hertz);
        let gain = loudness.gain();
        gain.set_value_at_time(0.0001, at)?;
        gain.exponential_ramp_to_value_at_time(0.2, at + 0.03)?;
        gain.exponential_ramp_to_value_at_time(0.0001, at + 0.5)?;
        note.connect_with_audio_node(&loudness)?;
        loudness.connect_with_audio_node(&context.destination())?;
        note.start_with_when(at)?;
        note.stop_with_when(at + 0.55)?;
    }
    Ok(())
}
