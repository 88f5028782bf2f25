//! Which page of the console an address leads to.

use leptos::prelude::*;
use onsale_queue::RoomId;

use super::room::RoomConsole;
use super::rooms::Rooms;
use super::simulator::SimulatorPage;
use crate::pages::not_found::NotFound;

#[derive(Clone, PartialEq, Eq, Debug)]
enum Page {
    Rooms,
    Room(String),
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
        assert_eq!(page("/operator/simulator"), Page::Simulator);
        assert_eq!(page("/tickets"), Page::Nothing);
    }
}
