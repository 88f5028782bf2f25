//! A piece of news on a page: what happened, what it means, what can be done.

use leptos::prelude::*;

use super::{Icon, Sign};

/// How it is meant. Each has its own sign, so that colour is never alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "notice",
            Self::Good => "notice notice--good",
            Self::Warn => "notice notice--warn",
            Self::Bad => "notice notice--bad",
        }
    }
    const fn sign(self) -> Sign {
        match self {
            Self::Plain => Sign::Info,
            Self::Good => Sign::Check,
            Self::Warn => Sign::Clock,
            Self::Bad => Sign::Alert,
        }
    }
}

/// A notice. Put it into a live region where it appears without the reader asking.
#[component]
pub(crate) fn Notice(tone: Tone, children: Children) -> impl IntoView {
    view! {
        <div class=tone.class()>
            <Icon sign=tone.sign()/>
            <div class="notice__body">{children()}</div>
        </div>
    }
}
