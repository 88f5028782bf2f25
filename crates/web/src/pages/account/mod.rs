//! The account's own pages: signing in, registering, and what can be changed.
//!
//! Each form is one that a password manager knows: a real form with a submit, the address as
//! `username`, passwords as `current-password` and `new-password`.

mod change;
mod enter;
mod entry;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{self, Account, Failure, Role, WhoAmI};
use crate::browser::{self, Store};
use crate::components::load::{Failed, Skeleton};
use crate::components::notice::{Notice, Tone};
use crate::components::page::announce;
use crate::components::{Icon, Sign};
use crate::i18n::{AccountTexts, I18n, count, fill, use_i18n};
use crate::way::use_way;
use crate::words;
use change::ChangePassword;
pub(crate) use enter::{RegisterPage, SignInPage};

/// Under which a page keeps what the next one has to say.
const SAID: &str = "onsale.account.said";

/// What tells attempts to register from orders that came along.
const TRIED: &str = "tried ";

/// A piece of news for the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    SignedOut,
    SignedOutEverywhere,
    SessionEnded,
    /// So many orders came along.
    CameAlong(u32),
    /// Somebody tried to register with this address, so often.
    TriedToRegister(u32),
}

impl News {
    fn keep(self) {
        let text = match self {
            Self::SignedOut => "out".to_owned(),
            Self::SignedOutEverywhere => "everywhere".to_owned(),
            Self::SessionEnded => "ended".to_owned(),
            Self::CameAlong(orders) => orders.to_string(),
            Self::TriedToRegister(times) => format!("{TRIED}{times}"),
        };
        browser::remember(Store::Tab, SAID, &text);
    }

    /// What the page before had to say; once.
    fn take() -> Option<Self> {
        let text = browser::recall(Store::Tab, SAID)?;
        browser::forget(Store::Tab, SAID);
        match text.as_str() {
            "out" => Some(Self::SignedOut),
            "everywhere" => Some(Self::SignedOutEverywhere),
            "ended" => Some(Self::SessionEnded),
            other => {
                let (number, news): (_, fn(u32) -> Self) = match other.strip_prefix(TRIED) {
                    Some(times) => (times, Self::TriedToRegister),
                    None => (other, Self::CameAlong),
                };
                number.parse().ok().filter(|n| *n > 0).map(news)
            }
        }
    }

    fn words(self, texts: &'static AccountTexts) -> String {
        match self {
            Self::SignedOut => texts.signed_out.to_owned(),
            Self::SignedOutEverywhere => texts.signed_out_everywhere.to_owned(),
            Self::SessionEnded => texts.ask_again.to_owned(),
            Self::CameAlong(orders) => count(orders, texts.came_along_one, texts.came_along_many),
            Self::TriedToRegister(times) => count(times, texts.tried_one, texts.tried_many),
        }
    }
}

/// What the page before had to say.
#[component]
fn Said() -> impl IntoView {
    let i18n = use_i18n();
    let news = News::take();
    view! {
        <div role="status">
            {news.map(|news| {
                let tone = match news {
                    News::SessionEnded => Tone::Plain,
                    News::TriedToRegister(_) => Tone::Warn,
                    News::SignedOut | News::SignedOutEverywhere | News::CameAlong(_) => Tone::Good,
                };
                view! { <Notice tone><p>{move || news.words(i18n.accounts_t())}</p></Notice> }
            })}
        </div>
    }
}

/// Why a form came to nothing, in words.
fn words_for(failure: &Failure, i18n: I18n) -> String {
    let lang = i18n.lang_now();
    let (texts, own) = (lang.texts(), lang.account_texts());
    let Failure::Problem(problem) = failure else {
        return words::of_failure(failure, texts);
    };
    match problem.code.as_str() {
        "sign_in_failed" => own.failed.to_owned(),
        "account_exists" => own.exists.to_owned(),
        "sign_in_needed" => own.ask_again.to_owned(),
        "too_many_attempts" => {
            let seconds = problem.retry_after_s.unwrap_or(1).max(1);
            let wait = count(seconds, texts.wait_second, texts.wait_seconds);
            format!("{} {wait}", own.attempts)
        }
        "malformed" => match (problem.text("at"), problem.text("what")) {
            (Some("email"), _) => texts.email_not_whole.to_owned(),
            (_, Some(what)) if what.contains("at least") => own.password_short.to_owned(),
            (_, Some(what)) if what.contains("at most") => own.password_long.to_owned(),
            _ => own.password_common.to_owned(),
        },
        _ => words::of_failure(failure, texts),
    }
}

/// Goes to another page, leaving this one out of the history.
fn go(to: &str) {
    use_way().replace(to);
}

#[component]
pub(crate) fn AccountPage() -> impl IntoView {
    let i18n = use_i18n();
    announce(move || i18n.accounts_t().title.to_owned());
    let found = LocalResource::new(api::who_am_i);
    let again = Callback::new(move |()| found.refetch());
    move || match found.get() {
        None => view! { <Skeleton class="skeleton--narrow"/> }.into_any(),
        Some(Err(failure)) => view! { <Failed failure retry=again/> }.into_any(),
        Some(Ok(WhoAmI {
            account: Some(account),
            sessions,
        })) => view! { <Shown account sessions/> }.into_any(),
        Some(Ok(WhoAmI { account: None, .. })) => {
            go("/sign-in");
            view! { <Skeleton class="skeleton--narrow"/> }.into_any()
        }
    }
}

const fn role_word(role: Role, texts: &'static AccountTexts) -> &'static str {
    match role {
        Role::Fan => texts.role_fan,
        Role::Organiser => texts.role_organiser,
        Role::Operator => texts.role_operator,
        Role::Door => texts.role_door,
        Role::Admin => texts.role_admin,
    }
}

#[component]
fn Shown(account: Account, sessions: u32) -> impl IntoView {
    let i18n = use_i18n();
    let role = account.role;
    let sessions = RwSignal::new(sessions);
    let email = account.email.clone();
    let who = move || fill(i18n.accounts_t().signed_in_as, &[("email", &email)]);
    let browsers = move || {
        let t = i18n.accounts_t();
        count(sessions.get(), t.browsers_one, t.browsers_many)
    };
    view! {
        <div class="page page--narrow account">
            <div class="page__head">
                <h1 class="display">{move || i18n.accounts_t().title}</h1>
                <p class="lede account__who">{who}</p>
                {(role != Role::Fan).then(|| view! {
                    <p><span class="chip"><Icon sign=Sign::Shield/>{move || role_word(role, i18n.accounts_t())}</span></p>
                })}
                <p class="account__ways">
                    <a class="button" href="/tickets"><Icon sign=Sign::Ticket/>{move || i18n.accounts_t().to_tickets}</a>
                    {matches!(role, Role::Operator | Role::Admin).then(|| view! {
                        <a class="button" href="/operator"><Icon sign=Sign::Clock/>{move || i18n.accounts_t().to_rooms}</a>
                    })}
                    {matches!(role, Role::Organiser | Role::Operator | Role::Admin).then(|| view! {
                        <a class="button" href="/operator/sales"><Icon sign=Sign::Ticket/>{move || i18n.accounts_t().to_sales}</a>
                    })}
                </p>
            </div>
            <Said/>
            <ChangePassword email=account.email sessions/>
            <section class="step" aria-labelledby="leave-title">
                <h2 class="step__title" id="leave-title">{move || i18n.accounts_t().leave_title}</h2>
                <p class="muted">{browsers}" "{move || i18n.accounts_t().everywhere_text}</p>
                <Leave/>
            </section>
        </div>
    }
}

/// The two ways out.
#[component]
fn Leave() -> impl IntoView {
    let i18n = use_i18n();
    let leaving = RwSignal::new(false);
    let refused = RwSignal::new(None::<String>);
    let owner = Owner::current();
    let leave = move |everywhere: bool| {
        if leaving.get_untracked() {
            return;
        }
        leaving.set(true);
        refused.set(None);
        let owner = owner.clone();
        spawn_local(async move {
            let (done, news) = if everywhere {
                let done = api::sign_out_everywhere().await;
                (done, News::SignedOutEverywhere)
            } else {
                (api::sign_out().await, News::SignedOut)
            };
            match done {
                Ok(()) => {
                    news.keep();
                    if let Some(owner) = owner {
                        owner.with(|| go("/sign-in"));
                    }
                }
                Err(failure) if failure.code() == Some("sign_in_needed") => {
                    News::SessionEnded.keep();
                    if let Some(owner) = owner {
                        owner.with(|| go("/sign-in"));
                    }
                }
                Err(failure) => {
                    let _ = refused.try_set(Some(words_for(&failure, i18n)));
                    let _ = leaving.try_set(false);
                }
            }
        });
    };
    let everywhere = leave.clone();
    view! {
        <div role="alert">
            {move || refused.get().map(|said| view! { <Notice tone=Tone::Bad><p>{said}</p></Notice> })}
        </div>
        <div class="account__ways">
            <button type="button" class="button" on:click=move |_| leave(false)
                aria-disabled=move || leaving.get().to_string()>
                {move || i18n.accounts_t().sign_out}
            </button>
            <button type="button" class="button button--quiet" on:click=move |_| everywhere(true)
                aria-disabled=move || leaving.get().to_string()>
                {move || i18n.accounts_t().everywhere}
            </button>
        </div>
    }
}
