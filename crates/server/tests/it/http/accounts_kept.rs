//! What an account is told and what an attack costs over a restart; and what an admin does at night.

use super::accounts::PASSWORD;
use super::shop::{Fan, Reply, Shop};
use onsale_server::accounts::Role;
use serde_json::{Value, json};

const ADA: &str = "ada@example.org";

async fn register(fan: &Fan<'_>, email: &str, password: &str) -> Reply {
    let body = json!({ "email": email, "password": password });
    fan.json("POST", "/api/v1/accounts", &body).await
}

/// The path of an account.
async fn path_of(admin: &Fan<'_>, email: &str) -> String {
    let found = admin
        .get(&format!("/api/v1/accounts?email={email}"), &[])
        .await;
    let id = found.json()["accounts"][0]["id"].clone();
    format!("/api/v1/accounts/{}", id.as_str().expect("an account"))
}

#[tokio::test]
async fn an_account_is_told_once_that_somebody_tried_to_register_with_its_address() {
    let shop = Shop::open().await;
    shop.account(ADA, Role::Fan).await;
    let thief = shop.fan();
    for _ in 0..2 {
        register(&thief, "ADA@example.org", "another password")
            .await
            .is_problem(409, "account_exists");
        shop.clock.advance(1_000);
    }
    let owner = shop.fan();
    let entered = owner.sign_in(ADA, PASSWORD).await.json();
    assert_eq!(entered["notice"]["registrations"], 2, "{entered}");
    let at_ms = entered["notice"]["last_ms"].as_i64().unwrap();
    assert_eq!(at_ms, shop.clock.now_ms() - 1_000);
    let again = shop.fan().sign_in(ADA, PASSWORD).await.json();
    assert_eq!(again["notice"], Value::Null, "{again}");
    // Who tried has neither a session nor learnt anything about the account but that it is there.
    let who = thief.get("/api/v1/account", &[]).await.json();
    assert_eq!(who["account"], Value::Null);
}

#[tokio::test]
async fn to_ask_which_addresses_are_taken_is_slowed_down_and_says_nothing_then() {
    let shop = Shop::open().await;
    let attacker = shop.fan();
    for n in 0..7 {
        shop.account(&format!("fan{n}@example.org"), Role::Fan)
            .await;
    }
    for n in 0..6 {
        let asked = register(&attacker, &format!("fan{n}@example.org"), PASSWORD).await;
        asked.is_problem(409, "account_exists");
    }
    // From now on a taken and a fresh address are the same answer.
    for email in ["fan6@example.org", "nobody@example.org"] {
        let refused = register(&attacker, email, PASSWORD).await;
        refused.is_problem(429, "too_many_attempts");
        assert_eq!(refused.header("retry-after"), "1", "{email}");
    }
    // Somebody elsewhere registers as ever.
    let mut other = shop.fan();
    other.address = "198.51.100.7".parse().unwrap();
    assert_eq!(
        register(&other, "new@example.org", PASSWORD).await.status,
        201
    );
}

#[tokio::test]
async fn a_restart_does_not_give_a_guesser_their_free_attempts_again() {
    let shop = Shop::open().await;
    shop.account(ADA, Role::Fan).await;
    {
        let attacker = shop.fan();
        for _ in 0..6 {
            let wrong = attacker.sign_in(ADA, "a wrong password").await;
            wrong.is_problem(401, "sign_in_failed");
        }
    }
    let shop = shop.restarted().await;
    let attacker = shop.fan();
    // Also with the right password: nothing is learnt by the restart.
    let refused = attacker.sign_in(ADA, PASSWORD).await;
    refused.is_problem(429, "too_many_attempts");
    let mut owner = shop.fan();
    owner.address = "198.51.100.7".parse().unwrap();
    assert_eq!(owner.sign_in(ADA, PASSWORD).await.status, 201);
}

#[tokio::test]
async fn while_somebody_guesses_it_is_kept_without_a_stop_in_good_order() {
    let shop = Shop::open().await;
    let store = shop.app.services().store.kept();
    let attacker = shop.fan();
    for _ in 0..4 {
        attacker.sign_in("nobody@example.org", "a guess").await;
        shop.clock.advance(6_000);
    }
    let kept = store.throttle().await.unwrap().expect("kept by now");
    let kept = String::from_utf8(kept.to_vec()).unwrap();
    assert!(kept.contains("failures"), "{kept}");
    assert!(
        !kept.contains("nobody") && !kept.contains("127.0.0.1"),
        "{kept}"
    );
}

#[tokio::test]
async fn an_admin_signs_somebody_out_everywhere_and_gives_another_password() {
    let shop = Shop::open().await;
    let admin = shop.signed_in("root@example.org", Role::Admin).await;
    let (phone, laptop) = (shop.signed_in(ADA, Role::Fan).await, shop.fan());
    assert_eq!(laptop.sign_in(ADA, PASSWORD).await.status, 201);
    let ada = path_of(&admin, ADA).await;
    let ended = admin
        .ask("DELETE", &format!("{ada}/sessions"), &[], "")
        .await;
    assert_eq!(ended.json(), json!({ "sessions": 2 }), "{ended:?}");
    for browser in [&phone, &laptop] {
        let who = browser.get("/api/v1/account", &[]).await.json();
        assert_eq!(who["account"], Value::Null);
    }
    assert_eq!(phone.sign_in(ADA, PASSWORD).await.status, 201);

    let given = admin
        .json("PUT", &format!("{ada}/password"), &json!({}))
        .await;
    assert_eq!(given.status, 200, "{given:?}");
    let made = given.json()["password"].as_str().unwrap().to_owned();
    let who = phone.get("/api/v1/account", &[]).await.json();
    assert_eq!(who["account"], Value::Null);
    laptop
        .sign_in(ADA, PASSWORD)
        .await
        .is_problem(401, "sign_in_failed");
    assert_eq!(laptop.sign_in(ADA, &made).await.status, 201);
    // A chosen one is not shown again, and is held to the same rules.
    let chosen = json!({ "password": "another good password" });
    let given = admin.json("PUT", &format!("{ada}/password"), &chosen).await;
    assert_eq!(given.json()["password"], Value::Null, "{given:?}");
    let short = json!({ "password": "short" });
    let refused = admin.json("PUT", &format!("{ada}/password"), &short).await;
    assert_eq!(refused.is_problem(400, "malformed")["at"], "password");
    let own = path_of(&admin, "root@example.org").await;
    let refused = admin.json("PUT", &format!("{own}/password"), &chosen).await;
    refused.is_problem(409, "own_account");
    let none = admin
        .get("/api/v1/accounts?email=nobody@example.org", &[])
        .await;
    assert_eq!(none.json(), json!({ "accounts": [] }));
    let odd = admin.get("/api/v1/accounts?email=nobody", &[]).await;
    odd.is_problem(400, "malformed");
}
