//! The production profile, whole: started as anybody starts it, sold from while its servers are
//! updated one by one and killed at random, stopped, and started again on what it kept.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use super::{
    next::{self, Next},
    seed,
    tally::Tally,
};
use crate::{
    chores, exec, place,
    run::{
        self,
        process::Process,
        production::{ADDRESSES, DATABASE_URL},
    },
    screen::Step,
    server,
};

/// On a busy machine; an engine that has not come up by then will not.
const START_LIMIT: Duration = Duration::from_secs(180);
const STOP_LIMIT: Duration = Duration::from_secs(90);
/// How long a condition may take to come true where nobody was promised anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is promised after a server has died: the shop answers for every performance.
const BACK_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);
const SERVERS: [&str; 3] = ["server-a", "server-b", "server-c"];
const KILLS: u32 = 10;
const BUYERS: u32 = 12;

pub(crate) fn test(step: &Step<'_>) -> Result<Tally> {
    // Today's last, so that it is what is found under the program's usual name afterwards.
    let next = next::build(step, &super::SERVER_FEATURES)?;
    chores::server_with(step, "dev", &super::SERVER_FEATURES)?;
    let today = place::target().join("debug/onsale");
    let mut build = exec::cargo();
    build.args(["build", "--package", "xtask", "--features", "load"]);
    exec::logged(step, "load-dev", build.args(["--bin", "load"]))?;

    let data = folder();
    start_afresh(&data)?;
    let mut tally = Tally::default();
    let mut check = |what: &str, result: Result<()>| match result {
        Ok(()) => tally.pass(1),
        Err(error) => tally.fail(format!("{what}: {error:#}")),
    };
    let program = next.program.with_file_name("onsale-in-use");
    next::put(&today, &program)?;
    let shop = Shop::start(&data, &program)?;
    check("HAProxy, Prometheus, standby", shop.is_whole());
    let (updated, order) = shop
        .is_updated_one_by_one(step, &today, &next)
        .map_or_else(|error| (Err(error), None), |order| (Ok(()), Some(order)));
    check("servers are updated one by one", updated);
    check("the old program is told", shop.refuses(step, &today, &next));
    check("servers are killed at random", shop.kills_at_random(step));
    check("the ledger is sound", shop.verify(step));
    check("Kafka has what was sold", shop.is_published());
    check("all of it stops at Ctrl-C", shop.stop("INT"));

    // Only what was killed is to be cleaned up after, and this was not: it is the same shop.
    let shop = Shop::start(&data, &program)?;
    if let Some(order) = order {
        check("what was bought is there again", shop.has(&order));
    }
    check("a run that is killed is cleaned up after", shop.abandon());
    let shop = Shop::start(&data, &program)?;
    check("it is whole again", shop.is_whole());
    check("all of it stops at SIGTERM", shop.stop("TERM"));
    if tally.failures().is_empty() {
        fs::remove_dir_all(&data)?;
    }
    Ok(tally)
}

/// Where PostgreSQL's own user may enter, which may not be true of a clone. One for each clone, so
/// that a run finds what an earlier one has left if that was killed.
fn folder() -> PathBuf {
    let root = place::root().display().to_string();
    let name: String = root
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    env::temp_dir().join(format!("onsale-production{name}"))
}

/// Removes what an earlier test left that failed or was killed.
fn start_afresh(data: &Path) -> Result<()> {
    let left = Process::all(data)?;
    until("the processes of an earlier test end", PATIENCE, || {
        for (_, process) in &left {
            process.signal("KILL");
        }
        left.iter().all(|(_, process)| !process.is_alive())
    })?;
    if data.exists() {
        fs::remove_dir_all(data).with_context(|| format!("removing {}", data.display()))?;
    }
    Ok(())
}

/// An order, and the session that may see it.
struct Order {
    path: String,
    cookie: String,
}

/// `cargo xtask run --profile production`, stopped when it goes out of scope.
struct Shop {
    child: Child,
    log: PathBuf,
    data: PathBuf,
    /// What is started again when it ends.
    program: PathBuf,
    addresses: BTreeMap<String, SocketAddr>,
}

impl Shop {
    fn start(data: &Path, program: &Path) -> Result<Self> {
        let (file, log) = exec::open_log("production")?;
        let port = server::free_address()?.port();
        let mut command = Command::new(env::current_exe()?);
        command
            .args(["run", "--profile", "production", "--no-open", "--quiet"])
            .args(["--port", &port.to_string(), "--data"])
            .arg(data)
            .arg("--program")
            .arg(program)
            // All buyers come from one address.
            .args(["--", "--rate", "0"])
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        // What an earlier run wrote there would be taken for this one's.
        let written = data.join(ADDRESSES);
        let _ = fs::remove_file(&written);
        let child = command.spawn().context("cannot start this program again")?;
        let mut shop = Self {
            child,
            log,
            data: data.to_owned(),
            program: program.to_owned(),
            addresses: BTreeMap::new(),
        };
        let started = Instant::now();
        let text = loop {
            if let Ok(text) = fs::read_to_string(&written) {
                break text;
            }
            if let Some(status) = shop.child.try_wait()? {
                bail!("it ended with {status}:\n{}", exec::tail(&shop.log));
            }
            if started.elapsed() > START_LIMIT {
                bail!("it does not come up:\n{}", exec::tail(&shop.log));
            }
            thread::sleep(POLL);
        };
        for line in text.lines() {
            let (name, address) = line.split_once(' ').context("a name and an address")?;
            shop.addresses.insert(name.to_owned(), address.parse()?);
        }
        Ok(shop)
    }

    fn at(&self, name: &str) -> SocketAddr {
        self.addresses[name]
    }

    fn is_whole(&self) -> Result<()> {
        ensure!(run::gives(self.at("shop"), "/"), "the shop has no page");
        self.figure("sum(up{job=\"onsale\"})", |figure| figure == 3.0)?;
        let state = self.database("SELECT state FROM pg_stat_replication")?;
        ensure!(state == "streaming", "the standby is `{state}`");
        // The season is read there.
        let season = "/api/v1/performances";
        ensure!(
            run::gives(self.at("shop"), season),
            "the shop has no season"
        );
        let answered = "sum(onsale_store_reads{by=\"reader\"})";
        self.figure(answered, |figure| figure > 0.0)
    }

    /// What the database answers.
    fn database(&self, statement: &str) -> Result<String> {
        let url = fs::read_to_string(self.data.join(DATABASE_URL))?;
        let mut psql = Command::new("psql");
        psql.args([url.trim(), "-X", "-A", "-t", "-q", "-c", statement]);
        Ok(exec::stdout(&mut psql)?.trim().to_owned())
    }

    /// A program that is given the shop's database and keys.
    fn command(&self, program: &Path, arguments: &[&str]) -> Result<Command> {
        let database = fs::read_to_string(self.data.join(DATABASE_URL))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("ONSALE_DATABASE", database.trim())
            .env("ONSALE_DATA", self.data.join("demo"))
            .env("ONSALE_KEYS", self.data.join("keys"));
        Ok(command)
    }

    /// Waits until Prometheus has a figure that is as it should be.
    fn figure(&self, question: &str, is_right: impl Fn(f64) -> bool) -> Result<()> {
        let url = format!("http://{}", self.at("prometheus"));
        until(&format!("{question} in Prometheus"), PATIENCE, || {
            let mut query = Command::new("promtool");
            let said = exec::stdout(query.args(["query", "instant", &url, question]));
            let said = said.unwrap_or_default();
            let figure = said.split("=>").nth(1).unwrap_or_default();
            let figure = figure.split_whitespace().next().unwrap_or_default();
            figure.parse().is_ok_and(&is_right)
        })
    }

    fn is_published(&self) -> Result<()> {
        self.figure("sum(onsale_relay_sent)", |sent| sent > 0.0)?;
        self.figure("max(onsale_relay_lag_batches)", |lag| lag == 0.0)
    }

    /// A process of its, as soon as it is another one than `before`.
    fn process(&self, name: &str, before: Option<Process>) -> Result<Process> {
        let mut found = None;
        until(&format!("{name} runs"), PATIENCE, || {
            found = Process::recorded(&self.data, name).filter(|one| Some(*one) != before);
            found.is_some()
        })?;
        found.context("it was found")
    }

    /// While fans buy, the schema grows under today's servers; then each of them is replaced by one
    /// that knows the later schema, and one goes back in between, as it would if that disappointed.
    fn is_updated_one_by_one(&self, step: &Step<'_>, today: &Path, next: &Next) -> Result<Order> {
        let buyers = Buyers::start("update", self.at("shop"), 1)?;
        buyers.until_more()?;
        let mut migrate = self.command(&next.program, &["migrate"])?;
        exec::logged(step, "production-migrate", &mut migrate)?;
        let schema = self.database("SELECT max(version) FROM _sqlx_migrations")?;
        ensure!(schema == next.schema.to_string(), "the schema is {schema}");
        buyers.until_more()?;
        let [a, b, c] = SERVERS;
        for (program, name) in [
            (&*next.program, a),
            (&next.program, b),
            (today, a),
            (&next.program, a),
            (&next.program, c),
        ] {
            next::put(program, &self.program)?;
            self.restart(name)?;
            buyers.until_more()?;
        }
        let told = buyers.finish(step)?;
        // Somebody who asks once more has noticed nothing.
        told.nothing_lost()?;
        told.nobody_failed()?;
        told.order.context("nobody bought anything")
    }

    /// Sends SIGTERM, and waits until the program that is there now answers in its place.
    fn restart(&self, name: &str) -> Result<()> {
        let process = self.process(name, None)?;
        process.signal("TERM");
        let process = self.process(name, Some(process))?;
        until(&format!("{name} answers"), PATIENCE, || {
            run::answers(self.at(name))
        })?;
        let runs = fs::metadata(format!("/proc/{}/exe", process.id))?.ino();
        let wanted = fs::metadata(&self.program)?.ino();
        ensure!(
            runs == wanted,
            "{name} runs another program than was put there"
        );
        Ok(())
    }

    /// Once nobody needs the old schema, it may shrink. Whoever starts the old program then is told.
    fn refuses(&self, step: &Step<'_>, old: &Path, next: &Next) -> Result<()> {
        let shrunk = format!("UPDATE schema_floor SET version = {}", next.schema);
        self.database(&shrunk)?;
        let verify = self.command(old, &["ledger", "verify"])?.output()?;
        let said = String::from_utf8_lossy(&verify.stderr);
        ensure!(
            !verify.status.success() && said.contains("use a newer onsale"),
            "{}: {said}",
            verify.status
        );
        self.verify(step)
    }

    fn kills_at_random(&self, step: &Step<'_>) -> Result<()> {
        let seed = seed::seed();
        step.say(format!("killing servers at random, {}", seed::told()));
        let mut dice = Dice(seed | 1);
        let shop = self.at("shop");
        let performances = performances(shop)?;
        let buyers = Buyers::start("kills", shop, 2)?;
        buyers.until_more()?;
        for kill in 1..=KILLS {
            let name = SERVERS[dice.below(SERVERS.len() as u64) as usize];
            // It may be on its way up after the last one; so may one of the others, and not both.
            until("another server answers", PATIENCE, || {
                let mut others = SERVERS.iter().filter(|other| **other != name);
                others.any(|other| run::answers(self.at(other)))
            })?;
            let process = self.process(name, None)?;
            process.signal("KILL");
            let mut silent = performances.clone();
            until(
                &format!("kill {kill} ({name}): the shop answers"),
                BACK_WITHIN,
                || {
                    silent.retain(|path| !run::gives(shop, path));
                    silent.is_empty()
                },
            )
            .with_context(|| format!("{}; no answer from {silent:?}", seed::told()))?;
            buyers.until_more()?;
            // Now and then the next one is killed while this one is away.
            if dice.below(3) > 0 {
                self.process(name, Some(process))?;
            }
        }
        // Whoever meets two kills with one request has failed twice, and is told so; what everybody was
        // told before that must be true.
        let told = buyers.finish(step)?;
        told.nothing_lost().with_context(seed::told)
    }

    fn verify(&self, step: &Step<'_>) -> Result<()> {
        let mut verify = self.command(&self.program, &["ledger", "verify"])?;
        exec::logged(step, "production-verify", &mut verify)
    }

    fn has(&self, order: &Order) -> Result<()> {
        let answer = run::get(self.at("shop"), &order.path, Some(&order.cookie))?;
        ensure!(
            answer.starts_with("HTTP/1.1 200") && answer.contains("\"state\":\"confirmed\""),
            "{} gives {answer}",
            order.path
        );
        Ok(())
    }

    /// Stops it with a signal, and sees that nothing of it is left.
    fn stop(mut self, signal: &str) -> Result<()> {
        let all = Process::all(&self.data)?;
        ensure!(all.len() >= 13, "only {} processes are recorded", all.len());
        self.send(signal);
        let mut ended = None;
        until("it stops", STOP_LIMIT, || {
            ended = self.child.try_wait().ok().flatten();
            ended.is_some()
        })?;
        let status = ended.context("it has stopped")?;
        let said = fs::read_to_string(&self.log)?;
        ensure!(status.success(), "{status}:\n{}", exec::tail(&self.log));
        ensure!(
            !said.contains("had to be killed"),
            "{}",
            exec::tail(&self.log)
        );
        let left: Vec<_> = all
            .iter()
            .filter(|(_, process)| process.is_alive())
            .collect();
        ensure!(left.is_empty(), "still there: {left:?}");
        ensure!(Process::all(&self.data)?.is_empty(), "records are left");
        Ok(())
    }

    /// Kills it and nothing that it has started.
    fn abandon(mut self) -> Result<()> {
        self.send("KILL");
        self.child.wait()?;
        let all = Process::all(&self.data)?;
        let alive = all.iter().filter(|(_, process)| process.is_alive()).count();
        ensure!(alive == all.len() && alive >= 13, "{alive} are left");
        Ok(())
    }

    fn send(&self, signal: &str) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill")
            .args([&format!("-{signal}"), &id])
            .status();
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.send("TERM");
            let _ = until("it stops", STOP_LIMIT, || {
                !matches!(self.child.try_wait(), Ok(None))
            });
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// `load buyers`, killed when it goes out of scope.
struct Buyers {
    child: Child,
    progress: Arc<AtomicU64>,
    reader: Option<JoinHandle<Vec<String>>>,
    log: PathBuf,
}

/// What they were told, and what became of it.
struct Told {
    counts: BTreeMap<String, u64>,
    order: Option<Order>,
    log: PathBuf,
}

impl Buyers {
    fn start(name: &str, shop: SocketAddr, seed: u64) -> Result<Self> {
        let (file, log) = exec::open_log(&format!("production-{name}"))?;
        let mut child = Command::new(place::target().join("debug/load"))
            .args(["buyers", "--at", &shop.to_string()])
            .args(["--connections", &BUYERS.to_string()])
            .args(["--seed", &seed.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .context("cannot start the buyers")?;
        let out = child.stdout.take().context("its output is a pipe")?;
        let progress = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&progress);
        let reader = thread::spawn(move || {
            let mut rest = Vec::new();
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if line.starts_with("progress\t") {
                    counter.fetch_add(1, Ordering::SeqCst);
                } else {
                    rest.push(line);
                }
            }
            rest
        });
        Ok(Self {
            child,
            progress,
            reader: Some(reader),
            log,
        })
    }

    /// Waits until as many more acknowledgements as there are buyers have come.
    fn until_more(&self) -> Result<()> {
        let before = self.progress.load(Ordering::SeqCst);
        until("buyers go on", PATIENCE, || {
            self.progress.load(Ordering::SeqCst) >= before + u64::from(BUYERS)
        })
        .with_context(|| exec::tail(&self.log))
    }

    /// Lets everybody finish and ask for what they were told.
    fn finish(mut self, step: &Step<'_>) -> Result<Told> {
        drop(self.child.stdin.take());
        let mut ended = None;
        until("buyers finish", PATIENCE * 2, || {
            ended = self.child.try_wait().ok().flatten();
            ended.is_some()
        })?;
        let status = ended.context("they have finished")?;
        ensure!(status.success(), "{status}:\n{}", exec::tail(&self.log));
        let reader = self.reader.take().context("nobody else has read")?;
        let lines = reader.join().expect("reading does not panic");
        let mut told = Told {
            counts: BTreeMap::new(),
            order: None,
            log: self.log.clone(),
        };
        for line in lines {
            let words: Vec<_> = line.split('\t').collect();
            match words[..] {
                ["order", path, cookie] => {
                    told.order = Some(Order {
                        path: path.to_owned(),
                        cookie: cookie.to_owned(),
                    });
                }
                [what, count] => {
                    told.counts.insert(what.to_owned(), count.parse()?);
                }
                _ => bail!("the buyers said `{line}`"),
            }
        }
        step.say(format!("buyers: {:?}", told.counts));
        Ok(told)
    }
}

impl Drop for Buyers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Told {
    fn nothing_lost(&self) -> Result<()> {
        let count = |what: &str| self.counts.get(what).copied();
        ensure!(
            count("lost") == Some(0) && count("twice") == Some(0),
            "{:?}:\n{}",
            self.counts,
            exec::tail(&self.log)
        );
        ensure!(
            count("bought") > Some(0),
            "nobody bought: {:?}",
            self.counts
        );
        ensure!(count("held") > Some(0), "nobody held: {:?}", self.counts);
        Ok(())
    }

    fn nobody_failed(&self) -> Result<()> {
        let failed = self.counts.keys().any(|what| what.starts_with("failed"));
        ensure!(!failed, "{:?}:\n{}", self.counts, exec::tail(&self.log));
        Ok(())
    }
}

/// What the proxy sends by performance: some of it to each server.
fn performances(shop: SocketAddr) -> Result<Vec<String>> {
    let list = run::get(shop, "/api/v1/performances", None)?;
    // Each names the address of its poster. The text is read as it is: this program knows no JSON.
    let posters = list.split("\"/api/v1/performances/").skip(1);
    let ids = posters.filter_map(|rest| rest.split('/').next());
    let paths: Vec<_> = ids
        .map(|id| format!("/api/v1/performances/{id}/seats"))
        .collect();
    ensure!(paths.len() > 5, "the season is short: {list}");
    Ok(paths)
}

fn until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) -> Result<()> {
    let started = Instant::now();
    while !condition() {
        if started.elapsed() > limit {
            bail!("not within {} s: {what}", limit.as_secs());
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// Numbers that look random; the same seed gives the same (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}
