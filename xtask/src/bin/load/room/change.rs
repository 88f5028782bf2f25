//! From an operator's change until the public document says so: the operator's word, the rate, a
//! pause and its end, in turn. The document is asked for again and again meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use onsale_queue::{life::RoomState, wire::PublicRoom};
use serde_json::json;

use super::{Key, Operator, print_share, public};
use crate::{Common, client::Client, cpu::Meter};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    key: Key,
    /// How many changes
    #[arg(long, default_value_t = 400)]
    changes: u32,
}

/// Between two looks at the document: as exact as the figure is.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// A change that has no effect by then has none.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is changed, and by what its effect is known.
enum Change {
    Message(String),
    Rate(u32),
    Pause,
    Resume,
}

impl Change {
    fn number(number: u32) -> Self {
        match number % 4 {
            0 => Self::Message(format!("Change {number}")),
            1 => Self::Rate(100 + number),
            2 => Self::Pause,
            _ => Self::Resume,
        }
    }

    async fn make(&self, operator: &mut Operator, room: &str) -> Result<()> {
        match self {
            Self::Message(text) => operator.change(room, json!({"message": text})).await,
            Self::Rate(rate) => {
                operator
                    .change(room, json!({"rate_per_minute": rate}))
                    .await
            }
            Self::Pause => operator.act(room, "pause").await,
            Self::Resume => operator.act(room, "resume").await,
        }
    }

    fn shows_in(&self, public: &PublicRoom) -> bool {
        match self {
            Self::Message(text) => public.message == *text,
            Self::Rate(rate) => public.rate_per_minute == *rate,
            Self::Pause => public.state == RoomState::Paused,
            Self::Resume => public.state == RoomState::Open,
        }
    }
}

pub(crate) async fn drive(args: &Args) -> Result<()> {
    let mut operator = Operator::sign_in(args.common.at, &args.key).await?;
    let settings = json!({"name": "Bench", "rate_per_minute": 60, "cap": 500, "pow_bits": 0});
    let room = operator.open_room(settings, &[]).await?;
    let mut client = Client::connect(args.common.at).await?;
    let mut delays = Vec::new();
    let meter = Meter::start(&args.common.process);
    for number in 0..args.changes {
        let change = Change::number(number);
        let since = Instant::now();
        let seen = async {
            loop {
                let document = public(&mut client, &room).await?;
                if change.shows_in(&document) {
                    return anyhow::Ok(since.elapsed());
                }
                if since.elapsed() > PATIENCE {
                    bail!("change {number} has no effect after {PATIENCE:?}");
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let (made, seen) = tokio::join!(change.make(&mut operator, &room), seen);
        made?;
        delays.push(seen?.as_secs_f64() * 1_000.0);
    }
    delays.sort_unstable_by(f64::total_cmp);
    print_share("median_ms", &delays, 0.5);
    print_share("p99_ms", &delays, 0.99);
    print_share("max_ms", &delays, 1.0);
    let shares = meter.read();
    println!("generator_cpu\t{}", shares.own);
    if let Some(server) = shares.server {
        println!("server_cpu\t{server}");
    }
    Ok(())
}
