//! `onsale order`

use super::{Data, open};
use crate::app::{App, AppOptions};
use crate::catalogue::{Catalogue, Performance};
use crate::checkout::{Checkout, CheckoutError};
use crate::http::orders::OrderBody;
use crate::money::ProviderKind;
use crate::orders::{OrderView, view};
use crate::store::checkouts::CheckoutStore;
use anyhow::{Context, anyhow, bail};
use booking_core::OrderId;
use clap::Subcommand;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;

/// Show an order, cancel it, give its money back
///
/// Works on a data folder that no server uses at the time. Whoever can write to the folder may do
/// it: this is the organiser's tool, fans have no way to it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show an order: who bought what, what was paid, and where it stands
    Show(One),
    /// Undo all tickets of an order; its places are on sale again, and the money stays
    ///
    /// An interrupted cancellation is finished by asking again, or by the next `onsale serve`.
    Cancel(Change),
    /// Give all the money of an order back; its tickets are undone first, if they are not yet
    ///
    /// An interrupted refund is finished by asking again, or by the next `onsale serve`; money is
    /// given back once, however often it is asked for.
    Refund(Change),
}

#[derive(Debug, clap::Args)]
struct One {
    /// Its id, or the number that the fan was told: the id's last twelve digits
    order: Number,
    #[command(flatten)]
    data: Data,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Change {
    #[command(flatten)]
    one: One,
    /// Who moves the money
    #[arg(long, value_enum, env = "ONSALE_PAYMENTS", default_value_t)]
    payments: ProviderKind,
    /// File in which the payment simulator keeps its record, where servers of one machine share it
    #[arg(long, value_name = "FILE", env = "ONSALE_SIMULATOR_RECORD")]
    simulator_record: Option<PathBuf>,
}

/// An order as a person names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Id(OrderId),
    End([u8; 6]),
}

impl FromStr for Number {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u64::from_str_radix(text, 16) {
            Ok(end) if digits => {
                let mut bytes = [0; 6];
                bytes.copy_from_slice(&end.to_be_bytes()[2..]);
                Ok(Self::End(bytes))
            }
            Ok(_) | Err(_) => Err("neither an order's id nor the last twelve digits of one"),
        }
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Show(one) => show(&one).await,
        Command::Cancel(change) => undo(&change, false).await,
        Command::Refund(change) => undo(&change, true).await,
    }
}

async fn show(one: &One) -> anyhow::Result<ExitCode> {
    let office = open(&one.data, false).await?;
    let found = async {
        let order = find(&*office.store.checkouts(), one).await?;
        let mut attempts = Checkout::attempts(&*office.store.checkouts(), order).await?;
        let count = attempts.len();
        let latest = attempts.pop().context("an order without an attempt")?;
        let view = view(
            &*office.store.checkouts(),
            &*office.catalogue,
            Arc::new(latest),
        )
        .await?;
        let performance = performance_of(&office.catalogue, &view).await?;
        anyhow::Ok((view, count, performance))
    }
    .await;
    office.close().await;
    let (view, attempts, performance) = found?;
    print(&view, &performance, one.json)?;
    if attempts > 1 && !one.json {
        println!("tried   {attempts} times");
    }
    Ok(ExitCode::SUCCESS)
}

async fn undo(change: &Change, refund: bool) -> anyhow::Result<ExitCode> {
    let options = AppOptions {
        provider: change.payments,
        simulator: change.simulator_record.clone(),
        ..change.one.data.existing()
    };
    let app = App::open(&change.one.data.data, options).await?;
    let undone = undo_in(&app, &change.one, refund).await;
    app.drain().await;
    app.close().await;
    let (view, performance) = undone?;
    print(&view, &performance, change.one.json)?;
    Ok(ExitCode::SUCCESS)
}

async fn undo_in(
    app: &App,
    one: &One,
    refund: bool,
) -> anyhow::Result<(OrderView, Arc<Performance>)> {
    let services = app.services();
    let checkouts = &services.money.checkouts;
    let order = find(&*services.store.checkouts(), one).await?;
    let asked = if refund {
        checkouts.refund(order).await
    } else {
        checkouts.cancel(order).await
    };
    let fan = asked.map_err(|error| told(error, order, refund))?.fan;
    // However long the payment provider takes: what is not finished here is told as unfinished.
    checkouts.at_rest(order).await;
    let checkout = checkouts.latest(fan, order).await?;
    if !checkout.step.is_settled() {
        bail!(
            "order {order} is {}: it was interrupted, and goes on when this is asked again or \
             `onsale serve` is started",
            checkout.step.name()
        );
    }
    let view = services.money.orders.view(checkout).await?;
    let performance = performance_of(&services.catalogue, &view).await?;
    Ok((view, performance))
}

fn told(error: CheckoutError, order: OrderId, refund: bool) -> anyhow::Error {
    let done = if refund { "refunded" } else { "cancelled" };
    match error {
        CheckoutError::WrongState { state } => anyhow!(
            "order {order} is {state}: only what was sold can be {done}; `onsale order show` tells \
             where it stands"
        ),
        other => anyhow::Error::new(other).context(format!("order {order} could not be {done}")),
    }
}

/// The order a person means.
async fn find(store: &dyn CheckoutStore, one: &One) -> anyhow::Result<OrderId> {
    let found = match one.order {
        Number::Id(order) if store.attempts(order).await?.is_empty() => Vec::new(),
        Number::Id(order) => vec![order],
        Number::End(end) => store.orders_ending(end).await?,
    };
    match found.as_slice() {
        [order] => Ok(*order),
        [] => bail!("there is no such order in {}", one.data.place()),
        several => {
            let ids: Vec<_> = several.iter().map(ToString::to_string).collect();
            bail!("several orders end like this: {}", ids.join(", "))
        }
    }
}

async fn performance_of(
    catalogue: &Catalogue,
    view: &OrderView,
) -> anyhow::Result<Arc<Performance>> {
    catalogue
        .performance(view.checkout.performance)
        .await?
        .context("its performance is no longer in the catalogue")
}

fn print(view: &OrderView, performance: &Performance, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(&OrderBody::of(view))?);
        return Ok(());
    }
    let checkout = &view.checkout;
    let details = &checkout.details;
    let quote = &details.quote;
    println!("order   {}", checkout.order);
    println!("state   {}", checkout.state());
    println!("for     {}, {}", performance.title, performance.venue.name);
    println!("buyer   {} <{}>", details.buyer.name, details.buyer.email);
    let total = super::money(&performance.terms.prices, quote.total_minor);
    println!("total   {total}");
    for ticket in &view.tickets {
        let words = [
            &ticket.section,
            &ticket.row,
            &ticket.seat,
            &ticket.price_type,
        ];
        let words: Vec<_> = words
            .into_iter()
            .filter(|word| !word.is_empty())
            .map(String::as_str)
            .collect();
        let state = if ticket.valid { "valid" } else { "cancelled" };
        println!("ticket  {}  {state}", words.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_named_by_its_id_or_its_last_twelve_digits() {
        let id: OrderId = "01a1f9b9-378f-75d7-af51-9b49aa60f6c9".parse().unwrap();
        assert_eq!(id.to_string().parse(), Ok(Number::Id(id)));
        let end = Number::End([0x9b, 0x49, 0xaa, 0x60, 0xf6, 0xc9]);
        assert_eq!("9B49AA60F6C9".parse(), Ok(end));
        assert_eq!("9b49aa60f6c9".parse(), Ok(end));
        for wrong in ["", "9B49AA60F6C", "9B49AA60F6C9A", "+9B49AA60F6C", "order"] {
            assert!(wrong.parse::<Number>().is_err(), "{wrong}");
        }
    }
}
