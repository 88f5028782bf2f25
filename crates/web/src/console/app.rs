//! Which page of the console an address leads to.

use booking_core::PerformanceId;
use leptos::prelude::*;
use onsale_queue::RoomId;

use super::room::RoomConsole;
use super::rooms::Rooms;
use super::sale::SalePage;
use super::sales::SalesPage;
use super::simulator::SimulatorPage;
use crate::pages::not_found::NotFound;

#[derive(Clone, PartialEq, Eq, Debug)]
enum Page {
    Rooms,
    Room(String),
    Sales,
    Sale(PerformanceId),
    Simulator,
    Nothing,
}

fn page(path: &str) -> Page {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts[..] {
        ["operator"] | ["operator", "rooms"] => Page::Rooms,
        ["operator", "rooms", id] => match id.parse::<RoomId>() {
            Ok(id) => Page::Room(id.to_hex()),
            Err(_) => Page::Nothing,
        },
        ["operator", "sales"] => Page::Sales,
        ["operator", "sales", id] => id.parse().map_or(Page::Nothing, Page::Sale),
        ["operator", "simulator"] => Page::Simulator,
        _ => Page::Nothing,
    }
}

#[component]
pub(super) fn Console(path: RwSignal<String>) -> impl IntoView {
    let shown = Memo::new(move |_| path.with(|path| page(path)));
    move || match shown.get() {
        Page::Rooms => view! { <Rooms/> }.into_any(),
        Page::Room(id) => view! { <RoomConsole id/> }.into_any(),
        Page::Sales => view! { <SalesPage/> }.into_any(),
        Page::Sale(id) => view! { <SalePage id/> }.into_any(),
        Page::Simulator => view! { <SimulatorPage/> }.into_any(),
        Page::Nothing => view! { <NotFound/> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_pages() {
        let id = "0192f3a00000700080000000000000ff";
        assert_eq!(page("/operator"), Page::Rooms);
        assert_eq!(page("/operator/rooms/"), Page::Rooms);
        assert_eq!(
            page(&format!("/operator/rooms/{id}")),
            Page::Room(id.into())
        );
        assert_eq!(page("/operator/rooms/seven"), Page::Nothing);
        assert_eq!(page("/operator/sales"), Page::Sales);
        let show = "00000000-0000-0000-0000-000000000005";
        assert_eq!(
            page(&format!("/operator/sales/{show}")),
            Page::Sale(PerformanceId::from_u128(5))
        );
        assert_eq!(page("/operator/sales/five"), Page::Nothing);
        assert_eq!(page("/operator/simulator"), Page::Simulator);
        assert_eq!(page("/tickets"), Page::Nothing);
    }
}
