//! Who may do what: every route of the API × everybody who may ask × their own and others' things.
//!
//! The routes come from the description of the API, which the router makes itself: a route that is
//! not in [`TABLE`] fails the test, and so does a line of the table that is no route.

use super::accounts::PASSWORD;
use super::buying::{GOOD, buy, quoted, wish};
use super::shop::{Fan, SHOW, Shop, show};
use axum::body::Body;
use axum::http::Request;
use onsale_server::accounts::Role;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// Everybody, also without a cookie; what it shows is the same for all, or the caller's own.
    Everybody,
    /// Whoever has signed in.
    SignedIn,
    /// Whoever has this role, and admins. Everybody else is told so before anything is looked at.
    Has(Role),
    /// Whoever has one of these roles, and admins.
    HasOne(&'static [Role]),
    /// Whose thing it is, and nobody else: not even an admin is told that it exists.
    Owner(Thing),
}

/// What somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Hold,
    Order,
    Ticket,
}

use Thing::{Hold, Order, Ticket};
use Who::{Everybody, Has, HasOne, Owner, SignedIn};

/// Every route. `{id}` and the like are filled in with something that exists.
const TABLE: &[(&str, &str, Who)] = &[
    // What is sold.
    ("GET", "/performances", Everybody),
    ("GET", "/performances/{id}", Everybody),
    ("GET", "/performances/{id}/map", Everybody),
    ("GET", "/performances/{id}/terms", Everybody),
    ("GET", "/performances/{id}/poster.svg", Everybody),
    ("GET", "/performances/{id}/seats", Everybody),
    ("GET", "/performances/{id}/feed", Everybody),
    // Holding.
    ("POST", "/performances/{id}/holds", Everybody),
    ("GET", "/performances/{id}/holds", Everybody),
    ("GET", "/performances/{id}/holds/{hold_id}", Owner(Hold)),
    ("PATCH", "/performances/{id}/holds/{hold_id}", Owner(Hold)),
    ("DELETE", "/performances/{id}/holds/{hold_id}", Owner(Hold)),
    (
        "POST",
        "/performances/{id}/holds/{hold_id}/extend",
        Owner(Hold),
    ),
    (
        "POST",
        "/performances/{id}/holds/{hold_id}/checkout",
        Owner(Hold),
    ),
    // Buying.
    ("POST", "/performances/{id}/quote", Everybody),
    ("GET", "/orders", Everybody),
    ("GET", "/orders/{id}", Owner(Order)),
    ("POST", "/orders/{id}/step", Owner(Order)),
    ("GET", "/tickets/{id}", Owner(Ticket)),
    ("GET", "/tickets/{id}/qr.svg", Owner(Ticket)),
    // The payment provider shows its signature, not a cookie.
    ("POST", "/payments/webhook", Everybody),
    // The demo's switch, which only a demo has.
    ("PUT", "/performances/{id}/simulated-fans", Everybody),
    // Waiting rooms. Places and admissions are shown, and known by their signature.
    ("GET", "/rooms/keys", Everybody),
    ("GET", "/rooms/{id}", Everybody),
    ("GET", "/rooms/{id}/challenge", Everybody),
    ("POST", "/rooms/{id}/join", Everybody),
    ("POST", "/rooms/{id}/standing", Everybody),
    ("PUT", "/rooms/{id}/wishes", Everybody),
    ("POST", "/rooms/{id}/claim", Everybody),
    ("POST", "/rooms/{id}/presence", Everybody),
    ("POST", "/rooms/{id}/leave", Everybody),
    // The demo's rush, which only a demo's room has.
    ("POST", "/rooms/{id}/rush", Everybody),
    ("GET", "/rooms/{id}/rush", Everybody),
    ("DELETE", "/rooms/{id}/rush", Everybody),
    // Whoever runs a sale.
    (
        "GET",
        "/performances/{id}/sales",
        HasOne(&[Role::Organiser, Role::Operator]),
    ),
    // Operators.
    ("GET", "/operator/rooms", Has(Role::Operator)),
    ("POST", "/operator/rooms", Has(Role::Operator)),
    ("GET", "/operator/rooms/removed", Has(Role::Operator)),
    ("GET", "/operator/rooms/{id}", Has(Role::Operator)),
    ("PATCH", "/operator/rooms/{id}", Has(Role::Operator)),
    ("POST", "/operator/rooms/{id}/actions", Has(Role::Operator)),
    (
        "PUT",
        "/operator/rooms/{id}/performances/{performance_id}",
        Has(Role::Operator),
    ),
    (
        "DELETE",
        "/operator/rooms/{id}/performances/{performance_id}",
        Has(Role::Operator),
    ),
    ("GET", "/operator/rooms/{id}/codes", Has(Role::Operator)),
    ("POST", "/operator/rooms/{id}/codes", Has(Role::Operator)),
    (
        "DELETE",
        "/operator/rooms/{id}/codes/{code_id}",
        Has(Role::Operator),
    ),
    ("GET", "/operator/rooms/{id}/figures", Has(Role::Operator)),
    ("GET", "/operator/rooms/{id}/log", Has(Role::Operator)),
    ("GET", "/operator/rooms/{id}/inside", Has(Role::Operator)),
    ("GET", "/operator/rooms/{id}/feed", Has(Role::Operator)),
    ("DELETE", "/operator/rooms/{id}", Has(Role::Operator)),
    // Accounts.
    ("POST", "/accounts", Everybody),
    ("GET", "/accounts", Has(Role::Admin)),
    ("PATCH", "/accounts/{id}", Has(Role::Admin)),
    ("DELETE", "/accounts/{id}/sessions", Has(Role::Admin)),
    ("PUT", "/accounts/{id}/password", Has(Role::Admin)),
    ("GET", "/account", Everybody),
    ("PUT", "/account/password", SignedIn),
    ("POST", "/sessions", Everybody),
    ("DELETE", "/sessions", SignedIn),
    ("DELETE", "/sessions/current", Everybody),
];

/// What a shop without a demo and without a provider's key answers with an error whoever asks.
const NOT_DONE_HERE: &[&str] = &[
    "/payments/webhook",
    "/performances/{id}/simulated-fans",
    // The room of this shop is not open, not the demo's, and has no code.
    "/rooms/{id}/join",
    "/rooms/{id}/standing",
    "/rooms/{id}/wishes",
    "/rooms/{id}/claim",
    "/rooms/{id}/presence",
    "/rooms/{id}/leave",
    "/rooms/{id}/rush",
    "/operator/rooms/{id}/codes/{code_id}",
];

/// Somebody who asks.
#[derive(Clone, Copy, Debug)]
enum Caller {
    /// Without any cookie.
    Nobody,
    /// With a guest's cookie.
    Guest,
    /// Signed in.
    Account(Role),
}

const CALLERS: [Caller; 7] = [
    Caller::Nobody,
    Caller::Guest,
    Caller::Account(Role::Fan),
    Caller::Account(Role::Organiser),
    Caller::Account(Role::Operator),
    Caller::Account(Role::Door),
    Caller::Account(Role::Admin),
];

impl Caller {
    fn has(self, needed: Role) -> bool {
        matches!(self, Self::Account(role) if role.covers(needed))
    }
}

/// Things of one person.
struct Things {
    hold: Uuid,
    seat: u32,
    /// One whose bank asks.
    order: String,
    ticket: String,
}

impl Things {
    /// Buys and holds: three seats of the row that begins at `seat`.
    async fn get(fan: &Fan<'_>, seat: u32) -> Self {
        let (_, paid) = buy(fan, &[seat], GOOD).await;
        let ticket = paid.json()["tickets"][0]["id"].clone();
        let (_, asked) = buy(fan, &[seat + 2], "4000 0025 0000 3155").await;
        let (hold, held) = fan.hold(&[seat + 4]).await;
        assert_eq!(held.status, 201, "{held:?}");
        Self {
            hold,
            seat: seat + 4,
            order: asked.json()["id"].as_str().unwrap().to_owned(),
            ticket: ticket.as_str().unwrap().to_owned(),
        }
    }
}

/// A shop with one caller, and two others who have something: a guest and somebody signed in.
struct World<'a> {
    shop: &'a Shop,
    caller: Caller,
    guest_cookie: Option<String>,
    /// An account that is nobody's who calls.
    other_account: Uuid,
    /// A room that is not open.
    room: String,
}

impl<'a> World<'a> {
    async fn new(shop: &'a Shop, caller: Caller) -> Self {
        if let Caller::Account(role) = caller {
            shop.account("caller@example.org", role).await;
        }
        shop.account("spare@example.org", Role::Fan).await;
        let accounts = &shop.app.services().accounts;
        let list = accounts.list("", 10).await.unwrap();
        let spare = list.iter().find(|row| row.email == "spare@example.org");
        let guest_cookie = match caller {
            Caller::Guest => {
                let guest = shop.fan();
                guest.hold(&[99]).await;
                guest.cookie("onsale")
            }
            Caller::Nobody | Caller::Account(_) => None,
        };
        let rooms = &shop.app.services().rooms;
        let new = onsale_server::rooms::NewRoom::default();
        let room = rooms.make(new, "test").await.unwrap();
        Self {
            room: room.id.to_hex(),
            shop,
            caller,
            guest_cookie,
            other_account: Uuid::from_bytes(*spare.unwrap().id.as_bytes()),
        }
    }

    /// The caller's browser, anew: a request may have signed it out.
    async fn browser(&self) -> Fan<'a> {
        let fan = self.shop.fan();
        match self.caller {
            Caller::Nobody => {}
            Caller::Guest => fan.set_cookie("onsale", self.guest_cookie.clone()),
            Caller::Account(_) => {
                let reply = fan.sign_in("caller@example.org", PASSWORD).await;
                assert_eq!(reply.status, 201, "{reply:?}");
            }
        }
        fan
    }
}

/// What an answer says: its status, and the code of a problem.
async fn ask(fan: &Fan<'_>, method: &str, path: &str, body: Option<Value>) -> (u16, String) {
    let mut request = Request::builder().method(method).uri(path);
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let response = fan.answer(request.body(body).unwrap()).await;
    let status = response.status().as_u16();
    if status < 400 {
        // Not read: a feed never ends.
        return (status, String::new());
    }
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    let problem: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    (status, problem["code"].as_str().unwrap().to_owned())
}

/// Fills in what stands for somebody's things.
fn path_of(path: &str, world: &World<'_>, things: Option<&Things>) -> String {
    let (hold, order, ticket) = things.map_or_else(
        || {
            (
                Uuid::nil(),
                Uuid::nil().to_string(),
                Uuid::nil().to_string(),
            )
        },
        |things| (things.hold, things.order.clone(), things.ticket.clone()),
    );
    let path = path
        .replace("{hold_id}", &hold.to_string())
        .replace("{performance_id}", &SHOW.to_string())
        .replace("{code_id}", "none");
    let id = match path.split('/').nth(1).unwrap() {
        "performances" => SHOW.to_string(),
        "orders" => order,
        "tickets" => ticket,
        "accounts" => world.other_account.to_string(),
        "rooms" | "operator" => world.room.clone(),
        _ => Uuid::nil().to_string(),
    };
    format!("/api/v1{}", path.replace("{id}", &id))
}

/// What has to be sent for a request that would succeed, were it allowed.
async fn body_of(
    fan: &Fan<'_>,
    method: &str,
    path: &str,
    things: Option<&Things>,
) -> Option<Value> {
    let command = Uuid::now_v7();
    let seat = things.map_or(0, |things| things.seat);
    match (method, path) {
        ("GET" | "DELETE", _) => None,
        (_, "/performances/{id}/quote") => {
            Some(json!({ "items": [{ "place": { "seat": 0 }, "price_type": 0 }] }))
        }
        (_, "/performances/{id}/holds") => Some(super::shop::wish(command, Uuid::now_v7(), &[0])),
        ("PATCH", "/performances/{id}/holds/{hold_id}") => {
            Some(json!({ "command_id": command, "add": [{ "seat": seat + 1 }] }))
        }
        (_, "/performances/{id}/holds/{hold_id}/extend") => Some(json!({ "command_id": command })),
        (_, "/performances/{id}/holds/{hold_id}/checkout") => {
            let quote = quoted(fan, &[seat], None).await;
            Some(wish(&[seat], &quote["token"], GOOD))
        }
        (_, "/orders/{id}/step") => Some(json!({ "command_id": command, "approve": true })),
        (_, "/accounts") => {
            let email = format!("{}@example.org", command.simple());
            Some(json!({ "email": email, "password": PASSWORD }))
        }
        (_, "/sessions") => Some(json!({ "email": "spare@example.org", "password": PASSWORD })),
        (_, "/account/password") => {
            let current = json!({ "current": PASSWORD, "new": PASSWORD });
            Some(current)
        }
        (_, "/accounts/{id}/password") => Some(json!({ "password": PASSWORD })),
        (_, "/performances/{id}/simulated-fans") => Some(json!({ "on": false })),
        ("POST", "/operator/rooms") => Some(json!({ "settings": { "name": "Another" } })),
        ("POST", "/operator/rooms/{id}/actions") => Some(json!({ "action": "close" })),
        ("POST", "/operator/rooms/{id}/codes") => Some(json!({ "label": "Press", "limit": 1 })),
        (_, "/accounts/{id}") => Some(json!({ "role": "door" })),
        _ => Some(json!({})),
    }
}

/// The command id that a request without a body carries.
fn with_query(method: &str, path: &str, filled: String) -> String {
    if method == "DELETE" && path.ends_with("/holds/{hold_id}") {
        format!("{filled}?command_id={}", Uuid::now_v7())
    } else {
        filled
    }
}

fn is_refusal(code: &str) -> bool {
    matches!(code, "sign_in_needed" | "not_allowed")
}

#[tokio::test]
async fn every_route_is_in_the_table_and_the_table_holds_nothing_else() {
    let shop = Shop::open().await;
    let document = shop.fan().get("/api/v1/openapi.json", &[]).await.json();
    let mut routes = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if method != "parameters" {
                let path = path.strip_prefix("/api/v1").unwrap();
                routes.insert((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    let table: BTreeSet<_> = TABLE
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(table.len(), TABLE.len(), "a route stands in it twice");
    let missing: Vec<_> = routes.difference(&table).collect();
    assert!(missing.is_empty(), "say who may call these: {missing:?}");
    let gone: Vec<_> = table.difference(&routes).collect();
    assert!(gone.is_empty(), "these are no routes: {gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    for caller in CALLERS {
        let shop = Shop::open().await;
        let world = World::new(&shop, caller).await;
        let guest = shop.fan();
        let signed_in = shop.signed_in("other@example.org", Role::Fan).await;
        let foreign = [
            Things::get(&guest, 10).await,
            Things::get(&signed_in, 20).await,
        ];
        for &(method, path, who) in TABLE {
            let about = format!("{caller:?} {method} {path}");
            if let Owner(thing) = who {
                foreign_things(&world, method, path, &foreign, &about).await;
                own_thing(&world, method, path, thing, &about).await;
                continue;
            }
            let fan = world.browser().await;
            let filled = path_of(path, &world, None);
            let body = body_of(&fan, method, path, None).await;
            let (status, code) = ask(&fan, method, &filled, body).await;
            let told = format!("{about}: {status} {code}");
            let may = match who {
                Everybody => true,
                SignedIn => matches!(caller, Caller::Account(_)),
                Has(role) => caller.has(role),
                HasOne(roles) => roles.iter().any(|role| caller.has(*role)),
                Owner(_) => unreachable!("dealt with above"),
            };
            match (may, caller) {
                (true, _) => {
                    assert!(!is_refusal(&code) && status < 500, "{told}");
                    // What they may do is done, but for what needs more than a shop has here.
                    assert!(status < 400 || NOT_DONE_HERE.contains(&path), "{told}");
                }
                (false, Caller::Nobody | Caller::Guest) => {
                    assert_eq!((status, code.as_str()), (401, "sign_in_needed"), "{told}");
                }
                (false, Caller::Account(_)) => {
                    assert_eq!((status, code.as_str()), (403, "not_allowed"), "{told}");
                }
            }
        }
        // After all that, the others still have what they had.
        for (fan, things) in [(&guest, &foreign[0]), (&signed_in, &foreign[1])] {
            still_theirs(fan, things).await;
        }
        if !caller.has(Role::Admin) {
            let spare = shop.fan();
            let entered = spare.sign_in("spare@example.org", PASSWORD).await;
            assert_eq!(entered.json()["account"]["role"], "fan", "{caller:?}");
        }
    }
}

/// Others' things are not there, and stay as they are.
async fn foreign_things(
    world: &World<'_>,
    method: &str,
    path: &str,
    foreign: &[Things],
    about: &str,
) {
    for things in foreign {
        let fan = world.browser().await;
        let filled = with_query(method, path, path_of(path, world, Some(things)));
        let body = body_of(&fan, method, path, Some(things)).await;
        let (status, _) = ask(&fan, method, &filled, body).await;
        assert_eq!(status, 404, "{about}: somebody else's");
    }
}

/// The caller's own thing is there.
async fn own_thing(world: &World<'_>, method: &str, path: &str, thing: Thing, about: &str) {
    if matches!(world.caller, Caller::Nobody) {
        return;
    }
    // Seats enough for each: what was bought stays bought.
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 25;
    let seat = 30 + 10 * (n / 5) + 2 * (n % 5);
    let fan = world.browser().await;
    let mut things = Things {
        hold: Uuid::nil(),
        seat,
        order: String::new(),
        ticket: String::new(),
    };
    match thing {
        Hold => {
            let (hold, held) = fan.hold(&[seat]).await;
            assert_eq!(held.status, 201, "{about}: {held:?}");
            things.hold = hold;
        }
        Order => {
            let (_, asked) = buy(&fan, &[seat], "4000 0025 0000 3155").await;
            things.order = asked.json()["id"].as_str().unwrap().to_owned();
        }
        Ticket => {
            let (_, paid) = buy(&fan, &[seat], GOOD).await;
            let ticket = &paid.json()["tickets"][0]["id"];
            things.ticket = ticket.as_str().unwrap().to_owned();
        }
    }
    let filled = with_query(method, path, path_of(path, world, Some(&things)));
    let body = body_of(&fan, method, path, Some(&things)).await;
    let (status, code) = ask(&fan, method, &filled, body).await;
    assert!(status < 300, "{about}: their own: {status} {code}");
    if thing == Hold {
        // A fan may have two holds at a time.
        let path = show(&format!(
            "/holds/{}?command_id={}",
            things.hold,
            Uuid::now_v7()
        ));
        ask(&fan, "DELETE", &path, None).await;
    }
}

async fn still_theirs(fan: &Fan<'_>, things: &Things) {
    let hold = fan
        .get(&show(&format!("/holds/{}", things.hold)), &[])
        .await;
    let places = &hold.json()["hold"]["places"];
    assert_eq!(*places, json!([{ "seat": things.seat }]), "{hold:?}");
    let order = fan
        .get(&format!("/api/v1/orders/{}", things.order), &[])
        .await;
    assert_eq!(order.json()["state"], "needs_step", "{order:?}");
    let ticket = fan
        .get(&format!("/api/v1/tickets/{}", things.ticket), &[])
        .await;
    assert_eq!(ticket.json()["state"], "valid", "{ticket:?}");
}
