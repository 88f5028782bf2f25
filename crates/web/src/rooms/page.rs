//! The waiting room's page: one big number, one honest range, one bar, and one sentence on what happens
//! next.

use leptos::prelude::*;
use onsale_queue::RoomId;
use onsale_queue::wire::PublicRoom;

use super::check::Fairness;
use super::rush::RushBox;
use super::say;
use super::side::{Bell, Code, Device, GiveUp};
use super::stage::Stage;
use super::turn::{Inside, Turn};
use super::visitor::{Barred, Doing, Visitor};
use super::wishes::WishesForm;
use crate::browser;
use crate::components::countdown::{ClockFace, use_now_ms};
use crate::components::keyboard;
use crate::components::load::{Failed, Skeleton};
use crate::components::notice::{Notice, Tone};
use crate::components::page::announce;
use crate::components::{Icon, Sign};
use crate::format::{self, Detail};
use crate::i18n::{I18n, RoomTexts, count, fill, use_i18n};
use crate::pages::not_found::NotFound;
use crate::way::use_part;
use crate::words;

type Key = fn(&'static RoomTexts) -> &'static str;

#[component]
pub(crate) fn RoomPage() -> impl IntoView {
    let named = use_part::<RoomId>("id");
    let id = Memo::new(move |_| Some(named.get()?.to_hex()));
    move || match id.get() {
        None => view! { <NotFound/> }.into_any(),
        Some(id) => view! { <Waiting id/> }.into_any(),
    }
}

#[component]
fn Waiting(id: String) -> impl IntoView {
    let i18n = use_i18n();
    let visitor = Visitor::begin(id, i18n);
    announce(move || title(visitor));
    let heard = Memo::new(move |_| visitor.room.with(Option::is_some));
    move || {
        if heard.get() {
            return view! { <Heard visitor/> }.into_any();
        }
        match visitor.failed.get() {
            None => view! { <Skeleton class="skeleton--narrow"/> }.into_any(),
            Some(failure) if failure.is_not_found() => view! { <NotFound/> }.into_any(),
            Some(failure) => view! { <Failed failure retry=move |()| visitor.look()/> }.into_any(),
        }
    }
}

/// What the tab says: the place first, so that it is read in a narrow one.
fn title(visitor: Visitor) -> String {
    let (lang, t) = (visitor.i18n.lang(), visitor.i18n.room_t());
    let name = visitor
        .room
        .with(|room| room.as_ref().map(|room| room.public.name.clone()))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| t.brand.to_owned());
    if visitor.visit.with(Option::is_some) {
        return format!("{} · {name}", t.inside_title);
    }
    match visitor.stage.get() {
        Some(Stage::InLine { ahead, .. }) => format!("{} · {name}", say::number(lang, ahead)),
        Some(Stage::Turn { .. }) => format!("{} · {name}", t.turn_title),
        _ => name,
    }
}

/// What is shown large. Only a change of kind makes the page anew; numbers move in place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Inside,
    Barred(Barred),
    Joining,
    Gathered { opens_ms: Option<i64> },
    Drawing,
    InLine,
    Turn,
    Stage(Stage),
}

/// The heading of what is shown large: there the keyboard goes when what it stood on has gone.
pub(super) const NOW: &str = "room-now";

#[component]
fn Heard(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    let shown = Memo::new(move |_| {
        if visitor.visit.with(Option::is_some) {
            return Shown::Inside;
        }
        let stage = visitor.stage.get().unwrap_or(Stage::Unknown);
        let over = matches!(stage, Stage::Closed | Stage::Quiet);
        match (visitor.barred.get(), stage) {
            (Some(barred), _) if !over => Shown::Barred(barred),
            (_, Stage::Joinable) => Shown::Joining,
            (_, Stage::Gathered { opens_ms, .. }) => Shown::Gathered { opens_ms },
            (_, Stage::Drawing { .. }) => Shown::Drawing,
            (_, Stage::InLine { .. }) => Shown::InLine,
            (_, Stage::Turn { .. }) => Shown::Turn,
            (_, stage) => Shown::Stage(stage),
        }
    });
    // Whoever was reading further down sees what has become of them, above all that it is their turn.
    let kind = Memo::new(move |_| std::mem::discriminant(&shown.get()));
    Effect::new(move |before: Option<_>| {
        let now = kind.get();
        if before.is_some_and(|before| before != now) {
            browser::window().scroll_to_with_x_and_y(0.0, 0.0);
        }
        now
    });
    keyboard::follow(shown, NOW);
    let name = move || {
        visitor.room.with(|room| {
            room.as_ref()
                .map(|room| room.public.name.clone())
                .unwrap_or_default()
        })
    };
    let waits = move || {
        matches!(
            visitor.stage.get(),
            Some(
                Stage::Gathered { .. }
                    | Stage::Drawing { .. }
                    | Stage::InLine { .. }
                    | Stage::Unknown
            )
        ) && !matches!(shown.get(), Shown::Inside | Shown::Barred(_))
    };
    let demo = Memo::new(move |_| visitor.room.with(|r| r.as_ref().is_some_and(|r| r.demo)));
    view! {
        <div class="page page--narrow room">
            <p class="room__name">
                <span class="room__brand">{i18n.rooms(|t| t.brand)}</span>
                <span>{name}</span>
            </p>
            <p class="visually-hidden" role="status" aria-live="polite">{visitor.said}</p>
            <Show when=move || visitor.lost.get()>
                <Notice tone=Tone::Warn><p>{i18n.rooms(|t| t.lost_line)}</p></Notice>
            </Show>
            <section class="room__stage card">{move || main_view(visitor, shown.get())}</section>
            <Refused visitor/>
            <Message visitor/>
            <Show when=waits>
                <Bell visitor/>
                <WishesForm visitor/>
                <Device visitor/>
            </Show>
            <Fairness visitor/>
            <Show when=move || waits() || matches!(shown.get(), Shown::Stage(Stage::Full | Stage::Early { .. }))>
                <Code visitor/>
            </Show>
            <Show when=move || waits() || matches!(shown.get(), Shown::Stage(Stage::Early { .. }))>
                <div class="room__ways">
                    <LookMeanwhile visitor/>
                    <Show when=waits><GiveUp visitor/></Show>
                </div>
            </Show>
            <Show when=move || demo.get()><RushBox visitor/></Show>
        </div>
    }
}

fn main_view(visitor: Visitor, shown: Shown) -> AnyView {
    let i18n = visitor.i18n;
    match shown {
        Shown::Inside => view! { <Inside visitor/> }.into_any(),
        Shown::InLine => view! { <InLine visitor/> }.into_any(),
        Shown::Joining => {
            let text = move || match visitor.doing.get() {
                Doing::Working => i18n.room_t().working_text,
                _ => i18n.room_t().joining_text,
            };
            view! {
                <h1 class="room__title" id=NOW tabindex="-1">{i18n.rooms(|t| t.joining_title)}</h1>
                <p class="room__next" role="status">{text}</p>
                <progress class="room__bar" aria-label=i18n.rooms(|t| t.joining_title)></progress>
            }
            .into_any()
        }
        Shown::Barred(Barred::GaveUp) => {
            word(visitor, |t| t.gone_title, |t| t.gone_text, Some(Go::Join))
        }
        Shown::Barred(Barred::Used) => {
            word(visitor, |t| t.used_title, |t| t.used_text, Some(Go::Join))
        }
        Shown::Barred(Barred::SignIn) => word(
            visitor,
            |t| t.sign_in_title,
            |t| t.sign_in_text,
            Some(Go::SignIn),
        ),
        Shown::Stage(Stage::Quiet) => word(
            visitor,
            |t| t.quiet_title,
            |t| t.quiet_text,
            Some(Go::Performance),
        ),
        Shown::Stage(Stage::Early {
            gathers_ms,
            opens_ms,
        }) => early(i18n, gathers_ms, opens_ms),
        Shown::Stage(Stage::BetweenDraws | Stage::Joinable) => {
            word(visitor, |t| t.drawing_title, |t| t.next_drawing, None)
        }
        Shown::Stage(Stage::Full) => word(
            visitor,
            |t| t.full_title,
            |t| t.full_text,
            Some(Go::Performance),
        ),
        Shown::Gathered { opens_ms } => gathered(visitor, opens_ms),
        Shown::Drawing => drawing(visitor),
        Shown::Turn => view! { <Turn visitor/> }.into_any(),
        Shown::Stage(Stage::TurnOver) => word(
            visitor,
            |t| t.turn_over_title,
            |t| t.turn_over_text,
            Some(Go::Join),
        ),
        Shown::Stage(Stage::Closed) => word(
            visitor,
            |t| t.closed_title,
            |t| t.closed_text,
            Some(Go::Performance),
        ),
        Shown::Stage(
            Stage::Unknown
            | Stage::InLine { .. }
            | Stage::Gathered { .. }
            | Stage::Drawing { .. }
            | Stage::Turn { .. },
        ) => word(visitor, |t| t.unknown_title, |t| t.unknown_text, None),
    }
}

/// The way on from a page that only says something.
#[derive(Clone, Copy)]
enum Go {
    Join,
    Performance,
    SignIn,
}

fn word(visitor: Visitor, title: Key, text: Key, go: Option<Go>) -> AnyView {
    let i18n = visitor.i18n;
    let way = go.map(|go| match go {
        Go::Join => view! {
            <button type="button" class="button button--primary button--large" on:click=move |_| visitor.join_again()>
                {i18n.rooms(|t| t.join_again)}
            </button>
        }
        .into_any(),
        Go::Performance => {
            let href = move || {
                let on = visitor.room.with(|room| room.as_ref().is_some_and(|room| room.public.on));
                // Behind a room that is on the seats can only be looked at.
                let look = if on { format!("?{}", super::gate::LOOK) } else { String::new() };
                visitor.performance().map_or_else(|| "/".to_owned(), |id| format!("/performances/{id}{look}"))
            };
            view! {
                <a class="button button--primary button--large" href=href>
                    {i18n.rooms(|t| t.see_performance)}<Icon sign=Sign::Arrow/>
                </a>
            }
            .into_any()
        }
        Go::SignIn => {
            let next = format!("/sign-in?next=/rooms/{}", visitor.room_id());
            view! {
                <a class="button button--primary button--large" href=next>{i18n.rooms(|t| t.sign_in_go)}</a>
            }
            .into_any()
        }
    });
    view! {
        <h1 class="room__title" id=NOW tabindex="-1">{i18n.rooms(title)}</h1>
        <p class="room__next">{i18n.rooms(text)}</p>
        {way.map(|way| view! { <p class="room__go">{way}</p> })}
    }
    .into_any()
}

/// A time of day, or a day and time where it is another day.
fn when(i18n: I18n, ms: i64) -> String {
    let lang = i18n.lang();
    let soon = (ms - browser::now_ms()).abs() < 12 * 3_600_000;
    let detail = if soon { Detail::Clock } else { Detail::Short };
    format::instant(lang, ms, detail, None)
}

#[component]
fn Countdown(until_ms: i64, #[prop(into)] label: Signal<&'static str>) -> impl IntoView {
    let now = use_now_ms();
    let left = Signal::derive(move || until_ms - now.get());
    view! {
        <p class="room__clock" hidden=move || left.get() <= 0>
            <span class="room__label">{label}</span>
            <ClockFace left_ms=left/>
        </p>
    }
}

fn early(i18n: I18n, gathers_ms: Option<i64>, opens_ms: Option<i64>) -> AnyView {
    let text = move || {
        let t = i18n.room_t();
        match (gathers_ms, opens_ms) {
            (Some(ms), _) => fill(t.early_gathers, &[("when", &when(i18n, ms))]),
            (None, Some(ms)) => fill(t.early_opens, &[("when", &when(i18n, ms))]),
            (None, None) => t.early_later.to_owned(),
        }
    };
    let until = gathers_ms.or(opens_ms);
    view! {
        <h1 class="room__title" id=NOW tabindex="-1">{i18n.rooms(|t| t.early_title)}</h1>
        {until.map(|until_ms| view! {
            <Countdown until_ms label=Signal::derive(i18n.rooms(|t| t.opens_in))/>
        })}
        <p class="room__next">{text}</p>
    }
    .into_any()
}

/// How many have gathered, in words.
fn here(visitor: Visitor) -> impl Fn() -> String + Copy + Send + Sync + 'static {
    let i18n = visitor.i18n;
    let here = Memo::new(move |before: Option<&u64>| match visitor.stage.get() {
        Some(Stage::Gathered { here, .. } | Stage::Drawing { here }) => here,
        _ => before.copied().unwrap_or(1),
    });
    move || {
        let t = i18n.room_t();
        match u32::try_from(here.get()) {
            Ok(1) => count(1, t.gathered_one, t.gathered_n),
            _ => fill(
                t.gathered_n,
                &[("n", &say::number(i18n.lang(), here.get()))],
            ),
        }
    }
}

fn gathered(visitor: Visitor, opens_ms: Option<i64>) -> AnyView {
    let i18n = visitor.i18n;
    let text = move || {
        let t = i18n.room_t();
        match opens_ms {
            Some(ms) => fill(t.next_gathered, &[("when", &when(i18n, ms))]),
            None => t.next_gathered_open.to_owned(),
        }
    };
    view! {
        <h1 class="room__title" id=NOW tabindex="-1">{i18n.rooms(|t| t.gathered_title)}</h1>
        {opens_ms.map(|until_ms| view! {
            <Countdown until_ms label=Signal::derive(i18n.rooms(|t| t.draw_in))/>
        })}
        <p class="room__ahead">{here(visitor)}</p>
        <p class="room__next">{text}</p>
    }
    .into_any()
}

fn drawing(visitor: Visitor) -> AnyView {
    let i18n = visitor.i18n;
    view! {
        <h1 class="room__title" id=NOW tabindex="-1">{i18n.rooms(|t| t.drawing_title)}</h1>
        <progress class="room__bar" aria-label=i18n.rooms(|t| t.drawing_title)></progress>
        <p class="room__ahead">{here(visitor)}</p>
        <p class="room__next">{i18n.rooms(|t| t.next_drawing)}</p>
    }
    .into_any()
}

/// The heart of it.
#[component]
fn InLine(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    let line = Memo::new(
        move |before: Option<&(u64, u64, Option<onsale_queue::Estimate>)>| match visitor.stage.get()
        {
            Some(Stage::InLine {
                ahead,
                waiting,
                estimate,
            }) => (ahead, waiting, estimate),
            _ => before.copied().unwrap_or((1, 1, None)),
        },
    );
    let began = move || {
        let ahead = line.get().0;
        let kept = visitor
            .place
            .with(|kept| kept.as_ref().and_then(|kept| kept.began_at));
        kept.unwrap_or(ahead).max(ahead)
    };
    let with_room = move |say: fn(crate::i18n::Lang, &PublicRoom) -> String| {
        visitor
            .room
            .with(|room| room.as_ref().map(|room| say(i18n.lang(), &room.public)))
    };
    let stands = move || line.get().2.is_none();
    view! {
        <h1 class="room__place" id=NOW tabindex="-1">
            <span class="room__label">{i18n.rooms(|t| t.your_place)}</span>
            <span class="room__number tabular">{move || say::number(i18n.lang(), line.get().0)}</span>
        </h1>
        <p class="room__ahead">{move || {
            let (ahead, waiting, _) = line.get();
            say::before(i18n.room_t(), ahead, waiting, &|n| say::number(i18n.lang(), n))
        }}</p>
        <progress class="room__bar" class:room__bar--still=stands
            max=move || began().to_string() value=move || (began() - line.get().0).to_string()
            aria-label=i18n.rooms(|t| t.progress)></progress>
        <p class="room__wait">{move || say::wait(i18n.lang(), line.get().2)}</p>
        <p class="room__between">{move || {
            let estimate = line.get().2?;
            Some(say::between(i18n.lang(), estimate, browser::now_ms()))
        }}</p>
        <p class="room__next">{move || with_room(say::next)}</p>
        <p class="room__moved">{move || visitor.moved.get().filter(|_| !visitor.lost.get()).map(|moved| {
            say::moved(i18n.room_t(), moved, &|n| say::number(i18n.lang(), n))
        })}</p>
    }
}

#[component]
fn Refused(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    view! {
        <div role="status">
            {move || visitor.refused.get().map(|failure| {
                let said = words::of_failure(&failure, i18n.t());
                view! {
                    <Notice tone=Tone::Warn>
                        <p>{said}</p>
                        {move || visitor.tries_again().then(|| view! { <p>{i18n.rooms(|t| t.trying_again)}</p> })}
                    </Notice>
                }
            })}
        </div>
    }
}

/// The operator's word to all who wait.
#[component]
fn Message(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    let message = Memo::new(move |_| {
        visitor.room.with(|room| {
            room.as_ref()
                .map(|room| room.public.message.clone())
                .unwrap_or_default()
        })
    });
    view! {
        <div role="status">
            {move || Some(message.get()).filter(|text| !text.is_empty()).map(|text| view! {
                <Notice tone=Tone::Plain>
                    <p class="room__from">{i18n.rooms(|t| t.message_from)}</p>
                    <p class="room__message">{text}</p>
                </Notice>
            })}
        </div>
    }
}

#[component]
fn LookMeanwhile(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    move || {
        visitor.performance().map(|id| {
            view! {
                <a class="button button--quiet" href=format!("/performances/{id}?{}", super::gate::LOOK)>
                    {i18n.rooms(|t| t.look_seats)}
                </a>
            }
        })
    }
}
