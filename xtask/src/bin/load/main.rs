//! The load generator of `cargo xtask bench`: many fans over few connections, and the same against the
//! bare echo that the server is compared with. Prints one `NAME<tab>VALUE` a line.
//!
//! Closed loops: each connection sends its next request when the last is answered. That measures
//! what can be carried, not how long a fan waits at a given rate; for that there is the surge of
//! `end2end/load`, an open model, and the probe beside it. The generator's own share of the processor is printed beside the figures, since it takes it away from the server on the same machine.

mod bookings;
mod buyers;
mod client;
mod cpu;
mod crowd;
mod echo;
mod holds;
mod listeners;
mod probe;
mod room;
mod seats;
mod shop;
mod tally;

use std::net::SocketAddr;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tokio::task::LocalSet;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(clap::Args, Clone)]
struct Common {
    /// The server
    #[arg(long)]
    at: SocketAddr,
    /// More servers of the same shop, over which connections are spread
    #[arg(long, value_name = "ADDRESS")]
    beside: Vec<SocketAddr>,
    /// Sends all that is about one performance to the same server, as a proxy may
    #[arg(long)]
    sticky: bool,
    /// Their processes, to read their share of the processor
    #[arg(long)]
    process: Vec<u32>,
    #[arg(long, default_value_t = 64)]
    connections: usize,
}

impl Common {
    /// How many servers there are.
    fn servers(&self) -> usize {
        1 + self.beside.len()
    }

    /// Where the connection `index` of fans of `houses` performances leads.
    fn server_of(&self, index: usize, houses: usize) -> SocketAddr {
        let server = match self.sticky && houses == 1 {
            true => 0,
            false => index % self.servers(),
        };
        match server {
            0 => self.at,
            other => self.beside[other - 1],
        }
    }

    /// Which performance the fan `nth` of the connection `index` wants, of `houses`. Where each has its
    /// server, one of those that the connection leads to.
    fn house_of(&self, index: usize, nth: usize, houses: usize) -> usize {
        let servers = self.servers();
        if !self.sticky || houses < servers {
            return (index + nth) % houses;
        }
        let server = index % servers;
        let theirs = (houses - server).div_ceil(servers);
        server + (index / servers + nth) % theirs * servers
    }
}

#[derive(Subcommand)]
enum Task {
    /// The same requests against `onsale echo`, which does nothing with them
    Echo(echo::Args),
    /// Pairs of a hold and its release
    Holds(holds::Args),
    /// Complete bookings: hold, quote, checkout
    Bookings(bookings::Args),
    /// Buyers who ask twice, while servers come and go
    Buyers(buyers::Args),
    /// Listeners on the live feed, and how late each hears of a hold
    Listeners(listeners::Args),
    /// A few fans at a steady pace, an open model: beside a crowd
    Probe(probe::Args),
    /// Visitors who take a place in a waiting room
    RoomJoin(room::join::Args),
    /// Visitors who ask for the room's public document
    RoomPoll(room::poll::Args),
    /// The same of a path of `onsale echo`, without a room
    Gets(room::poll::Gets),
    /// An operator who changes a room, and how late its public document says so
    RoomChange(room::change::Args),
}

fn main() -> Result<()> {
    let command = Cli::parse().command;
    // One thread drives everything: it is to leave the machine to the server.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let crowd = LocalSet::new();
    crowd.block_on(&runtime.enable_all().build()?, async {
        match command {
            Task::Echo(args) => echo::drive(&args).await,
            Task::Holds(args) => holds::drive(args).await,
            Task::Bookings(args) => bookings::drive(args).await,
            Task::Buyers(args) => buyers::drive(args).await,
            Task::Listeners(args) => listeners::drive(&args).await,
            Task::Probe(args) => probe::drive(args).await,
            Task::RoomJoin(args) => room::join::drive(args).await,
            Task::RoomPoll(args) => room::poll::drive(args).await,
            Task::Gets(args) => room::poll::gets(&args).await,
            Task::RoomChange(args) => room::change::drive(&args).await,
        }
    })
}
