//! The programs: which pages each has, and the frame around them.
//!
//! What a program does not name here is not linked into it, so that nobody fetches what they do not
//! see. Which program the server sends for an address stands in each program's page
//! (`crates/web/pages/*.html`, `<meta name="addresses">`).

use std::time::Duration;

use leptos::prelude::*;

use crate::browser;
use crate::components::chrome::{Footer, Header, OfflineBar};
use crate::console::ConsolePage;
use crate::i18n::I18n;
use crate::map::bench::MapBench;
use crate::pages::account::{AccountPage, RegisterPage, SignInPage};
use crate::pages::checkout::CheckoutPage;
use crate::pages::home::Home;
use crate::pages::order::OrderPage;
use crate::pages::performance::PerformancePage;
use crate::pages::step::StepPage;
use crate::pages::tickets::{OneTicketPage, TicketsPage};
use crate::rooms::bar::ShopBar;
use crate::rooms::gate::WayToRoom;
use crate::rooms::page::RoomPage;
use crate::way::{Route, Routes, Way, prepare};

macro_rules! routes {
    ($($pattern:literal => $page:ident,)*) => {
        &[$(Route { pattern: $pattern, page: || view! { <$page/> }.into_any() },)*]
    };
}

const SHOP: &[Route] = routes! {
    "/" => Home,
    "/performances/:id" => PerformancePage,
};

const ORDERS: &[Route] = routes! {
    "/performances/:id/checkout/:hold" => CheckoutPage,
    "/pay/step/:order" => StepPage,
    "/orders/:order" => OrderPage,
    "/tickets" => TicketsPage,
    "/tickets/:id" => OneTicketPage,
    "/sign-in" => SignInPage,
    "/register" => RegisterPage,
    "/account" => AccountPage,
};

const ROOM: &[Route] = routes! {
    "/rooms/:id" => RoomPage,
};

const CONSOLE: &[Route] = routes! {
    "/operator/*" => ConsolePage,
    "/bench/map" => PractisedMapBench,
};

/// How long a page has been in use before another program is fetched ahead.
const SETTLED: Duration = Duration::from_secs(2);

/// The season, and a performance with its seats.
pub fn shop() {
    crate::map::practice::begin();
    mount(SHOP, around_a_visit);
}

/// Checkout, orders, tickets, and the account.
pub fn orders() {
    mount(ORDERS, around_a_visit);
}

/// The waiting room as a visitor meets it.
pub fn room() {
    prepare("/", SETTLED);
    mount(ROOM, || ().into_any());
}

/// The operators' console and the flight simulator, and what else no fan sees.
pub fn console() {
    mount(CONSOLE, || ().into_any());
}

/// The map as the shop has it: it practises while its data are made.
#[component]
fn PractisedMapBench() -> impl IntoView {
    crate::map::practice::begin();
    view! { <MapBench/> }
}

/// What stands above the pages on which somebody buys.
fn around_a_visit() -> AnyView {
    view! {
        <ShopBar/>
        <WayToRoom/>
    }
    .into_any()
}

/// Takes over the page.
fn mount(routes: &'static [Route], above: fn() -> AnyView) {
    let frame = move || {
        I18n::provide();
        Way::provide(routes);
        view! {
            <Header/>
            <OfflineBar/>
            {above()}
            <main id="main" tabindex="-1"><Routes/></main>
            <Footer/>
        }
    };
    leptos::mount::mount_to(browser::take_over_page(), frame).forget();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which addresses a page asks the server to send it for.
    fn addresses(page: &str) -> Vec<&str> {
        let (_, rest) = page
            .split_once("<meta name=\"addresses\" content=\"")
            .unwrap_or_default();
        let (content, _) = rest.split_once('"').unwrap_or_default();
        content.split_whitespace().collect()
    }

    #[test]
    fn the_server_sends_each_program_for_exactly_its_own_pages() {
        for (page, routes) in [
            (include_str!("../pages/orders.html"), ORDERS),
            (include_str!("../pages/room.html"), ROOM),
            (include_str!("../pages/console.html"), CONSOLE),
        ] {
            let own: Vec<_> = routes.iter().map(|route| route.pattern).collect();
            assert_eq!(addresses(page), own);
        }
        // The shop is what is sent for everything else.
        assert_eq!(addresses(include_str!("../pages/index.html")), [""; 0]);
    }
}
