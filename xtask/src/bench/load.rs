//! The load generator and what it is pointed at: `onsale serve` on fresh data, or `onsale echo`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{Session, postgres::Postgres};
use crate::{
    chores, exec, place, run,
    server::{self, Server},
};

/// Both programs, optimised.
pub(crate) struct Programs {
    pub(crate) onsale: PathBuf,
    load: PathBuf,
}

/// What one run of the generator said.
pub(crate) struct Figures(BTreeMap<String, f64>);

impl Programs {
    pub(crate) fn build(session: &Session<'_>) -> Result<Self> {
        Self::build_with(session, &[])
    }

    /// The same with more in the server than what is on by default.
    pub(crate) fn build_with(session: &Session<'_>, features: &[&str]) -> Result<Self> {
        chores::server_with(session.step, "release", features)?;
        let mut build = exec::cargo();
        build.args([
            "build",
            "--release",
            "--package",
            "xtask",
            "--features",
            "load",
        ]);
        build.args(["--bin", "load"]);
        exec::logged(session.step, "load-release", &mut build)?;
        let release = place::target().join("release");
        Ok(Self {
            onsale: release.join("onsale"),
            load: release.join("load"),
        })
    }

    /// Fresh demo data and a server on it, without simulated fans and without the limit that one
    /// address of this generator would run into.
    pub(crate) fn serve(
        &self,
        session: &Session<'_>,
        demo: &[&str],
        more: &[&str],
    ) -> Result<Shop> {
        let demo = [&["--quiet"], demo].concat();
        let data = server::demo(session.step, &self.onsale, "bench", &demo)?;
        let arguments = [&["--rate", "0"], more].concat();
        let server = Server::start(&self.onsale, "bench-server", &data, &arguments)?;
        Ok(Shop {
            server,
            data,
            database: None,
        })
    }

    /// The same on a PostgreSQL of its own, with so many servers.
    pub(crate) fn serve_on_postgres(
        &self,
        session: &Session<'_>,
        demo: &[&str],
        more: &[&str],
        servers: usize,
    ) -> Result<Shop> {
        let postgres = Postgres::start(session.step)?;
        let url = postgres.url().to_owned();
        let mut migrate = Command::new(&self.onsale);
        migrate.args(["migrate", "--database", &url]);
        exec::logged(session.step, "bench-migrate", &mut migrate)?;
        let demo = [&["--quiet", "--database", &url], demo].concat();
        let data = server::demo(session.step, &self.onsale, "bench", &demo)?;
        let keys = data.join("keys");
        let keys = keys.to_str().context("a path that is not text")?;
        let record = data.join("payments.journal");
        let record = record.to_str().context("a path that is not text")?;
        // Several share what the simulated bank has booked; one keeps it to itself, which is quicker.
        let shared = ["--simulator-record", record];
        let shared = if servers > 1 { &shared[..] } else { &[] };
        let arguments = [
            &["--rate", "0", "--database", &url, "--keys", keys][..],
            shared,
            more,
        ]
        .concat();
        let start = |at: usize| {
            let folder = data.join(format!("server-{at}"));
            let name = format!("bench-server-{at}");
            Server::start(&self.onsale, &name, &folder, &arguments)
        };
        let server = start(0)?;
        let beside = (1..servers).map(start).collect::<Result<_>>()?;
        Ok(Shop {
            server,
            data,
            database: Some(Shared { postgres, beside }),
        })
    }

    /// The generator, pointed at a shop.
    pub(crate) fn generator(&self, shop: &Shop, scenario: &str) -> Command {
        let mut command = Command::new(&self.load);
        command.arg(scenario).arg("--at");
        command.arg(shop.server.address.to_string());
        command.stdin(Stdio::null());
        command
    }

    /// Points the generator at something.
    pub(crate) fn drive(
        &self,
        at: &Target<'_>,
        scenario: &str,
        more: &[String],
    ) -> Result<Figures> {
        let (address, process) = match at {
            Target::Shop(shop) => (shop.server.address, shop.server.process()),
            Target::Echo(echo) => (echo.address, echo.child.id()),
        };
        let shared = match at {
            Target::Shop(shop) => shop.database.as_ref(),
            Target::Echo(_) => None,
        };
        let used = shared.map(|shared| shared.postgres.used());
        // Thousands of listeners are thousands of open files.
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"ulimit -n "$(ulimit -Hn)"; exec "$0" "$@""#])
            .arg(&self.load);
        command.arg(scenario).arg("--at").arg(address.to_string());
        command.arg("--process").arg(process.to_string()).args(more);
        for other in shared.iter().flat_map(|shared| &shared.beside) {
            command.arg("--beside").arg(other.address.to_string());
            command.arg("--process").arg(other.process().to_string());
        }
        let text = exec::stdout(&mut command)?;
        let mut figures = BTreeMap::new();
        for line in text.lines() {
            let (name, value) = line
                .split_once('\t')
                .context("the generator says no figure")?;
            figures.insert(name.to_owned(), value.parse()?);
        }
        if let Some((shared, used)) = shared.zip(used) {
            figures.insert("database_cpu".into(), shared.postgres.share(&used));
        }
        Ok(Figures(figures))
    }
}

/// What is measured.
pub(crate) enum Target<'a> {
    Shop(&'a Shop),
    Echo(&'a Echo),
}

/// A server with its data.
pub(crate) struct Shop {
    server: Server,
    data: PathBuf,
    /// Where its database is not in the folder.
    database: Option<Shared>,
}

/// A database with the other servers that are on it.
struct Shared {
    beside: Vec<Server>,
    postgres: Postgres,
}

impl Shop {
    /// Where a browser finds it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.server.address)
    }

    /// Where each of its servers listens, as a crowd is told.
    pub(super) fn urls(&self) -> String {
        let urls = self
            .servers()
            .map(|server| format!("http://{}", server.address));
        urls.collect::<Vec<_>>().join(",")
    }

    /// The processes of all of them.
    pub(super) fn processes(&self) -> Vec<u32> {
        self.servers().map(Server::process).collect()
    }

    fn servers(&self) -> impl Iterator<Item = &Server> {
        let beside = self.database.iter().flat_map(|shared| &shared.beside);
        std::iter::once(&self.server).chain(beside)
    }

    /// Where its database is not in the folder.
    pub(super) fn postgres(&self) -> Option<&Postgres> {
        self.database.as_ref().map(|shared| &shared.postgres)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.server.address
    }

    /// The server's process id.
    pub(crate) fn process(&self) -> u32 {
        self.server.process()
    }

    /// Where the demo says how its operator signs in.
    pub(crate) fn operator(&self) -> PathBuf {
        self.data.join("demo-operator.txt")
    }

    /// Stops it, and has the ledger of what was done to it verified.
    pub(crate) fn close(self, onsale: &Path) -> Result<()> {
        self.server.stop()?;
        let mut verify = Command::new(onsale);
        verify.args(["ledger", "verify", "--data"]).arg(&self.data);
        let mut database = None;
        if let Some(Shared { beside, postgres }) = self.database {
            for server in beside {
                server.stop()?;
            }
            verify.args(["--database", postgres.url()]);
            // Until it is verified.
            database = Some(postgres);
        }
        exec::stdout(&mut verify)
            .map(drop)
            .context("the ledger after the benchmark")?;
        drop(database);
        Ok(())
    }
}

/// `onsale echo`: the same program, a handler that does nothing.
pub(crate) struct Echo {
    child: Child,
    address: std::net::SocketAddr,
}

impl Echo {
    pub(crate) fn start(programs: &Programs) -> Result<Self> {
        let address = server::free_address()?;
        let mut command = Command::new(&programs.onsale);
        command.arg("echo").arg("--listen").arg(address.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().context("starting `onsale echo`")?;
        let echo = Self { child, address };
        let started = Instant::now();
        while !run::gives(address, "/") {
            if started.elapsed() > Duration::from_secs(10) {
                bail!("`onsale echo` does not answer");
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(echo)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Figures {
    pub(crate) fn get(&self, name: &str) -> Result<f64> {
        self.0
            .get(name)
            .copied()
            .with_context(|| format!("the generator does not say {name}"))
    }

    /// What must be said beside a figure: refusals by code, and who had the processor.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes: Vec<_> = self
            .0
            .iter()
            .filter_map(|(name, count)| Some((name.strip_prefix("refused_")?, count)))
            .map(|(code, count)| format!("refused {code}: {count}"))
            .collect();
        let share = |name: &str| {
            self.0
                .get(name)
                .map(|share| format!("{:.0} %", share * 100.0))
        };
        if let (Some(own), Some(server)) = (share("generator_cpu"), share("server_cpu")) {
            notes.push(format!("generator used {own} of one core, server {server}"));
        }
        if let Some(database) = share("database_cpu") {
            notes.push(format!("database {database}, filling included"));
        }
        notes
    }
}
