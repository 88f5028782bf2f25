//! What every backend promises about accounts.

use super::backend::{Backend, contract};
use booking_core::{CommandId, FanId, HoldId, OrderId, PerformanceId};
use onsale_server::accounts::{AccountId, Role, TokenHash};
use onsale_server::store::accounts::{AccountRow, AccountStore, Added, Begin, SessionRow};
use onsale_server::store::checkouts::{CheckoutRow, CheckoutStore};
use std::sync::Arc;
use tokio::sync::Barrier;

contract! {
    an_account_is_read_back_as_it_was_written
    an_address_is_one_account
    of_many_that_register_the_same_address_one_wins
    accounts_are_listed_by_address
    a_password_is_replaced_only_where_it_is_still_the_one_that_was_shown
    a_session_is_found_with_its_account_until_it_ends
    another_role_and_a_shut_account_end_every_session
    a_new_session_ends_the_one_it_replaces
    when_somebody_was_seen_never_moves_back
    sessions_that_are_over_are_forgotten
    a_guest_is_adopted_once
    a_guest_who_bought_nothing_is_forgotten_after_a_day
}

const NOW_MS: i64 = 1_000_000;
const DAY_MS: i64 = 86_400_000;

fn row(n: u128, email: &str) -> AccountRow {
    AccountRow {
        id: AccountId::from_u128(n),
        email: email.to_owned(),
        role: Role::Fan,
        fan: FanId::from_u128(n),
        password: format!("$argon2id$of {n}"),
        created_ms: NOW_MS,
        password_ms: NOW_MS + 1,
        disabled_ms: None,
    }
}

fn token(n: u8) -> TokenHash {
    TokenHash([n; 32])
}

fn begin(account: u128, n: u8) -> Begin {
    Begin {
        session: SessionRow {
            token: token(n),
            account: AccountId::from_u128(account),
            created_ms: NOW_MS,
            seen_ms: NOW_MS,
            expires_ms: NOW_MS + DAY_MS,
        },
        replaces: None,
        adopts: None,
    }
}

/// A guest's attempt to pay for an order.
fn bought(guest: u128, order: u128) -> CheckoutRow {
    CheckoutRow {
        owner: onsale_server::store::checkouts::ServerId::NOBODY,
        order: OrderId::from_u128(order),
        attempt: 1,
        command: CommandId::from_u128(order),
        content: [0; 16],
        performance: PerformanceId::from_u128(1),
        hold: HoldId::from_u128(order),
        fan: FanId::from_u128(guest),
        created_ms: NOW_MS,
        updated_ms: NOW_MS,
        unsettled: false,
        step: "{}".to_owned(),
        details: "{}".into(),
    }
}

async fn with_account<B: Backend>() -> (B::Store, B::Guard) {
    let (store, guard) = B::fresh().await;
    let added = store.add_account(row(1, "ada@b.de")).await.unwrap();
    assert_eq!(added, Added::New);
    (store, guard)
}

async fn is_signed_in<S: AccountStore>(store: &S, n: u8) -> bool {
    store.session(token(n)).await.unwrap().is_some()
}

async fn an_account_is_read_back_as_it_was_written<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    for (n, role) in Role::ALL.into_iter().enumerate() {
        let account = AccountRow {
            role,
            disabled_ms: (n % 2 == 0).then_some(5),
            ..row(n as u128, &format!("a{n}@straße.example"))
        };
        store.add_account(account.clone()).await.unwrap();
        let found = store.account_by_email(&account.email).await.unwrap();
        assert_eq!(found, Some(account));
    }
    assert_eq!(store.account_by_email("x@b.de").await.unwrap(), None);
}

async fn an_address_is_one_account<B: Backend>() {
    let (store, _guard) = with_account::<B>().await;
    let second = store.add_account(row(2, "ada@b.de")).await.unwrap();
    assert_eq!(second, Added::Exists);
    let found = store.account_by_email("ada@b.de").await.unwrap().unwrap();
    assert_eq!(found.id, AccountId::from_u128(1));
}

async fn of_many_that_register_the_same_address_one_wins<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let barrier = Arc::new(Barrier::new(16));
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let (store, barrier) = (store.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                store.add_account(row(n, "ada@b.de")).await.unwrap()
            })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += u32::from(task.await.unwrap() == Added::New);
    }
    assert_eq!(new, 1);
}

async fn accounts_are_listed_by_address<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    for (n, email) in ["c@b.de", "a@b.de", "b@b.de"].into_iter().enumerate() {
        store.add_account(row(n as u128, email)).await.unwrap();
    }
    let list = |after: &'static str, limit| {
        let store = store.clone();
        async move {
            let rows = store.accounts(after, limit).await.unwrap();
            rows.into_iter().map(|row| row.email).collect::<Vec<_>>()
        }
    };
    assert_eq!(list("", 2).await, ["a@b.de", "b@b.de"]);
    assert_eq!(list("b@b.de", 2).await, ["c@b.de"]);
}

async fn a_password_is_replaced_only_where_it_is_still_the_one_that_was_shown<B: Backend>() {
    let (store, _guard) = with_account::<B>().await;
    let first = row(1, "ada@b.de").password;
    let set = |old: &str, new: &str, chosen_ms| {
        store.set_password(
            AccountId::from_u128(1),
            old.to_owned(),
            new.to_owned(),
            chosen_ms,
        )
    };
    let read = || async { store.account_by_email("ada@b.de").await.unwrap().unwrap() };
    // Another cost, the same password.
    assert!(set(&first, "second", None).await.unwrap());
    assert_eq!(read().await.password_ms, NOW_MS + 1);
    assert!(!set(&first, "third", Some(9)).await.unwrap());
    assert_eq!(read().await.password, "second");
    assert!(set("second", "third", Some(9)).await.unwrap());
    let now = read().await;
    assert_eq!((now.password.as_str(), now.password_ms), ("third", 9));
}

async fn a_session_is_found_with_its_account_until_it_ends<B: Backend>() {
    let (store, _guard) = with_account::<B>().await;
    for n in 1..=3 {
        assert_eq!(store.begin_session(begin(1, n)).await.unwrap(), 0);
    }
    let (session, account) = store.session(token(2)).await.unwrap().unwrap();
    assert_eq!(session, begin(1, 2).session);
    assert_eq!(account, row(1, "ada@b.de"));
    let id = AccountId::from_u128(1);
    assert_eq!(store.count_sessions(id, NOW_MS).await.unwrap(), 3);
    store.end_session(token(2)).await.unwrap();
    store.end_session(token(2)).await.unwrap();
    assert!(!is_signed_in(&store, 2).await);
    assert_eq!(store.end_sessions(id, Some(token(3))).await.unwrap(), 1);
    assert!(is_signed_in(&store, 3).await && !is_signed_in(&store, 1).await);
    assert_eq!(store.end_sessions(id, None).await.unwrap(), 1);
    assert_eq!(store.count_sessions(id, NOW_MS).await.unwrap(), 0);
}

async fn another_role_and_a_shut_account_end_every_session<B: Backend>() {
    let (store, _guard) = with_account::<B>().await;
    let (id, nobody) = (AccountId::from_u128(1), AccountId::from_u128(2));
    store.begin_session(begin(1, 1)).await.unwrap();
    assert!(store.set_role(id, Role::Operator).await.unwrap());
    assert!(!is_signed_in(&store, 1).await);
    store.begin_session(begin(1, 2)).await.unwrap();
    assert!(store.set_disabled(id, Some(7)).await.unwrap());
    assert!(!is_signed_in(&store, 2).await);
    let now = store.account_by_email("ada@b.de").await.unwrap().unwrap();
    assert_eq!((now.role, now.disabled_ms), (Role::Operator, Some(7)));
    assert!(store.set_disabled(id, None).await.unwrap());
    let now = store.account_by_email("ada@b.de").await.unwrap().unwrap();
    assert_eq!(now.disabled_ms, None);
    assert!(!store.set_role(nobody, Role::Door).await.unwrap());
    assert!(!store.set_disabled(nobody, Some(7)).await.unwrap());
}

async fn a_new_session_ends_the_one_it_replaces<B: Backend>() {
    let (store, _guard) = with_account::<B>().await;
    store.begin_session(begin(1, 1)).await.unwrap();
    let second = Begin {
        replaces: Some(token(1)),
        ..begin(1, 2)
    };
    store.begin_session(second).await.unwrap();
    assert!(!is_signed_in(&store, 1).await && is_signed_in(&store, 2).await);
}

async fn when_somebody_was_seen_never_moves_back<B: Backend>() {
    let (store, _guard) = with_account::<B>().await;
    store.begin_session(begin(1, 1)).await.unwrap();
    for (seen_ms, reads_ms) in [(NOW_MS + 9, NOW_MS + 9), (NOW_MS + 3, NOW_MS + 9)] {
        store.seen(token(1), seen_ms).await.unwrap();
        let (session, _) = store.session(token(1)).await.unwrap().unwrap();
        assert_eq!(session.seen_ms, reads_ms);
    }
    store.seen(token(2), NOW_MS).await.unwrap();
}

async fn sessions_that_are_over_are_forgotten<B: Backend>() {
    let (store, _guard) = with_account::<B>().await;
    store.begin_session(begin(1, 1)).await.unwrap();
    let over_ms = NOW_MS + DAY_MS;
    assert_eq!(store.forget_sessions(over_ms - 1).await.unwrap(), 0);
    let id = AccountId::from_u128(1);
    assert_eq!(store.count_sessions(id, over_ms).await.unwrap(), 0);
    assert_eq!(store.forget_sessions(over_ms).await.unwrap(), 1);
    assert!(!is_signed_in(&store, 1).await);
}

async fn a_guest_is_adopted_once<B: Backend>() {
    let (store, _guard) = with_account::<B>().await;
    store.add_account(row(2, "bob@b.de")).await.unwrap();
    for order in [70, 71] {
        CheckoutStore::begin(&store, bought(50, order))
            .await
            .unwrap();
    }
    let guest = FanId::from_u128(50);
    let adopt = |account, n| Begin {
        adopts: Some(guest),
        ..begin(account, n)
    };
    assert_eq!(store.adopter(guest).await.unwrap(), None);
    assert_eq!(store.begin_session(adopt(1, 1)).await.unwrap(), 2);
    // The same cookie, copied elsewhere and shown by somebody else.
    assert_eq!(store.begin_session(adopt(2, 2)).await.unwrap(), 0);
    let (first, second) = (AccountId::from_u128(1), AccountId::from_u128(2));
    assert_eq!(store.adopter(guest).await.unwrap(), Some(first));
    assert_eq!(store.adopted(first).await.unwrap(), [guest]);
    assert_eq!(store.adopted(second).await.unwrap(), []);
}

async fn a_guest_who_bought_nothing_is_forgotten_after_a_day<B: Backend>() {
    let (store, _guard) = with_account::<B>().await;
    CheckoutStore::begin(&store, bought(50, 70)).await.unwrap();
    let adopt = |guest: u128, n: u8, at_ms| {
        let mut begin = begin(1, n);
        begin.session.created_ms = at_ms;
        begin.adopts = Some(FanId::from_u128(guest));
        begin
    };
    store.begin_session(adopt(50, 1, NOW_MS)).await.unwrap();
    store.begin_session(adopt(51, 2, NOW_MS + 1)).await.unwrap();
    let next = adopt(52, 3, NOW_MS + DAY_MS + 2);
    store.begin_session(next).await.unwrap();
    let adopted = store.adopted(AccountId::from_u128(1)).await.unwrap();
    assert_eq!(adopted, [FanId::from_u128(52), FanId::from_u128(50)]);
}
