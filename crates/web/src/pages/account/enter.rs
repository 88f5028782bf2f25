//! Signing in and registering: one form, two pages.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::entry::{Entry, EntryField, Kind, first_fault};
use super::{News, Said, go, words_for};
use crate::api::{self, Credentials};
use crate::browser;
use crate::components::notice::{Notice, Tone};
use crate::components::page::announce;
use crate::i18n::{AccountTexts, use_i18n};
use crate::way::use_way;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    SignIn,
    Register,
}

impl Way {
    const fn title(self, texts: &'static AccountTexts) -> &'static str {
        match self {
            Self::SignIn => texts.sign_in_title,
            Self::Register => texts.register_title,
        }
    }
    const fn text(self, texts: &'static AccountTexts) -> &'static str {
        match self {
            Self::SignIn => texts.sign_in_text,
            Self::Register => texts.register_text,
        }
    }
    const fn button(self, texts: &'static AccountTexts, busy: bool) -> &'static str {
        match (self, busy) {
            (Self::SignIn, false) => texts.sign_in,
            (Self::SignIn, true) => texts.signing_in,
            (Self::Register, false) => texts.register,
            (Self::Register, true) => texts.registering,
        }
    }
    /// The page for who is wrong here.
    const fn other(self, texts: &'static AccountTexts) -> (&'static str, &'static str) {
        match self {
            Self::SignIn => ("/register", texts.no_account_yet),
            Self::Register => ("/sign-in", texts.have_account),
        }
    }
}

#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    view! { <Enter way=Way::SignIn/> }
}

#[component]
pub(crate) fn RegisterPage() -> impl IntoView {
    view! { <Enter way=Way::Register/> }
}

/// Where to go afterwards: a page of ours that sent the reader here, else the account's.
fn next_page(wanted: Option<&str>) -> String {
    let ours = |path: &&str| {
        let mut signs = path.chars();
        // `//elsewhere.example` and `/\elsewhere.example` are other sites.
        signs.next() == Some('/')
            && !matches!(signs.next(), Some('/' | '\\'))
            // Browsers leave tabs and line ends out, and what is left may be another site.
            && !path.contains(char::is_control)
    };
    wanted.filter(ours).unwrap_or("/account").to_owned()
}

#[component]
fn Enter(way: Way) -> impl IntoView {
    let i18n = use_i18n();
    announce(move || way.title(i18n.accounts_t()).to_owned());
    let here = use_way();
    let wanted = move || here.asked("next");
    let email = Entry::new("email", Kind::Email);
    let password = Entry::new(
        "password",
        match way {
            Way::SignIn => Kind::Current,
            Way::Register => Kind::New,
        },
    );
    let busy = RwSignal::new(false);
    let refused = RwSignal::new(None::<String>);
    let owner = Owner::current();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if busy.get_untracked() {
            return;
        }
        refused.set(None);
        if let Some(id) = first_fault(&[email, password], i18n) {
            browser::focus(id);
            return;
        }
        busy.set(true);
        let owner = owner.clone();
        let next = next_page(untrack(wanted).as_deref());
        spawn_local(async move {
            let ask = Credentials {
                email: email.value(),
                password: password.value(),
            };
            let answer = match way {
                Way::SignIn => api::sign_in(&ask).await,
                Way::Register => api::register(&ask).await,
            };
            match answer {
                Ok(entered) => {
                    if let Some(notice) = entered.notice {
                        News::TriedToRegister(notice.registrations).keep();
                    } else if entered.adopted_orders > 0 {
                        News::CameAlong(entered.adopted_orders).keep();
                    }
                    if let Some(owner) = owner {
                        owner.with(|| go(&next));
                    }
                }
                Err(failure) => {
                    let _ = refused.try_set(Some(words_for(&failure, i18n)));
                    let _ = busy.try_set(false);
                }
            }
        });
    };
    let other = move || {
        let (path, words) = way.other(i18n.accounts_t());
        let path = match wanted() {
            Some(next) => format!("{path}?next={}", js_sys::encode_uri_component(&next)),
            None => path.to_owned(),
        };
        view! { <a class="button button--quiet" href=path>{words}</a> }
    };
    view! {
        <div class="page page--narrow account">
            <div class="page__head">
                <h1 class="display">{move || way.title(i18n.accounts_t())}</h1>
                <p class="lede">{move || way.text(i18n.accounts_t())}</p>
            </div>
            <Said/>
            <form class="fields account__form" on:submit=submit novalidate=true>
                <EntryField entry=email label=Signal::derive(move || i18n.accounts_t().email)/>
                <EntryField entry=password label=Signal::derive(move || i18n.accounts_t().password)/>
                <div role="alert">
                    {move || refused.get().map(|said| view! { <Notice tone=Tone::Bad><p>{said}</p></Notice> })}
                </div>
                <div class="account__ways">
                    <button type="submit" class="button button--primary" aria-disabled=move || busy.get().to_string()>
                        {move || way.button(i18n.accounts_t(), busy.get())}
                    </button>
                    {other}
                </div>
            </form>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_ours_come_after_signing_in() {
        assert_eq!(next_page(Some("/operator?a=b")), "/operator?a=b");
        for other in [
            None,
            Some(""),
            Some("https://elsewhere.example"),
            Some("//elsewhere.example"),
            Some("/\\elsewhere.example"),
            Some("/\t/elsewhere.example"),
            Some("/\n\\elsewhere.example"),
            Some("javascript:alert(1)"),
        ] {
            assert_eq!(next_page(other), "/account", "{other:?}");
        }
    }
}
