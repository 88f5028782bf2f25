//! `onsale serve`

use super::Data;
use super::relay::Kafka;
use super::traces::{self, Traces};
use crate::app::{App, AppOptions, EventsIn};
use crate::demo::operator;
use crate::http::Settings;
use crate::http::serve::serve;
use crate::http::settings::{Network, Rate};
use crate::lane::LaneSettings;
use crate::money::ProviderKind;
use crate::observe::{self, LogFormat};
use crate::rooms::RoomsIn;
use crate::store::{DatabaseUrl, without_secrets};
use anyhow::Context;

use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;

/// Serve the shop and its API
///
/// Stops on SIGTERM and Ctrl-C: takes no new work, finishes what is under way, and leaves the data
/// folder in good order.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    /// Address to listen at; port 0 takes a free one and says which
    #[arg(
        long,
        value_name = "ADDR",
        env = "ONSALE_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    listen: SocketAddr,
    /// How logs are written to the standard error; RUST_LOG chooses what
    #[arg(long, value_enum, env = "ONSALE_LOG", default_value_t)]
    log: LogFormat,
    /// Show the web app built in this folder instead of the one inside the program
    #[arg(long, value_name = "DIR", env = "ONSALE_WEB")]
    web: Option<PathBuf>,
    /// Who moves the money
    #[arg(long, value_enum, env = "ONSALE_PAYMENTS", default_value_t)]
    payments: ProviderKind,
    /// File in which the payment simulator keeps its record, where servers of one machine share it;
    /// without it, in the data folder
    #[arg(long, value_name = "FILE", env = "ONSALE_SIMULATOR_RECORD")]
    simulator_record: Option<PathBuf>,
    /// Sign with the keys this server has, although other servers of the database have signed with
    /// others: what was signed until now is void
    #[arg(long)]
    new_keys: bool,
    /// Requests a second from one address; 0: no limit
    #[arg(long, value_name = "N", env = "ONSALE_RATE", default_value_t = 300)]
    rate: u32,
    /// Streaming replica of the database, from which the season and orders are read; what is decided
    /// rests on the database itself
    #[arg(
        long,
        value_name = "URL",
        env = "ONSALE_DATABASE_READER",
        hide_env_values = true,
        requires = "database"
    )]
    database_reader: Option<DatabaseUrl>,
    /// Requests at once from one address
    #[arg(
        long,
        value_name = "N",
        env = "ONSALE_RATE_BURST",
        default_value_t = 1_500
    )]
    rate_burst: u32,
    /// Address or network of a proxy in front whose X-Forwarded-For and -Proto are believed; may be
    /// repeated
    #[arg(
        long,
        value_name = "NETWORK",
        env = "ONSALE_TRUSTED_PROXIES",
        value_delimiter = ','
    )]
    trusted_proxy: Vec<Network>,
    /// Connections at once
    #[arg(
        long,
        value_name = "N",
        env = "ONSALE_MAX_CONNECTIONS",
        default_value_t = 20_000
    )]
    max_connections: usize,
    /// Answer /metrics to everybody, not to programs on this machine alone
    #[arg(long, env = "ONSALE_METRICS_OPEN")]
    metrics_open: bool,
    /// Where waiting rooms live: memory, or a Redis that servers share (redis://…,
    /// redis-sentinel://…, redis-cluster://…)
    #[arg(
        long,
        value_name = "WHERE",
        env = "ONSALE_ROOM_STORE",
        // There may be a password in it.
        hide_env_values = true,
        default_value = "memory"
    )]
    room_store: String,
    /// Servers that share the rooms' store
    #[arg(
        long,
        value_name = "N",
        env = "ONSALE_ROOM_SERVERS",
        default_value_t = 1
    )]
    room_servers: u32,
    /// Replicas that must have an admission before it counts; 1 behind Sentinel or in a cluster
    #[arg(
        long,
        value_name = "N",
        env = "ONSALE_ROOM_REPLICAS",
        default_value_t = 0
    )]
    room_replicas: u32,
    /// Places in waiting rooms that one address may take in a minute; 0: no limit
    #[arg(
        long,
        value_name = "N",
        env = "ONSALE_ROOM_JOINS",
        default_value_t = 240
    )]
    room_joins: u32,
    #[command(flatten)]
    kafka: Kafka,
    #[command(flatten)]
    traces: Traces,
    /// One transaction a command, as a baseline for the benchmark
    #[arg(long, hide = true)]
    one_by_one: bool,
    /// Seconds a shutdown may take
    #[arg(
        long,
        value_name = "SECONDS",
        env = "ONSALE_DRAIN",
        default_value_t = 10
    )]
    drain_s: u64,
}

impl Args {
    fn settings(&self) -> Settings {
        let rate = NonZeroU32::new(self.rate)
            .zip(NonZeroU32::new(self.rate_burst.max(self.rate)))
            .map(|(per_second, burst)| Rate { per_second, burst });
        Settings {
            rate,
            trusted_proxies: self.trusted_proxy.clone(),
            max_connections: self.max_connections,
            metrics_open: self.metrics_open,
            drain: Duration::from_secs(self.drain_s),
            ..Settings::default()
        }
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    observe::start_logs(args.log);
    observe::start_metrics();
    let mut settings = args.settings();
    settings.max_connections = settings.max_connections.min(connections_possible());
    // The port first: it is the quicker of the two to be told about.
    let listener = listen(args.listen).await?;
    let address = listener
        .local_addr()
        .context("the address listened at is not known")?;
    let rooms_in = rooms_in(&args).await?;
    let events_in = args.kafka.events_in()?;
    let (spans, exporting) = args.traces.start()?;
    settings.traces = spans;
    let mut options = AppOptions {
        database: args.data.database.clone(),
        reader: args.database_reader.clone(),
        keys: args.data.keys.clone(),
        new_keys: args.new_keys,
        simulator: args.simulator_record,
        rooms_in,
        room_joins: NonZeroU32::new(args.room_joins),
        web: args.web,
        provider: args.payments,
        ..AppOptions::default()
    };
    if args.one_by_one {
        options.store.gather = false;
        options.lanes = LaneSettings::naive();
    }
    let app = App::open(&args.data.data, options).await?;
    app.start_rooms();
    // In process nothing listens: sums are made from the ledger when somebody asks.
    if !matches!(events_in, EventsIn::Process) {
        app.start_relay(&events_in)?;
    }
    app.start_fans();
    let web = app.services().web.is_built();
    let database = args.data.place();
    tracing::info!(%address, data = %args.data.data.display(), database, web, "serving");
    if !address.ip().is_loopback() && settings.trusted_proxies.is_empty() {
        tracing::warn!(
            "listening beyond this machine on plain http: browsers keep no session without https; \
             put a proxy in front and name it with --trusted-proxy"
        );
    }
    if args.data.database.is_some() && args.room_store == "memory" {
        tracing::warn!(
            "waiting rooms live in this server's memory: as long as it is the only one on its \
             database, that is right; several need --room-store redis://…"
        );
    }
    let stop = stop_signal()?;
    announce(address, &args.data.data);
    let edge = app.edge(settings);
    serve(listener, edge, stop, || app.drain()).await;
    app.close().await;
    traces::finish(exporting).await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Says where the shop is, in one piece: whoever waits for the first line may close the pipe then.
fn announce(address: SocketAddr, data: &Path) {
    let mut text = format!("onsale serves at http://{address}\n");
    if let Some(file) = operator::file_of(data) {
        // The file and not what is in it: what a server prints is often kept where others read.
        text.push_str(&format!(
            "the demo's operator signs in at http://{address}/sign-in with what {} says\n",
            file.display()
        ));
    }
    let mut out = std::io::stdout();
    if out
        .write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        tracing::debug!("nobody reads what is printed");
    }
}

/// Where waiting rooms live.
async fn rooms_in(args: &Args) -> anyhow::Result<RoomsIn> {
    if args.room_store == "memory" {
        return Ok(RoomsIn::Memory);
    }
    let is_redis = args.room_store.starts_with("redis");
    if !is_redis || !args.room_store.contains("://") {
        anyhow::bail!(
            "--room-store {}: rooms live in `memory` or in a Redis, as in redis://127.0.0.1:6379",
            room_store(args)
        );
    }
    shared_rooms(args).await
}

/// What was said of it, without user and password.
fn room_store(args: &Args) -> String {
    match args.room_store.contains("://") {
        true => without_secrets(&args.room_store),
        false => args.room_store.clone(),
    }
}

#[cfg(feature = "redis")]
async fn shared_rooms(args: &Args) -> anyhow::Result<RoomsIn> {
    use onsale_queue::room::redis::{RedisOptions, RedisStore};
    let options = RedisOptions {
        replicas: args.room_replicas,
        ..RedisOptions::default()
    };
    let store = RedisStore::connect(&args.room_store, options)
        .await
        .with_context(|| {
            format!(
                "the waiting rooms' store {} cannot be used",
                room_store(args)
            )
        })?;
    Ok(RoomsIn::Shared {
        store: std::sync::Arc::new(store),
        servers: args.room_servers.max(1),
    })
}

#[cfg(not(feature = "redis"))]
async fn shared_rooms(args: &Args) -> anyhow::Result<RoomsIn> {
    anyhow::bail!(
        "--room-store {} (for {} servers, {} replicas): this onsale was built without Redis; build \
         it with `cargo build --release -p onsale-server --features redis`",
        room_store(args),
        args.room_servers,
        args.room_replicas
    )
}

/// Raises the limit of open files, which is for programs with few of them: a connection is one.
/// Some are left for the database and the rest of the program.
fn connections_possible() -> usize {
    const LEFT_FOR_OTHERS: u64 = 128;
    let open_files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open files could not be raised");
        1_024
    });
    usize::try_from(open_files.saturating_sub(LEFT_FOR_OTHERS).max(1)).unwrap_or(usize::MAX)
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {port} at {ip} is in use, perhaps by another onsale: stop that program (`ss -ltnp \
             'sport = :{port}'` names it), or choose another port with --listen {ip}:0",
            port = address.port(),
            ip = address.ip(),
        ),
        ErrorKind::PermissionDenied => anyhow::anyhow!(
            "port {} may not be opened by this user: choose one from 1024 up with --listen",
            address.port()
        ),
        ErrorKind::AddrNotAvailable => anyhow::anyhow!(
            "{} is not an address of this machine: choose one of its own with --listen",
            address.ip()
        ),
        _ => anyhow::Error::new(error).context(format!("{address} could not be listened at")),
    })
}

/// Over at the first SIGTERM or SIGINT. Listens from the call on, not from the first poll: whoever
/// reads the shop's address may stop it at once.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).context("signals cannot be listened for");
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
        }
    })
}
