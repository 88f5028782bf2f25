//! What every backend promises about the catalogue.

use super::backend::{Backend, contract};
use booking_core::PerformanceId;
use booking_core::ledger::GENESIS;
use bytes::Bytes;
use futures_util::future::join_all;
use onsale_server::catalogue::{CatalogueStore, CatalogueStoreError, PerformanceRow, Venue};
use onsale_server::store::{Append, LedgerStore, NewBatch, Projection};
use uuid::Uuid;

contract! {
    performances_are_read_back_as_they_were_written_soonest_first
    venues_are_listed_by_name
    of_many_that_add_the_same_performance_one_does
    a_performance_needs_a_venue
    every_change_raises_the_revision
    new_terms_in_the_ledger_are_those_in_force_and_the_first_are_kept
}

fn venue(id: u128, name: &str) -> Venue {
    Venue {
        id: Uuid::from_u128(id),
        name: name.to_owned(),
        city: "Köln".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
    }
}

fn performance(id: u128, starts_at_ms: i64) -> PerformanceRow {
    PerformanceRow {
        id: PerformanceId::from_u128(id),
        venue: Uuid::from_u128(1),
        title: format!("Hamlet {id}"),
        subtitle: "nach ‘Hamlet’".to_owned(),
        description: "…\n".to_owned(),
        genre: "Theatre".to_owned(),
        starts_at_ms,
        doors_at_ms: starts_at_ms - 1,
        map_version: [5; 32],
        terms: "{\"first\":1}".to_owned(),
        opening_terms: None,
        simulated_fans: id == 2,
    }
}

const MAP: Bytes = Bytes::from_static(b"\x00map\xff");

async fn with_venue<B: Backend>() -> (B::Store, B::Guard) {
    let (store, guard) = B::fresh().await;
    store.add_venue(&venue(1, "Am Wall")).await.unwrap();
    (store, guard)
}

async fn listed<S: CatalogueStore>(store: &S) -> Vec<PerformanceRow> {
    CatalogueStore::performances(store).await.unwrap()
}

async fn performances_are_read_back_as_they_were_written_soonest_first<B: Backend>() {
    let (store, _guard) = with_venue::<B>().await;
    for row in [performance(1, 900), performance(2, 100)] {
        store.add_performance(&row, MAP, "<svg/>").await.unwrap();
    }
    assert_eq!(
        listed(&store).await,
        [performance(2, 100), performance(1, 900)]
    );
    assert_eq!(store.map_versions().await.unwrap(), [[5; 32]]);
    assert_eq!(store.seat_map([5; 32]).await.unwrap(), Some(MAP));
    assert_eq!(store.seat_map([6; 32]).await.unwrap(), None);
    let poster = store.poster(PerformanceId::from_u128(1)).await.unwrap();
    assert_eq!(poster.as_deref(), Some("<svg/>"));
    assert_eq!(
        store.poster(PerformanceId::from_u128(9)).await.unwrap(),
        None
    );
}

async fn venues_are_listed_by_name<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    // In order of bytes, whatever language the database was made for.
    let venues = [(3, "Zoo"), (1, "alte Oper"), (2, "Ägypten")].map(|(id, name)| venue(id, name));
    for venue in [&venues[2], &venues[0], &venues[1]] {
        store.add_venue(venue).await.unwrap();
    }
    assert_eq!(store.venues().await.unwrap(), venues);
    let again = store.add_venue(&venues[0]).await;
    assert!(
        matches!(again, Err(CatalogueStoreError::Exists)),
        "{again:?}"
    );
}

async fn of_many_that_add_the_same_performance_one_does<B: Backend>() {
    let (store, _guard) = with_venue::<B>().await;
    let row = performance(1, 5);
    let adding = (0..8).map(|_| store.add_performance(&row, MAP, ""));
    let added = join_all(adding).await;
    assert_eq!(added.iter().filter(|added| added.is_ok()).count(), 1);
    for refused in added.into_iter().filter_map(Result::err) {
        assert!(matches!(refused, CatalogueStoreError::Exists), "{refused}");
    }
    assert_eq!(listed(&store).await, [row]);
}

async fn a_performance_needs_a_venue<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let added = store.add_performance(&performance(1, 5), MAP, "").await;
    assert!(
        matches!(added, Err(CatalogueStoreError::NoSuchVenue)),
        "{added:?}"
    );
    assert_eq!(listed(&store).await, []);
}

async fn every_change_raises_the_revision<B: Backend>() {
    let (store, _guard) = B::fresh().await;
    let mut last = store.revision().await.unwrap();
    let mut raised = async |store: &B::Store| {
        let now = store.revision().await.unwrap();
        std::mem::replace(&mut last, now) < now
    };
    store.add_venue(&venue(1, "Am Wall")).await.unwrap();
    assert!(raised(&store).await);
    let row = performance(2, 5);
    store.add_performance(&row, MAP, "").await.unwrap();
    assert!(raised(&store).await);
    assert!(store.switch_fans(row.id, false).await.unwrap());
    assert!(raised(&store).await);
    assert!(!listed(&store).await[0].simulated_fans);
    let nobody = PerformanceId::from_u128(9);
    assert!(!store.switch_fans(nobody, false).await.unwrap());
    assert!(!store.is_demo().await.unwrap());
    raised(&store).await;
    store.mark_demo().await.unwrap();
    store.mark_demo().await.unwrap();
    assert!(raised(&store).await && store.is_demo().await.unwrap());
    assert!(!raised(&store).await);
}

async fn new_terms_in_the_ledger_are_those_in_force_and_the_first_are_kept<B: Backend>() {
    let (store, _guard) = with_venue::<B>().await;
    let row = performance(1, 5);
    store.add_performance(&row, MAP, "").await.unwrap();
    let before = store.revision().await.unwrap();
    let mut prev_hash = GENESIS;
    for (seq, terms) in (1..).zip(["second", "third"]) {
        let batch = NewBatch {
            seq,
            at_ms: 0,
            bytes: Bytes::new(),
            prev_hash,
            hash: [seq as u8; 32],
        };
        prev_hash = batch.hash;
        let append = Append {
            performance: row.id,
            batch: Some(batch),
            decided_after: None,
            commands: Vec::new(),
            projections: vec![Projection::TermsSet {
                terms: terms.to_owned(),
            }],
        };
        store.append(append).await.unwrap();
    }
    let now = PerformanceRow {
        opening_terms: Some(row.terms.clone()),
        terms: "third".to_owned(),
        ..row
    };
    assert_eq!(listed(&store).await, [now]);
    assert!(store.revision().await.unwrap() > before);
}
