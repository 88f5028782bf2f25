//! How late the others hear of it: thousands of listeners on one performance's feed, a fan who holds
//! seats now and then, and the time from asking until each listener has the change. Where there are
//! several servers, nobody listens at the one that the fan is at.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};

use crate::{
    Common,
    client::{Client, find},
    cpu::Meter,
    holds::houses,
    seats::{Choice, Dice},
    shop,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// How many listeners
    #[arg(long, default_value_t = 5_000)]
    listeners: usize,
    /// How many holds are watched
    #[arg(long, default_value_t = 20)]
    holds: usize,
}

/// The hold that everybody waits for.
#[derive(Default)]
struct Watch {
    seat: Option<(u32, Instant)>,
    heard: usize,
    delays: Vec<Duration>,
}

/// A listener who has not heard by then has missed it.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn drive(args: &Args) -> Result<()> {
    let house = houses(&args.common, 1)
        .await?
        .pop()
        .context("no performance")?;
    let feed = format!("/api/v1/performances/{}/feed", house.performance.id);
    let watch = Rc::new(RefCell::new(Watch::default()));
    let mut listening = Vec::new();
    let elsewhere = match &args.common.beside[..] {
        [] => &[args.common.at],
        beside => beside,
    };
    for (index, address) in (0..args.listeners).zip(elsewhere.iter().cycle()) {
        let client = Client::connect(*address).await?;
        let (stream, rest) = client
            .into_stream(&feed)
            .await
            .with_context(|| format!("listener {index}"))?;
        listening.push(tokio::task::spawn_local(listen(
            stream,
            rest,
            Rc::clone(&watch),
        )));
    }
    println!("listeners\t{}", listening.len());
    let meter = Meter::start(&args.common.process);
    let mut client = Client::connect(args.common.at).await?;
    let mut dice = Dice::new(1);
    for _ in 0..args.holds {
        let seat = house.seats.borrow_mut().take(Choice::Uniform, &mut dice);
        let seat = seat.context("no seats left")?;
        hold(&mut client, &house.performance.id, seat, &watch).await?;
        wait_for_all(&watch, args.listeners).await?;
    }
    print(&mut watch.borrow_mut().delays, &meter);
    listening.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

async fn hold(
    client: &mut Client,
    performance: &str,
    seat: u32,
    watch: &RefCell<Watch>,
) -> Result<()> {
    {
        let mut watch = watch.borrow_mut();
        watch.seat = Some((seat, Instant::now()));
        watch.heard = 0;
    }
    let path = format!("/api/v1/performances/{performance}/holds");
    let body = shop::hold_body(&shop::uuid(), seat);
    let answer = client.ask("POST", &path, None, Some(&body)).await?;
    if answer.status != 201 {
        bail!(
            "the hold was refused: {}",
            String::from_utf8_lossy(answer.body)
        );
    }
    Ok(())
}

async fn wait_for_all(watch: &RefCell<Watch>, listeners: usize) -> Result<()> {
    let all = async {
        while watch.borrow().heard < listeners {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if timeout(PATIENCE, all).await.is_err() {
        bail!(
            "{} of {listeners} listeners heard of it",
            watch.borrow().heard
        );
    }
    Ok(())
}

/// Reads one feed for ever; notes when it names the seat that is watched.
async fn listen(mut stream: TcpStream, mut text: Vec<u8>, watch: Rc<RefCell<Watch>>) -> Result<()> {
    loop {
        while let Some(end) = find(&text, b"\n\n") {
            let watched = watch.borrow().seat;
            if let Some((seat, since)) = watched
                && names(&text[..end], seat)
            {
                let mut watch = watch.borrow_mut();
                watch.heard += 1;
                watch.delays.push(since.elapsed());
            }
            text.drain(..end + 2);
        }
        if stream.read_buf(&mut text).await? == 0 {
            bail!("the feed ended");
        }
    }
}

/// Whether a delta says that this seat is held now.
fn names(event: &[u8], seat: u32) -> bool {
    let Some(at) = find(event, b"\"held\":[") else {
        return false;
    };
    let list = &event[at + 8..];
    let end = list
        .iter()
        .position(|byte| *byte == b']')
        .unwrap_or(list.len());
    let seat = seat.to_string();
    list[..end]
        .split(|byte| *byte == b',')
        .any(|number| number == seat.as_bytes())
}

fn print(delays: &mut [Duration], meter: &Meter) {
    let shares = meter.read();
    delays.sort_unstable();
    for (name, share) in [("median", 0.5), ("p99", 0.99), ("max", 1.0)] {
        let at = ((delays.len() as f64 * share) as usize).min(delays.len().max(1) - 1);
        if let Some(delay) = delays.get(at) {
            println!("{name}_ms\t{}", delay.as_secs_f64() * 1_000.0);
        }
    }
    println!("generator_cpu\t{}", shares.own);
    if let Some(server) = shares.server {
        println!("server_cpu\t{server}");
    }
}
