//! Buyers while servers come and go: each is a fan with a session of their own who holds two seats,
//! mostly pays for them, and asks once more where an answer was lost, as the web app does. What was
//! acknowledged is asked for again at the end: here a sale is checked and not measured.
//!
//! Goes on until the standard input ends. Prints `progress<tab>N` with each acknowledgement, and at
//! the end what it all came to.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    io::Read,
    net::SocketAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::time;

use crate::{
    Common,
    client::Client,
    crowd,
    holds::House,
    seats::{Choice, Dice},
    shop,
};

/// How long after a lost answer it is asked for again, as in `crates/web/src/api/mod.rs`.
const SECOND_TRY: Duration = Duration::from_millis(700);
/// How long an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How long a payment may be under way: another server takes it over after six seconds.
const PAID_WITHIN: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(250);
/// Of so many holds one is kept and not paid for.
const KEPT: u32 = 4;
/// Over how many performances they spread: so that each server has some.
const HOUSES: usize = 6;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// The same for the same choices
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What a buyer was told, and so what must be true for ever.
struct Told {
    cookie: String,
    performance: String,
    seat: u32,
    /// Where it can be asked for, and what must be in the answer.
    path: String,
    holds: &'static str,
}

/// An answer, on its own.
struct Reply {
    status: u16,
    cookie: Option<String>,
    body: Value,
}

/// What the buyers share.
struct Run {
    houses: Vec<House>,
    over: Arc<AtomicBool>,
    told: RefCell<Vec<Told>>,
    counts: RefCell<BTreeMap<String, u64>>,
}

impl Run {
    fn count(&self, what: &str) {
        *self.counts.borrow_mut().entry(what.to_owned()).or_default() += 1;
    }

    fn told(&self, told: Told) {
        self.told.borrow_mut().push(told);
        println!("progress\t{}", self.told.borrow().len());
    }
}

pub(crate) async fn drive(args: Args) -> Result<()> {
    let run = Rc::new(Run {
        houses: houses(args.common.at).await?,
        over: Arc::default(),
        told: RefCell::default(),
        counts: RefCell::default(),
    });
    let over = Arc::clone(&run.over);
    thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        over.store(true, Ordering::SeqCst);
    });
    let buyers = crowd::connect(&args.common, 1).await?;
    crowd::each(buyers, |index, client| {
        let dice = Dice::new(args.seed.wrapping_mul(1_000) + index as u64);
        let run = Rc::clone(&run);
        async move {
            let mut buyer = Buyer {
                client: Some(client),
                dice,
                run,
                at: args.common.at,
            };
            while !buyer.run.over.load(Ordering::SeqCst) {
                buyer.buy(index).await?;
            }
            Ok(())
        }
    })
    .await?;
    check(&args.common, &run).await?;
    for (what, count) in &*run.counts.borrow() {
        println!("{what}\t{count}");
    }
    Ok(())
}

/// The largest that nobody has to wait for.
async fn houses(at: SocketAddr) -> Result<Vec<House>> {
    let mut houses = Vec::new();
    let found = shop::performances(at).await?.into_iter();
    for performance in found.filter(|one| !one.has_room).take(HOUSES) {
        let seats = RefCell::new(shop::seats(at, &performance.id).await?);
        houses.push(House { performance, seats });
    }
    Ok(houses)
}

struct Buyer {
    /// None after a connection that broke.
    client: Option<Client>,
    dice: Dice,
    run: Rc<Run>,
    at: SocketAddr,
}

impl Buyer {
    /// One fan: holds, and mostly pays.
    async fn buy(&mut self, index: usize) -> Result<()> {
        let run = Rc::clone(&self.run);
        let first = index + self.dice.below(HOUSES as u32) as usize;
        // Another one, where hardly anything is left.
        let found = (0..run.houses.len()).find_map(|next| {
            let house = &run.houses[(first + next) % run.houses.len()];
            let seat = house
                .seats
                .borrow_mut()
                .take(Choice::Uniform, &mut self.dice);
            Some((&house.performance, seat?))
        });
        let (performance, seat) = found.context("everything is sold out: fewer buyers")?;
        let base = format!("/api/v1/performances/{}", performance.id);
        let hold = shop::uuid();
        let body = shop::hold_body(&hold, seat);
        let path = format!("{base}/holds");
        // What the page asks first, and where the session comes from.
        let Some(page) = self.ask_twice("page", "GET", &path, None, None).await else {
            return Ok(());
        };
        let cookie = page.cookie.context("a page without a session")?;
        let held = self
            .ask_twice("hold", "POST", &path, Some(&cookie), Some(&body))
            .await;
        let Some(held) = held else { return Ok(()) };
        if held.status != 201 {
            run.count(&refusal("hold", &held));
            return Ok(());
        }
        let told = |path: String, holds| Told {
            cookie: cookie.clone(),
            performance: performance.id.clone(),
            seat,
            path,
            holds,
        };
        if self.dice.below(KEPT) == 0 {
            run.count("held");
            run.told(told(format!("{base}/holds/{hold}"), "hold"));
            return Ok(());
        }

        let items = shop::items(seat);
        let body = format!("{{\"items\":{items},\"voucher\":null}}");
        let path = format!("{base}/quote");
        let quote = self
            .ask_twice("quote", "POST", &path, Some(&cookie), Some(&body))
            .await;
        let Some(quote) = quote else { return Ok(()) };
        let token = quote.body["token"].as_str();
        let token = token.with_context(|| format!("a quote: {} {}", quote.status, quote.body))?;

        let body = shop::checkout_body(token, &items);
        let order: Value = serde_json::from_str(&body)?;
        let order = order["order_id"].as_str().context("an order's id")?;
        let order = format!("/api/v1/orders/{order}");
        let path = format!("{base}/holds/{hold}/checkout");
        let paid = self
            .ask_twice("checkout", "POST", &path, Some(&cookie), Some(&body))
            .await;
        let mut paid = match paid {
            Some(paid) => paid,
            // Nobody knows whether it arrived: the order says, as it does to the page.
            None => match self
                .ask_twice("order", "GET", &order, Some(&cookie), None)
                .await
            {
                Some(asked) if asked.status == 200 => asked,
                _ => return Ok(()),
            },
        };
        // Paying, or answered by a server that was not the first to hear of it: the order says.
        let since = Instant::now();
        while paid.status == 202
            || paid.body["state"] == "paying"
            || paid.body["code"] == "order_state"
        {
            if since.elapsed() > PAID_WITHIN {
                run.count("failed_unsettled");
                eprintln!("{order} is not settled: {}", paid.body);
                return Ok(());
            }
            time::sleep(POLL).await;
            let asked = self
                .ask_twice("order", "GET", &order, Some(&cookie), None)
                .await;
            let Some(asked) = asked else { return Ok(()) };
            paid = asked;
        }
        if paid.status == 200 && paid.body["state"] == "confirmed" {
            run.count("bought");
            println!("order\t{order}\t{cookie}");
            run.told(told(order, "confirmed"));
        } else {
            run.count(&refusal("checkout", &paid));
            eprintln!("{order}: {} {}", paid.status, paid.body);
        }
        Ok(())
    }

    /// Asks, and once more where the answer was lost or a server said that it was not the one to ask.
    /// Nothing: that failed too, which is counted.
    async fn ask_twice(
        &mut self,
        step: &str,
        method: &str,
        path: &str,
        cookie: Option<&str>,
        body: Option<&str>,
    ) -> Option<Reply> {
        match self.ask(method, path, cookie, body).await {
            Ok(reply) if !may_pass(&reply) => return Some(reply),
            _ => self.run.count("retried"),
        }
        time::sleep(SECOND_TRY).await;
        let said = match self.ask(method, path, cookie, body).await {
            Ok(reply) if !may_pass(&reply) => return Some(reply),
            Ok(reply) => format!("{} {}", reply.status, reply.body),
            Err(error) => format!("{error:#}"),
        };
        self.run.count(&format!("failed_{step}"));
        eprintln!("{step} failed twice: {said}");
        None
    }

    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        cookie: Option<&str>,
        body: Option<&str>,
    ) -> Result<Reply> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => Client::connect(self.at).await?,
        };
        let answer = client.ask(method, path, cookie, body);
        let answer = time::timeout(ANSWER_LIMIT, answer)
            .await
            .context("no answer in time")??;
        let reply = Reply {
            status: answer.status,
            cookie: answer.cookie,
            body: serde_json::from_slice(answer.body).unwrap_or(Value::Null),
        };
        // HAProxy closes what it answers by itself.
        if !may_pass(&reply) {
            self.client = Some(client);
        }
        Ok(reply)
    }
}

/// Whether the same again may well succeed, as the web app sees it.
fn may_pass(reply: &Reply) -> bool {
    matches!(reply.status, 429 | 502 | 503 | 504)
}

fn refusal(step: &str, reply: &Reply) -> String {
    let code = reply.body["code"].as_str();
    let code = code.or(reply.body["state"].as_str()).unwrap_or("?");
    format!("refused_{step}_{}_{code}", reply.status)
}

/// Asks for everything that was acknowledged, and looks for seats that two of them have.
async fn check(common: &Common, run: &Rc<Run>) -> Result<()> {
    let all = run.told.take();
    let mut owners: HashMap<(&str, u32), &Told> = HashMap::new();
    let mut asker = Buyer {
        client: None,
        dice: Dice::new(0),
        run: Rc::clone(run),
        at: common.at,
    };
    // Named also where there are none, so that who reads it knows it was looked for.
    let (mut lost, mut twice) = (0, 0);
    for told in &all {
        for seat in [told.seat, told.seat + 1] {
            if let Some(other) = owners.insert((&told.performance, seat), told) {
                twice += 1;
                eprintln!("seat {seat}: {} and {}", other.path, told.path);
            }
        }
        let reply = asker
            .ask_twice("check", "GET", &told.path, Some(&told.cookie), None)
            .await
            .context("what was acknowledged cannot be asked for")?;
        let is_there = reply.status == 200
            && match told.holds {
                "confirmed" => {
                    let tickets = reply.body["tickets"].as_array();
                    let has = |seat: u32| {
                        tickets.is_some_and(|tickets| {
                            tickets.iter().any(|one| one["place"]["seat"] == seat)
                        })
                    };
                    reply.body["state"] == "confirmed" && has(told.seat) && has(told.seat + 1)
                }
                _ => reply.body["hold"]["places"].as_array().map(Vec::len) == Some(2),
            };
        if !is_there {
            lost += 1;
            eprintln!("lost: {} gives {} {}", told.path, reply.status, reply.body);
        }
    }
    println!("lost\t{lost}\ntwice\t{twice}");
    Ok(())
}
