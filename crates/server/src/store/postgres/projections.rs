//! Projection rows of many appends, a statement for each kind.

use super::fault::Trouble;
use crate::store::port::Append;
use crate::store::rows::{NetTickets, Projection};
use sqlx::PgConnection;

const INSERT_ORDERS: &str = "INSERT INTO order_confirmed \
     (order_id, performance_id, fan_id, total_minor, at_ms) \
     SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[])";
const DELETE_TICKETS: &str = "DELETE FROM ticket_live USING \
     unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS gone (performance_id, place_key, ticket_id) \
     WHERE ticket_live.performance_id = gone.performance_id \
     AND ticket_live.place_key = gone.place_key AND ticket_live.ticket_id = gone.ticket_id";
/// The primary key refuses a second ticket for the same place. In order, so that nobody waits in a
/// ring.
const INSERT_TICKETS: &str = "INSERT INTO ticket_live \
     (performance_id, place_key, ticket_id, order_id, fan_id, area, price_type) \
     SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], \
     $6::integer[], $7::integer[]) AS tickets \
     (performance_id, place_key, ticket_id, order_id, fan_id, area, price_type) \
     ORDER BY performance_id, place_key";
/// The first time, those it opened under are put aside.
const SET_TERMS: &str = "UPDATE performances SET \
     opening_terms = COALESCE(opening_terms, terms), terms = $1 WHERE id = $2";
pub(super) const BUMP_CATALOGUE: &str =
    "UPDATE catalogue_revision SET revision = revision + 1 WHERE one = 1";

#[derive(Default)]
struct Orders<'a> {
    ids: Vec<&'a [u8]>,
    performances: Vec<&'a [u8]>,
    fans: Vec<&'a [u8]>,
    totals_minor: Vec<i64>,
    times_ms: Vec<i64>,
}

#[derive(Default)]
struct Gone<'a> {
    performances: Vec<&'a [u8]>,
    places: Vec<i64>,
    tickets: Vec<&'a [u8]>,
}

#[derive(Default)]
struct Live<'a> {
    performances: Vec<&'a [u8]>,
    places: Vec<i64>,
    tickets: Vec<&'a [u8]>,
    orders: Vec<&'a [u8]>,
    fans: Vec<&'a [u8]>,
    areas: Vec<Option<i32>>,
    price_types: Vec<i32>,
}

/// Writes the projections of all of `appends`, of each performance at most one append's.
pub(super) async fn append(
    connection: &mut PgConnection,
    appends: &[&Append],
) -> Result<(), Trouble> {
    let (mut orders, mut gone, mut live) = (Orders::default(), Gone::default(), Live::default());
    let mut terms_set = Vec::new();
    for append in appends {
        let performance = &append.performance.as_bytes()[..];
        for projection in &append.projections {
            match projection {
                Projection::OrderConfirmed {
                    order,
                    fan,
                    total_minor,
                    at_ms,
                } => {
                    orders.ids.push(order.as_bytes());
                    orders.performances.push(performance);
                    orders.fans.push(fan.as_bytes());
                    orders.totals_minor.push(*total_minor);
                    orders.times_ms.push(*at_ms);
                }
                Projection::TermsSet { terms } => terms_set.push((performance, terms.as_str())),
                Projection::TicketLive { .. } | Projection::TicketCancelled { .. } => {}
            }
        }
        let net = NetTickets::of(&append.projections);
        for (place_key, ticket) in net.gone {
            gone.performances.push(performance);
            gone.places.push(place_key);
            gone.tickets.push(ticket.as_bytes());
        }
        for projection in net.live {
            let Projection::TicketLive {
                ticket,
                order,
                fan,
                place_key,
                area,
                price_type,
            } = projection
            else {
                continue;
            };
            live.performances.push(performance);
            live.places.push(*place_key);
            live.tickets.push(ticket.as_bytes());
            live.orders.push(order.as_bytes());
            live.fans.push(fan.as_bytes());
            live.areas.push(area.map(i32::from));
            live.price_types.push(i32::from(*price_type));
        }
    }
    orders.insert(connection).await?;
    // First goes what went, then comes what came: a seat may have been given back and sold again.
    gone.delete(connection).await?;
    live.insert(connection).await?;
    for (performance, terms) in &terms_set {
        sqlx::query(SET_TERMS)
            .bind(terms)
            .bind(performance)
            .execute(&mut *connection)
            .await?;
    }
    if !terms_set.is_empty() {
        sqlx::query(BUMP_CATALOGUE).execute(connection).await?;
    }
    Ok(())
}

impl Orders<'_> {
    async fn insert(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.ids.is_empty() {
            return Ok(());
        }
        sqlx::query(INSERT_ORDERS)
            .bind(self.ids)
            .bind(self.performances)
            .bind(self.fans)
            .bind(self.totals_minor)
            .bind(self.times_ms)
            .execute(connection)
            .await
            .map(drop)
    }
}

impl Gone<'_> {
    async fn delete(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.places.is_empty() {
            return Ok(());
        }
        sqlx::query(DELETE_TICKETS)
            .bind(self.performances)
            .bind(self.places)
            .bind(self.tickets)
            .execute(connection)
            .await
            .map(drop)
    }
}

impl Live<'_> {
    async fn insert(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.places.is_empty() {
            return Ok(());
        }
        sqlx::query(INSERT_TICKETS)
            .bind(self.performances)
            .bind(self.places)
            .bind(self.tickets)
            .bind(self.orders)
            .bind(self.fans)
            .bind(self.areas)
            .bind(self.price_types)
            .execute(connection)
            .await
            .map(drop)
    }
}
