//! How long the seats are still held: a clock that is quiet until two minutes are left, then says so
//! once, in words, with the extension that there is.

use leptos::prelude::*;

use super::countdown::{ClockFace, Phase, use_countdown};
use super::notice::{Notice, Tone};
use super::{Icon, Sign};
use crate::i18n::{count, use_i18n};

/// Whole minutes that one more extension gives, rounded down; `None` where the hold is at its maximum.
pub(crate) fn extension_minutes(
    expires_ms: i64,
    max_expires_ms: i64,
    extension_ms: i64,
) -> Option<u32> {
    let gained = extension_ms.min(max_expires_ms - expires_ms);
    u32::try_from(gained / 60_000)
        .ok()
        .filter(|minutes| *minutes > 0)
}

/// The clock of one hold.
#[component]
pub(crate) fn HoldClock(
    /// When it ends, by the server's clock.
    #[prop(into)]
    expires_ms: Signal<i64>,
    /// Whole minutes that there are to be had; see [`extension_minutes`].
    #[prop(into)]
    extension: Signal<Option<u32>>,
    /// Whether one is being asked for.
    #[prop(into)]
    extending: Signal<bool>,
    /// Asks for it.
    #[prop(into)]
    on_extend: Callback<()>,
    /// Called once, when the time is up.
    #[prop(into)]
    on_over: Callback<()>,
) -> impl IntoView {
    let i18n = use_i18n();
    let (left, phase) = use_countdown(expires_ms);
    Effect::new(move || {
        if phase.get() == Phase::Over {
            on_over.run(());
        }
    });
    // Said once more time was given, until the warning comes again.
    let longer = Memo::new(move |before: Option<&(i64, bool)>| {
        let now = expires_ms.get();
        let (then, already) = before.copied().unwrap_or((now, false));
        (now, already || now > then)
    });
    let ending = move || phase.get() == Phase::Ending;
    view! {
        <div class="hold-clock" class:hold-clock--ending=ending>
            <p class="hold-clock__line">
                <Icon sign=Sign::Clock/>
                <span>{i18n.say(|t| t.held_for_you)}</span>
                <ClockFace left_ms=left/>
            </p>
            <div role="status">
                <Show when=move || longer.get().1 && phase.get() == Phase::Quiet>
                    <Notice tone=Tone::Good><p>{i18n.say(|t| t.more_time)}</p></Notice>
                </Show>
                <Show when=ending>
                    <Notice tone=Tone::Warn>
                        <p>{i18n.say(|t| t.two_minutes_left)}</p>
                        {move || extension.get().map(|minutes| view! {
                            <button type="button" class="button" aria-disabled=move || extending.get().to_string()
                                on:click=move |_| if !extending.get_untracked() { on_extend.run(()) }
                            >
                                {move || if extending.get() {
                                    i18n.t().extending.to_owned()
                                } else {
                                    count(minutes, i18n.t().extend_by_one, i18n.t().extend_by)
                                }}
                            </button>
                        })}
                    </Notice>
                </Show>
            </div>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::extension_minutes;

    const MINUTE: i64 = 60_000;

    #[test]
    fn an_extension_never_promises_more_than_the_maximum() {
        assert_eq!(
            extension_minutes(10 * MINUTE, 20 * MINUTE, 5 * MINUTE),
            Some(5)
        );
        assert_eq!(
            extension_minutes(17 * MINUTE, 20 * MINUTE, 5 * MINUTE),
            Some(3)
        );
        assert_eq!(
            extension_minutes(20 * MINUTE, 20 * MINUTE, 5 * MINUTE),
            None
        );
        assert_eq!(
            extension_minutes(20 * MINUTE - 1, 20 * MINUTE, 5 * MINUTE),
            None
        );
    }
}
