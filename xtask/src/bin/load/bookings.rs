//! Fans who buy two seats: hold, quote, checkout with an approved card. Seats that are sold do not
//! come back, so a run is a number of bookings and not a time.

use std::{cell::Cell, rc::Rc, time::Instant};

use anyhow::{Context, Result, bail};

use crate::{
    Common,
    client::Client,
    crowd::{self, Shared},
    holds::{House, houses},
    seats::{Choice, Dice},
    shop,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// How many bookings in all
    #[arg(long, default_value_t = 10_000)]
    bookings: u32,
    /// Over how many performances the fans spread
    #[arg(long, default_value_t = 1)]
    performances: usize,
}

struct Run {
    houses: Vec<House>,
    left: Cell<u32>,
    common: Common,
}

pub(crate) async fn drive(args: Args) -> Result<()> {
    let run = Rc::new(Run {
        houses: houses(&args.common, args.performances).await?,
        left: Cell::new(args.bookings),
        common: args.common.clone(),
    });
    let clients = crowd::connect(&args.common, args.performances).await?;
    crowd::measure_whole(&args.common, "bookings", clients, |index, client, tally| {
        buy_on(client, index, Rc::clone(&run), tally)
    })
    .await
}

async fn buy_on(mut client: Client, index: usize, run: Rc<Run>, tally: Shared) -> Result<()> {
    let mut dice = Dice::new(index as u64 + 1);
    let mut nth = 0;
    while run.left.get() > 0 {
        run.left.set(run.left.get() - 1);
        let house = run.common.house_of(index, nth, run.houses.len());
        nth += 1;
        let since = Instant::now();
        if buy(&mut client, &mut dice, &run.houses[house], &tally).await? {
            tally.borrow_mut().accept(since);
        }
    }
    Ok(())
}

/// One booking; whether it came to anything.
async fn buy(client: &mut Client, dice: &mut Dice, house: &House, tally: &Shared) -> Result<bool> {
    let refused = |step: &str, status: u16, body: &[u8]| {
        tally.borrow_mut().refuse_at(step, status, body);
        Ok(false)
    };
    let seat = house.seats.borrow_mut().take(Choice::Uniform, dice);
    let seat = seat.context("the house is sold out: fewer bookings, or a larger house")?;
    let base = format!("/api/v1/performances/{}", house.performance.id);
    let items = shop::items(seat);

    let hold = shop::uuid();
    let body = shop::hold_body(&hold, seat);
    let answer = client
        .ask("POST", &format!("{base}/holds"), None, Some(&body))
        .await?;
    if answer.status != 201 {
        return refused("hold", answer.status, answer.body);
    }
    let cookie = answer.cookie.context("a hold without a session")?;

    let body = format!("{{\"items\":{items},\"voucher\":null}}");
    let path = format!("{base}/quote");
    let answer = client
        .ask("POST", &path, Some(&cookie), Some(&body))
        .await?;
    if answer.status != 200 {
        return refused("quote", answer.status, answer.body);
    }
    let quote = shop::json(&answer)?;
    let token = quote["token"].as_str().context("a quote without a token")?;

    let body = shop::checkout_body(token, &items);
    let path = format!("{base}/holds/{hold}/checkout");
    let answer = client
        .ask("POST", &path, Some(&cookie), Some(&body))
        .await?;
    if answer.status != 200 {
        return refused("checkout", answer.status, answer.body);
    }
    let order = shop::json(&answer)?;
    if order["state"] != "confirmed" {
        bail!("an order that is {} and not confirmed", order["state"]);
    }
    Ok(true)
}
