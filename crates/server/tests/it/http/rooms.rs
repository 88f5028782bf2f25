//! A room in front of the shop: what tests of visitors and operators share.

mod admissions;
mod audit;
mod bounds;
mod claims;
mod faults;
mod joining;
mod limits;
mod operators;
mod pace;
mod polling;
#[cfg(feature = "redis")]
mod redis;
mod shop;

use super::shop::{Fan, Reply, SHOW, Shop};
use booking_core::PerformanceId;
use onsale_queue::wire::RoomSettings;
use onsale_queue::{Action, RoomId};
use onsale_server::rooms::{NewRoom, Patch};
use serde_json::{Value, json};

/// As fast as can be, so that whoever waits is called at the next tick, if there is room.
fn fast(cap: u32) -> RoomSettings {
    RoomSettings {
        name: "The Test".to_owned(),
        rate_per_minute: 60_000,
        cap,
        ..RoomSettings::default()
    }
}

impl Shop {
    /// A room in front of the performance of every test, not open yet.
    async fn room(&self, settings: RoomSettings) -> RoomId {
        let new = NewRoom {
            settings,
            performances: vec![PerformanceId::from(SHOW)],
            ..NewRoom::default()
        };
        self.make_room(new).await
    }

    async fn make_room(&self, new: NewRoom) -> RoomId {
        let made = self.app.services().rooms.make(new, "test").await;
        made.unwrap().id
    }

    /// The same, open.
    async fn open_room(&self, settings: RoomSettings) -> RoomId {
        let room = self.room(settings).await;
        self.act(room, Action::Open).await;
        room
    }

    async fn act(&self, room: RoomId, action: Action) {
        let rooms = &self.app.services().rooms;
        rooms.act(room, action, None, "test").await.unwrap();
    }

    async fn set(&self, room: RoomId, settings: Value) {
        let patch = Patch {
            settings: settings.as_object().unwrap().clone(),
            ..Patch::default()
        };
        let rooms = &self.app.services().rooms;
        rooms.patch(room, patch, "test").await.unwrap();
    }

    /// Time goes by, and rooms tick.
    async fn wait(&self, ms: i64) {
        let rooms = &self.app.services().rooms;
        let mut left = ms;
        while left > 0 {
            let step = left.min(250);
            self.clock.advance(step);
            rooms.tick().await;
            left -= step;
        }
    }

    fn inside(&self, room: RoomId) -> u32 {
        self.figures(room)["active"].as_u64().unwrap() as u32
    }

    fn figures(&self, room: RoomId) -> Value {
        let detail = self.app.services().rooms.detail(room).unwrap();
        json!(detail.figures)
    }
}

/// A path below a room.
fn at(room: RoomId, rest: &str) -> String {
    format!("/api/v1/rooms/{}{rest}", room.to_hex())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl Fan<'_> {
    async fn join_with(&self, room: RoomId, wish: &Value) -> Reply {
        self.json("POST", &at(room, "/join"), wish).await
    }

    /// Joins; the pass.
    async fn join(&self, room: RoomId) -> String {
        let joined = self.join_with(room, &json!({})).await;
        assert_eq!(joined.status, 201, "{joined:?}");
        text(&joined.json()["pass"])
    }

    async fn standing(&self, room: RoomId, pass: &str) -> Reply {
        let shown = json!({ "pass": pass });
        self.json("POST", &at(room, "/standing"), &shown).await
    }

    /// How many are before the holder of a pass, themselves included.
    async fn ahead(&self, room: RoomId, pass: &str) -> Value {
        self.standing(room, pass).await.json()["standing"]["ahead"].clone()
    }

    async fn claim(&self, room: RoomId, pass: &str) -> Reply {
        let claim = json!({ "pass": pass });
        self.json("POST", &at(room, "/claim"), &claim).await
    }

    /// Claims and keeps the admission, to be shown from now on.
    async fn come_in(&self, room: RoomId, pass: &str) -> String {
        let claimed = self.claim(room, pass).await;
        assert_eq!(claimed.status, 200, "{claimed:?}");
        let admission = text(&claimed.json()["admission"]);
        self.show(&admission);
        admission
    }

    fn show(&self, admission: &str) {
        *self.admission.lock().unwrap() = Some(admission.to_owned());
    }

    async fn leave(&self, room: RoomId, admission: &str) -> Reply {
        let shown = json!({ "admission": admission });
        self.json("POST", &at(room, "/leave"), &shown).await
    }

    async fn presence(&self, room: RoomId, admission: &str) -> Reply {
        let shown = json!({ "admission": admission });
        self.json("POST", &at(room, "/presence"), &shown).await
    }
}

/// Somebody who has joined and been let in.
async fn somebody_inside(shop: &Shop, room: RoomId) -> (Fan<'_>, String) {
    let fan = shop.fan();
    let pass = fan.join(room).await;
    shop.wait(1_000).await;
    let admission = fan.come_in(room, &pass).await;
    (fan, admission)
}
