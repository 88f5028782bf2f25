//! The projection tables tell the same story as the inventory, whatever is bought, exchanged and
//! given back, and in whichever batches.

use crate::support::{Office, SHOW, cancel, confirm, exchange, fresh, hold, stand};
use booking_core::price::Place;
use booking_core::{AreaIx, SeatIx, TicketId, test_support};
use onsale_server::store::rows::place_key;
use sqlx::Row as _;
use std::collections::BTreeSet;

type Ticket = (i64, Vec<u8>);

async fn live_tickets(office: &Office) -> BTreeSet<Ticket> {
    let rows = sqlx::query("SELECT place_key, ticket_id FROM ticket_live")
        .fetch_all(office.store.reader())
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn tickets_of_the_inventory(office: &Office) -> BTreeSet<Ticket> {
    office
        .lanes
        .read(SHOW, |inventory, _| {
            inventory
                .orders()
                .flat_map(|order| {
                    order.tickets.iter().map(|(ordinal, item)| {
                        let ticket = TicketId::of(order.order, *ordinal);
                        (place_key(item.place, ticket), ticket.as_bytes().to_vec())
                    })
                })
                .collect()
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn tickets_bought_exchanged_and_cancelled_one_after_another_are_projected() {
    let office = Office::open().await;
    let floor = Place::Area(AreaIx(0));
    let steps = [
        hold(7, 1, &[3, 4]),
        confirm(70, 7, 1, &test_support::seats(&[3, 4])),
        stand(8, 1, 3),
        confirm(80, 8, 1, &[floor, floor, floor]),
        exchange(70, &[3], &[13]),
        cancel(80, &[floor, floor]),
        hold(9, 2, &[3]),
        confirm(90, 9, 2, &test_support::seats(&[3])),
        cancel(70, &[]),
    ];
    for step in steps {
        let what = format!("{step:?}");
        office
            .send(fresh(), step)
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(
            live_tickets(&office).await,
            tickets_of_the_inventory(&office).await,
            "{what}"
        );
    }
    let live = live_tickets(&office).await;
    assert_eq!(live.len(), 2);
    let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM order_confirmed")
        .fetch_one(office.store.reader())
        .await
        .unwrap();
    assert_eq!(orders, 3);
}

#[tokio::test]
async fn a_seat_sold_given_back_and_sold_again_within_one_batch_has_one_live_ticket() {
    let office = Office::open().await;
    office.lanes.live(SHOW).await.unwrap();
    let seat = test_support::seats(&[3]);
    let steps = [
        hold(7, 1, &[3]),
        confirm(70, 7, 1, &seat),
        exchange(70, &[3], &[4]),
        exchange(70, &[4], &[3]),
        cancel(70, &seat),
        hold(8, 2, &[3]),
        confirm(80, 8, 2, &seat),
        hold(9, 3, &[4]),
    ];
    let sends = steps.into_iter().map(|step| office.send(fresh(), step));
    let answers = futures_util::future::join_all(sends).await;
    let seqs: BTreeSet<u64> = answers
        .iter()
        .map(|answer| answer.as_ref().unwrap().seq)
        .collect();
    assert!(seqs.len() < 8, "nothing was gathered: {seqs:?}");
    let live = live_tickets(&office).await;
    assert_eq!(live, tickets_of_the_inventory(&office).await);
    assert_eq!(
        live.iter()
            .map(|(place_key, _)| *place_key)
            .collect::<Vec<_>>(),
        [3]
    );
}

#[test]
fn area_places_never_share_a_key_with_seats() {
    let ticket = TicketId::from_u128(u128::MAX);
    assert!(place_key(Place::Area(AreaIx(0)), ticket) < 0);
    assert!(place_key(Place::Area(AreaIx(0)), TicketId::from_u128(0)) < 0);
    assert_eq!(place_key(Place::Seat(SeatIx(5)), ticket), 5);
}
