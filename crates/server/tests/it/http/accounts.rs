//! Registering, signing in and out, and what stays somebody's through all of it.

use super::buying::{GOOD, buy};
use super::shop::{Fan, Reply, Shop, show};
use onsale_server::accounts::{Email, Password, Role};
use serde_json::{Value, json};
use std::net::IpAddr;

const ADA: &str = "ada@example.org";
pub(super) const PASSWORD: &str = "correct horse battery";

fn credentials(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

impl Fan<'_> {
    async fn register(&self, email: &str, password: &str) -> Reply {
        let body = credentials(email, password);
        self.json("POST", "/api/v1/accounts", &body).await
    }

    pub(super) async fn sign_in(&self, email: &str, password: &str) -> Reply {
        let body = credentials(email, password);
        self.json("POST", "/api/v1/sessions", &body).await
    }

    async fn sign_out(&self) -> Reply {
        self.ask("DELETE", "/api/v1/sessions/current", &[], "")
            .await
    }

    async fn who(&self) -> Value {
        self.get("/api/v1/account", &[]).await.json()
    }

    async fn is_signed_in(&self) -> bool {
        !self.who().await["account"].is_null()
    }

    async fn orders(&self) -> Vec<String> {
        let list = self.get("/api/v1/orders", &[]).await.json();
        let orders = list["orders"].as_array().unwrap();
        let id = |order: &Value| order["id"].as_str().unwrap().to_owned();
        orders.iter().map(id).collect()
    }
}

impl Shop {
    /// An account of a role, made by a tool.
    pub(super) async fn account(&self, email: &str, role: Role) {
        let accounts = &self.app.services().accounts;
        let password = Password::new(PASSWORD.to_owned());
        let email: Email = email.parse().unwrap();
        accounts.add(&email, role, password).await.unwrap();
    }

    /// A browser in which somebody of a role is signed in.
    pub(super) async fn signed_in(&self, email: &str, role: Role) -> Fan<'_> {
        self.account(email, role).await;
        let fan = self.fan();
        assert_eq!(fan.sign_in(email, PASSWORD).await.status, 201);
        fan
    }
}

fn from(mut fan: Fan<'_>, address: [u8; 4]) -> Fan<'_> {
    fan.address = IpAddr::from(address);
    fan
}

/// Lets time pass until there is an answer: how much it took, and the answer.
async fn in_time(shop: &Shop, answer: impl Future<Output = Reply>) -> (i64, Reply) {
    let began_ms = shop.clock.now_ms();
    tokio::pin!(answer);
    let reply = loop {
        tokio::select! {
            biased;
            reply = &mut answer => break reply,
            () = tokio::task::yield_now() => shop.clock.advance(1),
        }
    };
    (shop.clock.now_ms() - began_ms, reply)
}

#[tokio::test]
async fn who_registers_is_signed_in_and_is_themselves_after_signing_in_again() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    assert_eq!(fan.who().await, json!({ "account": null, "sessions": 0 }));
    let reply = fan.register(" Ada@Example.ORG", PASSWORD).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let account = reply.json()["account"].clone();
    assert_eq!(
        (&account["email"], &account["role"]),
        (&json!(ADA), &json!("fan"))
    );
    assert_eq!(reply.json()["adopted_orders"], 0);
    assert_eq!(
        fan.who().await,
        json!({ "account": account, "sessions": 1 })
    );
    assert_eq!(fan.sign_out().await.status, 204);
    assert!(!fan.is_signed_in().await);
    assert_eq!(fan.sign_in(ADA, PASSWORD).await.status, 201);
    assert_eq!(fan.who().await["account"], account);
}

#[tokio::test]
async fn the_session_is_a_cookie_that_no_script_reads_and_a_new_one_each_time() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let reply = fan.register(ADA, PASSWORD).await;
    let sets: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
    assert_eq!(sets.len(), 2, "{sets:?}");
    for set in sets {
        for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age="] {
            assert!(set.to_str().unwrap().contains(part), "{set:?}");
        }
    }
    let first = fan.cookie("onsale-account").unwrap();
    fan.sign_in(ADA, PASSWORD).await;
    let second = fan.cookie("onsale-account").unwrap();
    assert_ne!(first, second);
    // The token that was there before opens nothing any more.
    let thief = shop.fan();
    thief.set_cookie("onsale-account", Some(first));
    assert!(!thief.is_signed_in().await && fan.is_signed_in().await);
}

#[tokio::test]
async fn signing_out_ends_the_session_itself_and_not_only_the_cookie() {
    let shop = Shop::open().await;
    let fan = shop.signed_in(ADA, Role::Fan).await;
    let token = fan.cookie("onsale-account");
    assert!(fan.is_signed_in().await);
    fan.sign_out().await;
    assert_eq!(fan.cookie("onsale-account"), None);
    fan.set_cookie("onsale-account", token);
    assert!(!fan.is_signed_in().await);
    assert_eq!(fan.sign_out().await.status, 204, "twice is as good as once");
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session_at_once() {
    let shop = Shop::open().await;
    let first = shop.signed_in(ADA, Role::Fan).await;
    let second = shop.fan();
    second.sign_in(ADA, PASSWORD).await;
    let other = shop.signed_in("bob@example.org", Role::Fan).await;
    assert_eq!(first.who().await["sessions"], 2);
    assert!(second.is_signed_in().await);
    let reply = first.ask("DELETE", "/api/v1/sessions", &[], "").await;
    assert_eq!(reply.status, 204, "{reply:?}");
    assert!(!first.is_signed_in().await && !second.is_signed_in().await);
    assert!(other.is_signed_in().await);
    let again = first.ask("DELETE", "/api/v1/sessions", &[], "").await;
    again.is_problem(401, "sign_in_needed");
}

#[tokio::test]
async fn another_password_signs_every_other_browser_out_and_keeps_this_one() {
    let shop = Shop::open().await;
    let fan = shop.signed_in(ADA, Role::Fan).await;
    let other = shop.fan();
    other.sign_in(ADA, PASSWORD).await;
    let before = fan.cookie("onsale-account");
    let change = |current: &str, new: &str| json!({ "current": current, "new": new });
    let path = "/api/v1/account/password";
    let wrong = change("something else", "a longer password");
    let reply = fan.json("PUT", path, &wrong).await;
    reply.is_problem(401, "sign_in_failed");
    assert!(fan.is_signed_in().await && other.is_signed_in().await);
    let short = fan.json("PUT", path, &change(PASSWORD, "short")).await;
    assert_eq!(short.is_problem(400, "malformed")["at"], "new");
    let reply = fan
        .json("PUT", path, &change(PASSWORD, "a longer password"))
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(fan.is_signed_in().await && !other.is_signed_in().await);
    assert_ne!(fan.cookie("onsale-account"), before);
    let old = shop.fan().sign_in(ADA, PASSWORD).await;
    old.is_problem(401, "sign_in_failed");
    let new = shop.fan().sign_in(ADA, "a longer password").await;
    assert_eq!(new.status, 201);
    let guest = shop
        .fan()
        .json("PUT", path, &change(PASSWORD, PASSWORD))
        .await;
    guest.is_problem(401, "sign_in_needed");
}

#[tokio::test]
async fn what_a_guest_held_and_bought_is_the_accounts_after_signing_in() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let (_, paid) = buy(&fan, &[3, 4], GOOD).await;
    let order = paid.json()["id"].as_str().unwrap().to_owned();
    let ticket = paid.json()["tickets"][0]["id"].as_str().unwrap().to_owned();
    let (hold, _) = fan.hold(&[10]).await;
    let guest = fan.cookie("onsale");
    let reply = fan.register(ADA, PASSWORD).await;
    assert_eq!(reply.json()["adopted_orders"], 1, "{reply:?}");
    assert_eq!(fan.cookie("onsale"), None, "the guest is nobody any more");
    assert_eq!(fan.orders().await, std::slice::from_ref(&order));
    let shown = fan.get(&format!("/api/v1/tickets/{ticket}"), &[]).await;
    assert_eq!(shown.status, 200);

    // The seats that were held are still theirs to add to and to pay for.
    let holds = fan.get(&show("/holds"), &[]).await.json();
    assert_eq!(holds["holds"][0]["hold"]["hold"], json!(hold));
    let add = json!({ "command_id": uuid::Uuid::now_v7(), "add": [{ "seat": 11 }] });
    let path = show(&format!("/holds/{hold}"));
    let changed = fan.json("PATCH", &path, &add).await;
    assert_eq!(changed.status, 200, "{changed:?}");

    // In another browser everything is there, too.
    let elsewhere = shop.fan();
    elsewhere.sign_in(ADA, PASSWORD).await;
    assert_eq!(elsewhere.orders().await, [order]);
    assert_eq!(elsewhere.get(&path, &[]).await.status, 200);

    // Who kept the guest's cookie sees nothing of it any more.
    let copied = shop.fan();
    copied.set_cookie("onsale", guest);
    assert_eq!(copied.orders().await, Vec::<String>::new());
    let peeked = copied.get(&format!("/api/v1/tickets/{ticket}"), &[]).await;
    peeked.is_problem(404, "not_found");

    // And after signing out, this browser is nobody.
    fan.sign_out().await;
    assert_eq!(fan.orders().await, Vec::<String>::new());
}

#[tokio::test]
async fn giving_an_adopted_hold_back_twice_is_as_good_as_once() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let (hold, _) = fan.hold(&[10]).await;
    fan.register(ADA, PASSWORD).await;
    let path = show(&format!(
        "/holds/{hold}?command_id={}",
        uuid::Uuid::now_v7()
    ));
    for _ in 0..2 {
        let reply = fan.ask("DELETE", &path, &[], "").await;
        assert_eq!(reply.status, 204, "{reply:?}");
    }
}

#[tokio::test]
async fn what_was_bought_while_signed_in_is_there_in_every_browser_in_order() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let mut orders = Vec::new();
    let mut bought =
        |reply: &Reply| orders.insert(0, reply.json()["id"].as_str().unwrap().to_owned());
    bought(&buy(&fan, &[3], GOOD).await.1);
    fan.register(ADA, PASSWORD).await;
    shop.clock.advance(1_000);
    bought(&buy(&fan, &[13], GOOD).await.1);
    assert_eq!(fan.cookie("onsale"), None, "who is signed in is no guest");
    let elsewhere = shop.fan();
    shop.clock.advance(1_000);
    bought(&buy(&elsewhere, &[23], GOOD).await.1);
    elsewhere.sign_in(ADA, PASSWORD).await;
    assert_eq!(elsewhere.orders().await, orders);
    assert_eq!(
        fan.orders().await,
        orders,
        "the session that was there hears of it"
    );
}

#[tokio::test]
async fn an_address_is_one_account_however_it_is_written() {
    let shop = Shop::open().await;
    shop.account(ADA, Role::Operator).await;
    let fan = shop.fan();
    let reply = fan.register("ADA@example.org", "another password").await;
    reply.is_problem(409, "account_exists");
    assert!(!fan.is_signed_in().await);
    let own = fan.sign_in(ADA, PASSWORD).await;
    assert_eq!(own.json()["account"]["role"], "operator");
}

#[tokio::test]
async fn what_cannot_be_an_account_is_refused_with_its_place() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let long = "x".repeat(257);
    for (email, password, at) in [
        ("nobody", PASSWORD, "email"),
        ("", PASSWORD, "email"),
        ("a b@example.org", PASSWORD, "email"),
        (ADA, "short", "password"),
        (ADA, "password123", "password"),
        (ADA, ADA, "password"),
        (ADA, &long, "password"),
    ] {
        let reply = fan.register(email, password).await;
        assert_eq!(reply.is_problem(400, "malformed")["at"], at, "{email}");
    }
    let reply = fan.sign_in(ADA, &long).await;
    assert_eq!(reply.is_problem(400, "malformed")["at"], "password");
    let odd = json!({ "email": ADA, "password": PASSWORD, "role": "admin" });
    let reply = fan.json("POST", "/api/v1/accounts", &odd).await;
    assert_eq!(reply.is_problem(400, "malformed")["at"], "role");
}

#[tokio::test]
async fn unknown_address_wrong_password_and_shut_account_are_one_answer() {
    let shop = Shop::open().await;
    shop.account(ADA, Role::Fan).await;
    shop.account("shut@example.org", Role::Fan).await;
    let accounts = &shop.app.services().accounts;
    let shut: Email = "shut@example.org".parse().unwrap();
    accounts.set_disabled(&shut, true).await.unwrap();
    let mut answers = Vec::new();
    for (email, password) in [
        ("nobody@example.org", PASSWORD),
        (ADA, "another password"),
        ("shut@example.org", PASSWORD),
    ] {
        let fan = shop.fan();
        let reply = fan.sign_in(email, password).await;
        reply.is_problem(401, "sign_in_failed");
        assert_eq!(reply.header("set-cookie"), "");
        let names: Vec<_> = reply.headers.keys().map(ToString::to_string).collect();
        answers.push((reply.body.clone(), names));
    }
    assert!(
        answers.windows(2).all(|pair| pair[0] == pair[1]),
        "{answers:?}"
    );
}

#[tokio::test]
async fn guessing_is_slowed_down_alike_for_an_account_and_for_none() {
    let shop = Shop::open().await;
    shop.account(ADA, Role::Fan).await;
    let mut courses = Vec::new();
    for (n, email) in [ADA, "nobody@example.org"].into_iter().enumerate() {
        let guesser = from(shop.fan(), [203, 0, 113, n as u8]);
        let mut course = Vec::new();
        for _ in 0..12 {
            let reply = guesser.sign_in(email, "a wrong password").await;
            course.push((
                reply.status.as_u16(),
                reply.header("retry-after").to_owned(),
            ));
            if reply.status == 429 {
                reply.is_problem(429, "too_many_attempts");
                // The right password is not even looked at.
                let right = guesser.sign_in(email, PASSWORD).await;
                right.is_problem(429, "too_many_attempts");
                let wait: i64 = reply.header("retry-after").parse().unwrap();
                shop.clock.advance(wait * 1_000);
            }
        }
        courses.push(course);
    }
    assert_eq!(courses[0], courses[1]);
    assert!(courses[0].iter().any(|(status, _)| *status == 429));
    assert_eq!(courses[0][0].0, 401);
}

#[tokio::test]
async fn nobody_is_locked_out_by_others_guesses() {
    let shop = Shop::open().await;
    let ada = shop.signed_in(ADA, Role::Fan).await;
    let device = ada.cookie("onsale-device");
    for n in 0..5 {
        let guesser = from(shop.fan(), [203, 0, 113, n]);
        loop {
            let guess = guesser.sign_in(ADA, "a wrong password");
            let (_, reply) = in_time(&shop, guess).await;
            match reply.status.as_u16() {
                401 => {}
                429 => break,
                other => panic!("{other}"),
            }
        }
    }
    // In a browser she has used before she is in at once, also beside a guesser.
    for address in [[198, 51, 100, 7], [203, 0, 113, 0]] {
        let known = from(shop.fan(), address);
        known.set_cookie("onsale-device", device.clone());
        let before_ms = shop.clock.now_ms();
        let reply = known.sign_in(ADA, PASSWORD).await;
        assert_eq!(reply.status, 201, "{address:?}");
        assert_eq!(shop.clock.now_ms(), before_ms);
    }
    // In a new one elsewhere she gets in, too: after a delay, which is bounded.
    let new = from(shop.fan(), [192, 0, 2, 1]);
    let (waited_ms, reply) = in_time(&shop, new.sign_in(ADA, PASSWORD)).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    assert!(waited_ms >= 250, "{waited_ms}");
}

#[tokio::test]
async fn somebody_elses_device_mark_opens_no_lane() {
    let shop = Shop::open().await;
    shop.account(ADA, Role::Fan).await;
    let mallory = shop.signed_in("mallory@example.org", Role::Fan).await;
    let mark = mallory.cookie("onsale-device");
    let guesser = from(shop.fan(), [203, 0, 113, 9]);
    guesser.set_cookie("onsale-device", mark);
    let mut statuses = Vec::new();
    for _ in 0..10 {
        let reply = guesser.sign_in(ADA, "a wrong password").await;
        statuses.push(reply.status.as_u16());
    }
    assert_eq!(statuses.last(), Some(&429));
    // It is the lane of unknown devices that is shut: without the mark nothing is different.
    guesser.set_cookie("onsale-device", None);
    assert_eq!(guesser.sign_in(ADA, PASSWORD).await.status, 429);
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_when_its_time_is_over() {
    const HOUR_MS: i64 = 3_600_000;
    let shop = Shop::open().await;
    let operator = shop.signed_in("op@example.org", Role::Operator).await;
    let fan = shop.signed_in(ADA, Role::Fan).await;
    // Used every few hours it lives for a week and no longer.
    for _ in 0..16 {
        shop.clock.advance(10 * HOUR_MS);
        assert!(operator.is_signed_in().await);
    }
    shop.clock.advance(10 * HOUR_MS);
    assert!(!operator.is_signed_in().await, "after seven days");
    operator.sign_in("op@example.org", PASSWORD).await;
    shop.clock.advance(13 * HOUR_MS);
    assert!(!operator.is_signed_in().await, "half a day unused");
    assert!(fan.is_signed_in().await, "a fan's lasts longer");
    shop.clock.advance(31 * 24 * HOUR_MS);
    assert!(!fan.is_signed_in().await, "a month unused");
}

#[tokio::test]
async fn another_role_or_a_shut_account_counts_from_the_next_request() {
    let shop = Shop::open().await;
    let accounts = &shop.app.services().accounts;
    let fan = shop.signed_in(ADA, Role::Fan).await;
    let ada: Email = ADA.parse().unwrap();
    accounts.set_role(&ada, Role::Operator).await.unwrap();
    assert!(!fan.is_signed_in().await);
    fan.sign_in(ADA, PASSWORD).await;
    assert_eq!(fan.who().await["account"]["role"], "operator");
    accounts.set_disabled(&ada, true).await.unwrap();
    assert!(!fan.is_signed_in().await);
    accounts.set_disabled(&ada, false).await.unwrap();
    assert_eq!(fan.sign_in(ADA, PASSWORD).await.status, 201);
}

#[tokio::test]
async fn a_guests_cookie_is_no_session_and_a_session_is_no_guests_cookie() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    fan.hold(&[1]).await;
    let guest = fan.cookie("onsale");
    let forged = shop.fan();
    forged.set_cookie("onsale-account", guest);
    assert!(!forged.is_signed_in().await);
    let ada = shop.signed_in(ADA, Role::Fan).await;
    buy(&ada, &[21], GOOD).await;
    let forged = shop.fan();
    forged.set_cookie("onsale", ada.cookie("onsale-account"));
    assert_eq!(forged.orders().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_admin_gives_roles_and_shuts_accounts_but_never_their_own() {
    let shop = Shop::open().await;
    let admin = shop.signed_in("root@example.org", Role::Admin).await;
    let ada = shop.signed_in(ADA, Role::Fan).await;
    let list = admin.get("/api/v1/accounts", &[]).await.json();
    let accounts = list["accounts"].as_array().unwrap();
    let id = |email: &str| {
        let one = accounts.iter().find(|one| one["email"] == email).unwrap();
        assert_eq!(one.get("password"), None);
        format!("/api/v1/accounts/{}", one["id"].as_str().unwrap())
    };
    let after = admin
        .get(&format!("/api/v1/accounts?after={ADA}"), &[])
        .await;
    assert_eq!(after.json()["accounts"][0]["email"], "root@example.org");

    let door = json!({ "role": "door" });
    let reply = admin.json("PATCH", &id(ADA), &door).await;
    assert_eq!(reply.json()["role"], "door", "{reply:?}");
    assert!(!ada.is_signed_in().await);
    ada.sign_in(ADA, PASSWORD).await;
    assert_eq!(ada.who().await["account"]["role"], "door");
    let shut = admin
        .json("PATCH", &id(ADA), &json!({ "disabled": true }))
        .await;
    assert!(shut.json()["disabled_ms"].is_i64(), "{shut:?}");
    assert!(!ada.is_signed_in().await);
    let open = admin
        .json("PATCH", &id(ADA), &json!({ "disabled": false }))
        .await;
    assert!(open.json()["disabled_ms"].is_null(), "{open:?}");

    let own = admin.json("PATCH", &id("root@example.org"), &door).await;
    own.is_problem(409, "own_account");
    assert!(admin.is_signed_in().await);
    let nobody = format!("/api/v1/accounts/{}", uuid::Uuid::nil());
    let reply = admin.json("PATCH", &nobody, &door).await;
    reply.is_problem(404, "not_found");
    let odd = admin
        .json("PATCH", &id(ADA), &json!({ "role": "root" }))
        .await;
    assert_eq!(odd.is_problem(400, "malformed")["at"], "role");
}
