//! What the service promises beyond what is seen over HTTP.

use super::*;
use crate::store::{SqliteStore, StoreOptions};
use tempfile::TempDir;

const NOW_MS: i64 = 1_700_000_000_000;
const CHEAP: HashCost = HashCost {
    memory_kib: 64,
    passes: 1,
    lanes: 1,
};
const PASSWORD: &str = "correct horse battery";

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

fn email(text: &str) -> Email {
    text.parse().unwrap()
}

fn from_home<'a>() -> Origin<'a> {
    Origin {
        address: IpAddr::from([198, 51, 100, 7]),
        device: None,
        session: None,
        guest: None,
    }
}

fn service(store: &SqliteStore, cost: HashCost) -> Accounts {
    Accounts::new(
        Arc::new(store.clone()),
        Clock::manual(NOW_MS),
        cost,
        DeviceKey::new([7; 32]),
    )
}

async fn office() -> (Accounts, SqliteStore, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), StoreOptions::default())
        .await
        .unwrap();
    let accounts = service(&store, CHEAP);
    let ada = email("ada@example.org");
    accounts
        .add(&ada, Role::Fan, password(PASSWORD))
        .await
        .unwrap();
    (accounts, store, dir)
}

async fn stored(store: &SqliteStore) -> AccountRow {
    let row = store.account_by_email("ada@example.org").await.unwrap();
    row.unwrap()
}

#[tokio::test]
async fn signing_in_makes_a_hash_anew_that_cost_less_than_today() {
    let (_, store, _dir) = office().await;
    let before = stored(&store).await;
    assert!(before.password.contains("m=64,t=1"), "{}", before.password);
    let grown = service(
        &store,
        HashCost {
            memory_kib: 128,
            passes: 2,
            lanes: 1,
        },
    );
    let ada = email("ada@example.org");
    let wrong = grown.sign_in(&ada, password("wrong"), from_home()).await;
    assert_eq!(wrong.unwrap_err(), AccountsError::Wrong);
    assert_eq!(stored(&store).await, before, "only the right one is known");
    grown
        .sign_in(&ada, password(PASSWORD), from_home())
        .await
        .unwrap();
    let after = stored(&store).await;
    assert!(after.password.contains("m=128,t=2"), "{}", after.password);
    assert_eq!(after.password_ms, before.password_ms, "nobody chose anew");
    grown
        .sign_in(&ada, password(PASSWORD), from_home())
        .await
        .unwrap();
    assert_eq!(stored(&store).await, after, "once is enough");
}

#[tokio::test]
async fn an_address_nobody_has_waits_for_a_hash_like_any_other() {
    let (accounts, _store, _dir) = office().await;
    let turns = accounts.passwords.turns();
    let held = turns.acquire_many(turns.available_permits() as u32).await;
    for address in ["ada@example.org", "nobody@example.org"] {
        let address = email(address);
        let sign_in = accounts.sign_in(&address, password("wrong"), from_home());
        let waits = async {
            while accounts.passwords.waiting() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            answer = sign_in => panic!("{address} was answered without work: {answer:?}"),
            () = waits => {}
        }
    }
    drop(held);
    for address in ["ada@example.org", "nobody@example.org"] {
        let address = email(address);
        let sign_in = accounts.sign_in(&address, password("wrong"), from_home());
        assert_eq!(sign_in.await.unwrap_err(), AccountsError::Wrong);
    }
}

#[tokio::test]
async fn who_is_sent_away_for_want_of_room_has_not_made_an_attempt() {
    let (mut accounts, _store, _dir) = office().await;
    accounts.passwords.set_waiting_most(0);
    let ada = email("ada@example.org");
    for _ in 0..100 {
        let sent_away = accounts.sign_in(&ada, password("wrong"), from_home()).await;
        assert_eq!(sent_away.unwrap_err(), AccountsError::Busy);
    }
    accounts.passwords.set_waiting_most(1);
    let entered = accounts
        .sign_in(&ada, password(PASSWORD), from_home())
        .await;
    assert!(entered.is_ok());
}
