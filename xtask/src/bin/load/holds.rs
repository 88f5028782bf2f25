//! Fans who hold two seats and let them go again, so that the house stays about half full.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Instant};

use anyhow::{Context, Result};

use crate::{
    Common,
    client::Client,
    crowd::{self, Shared},
    seats::{Choice, Dice, Seats},
    shop::{self, Performance},
    tally::Tally,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Over how many performances the fans spread
    #[arg(long, default_value_t = 1)]
    performances: usize,
    #[arg(long, default_value = "uniform")]
    choice: Choice,
    /// How full the house is kept, percent
    #[arg(long, default_value_t = 50)]
    full: u32,
}

/// One performance and what these fans know of it.
pub(crate) struct House {
    pub(crate) performance: Performance,
    pub(crate) seats: RefCell<Seats>,
}

/// A fan who has two seats.
struct Holder {
    house: usize,
    cookie: String,
    hold: String,
    seat: u32,
}

/// What the connections of a run share.
struct Run {
    houses: Vec<House>,
    choice: Choice,
    common: Common,
}

impl Run {
    fn house_of(&self, index: usize, nth: usize) -> usize {
        self.common.house_of(index, nth, self.houses.len())
    }
}

pub(crate) async fn drive(args: Args) -> Result<()> {
    let houses = houses(&args.common, args.performances).await?;
    let free: u64 = houses
        .iter()
        .map(|house| u64::from(house.seats.borrow().left()))
        .sum();
    let all: u64 = houses.iter().map(|house| house.performance.seats).sum();
    let keep_free = all * u64::from(100 - args.full) / 100;
    let to_fill = usize::try_from(free.saturating_sub(keep_free) / 2)?;

    let connections = args.common.connections;
    let run = Rc::new(Run {
        houses,
        choice: args.choice,
        common: args.common.clone(),
    });
    let clients = crowd::connect(&args.common, args.performances).await?;
    // Until the house is full nothing counts.
    let filling = Rc::new(RefCell::new(Tally::none()));
    let fans = crowd::each(clients, |index, client| {
        let fan = Fan {
            client,
            dice: Dice::new(index as u64 + 1),
            holders: VecDeque::new(),
            tally: Rc::clone(&filling),
        };
        let share = to_fill / connections + usize::from(index < to_fill % connections);
        fan.fill(Rc::clone(&run), share, index)
    })
    .await?;
    crowd::measure(
        &args.common,
        args.seconds,
        "holds",
        fans,
        |index, fan, tally| Fan { tally, ..fan }.turn_over(Rc::clone(&run), index),
    )
    .await
    .map(drop)
}

pub(crate) async fn houses(common: &Common, count: usize) -> Result<Vec<House>> {
    let mut found = shop::performances(common.at).await?;
    if count > 1 {
        // Many houses are theatres: a stadium among them would be most of the seats.
        found.retain(|performance| performance.seats < 10_000);
    }
    anyhow::ensure!(
        found.len() >= count,
        "{count} performances asked for, {} on sale",
        found.len()
    );
    let mut houses = Vec::new();
    for performance in found.into_iter().take(count) {
        let seats = RefCell::new(shop::seats(common.at, &performance.id).await?);
        houses.push(House { performance, seats });
    }
    Ok(houses)
}

/// One connection with the many fans who share it, each with a session of their own.
struct Fan {
    client: Client,
    dice: Dice,
    holders: VecDeque<Holder>,
    tally: Shared,
}

impl Fan {
    /// Lets `share` new fans hold two seats each.
    async fn fill(mut self, run: Rc<Run>, share: usize, index: usize) -> Result<Self> {
        let mut misses = 0;
        while self.holders.len() < share && misses < 1_000 {
            let house = run.house_of(index, self.holders.len());
            if !self.hold(&run, house, None).await? {
                misses += 1;
            }
        }
        Ok(self)
    }

    /// The fan who has held longest lets go and takes two others, again and again.
    async fn turn_over(mut self, run: Rc<Run>, index: usize) -> Result<()> {
        while !self.tally.borrow().is_over() {
            let (house, cookie) = match self.holders.pop_front() {
                Some(holder) => {
                    self.release(&run, &holder).await?;
                    (holder.house, Some(holder.cookie))
                }
                None => (run.house_of(index, 0), None),
            };
            self.hold(&run, house, cookie).await?;
        }
        Ok(())
    }

    async fn hold(&mut self, run: &Run, house: usize, cookie: Option<String>) -> Result<bool> {
        let House { performance, seats } = &run.houses[house];
        let seat = seats
            .borrow_mut()
            .take(run.choice, &mut self.dice)
            .context("no seats left")?;
        let hold = shop::uuid();
        let path = format!("/api/v1/performances/{}/holds", performance.id);
        let body = shop::hold_body(&hold, seat);
        let since = Instant::now();
        let answer = self
            .client
            .ask("POST", &path, cookie.as_deref(), Some(&body))
            .await?;
        let mut tally = self.tally.borrow_mut();
        tally.request();
        if answer.status != 201 {
            tally.refuse(answer.status, answer.body);
            // Only a fan known to the server is worth keeping for another try.
            return Ok(false);
        }
        tally.accept(since);
        let cookie = answer
            .cookie
            .or(cookie)
            .context("a hold without a session")?;
        self.holders.push_back(Holder {
            house,
            cookie,
            hold,
            seat,
        });
        Ok(true)
    }

    async fn release(&mut self, run: &Run, holder: &Holder) -> Result<()> {
        let House { performance, seats } = &run.houses[holder.house];
        let path = format!(
            "/api/v1/performances/{}/holds/{}?command_id={}",
            performance.id,
            holder.hold,
            shop::uuid()
        );
        let answer = self
            .client
            .ask("DELETE", &path, Some(&holder.cookie), None)
            .await?;
        let mut tally = self.tally.borrow_mut();
        tally.request();
        if answer.status == 204 {
            seats.borrow_mut().give_back(holder.seat);
        } else {
            tally.refuse(answer.status, answer.body);
        }
        Ok(())
    }
}
