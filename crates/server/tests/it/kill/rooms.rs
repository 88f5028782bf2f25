//! SIGKILL of a server that keeps its rooms in memory: who was let in is in, who has left has left, and
//! an order that the bank confirms afterwards frees its slot.

use crate::support::client::Client;
use crate::support::process::{SHOW, prepare};
use crate::support::server::Server;
use onsale_queue::wire::RoomSettings;
use onsale_queue::{Action, RoomId};
use onsale_server::app::{App, AppOptions};
use onsale_server::rooms::NewRoom;
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

/// Opens a room before the program runs.
async fn open_room(data: &Path, cap: u32) -> RoomId {
    let app = App::open(data, AppOptions::default()).await.unwrap();
    room_of(app, cap).await
}

async fn room_of(app: App, cap: u32) -> RoomId {
    let rooms = &app.services().rooms;
    let new = NewRoom {
        settings: RoomSettings {
            name: "The Test".to_owned(),
            rate_per_minute: 60_000,
            cap,
            // Nothing here ends by idleness.
            idle_ms: 6 * 3_600_000,
            shop_ms: 6 * 3_600_000,
            ..RoomSettings::default()
        },
        performances: vec![SHOW],
        ..NewRoom::default()
    };
    let room = rooms.make(new, "test").await.unwrap().id;
    rooms.act(room, Action::Open, None, "test").await.unwrap();
    app.drain().await;
    app.close().await;
    room
}

struct Visitor {
    client: Client,
    room: RoomId,
}

impl Visitor {
    async fn new(server: &Server, fan: u64, room: RoomId) -> Self {
        let client = Client::connect(&server.address(), fan).await.unwrap();
        Self { client, room }
    }

    async fn at_room(&mut self, rest: &str, body: &Value) -> (u16, Value) {
        let path = format!("/api/v1/rooms/{}/{rest}", self.room.to_hex());
        self.client.send("POST", &path, Some(body)).await.unwrap()
    }

    async fn join(&mut self) -> Value {
        let (status, joined) = self.at_room("join", &json!({})).await;
        assert_eq!(status, 201, "{joined}");
        json!({ "pass": joined["pass"] })
    }

    /// Waits for the turn and comes in.
    async fn come_in(&mut self, pass: &Value) -> Value {
        loop {
            let (_, placed) = self.at_room("standing", pass).await;
            let standing = placed["standing"]["standing"].as_str();
            if standing.is_some_and(|standing| standing != "waiting" && standing != "unknown") {
                break;
            }
        }
        let (status, claimed) = self.at_room("claim", pass).await;
        assert_eq!(status, 200, "{claimed}");
        json!({ "admission": claimed["admission"] })
    }

    async fn refused(&mut self, rest: &str, body: &Value) -> String {
        let (status, problem) = self.at_room(rest, body).await;
        assert!(status >= 400, "{problem}");
        problem["code"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_let_in_the_moment_before_is_in_and_who_left_has_left() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).await;
    let room = open_room(dir.path(), 5).await;
    let mut server = Server::start(dir.path()).await;
    let mut stays = Visitor::new(&server, 1, room).await;
    let mut goes = Visitor::new(&server, 2, room).await;
    let (first, second) = (stays.join().await, goes.join().await);
    let gone = goes.come_in(&second).await;
    let (left, _) = goes.at_room("leave", &gone).await;
    assert_eq!(left, 204);
    let inside = stays.come_in(&first).await;
    server.kill();

    let server = Server::start(dir.path()).await;
    let mut thief = Visitor::new(&server, 3, room).await;
    assert_eq!(thief.refused("claim", &first).await, "pass_elsewhere");
    let mut stays = Visitor::new(&server, 1, room).await;
    let (status, again) = stays.at_room("claim", &first).await;
    assert_eq!(
        (status, &again["admission"]),
        (200, &inside["admission"]),
        "{again}"
    );
    assert_eq!(stays.at_room("presence", &inside).await.0, 200);
    let mut goes = Visitor::new(&server, 2, room).await;
    assert_eq!(goes.refused("claim", &second).await, "pass_used");
    assert_eq!(goes.refused("presence", &gone).await, "admission_over");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_the_bank_confirms_afterwards_frees_its_slot() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).await;
    let room = open_room(dir.path(), 1).await;
    let mut server = Server::start(dir.path()).await;
    let mut fan = Visitor::new(&server, 1, room).await;
    let mut next = Visitor::new(&server, 2, room).await;
    let pass = fan.join().await;
    let waits = next.join().await;
    let inside = fan.come_in(&pass).await;
    fan.client.admission = inside["admission"].as_str().map(str::to_owned);
    let order = begin_to_pay(&mut fan.client).await;
    server.kill();

    let server = Server::start(dir.path()).await;
    let mut next = Visitor::new(&server, 2, room).await;
    let (_, placed) = next.at_room("standing", &waits).await;
    assert_eq!(placed["standing"]["standing"], "waiting", "{placed}");
    let mut fan = Visitor::new(&server, 1, room).await;
    assert_eq!(fan.at_room("presence", &inside).await.0, 200);
    let step = json!({ "command_id": Uuid::now_v7(), "approve": true });
    let path = format!("/api/v1/orders/{order}/step");
    let (status, paid) = fan.client.send("POST", &path, Some(&step)).await.unwrap();
    assert!(status < 300, "{paid}");
    // The only slot: nobody else comes in before it is free.
    next.come_in(&waits).await;
    assert_eq!(fan.refused("presence", &inside).await, "admission_over");
    server.stop().await;
}

/// The same where the server is gone for good, and another one finishes the order.
#[cfg(all(feature = "postgres", feature = "redis"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_another_server_finishes_frees_its_slot() {
    use crate::support::process::Site;
    use onsale_queue::room::{RedisOptions, RedisStore};
    use onsale_server::rooms::RoomsIn;
    let redis = redis_test::Server::start(&[]);
    let site = Site::on_postgres().await;
    let options = RedisOptions {
        timeout_ms: 20_000,
        ..RedisOptions::default()
    };
    let store = RedisStore::connect(&redis.url(), options).await.unwrap();
    let options = AppOptions {
        rooms_in: RoomsIn::Shared {
            store: std::sync::Arc::new(store),
            servers: 1,
        },
        keys: Some(site.keys()),
        ..AppOptions::default()
    };
    let dir = tempfile::tempdir().unwrap();
    let app = App::on(dir.path(), site.database().await, options).await;
    let room = room_of(app.unwrap(), 1).await;

    let url = redis.url();
    let shared = [("ONSALE_ROOM_STORE", url.as_str())];
    let mut server = site.server("first", &shared).await;
    let heir = site.server("second", &shared).await;
    let mut fan = Visitor::new(&server, 1, room).await;
    let mut next = Visitor::new(&server, 2, room).await;
    let pass = fan.join().await;
    let waits = next.join().await;
    let inside = fan.come_in(&pass).await;
    fan.client.admission = inside["admission"].as_str().map(str::to_owned);
    let order = begin_to_pay(&mut fan.client).await;
    server.kill();

    let mut fan = Visitor::new(&heir, 1, room).await;
    let step = json!({ "command_id": Uuid::now_v7(), "approve": true });
    let path = format!("/api/v1/orders/{order}/step");
    let (status, paid) = fan.client.send("POST", &path, Some(&step)).await.unwrap();
    assert!(status < 300, "{paid}");
    // The only slot: nobody else comes in before it is free.
    let mut next = Visitor::new(&heir, 2, room).await;
    next.come_in(&waits).await;
    assert_eq!(fan.refused("presence", &inside).await, "admission_over");
    heir.stop().await;
}

/// Buys with a card whose bank asks.
async fn begin_to_pay(client: &mut Client) -> String {
    let show = format!("/api/v1/performances/{SHOW}");
    let hold = Uuid::now_v7();
    let wish = json!({
        "command_id": Uuid::now_v7(),
        "hold_id": hold,
        "request": { "these": [{ "seat": 3 }] },
    });
    let held = client
        .send("POST", &format!("{show}/holds"), Some(&wish))
        .await;
    let (status, held) = held.unwrap();
    assert_eq!(status, 201, "{held}");
    let items = json!([{ "place": { "seat": 3 }, "price_type": 0 }]);
    let quote = json!({ "items": items, "voucher": null });
    let quote = client
        .send("POST", &format!("{show}/quote"), Some(&quote))
        .await;
    let wish = json!({
        "command_id": Uuid::now_v7(),
        "order_id": Uuid::now_v7(),
        "quote_token": quote.unwrap().1["token"],
        "items": items,
        "voucher": null,
        "buyer": { "name": "Ada", "email": "ada@example.org" },
        "payment": { "card_number": "4000002500003155", "expiry": "12/40", "cvc": "123" },
    });
    let path = format!("{show}/holds/{hold}/checkout");
    let asked = client.send("POST", &path, Some(&wish)).await;
    let (_, asked) = asked.unwrap();
    assert_eq!(asked["state"], "needs_step", "{asked}");
    asked["id"].as_str().unwrap().to_owned()
}
