//! A few fans at a steady pace, whatever else goes on: each step is due at a time that was fixed
//! beforehand, and is as late as its answer is after that time. So a server (or a generator) that
//! stands still for a while is seen by all that were due meanwhile, and not by one of them.
//!
//! The state of the seats is got of the largest house. Two seats are held in the smaller ones, which
//! must not be behind a room; one fan in four pays, and the rest let go again. Prints a line for each
//! answer, `STEP<tab>DUE<tab>MICROSECONDS`, where DUE is in milliseconds of the machine's clock, and
//! `refused<tab>DUE<tab>STEP_STATUS_CODE` for one that was none. Goes on until it is stopped.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use tokio::task::spawn_local;

use crate::{
    Common,
    client::Client,
    holds::House,
    seats::{Choice, Dice},
    shop,
};

/// So many fans to one that pays: what is bought does not come back.
const PAYS_ONE_IN: u32 = 4;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// Fans a second, and looks at the seats a second
    #[arg(long, default_value_t = 40)]
    rate: u32,
    /// Over how many performances the fans spread
    #[arg(long, default_value_t = 10)]
    performances: usize,
}

struct Run {
    at: SocketAddr,
    largest: String,
    houses: Vec<House>,
    dice: RefCell<Dice>,
    /// Connections that nobody uses just now.
    idle: RefCell<Vec<Client>>,
    began: Instant,
    began_ms: u128,
    fans: Cell<u32>,
}

pub(crate) async fn drive(args: Args) -> Result<()> {
    let at = args.common.at;
    let mut found = shop::performances(at).await?;
    let largest = found.remove(0).id;
    // What is bought does not come back: large enough for the whole time.
    found.retain(|performance| (1_000..10_000).contains(&performance.seats));
    found.truncate(args.performances);
    let mut houses = Vec::new();
    for performance in found {
        let seats = RefCell::new(shop::seats(at, &performance.id).await?);
        houses.push(House { performance, seats });
    }
    anyhow::ensure!(!houses.is_empty(), "no house of 1,000 to 10,000 seats");
    let began_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let run = Rc::new(Run {
        at,
        largest,
        houses,
        dice: RefCell::new(Dice::new(1)),
        idle: RefCell::default(),
        began: Instant::now(),
        began_ms,
        fans: Cell::new(0),
    });
    let every = Duration::from_secs(1) / args.rate.max(1);
    for number in 1_u32.. {
        let due = run.began + every * number;
        tokio::time::sleep_until(due.into()).await;
        spawn_local(look(Rc::clone(&run), due));
        // Between two looks.
        spawn_local(shop(Rc::clone(&run), due + every / 2));
    }
    Ok(())
}

impl Run {
    fn say(&self, what: &str, due: Instant, value: &str) {
        let due_ms = self.began_ms + (due - self.began).as_millis();
        println!("{what}\t{due_ms}\t{value}");
    }

    /// An answer, from when it was due.
    fn answered(&self, step: &str, due: Instant) {
        self.say(step, due, &due.elapsed().as_micros().to_string());
    }

    async fn client(&self) -> Result<Client> {
        let idle = self.idle.borrow_mut().pop();
        match idle {
            Some(client) => Ok(client),
            None => Client::connect(self.at).await,
        }
    }
}

async fn look(run: Rc<Run>, due: Instant) {
    let looked = async {
        let mut client = run.client().await?;
        let path = format!("/api/v1/performances/{}/seats", run.largest);
        let status = client.ask("GET", &path, None, None).await?.status;
        if status == 200 {
            run.answered("seats", due);
        } else {
            run.say("refused", due, &format!("seats_{status}"));
        }
        run.idle.borrow_mut().push(client);
        anyhow::Ok(())
    };
    if let Err(error) = looked.await {
        run.say("refused", due, &format!("seats_{error}"));
    }
}

async fn shop(run: Rc<Run>, due: Instant) {
    tokio::time::sleep_until(due.into()).await;
    let fan = run.fans.get();
    run.fans.set(fan + 1);
    if let Err(error) = hold_and_go_on(&run, fan, due).await {
        run.say("refused", due, &format!("shop_{error}"));
    }
}

async fn hold_and_go_on(run: &Run, fan: u32, due: Instant) -> Result<()> {
    let mut client = run.client().await?;
    // Each house has its share of who pays: none sells out before the others.
    let house = &run.houses[(fan / PAYS_ONE_IN) as usize % run.houses.len()];
    let base = format!("/api/v1/performances/{}", house.performance.id);
    let taken = {
        let mut seats = house.seats.borrow_mut();
        seats.take(Choice::Uniform, &mut run.dice.borrow_mut())
    };
    let seat = taken.context("the house is sold out")?;
    let hold = shop::uuid();
    let body = shop::hold_body(&hold, seat);
    let path = format!("{base}/holds");
    let answer = client.ask("POST", &path, None, Some(&body)).await?;
    if answer.status != 201 {
        run.say("refused", due, &format!("hold_{}", answer.status));
        return Ok(());
    }
    run.answered("hold", due);
    let cookie = answer.cookie.context("a hold without a session")?;
    if !fan.is_multiple_of(PAYS_ONE_IN) {
        let path = format!("{base}/holds/{hold}?command_id={}", shop::uuid());
        let status = client
            .ask("DELETE", &path, Some(&cookie), None)
            .await?
            .status;
        anyhow::ensure!(status == 204, "release_{status}");
        house.seats.borrow_mut().give_back(seat);
    } else {
        let items = shop::items(seat);
        let body = format!("{{\"items\":{items},\"voucher\":null}}");
        let path = format!("{base}/quote");
        let answer = client
            .ask("POST", &path, Some(&cookie), Some(&body))
            .await?;
        let quote = shop::json(&answer)?;
        let token = quote["token"].as_str().context("a quote without a token")?;
        let body = shop::checkout_body(token, &items);
        let path = format!("{base}/holds/{hold}/checkout");
        // Due when the quote is there: a buyer presses when they see the price.
        let pressed = Instant::now();
        let answer = client
            .ask("POST", &path, Some(&cookie), Some(&body))
            .await?;
        let order = shop::json(&answer)?;
        anyhow::ensure!(order["state"] == "confirmed", "checkout_{}", order["state"]);
        run.answered("checkout", pressed);
    }
    run.idle.borrow_mut().push(client);
    Ok(())
}
