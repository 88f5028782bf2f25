//! The production profile on one machine: three servers behind HAProxy, on a PostgreSQL with a
//! standby, a Redis with a replica and Sentinels, and Kafka, watched by Prometheus.
//!
//! Everything is in one folder, which the next run goes on with. Ports are free ones each time, but
//! for the shop's own. This process stays and keeps the others ([`supervisor`](super::supervisor));
//! `addresses` in the folder says where they are, as soon as all of them serve.

mod kafka;
mod ports;
mod postgres;
pub(crate) mod prometheus;
mod proxy;
mod redis;

use std::{
    fs::{self, File, TryLockError},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use self::{kafka::Broker, postgres::Postgres, redis::Redis};
use super::{
    Args, answers, check_port, gives, open_browser,
    process::LOOK,
    supervisor::{Interrupt, OnEnd, Program, Supervisor},
};
use crate::{
    apt, chores, exec, place,
    screen::{Screen, Step},
    test, toolchain, web,
};

/// What runs last stops first: the proxy takes nobody new while servers finish what they have.
const STAGE_FRONT: u8 = 0;
const STAGE_ENGINES: u8 = 1;
const STAGE_DATA: u8 = 2;
/// It gets the primary's last words.
const STAGE_STANDBY: u8 = 3;

/// How long programs may take to stop.
const QUICK: Duration = Duration::from_secs(4);
const ENOUGH: Duration = Duration::from_secs(20);
/// How long they may take to start, on a busy machine; recovery after a crash may take longer.
const START_LIMIT: Duration = Duration::from_secs(90);
const LONG: Duration = Duration::from_secs(300);

const SERVERS: [&str; 3] = ["a", "b", "c"];
/// Where everything is, for whoever started this.
pub(crate) const ADDRESSES: &str = "addresses";
/// Where the database is, with its password.
pub(crate) const DATABASE_URL: &str = "database.url";

/// What has to be there, and the Debian packages with it.
const PROGRAMS: [(&str, &str); 4] = [
    ("haproxy", "haproxy"),
    ("redis-server", "redis-server"),
    ("redis-sentinel", "redis-sentinel"),
    ("prometheus", "prometheus"),
];

pub(super) fn main(args: &Args, shop: SocketAddr, data: &Path) -> Result<()> {
    let screen = Screen::new(if args.program.is_some() {
        2
    } else {
        web::STEPS + 3
    });
    let jars = screen.step("programs", ensure_programs)?;
    let onsale = match &args.program {
        Some(program) => place::root().join(program),
        None => build(&screen)?,
    };
    let folder = postgres::folder_for(data, args.data.is_none())?;
    if folder != data {
        screen.say(format!(
            "PostgreSQL's user may not enter {}: everything is kept in {}",
            data.display(),
            folder.display()
        ));
    }
    let data = folder;
    let _lock = lock(&data)?;
    check_port(shop)?;

    let interrupt = Interrupt::listen()?;
    let (mut supervisor, left) = Supervisor::new(&data, interrupt.clone())?;
    if !left.is_empty() {
        screen.say(format!(
            "stopped what an earlier run left: {}",
            left.join(", ")
        ));
    }
    let site = Site {
        args,
        data,
        onsale,
        shop,
        servers: [(); 3].map(|()| ports::free()),
    };
    let _ = fs::remove_file(site.data.join(ADDRESSES));
    let up = screen.step("engines and servers", |step| {
        site.start(step, &mut supervisor, &jars)
    });
    screen.say(format!("after {}", screen.elapsed()));
    drop(screen);
    let ended = up.and_then(|where_to_look| {
        eprintln!("{where_to_look}");
        if !args.no_open {
            open_browser(&format!("http://localhost:{}/", shop.port()))?;
        }
        while !interrupt.asked() {
            for said in supervisor.look() {
                eprintln!("{said}");
            }
            thread::sleep(LOOK);
        }
        Ok(())
    });
    eprintln!("stopping");
    let _ = fs::remove_file(site.data.join(ADDRESSES));
    for said in supervisor.stop() {
        eprintln!("{said}");
    }
    eprintln!("stopped");
    ended
}

/// Has every program installed that is not part of this repository; says where Kafka's jars are.
fn ensure_programs(step: &Step<'_>) -> Result<PathBuf> {
    let missing = |(program, _): &&(&str, &str)| exec::find(program).is_none();
    let mut packages: Vec<_> = PROGRAMS
        .iter()
        .filter(missing)
        .map(|(_, package)| *package)
        .collect();
    if crate::postgres::programs().is_none() {
        packages.push("postgresql");
    }
    for (program, package) in [("java", "default-jre-headless")] {
        if exec::find(program).is_none() {
            packages.push(package);
        }
    }
    // All at once, so that who is not root reads one list.
    if !packages.is_empty() {
        apt::install(step, &packages)?;
    }
    if crate::postgres::programs().is_none() {
        bail!("there is still no PostgreSQL server after installing Debian's postgresql");
    }
    test::kafka::ensure_compiler(step)?;
    test::kafka::ensure(step)
}

/// A server with every engine's client in it.
///
/// It is another build than the embedded profile's, which must not wait for a library in C. Cargo
/// keeps what both compile apart, so that going from one to the other compiles nothing; only the
/// finished program has one name for both. It gets another name here, for a server that is started
/// again must not turn out to be the other kind.
fn build(screen: &Screen) -> Result<PathBuf> {
    let wasm = toolchain::ensure(screen)?;
    web::ensure(screen, &wasm, web::Args::RELEASE)?;
    screen.step("server", |step| {
        chores::server_with(step, "release", &test::SERVER_FEATURES)
    })?;
    let release = place::target().join("release");
    let (built, kept) = (release.join("onsale"), release.join("onsale-production"));
    if kept.exists() {
        fs::remove_file(&kept)?;
    }
    fs::hard_link(&built, &kept)
        .or_else(|_| fs::copy(&built, &kept).map(drop))
        .with_context(|| format!("keeping {}", kept.display()))?;
    Ok(kept)
}

/// Two runs in one folder would harm each other.
fn lock(data: &Path) -> Result<File> {
    let file = File::create(data.join("lock")).context("opening the folder's lock")?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another `cargo xtask run --profile production` uses {}: stop it, or choose another \
             folder with --data",
            place::shown(data)
        ),
        Err(TryLockError::Error(error)) => Err(error).context("locking the folder"),
    }
}

/// One shop on one machine.
struct Site<'a> {
    args: &'a Args,
    data: PathBuf,
    onsale: PathBuf,
    shop: SocketAddr,
    servers: [SocketAddr; 3],
}

impl Site<'_> {
    /// Starts everything and waits until it serves. Says where to look.
    fn start(&self, step: &Step<'_>, supervisor: &mut Supervisor, jars: &Path) -> Result<String> {
        // What takes longest first; PostgreSQL is waited for while the others start.
        let kafka = Broker::start(step, supervisor, &self.data, jars)?;
        let redis = Redis::start(supervisor, &self.data)?;
        let postgres = Postgres::start(step, supervisor, &self.data)?;
        let url = postgres.url();
        postgres::write_secret(&self.data.join(DATABASE_URL), &format!("{url}\n"))?;
        let demo = self.data.join("demo");
        fs::create_dir_all(&demo)?;
        let onsale = || self.onsale_at(&url, "demo");
        let options: &[&str] = if self.args.quiet { &["--quiet"] } else { &[] };
        postgres.ensure_database(step, &self.data, &onsale, options)?;
        redis.ready(supervisor)?;

        for (name, address) in self.named() {
            let mut server = self.server(name, address, &url, &redis, &kafka);
            let reader = postgres.reader_url();
            server.command.env("ONSALE_DATABASE_READER", reader);
            supervisor.start(server)?;
        }
        let prometheus = ports::free();
        supervisor.start(prometheus::program(&self.data, prometheus, &self.servers)?)?;
        supervisor.until("all servers answer", START_LIMIT, || {
            self.servers.iter().all(|server| answers(*server))
        })?;
        supervisor.start(proxy::program(&self.data, self.shop, &self.named())?)?;
        supervisor.until("the shop answers", START_LIMIT, || answers(self.shop))?;
        supervisor.until("Prometheus is ready", START_LIMIT, || {
            gives(prometheus, "/-/ready")
        })?;
        let log = Broker::log(supervisor);
        supervisor.until("Kafka serves", START_LIMIT, || kafka.serves(&log))?;

        let mut addresses = format!("shop {}\nprometheus {prometheus}\n", self.shop);
        for (name, address) in self.named() {
            addresses.push_str(&format!("server-{name} {address}\n"));
        }
        // Under another name first: whoever reads it reads it whole.
        let part = self.data.join(".addresses");
        fs::write(&part, addresses)?;
        fs::rename(part, self.data.join(ADDRESSES)).context("writing the addresses")?;
        Ok(self.where_to_look(&postgres, &redis, &kafka, prometheus))
    }

    fn named(&self) -> [(&'static str, SocketAddr); 3] {
        std::array::from_fn(|at| (SERVERS[at], self.servers[at]))
    }

    /// `onsale` with what all of them share, and a folder of its own.
    fn onsale_at(&self, url: &str, folder: &str) -> Command {
        let mut onsale = Command::new(&self.onsale);
        onsale
            .env("ONSALE_DATABASE", url)
            .env("ONSALE_DATA", self.data.join(folder))
            .env("ONSALE_KEYS", self.data.join("keys"));
        onsale
    }

    fn server(
        &self,
        name: &str,
        address: SocketAddr,
        url: &str,
        redis: &Redis,
        kafka: &Broker,
    ) -> Program {
        let mut command = self.onsale_at(url, &format!("servers/{name}"));
        command
            .arg("serve")
            .args(["--listen", &address.to_string()])
            .args(["--trusted-proxy", "127.0.0.1"])
            .args(["--room-store", &redis.url()])
            .args(["--room-servers", "3", "--room-replicas", "1"])
            .args(["--kafka", &kafka.address.to_string()])
            .arg("--simulator-record")
            .arg(self.data.join("payments"))
            .args(&self.args.serve);
        Program {
            name: format!("server-{name}"),
            command,
            on_end: OnEnd::Restart,
            stage: STAGE_FRONT,
            stop: &[("TERM", ENOUGH)],
        }
    }

    fn where_to_look(
        &self,
        postgres: &Postgres,
        redis: &Redis,
        kafka: &Broker,
        prometheus: SocketAddr,
    ) -> String {
        let shown = |name: &str| place::shown(&self.data.join(name));
        let servers: Vec<_> = self
            .named()
            .iter()
            .map(|(name, address)| format!("{name} http://{address}"))
            .collect();
        format!(
            "\n  Onsale is open at http://localhost:{}/ (HAProxy)\n\
             \n  servers     {}\
             \n  operator    signs in at /sign-in with what {} says\
             \n  Prometheus  http://{prometheus}/alerts\
             \n  PostgreSQL  {}, standby {}: psql \"$(cat {})\"\
             \n  Redis       {}\
             \n  Kafka       {}\
             \n  logs        {}\n\
             \n  Ctrl-C stops everything.\n",
            self.shop.port(),
            servers.join(", "),
            shown("demo/demo-operator.txt"),
            postgres.primary,
            postgres.standby,
            shown(DATABASE_URL),
            redis.shown(),
            kafka.address,
            shown("log"),
        )
    }
}
