//! What every backend promises about what is kept for a while.

use super::backend::{Backend, contract};
use booking_core::{FanId, OrderId};
use bytes::Bytes;
use onsale_server::accounts::{AccountId, Role};
use onsale_server::store::accounts::{AccountRow, AccountStore as _};
use onsale_server::store::kept::{KeptStore, Notice, PayingRow};

contract! {
    the_journal_is_read_in_order_and_forgotten_from_its_beginning
    an_order_is_being_paid_until_it_is_not
    an_admission_pays_for_one_order_at_a_time_at_whichever_server
    a_notice_is_told_once
    the_throttle_is_kept_whole_and_only_once
}

async fn the_journal_is_read_in_order_and_forgotten_from_its_beginning<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    assert_eq!(store.lines().await.unwrap(), []);
    // Written at the same time they may become durable in any order.
    for seq in [2, 1, 4, 3] {
        store.write_line(seq, format!("line {seq}")).await.unwrap();
    }
    let line = |seq: u64| (seq, format!("line {seq}"));
    assert_eq!(
        store.lines().await.unwrap(),
        (1..=4).map(line).collect::<Vec<_>>()
    );
    store.forget_lines(3).await.unwrap();
    assert_eq!(store.lines().await.unwrap(), [line(4)]);
    assert!(store.write_line(4, "again".to_owned()).await.is_err());
}

async fn an_order_is_being_paid_until_it_is_not<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let row = |order: u128, admission: &str| PayingRow {
        order: OrderId::from_u128(order),
        fan: FanId::from_u128(7),
        admission: admission.to_owned(),
        admission_id: None,
    };
    for row in [row(2, "b"), row(1, "a"), row(2, "c")] {
        store.begin_paying(row).await.unwrap();
    }
    // Tried again, an order is paid for with what was shown last.
    assert_eq!(store.paying().await.unwrap(), [row(1, "a"), row(2, "c")]);
    for _ in 0..2 {
        store.end_paying(OrderId::from_u128(1)).await.unwrap();
    }
    assert_eq!(store.paying().await.unwrap(), [row(2, "c")]);
}

async fn an_admission_pays_for_one_order_at_a_time_at_whichever_server<B: Backend>() {
    let (store, guard) = B::fresh().await;
    let row = |order: u128, id: u8| PayingRow {
        order: OrderId::from_u128(order),
        fan: FanId::from_u128(7),
        admission: "{}".to_owned(),
        admission_id: Some([id; 16]),
    };
    let mut wishes = Vec::new();
    for order in 1..=8 {
        let store = B::beside(&store, &guard).await;
        wishes.push(async move { store.begin_paying(row(order, 1)).await.unwrap() });
    }
    let refused = futures_util::future::join_all(wishes).await;
    let paying = store.paying().await.unwrap();
    let [won] = &paying[..] else {
        panic!("{paying:?}")
    };
    let other = refused.iter().flatten().collect::<Vec<_>>();
    assert_eq!(other, [&won.order; 7], "the others are told which");
    // The same one again, another one with another admission, and the first one with a third.
    let order = won.order.uuid().as_u128();
    assert_eq!(store.begin_paying(row(order, 1)).await.unwrap(), None);
    assert_eq!(store.begin_paying(row(20, 2)).await.unwrap(), None);
    assert_eq!(store.begin_paying(row(order, 3)).await.unwrap(), None);
    assert_eq!(
        store.begin_paying(row(21, 1)).await.unwrap(),
        None,
        "it is free again"
    );
    store.end_paying(OrderId::from_u128(20)).await.unwrap();
    assert_eq!(store.begin_paying(row(22, 2)).await.unwrap(), None);
}

async fn a_notice_is_told_once<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let id = AccountId::from_u128(1);
    let account = AccountRow {
        id,
        email: "ada@example.org".to_owned(),
        role: Role::Fan,
        fan: FanId::from_u128(1),
        password: "hash".to_owned(),
        created_ms: 0,
        password_ms: 0,
        disabled_ms: None,
    };
    store.add_account(account).await.unwrap();
    assert_eq!(store.take_notice(id).await.unwrap(), None);
    for at_ms in [5, 9, 7] {
        store.note_registration(id, at_ms).await.unwrap();
    }
    let notice = Notice {
        registrations: 3,
        last_ms: 9,
    };
    assert_eq!(store.take_notice(id).await.unwrap(), Some(notice));
    assert_eq!(store.take_notice(id).await.unwrap(), None);
}

async fn the_throttle_is_kept_whole_and_only_once<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    assert_eq!(store.throttle().await.unwrap(), None);
    for bytes in [&b"first"[..], b"second"] {
        store
            .keep_throttle(Bytes::from_static(bytes), 1)
            .await
            .unwrap();
    }
    assert_eq!(store.throttle().await.unwrap().unwrap(), "second");
}
