//! SIGKILL at any moment while many fans pay: every order a fan was told of is there afterwards,
//! and the shop's tickets and the provider's money agree to the cent.

use super::processes::{Purchase, begin};
use crate::support::client::Client;
use crate::support::process::{Dice, killed_amid, prepare, provider_of};
use crate::support::server::{Server, verify};
use crate::support::till::GOOD;
use booking_core::CommandId;
use onsale_server::store::checkouts::CheckoutStore;
use onsale_server::store::{SqliteStore, StoreOptions};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::watch;

const ROUNDS: u64 = 6;
const FANS: u64 = 8;
/// The house has 2,000 seats, sold in pairs.
const PAIRS: u32 = 1_000;

/// Buys until the connection breaks; returns every purchase with whether it was acknowledged.
async fn shop(
    address: String,
    fan: u64,
    pairs: Arc<AtomicU32>,
    answers: watch::Sender<u64>,
) -> Vec<(Purchase, bool)> {
    let mut bought = Vec::new();
    let Ok(mut client) = Client::connect(&address, fan).await else {
        return bought;
    };
    loop {
        let pair = pairs.fetch_add(1, Ordering::SeqCst);
        if pair >= PAIRS {
            return bought;
        }
        let Some(purchase) = begin(&mut client, pair * 2, GOOD).await else {
            return bought;
        };
        let answer = client
            .send("POST", &purchase.path, Some(&purchase.body))
            .await;
        let Ok((code, order)) = answer else {
            bought.push((purchase, false));
            return bought;
        };
        // A loaded machine may be slower than a fan's patience.
        assert!(matches!(code, 200 | 202), "{code}: {order}");
        let acknowledged = order["state"] == "confirmed";
        bought.push((purchase, acknowledged));
        answers.send_modify(|answers| *answers += 1);
    }
}

/// Nobody is running: every payment of the provider against the shop's own record.
async fn agree(data: &Path) -> usize {
    let provider = provider_of(data);
    let store = SqliteStore::open(data, StoreOptions::default())
        .await
        .unwrap();
    assert!(store.unsettled().await.unwrap().is_empty());
    let mut sold = 0;
    for payment in provider.payments() {
        assert!(
            !payment.reserved,
            "money is set aside for nothing: {payment:?}"
        );
        let rows = store
            .by_commands(vec![CommandId::from(payment.key.0)])
            .await;
        let rows = rows.unwrap();
        let tickets = CheckoutStore::live_tickets(&store, rows[0].order);
        let tickets = tickets.await.unwrap().len();
        let expected_minor = 1_000 * tickets as i64;
        assert_eq!(
            payment.taken_minor, expected_minor,
            "{payment:?}: {:?}",
            rows[0]
        );
        sold += usize::from(tickets == 2);
    }
    store.close().await.unwrap();
    sold
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_many_pay_tickets_and_money_agree_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).await;
    let pairs = Arc::new(AtomicU32::new(0));
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut told = 0;
    for round in 0..ROUNDS {
        let fan_of = |n| 10_000 + round * FANS + n;
        let enough = 5 + dice.below(60);
        let bought = killed_amid(dir.path(), FANS, enough, |address, n, answers| {
            shop(address, fan_of(n), pairs.clone(), answers)
        })
        .await;

        let server = Server::start(dir.path()).await;
        for (n, bought) in (0..).zip(&bought) {
            let mut client = Client::connect(&server.address(), fan_of(n)).await.unwrap();
            for (purchase, acknowledged) in bought {
                // What was acknowledged is as it was; what was not comes to an end when asked.
                let again = client.send("POST", &purchase.path, Some(&purchase.body));
                let (code, order) = again.await.unwrap();
                let state = order["state"].as_str().unwrap_or_default();
                if *acknowledged {
                    assert_eq!((code, state), (200, "confirmed"), "{order}");
                }
                told += usize::from(*acknowledged);
            }
        }
        server.stop().await;
    }
    let sold = agree(dir.path()).await;
    assert!(sold >= told, "{sold} sold, {told} acknowledged");
    assert!(told > 30, "only {told} orders");
    let (sound, said) = verify(dir.path()).await;
    assert!(sound, "{said}");
}
