//! A shop, its servers, its database, its bank and its fans in one thread, whose every accident comes
//! from one number: the same number is the same history, to the last message.
//!
//! The lanes, the checkout with its take-overs, the payment simulator and the waiting room with its store
//! are the shop's own. Around them everything is simulated: time, the disk, the lines to the database, to
//! the room's store and to the bank, the fans and the operators.
//! Servers are killed between any two steps, writes fail, or happen and are not known to have happened,
//! lines stall, messages are lost, clocks are wrong and jump. At the end an auditor
//! ([`audit`], and [`doors`] for the room) says what is not as it must be.
//!
//! ```text
//! cargo test -p onsale-server --test simulate                   as part of the tests
//! cargo xtask simulate --seeds 1000                             as many as asked
//! cargo xtask simulate --seed 42                                one of them, told line by line
//! ```

mod audit;
mod bank;
mod checkouts;
mod doors;
mod fans;
mod office;
mod operator;
mod room;
mod run;
mod store;
mod visit;
mod world;

use clap::Parser as _;
use run::Outcome;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use world::{Counts, Planted};

/// How long the tests look at new seeds.
const AS_A_TEST: Duration = Duration::from_secs(25);
/// Seeds within which a planted fault must be found.
const FOUND_WITHIN: u64 = 40;
/// Where the tests' own seeds begin, so that a week's runs are not all the same.
const ALWAYS: std::ops::Range<u64> = 0..10;

#[derive(clap::Parser)]
struct Cli {
    /// Runs so many seeds, from the first one on
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Runs this one, and says what happens
    #[arg(long, value_name = "SEED", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// The first of the seeds
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    from: u64,
    /// Looks at new seeds for so long
    #[arg(long = "for", value_name = "SECONDS", conflicts_with_all = ["seeds", "seed"])]
    seconds: Option<u64>,
    /// Tests whose names contain one of these, as other test programs take them
    #[arg(hide = true)]
    filter: Vec<String>,
    /// What the others are told besides, and this one has no use for
    #[arg(long, hide = true)]
    skip: Vec<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    run::listen_for_panics();
    if let Some(seed) = cli.seed {
        let outcome = run::seed(seed, None, true);
        summary(&[&outcome], Duration::ZERO);
        return verdict(&[&outcome]);
    }
    if cli.seeds.is_some() || cli.seconds.is_some() {
        let most = cli.seeds.unwrap_or(u64::MAX);
        let within = cli.seconds.map_or(Duration::MAX, Duration::from_secs);
        return look_at(cli.from, most, within);
    }
    as_tests(&cli)
}

/// Looks at seeds until one fails.
fn look_at(from: u64, most: u64, within: Duration) -> ExitCode {
    let began = Instant::now();
    let mut seen = Vec::new();
    for seed in (from..).take(usize::try_from(most).unwrap_or(usize::MAX)) {
        if began.elapsed() >= within {
            break;
        }
        let outcome = run::seed(seed, None, false);
        let is_bad = !outcome.faults.is_empty();
        seen.push(outcome);
        if is_bad {
            break;
        }
    }
    let seen: Vec<_> = seen.iter().collect();
    summary(&seen, began.elapsed());
    verdict(&seen)
}

fn verdict(outcomes: &[&Outcome]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for outcome in outcomes.iter().filter(|outcome| !outcome.faults.is_empty()) {
        println!("{}", report(outcome));
        code = ExitCode::FAILURE;
    }
    code
}

/// What is wrong with a seed, and how to see it again.
fn report(outcome: &Outcome) -> String {
    let seed = outcome.seed;
    let mut text = format!("seed {seed}: how it ended\n");
    for line in &outcome.tail {
        text.push_str(&format!("  {line}\n"));
    }
    text.push_str(&format!("seed {seed}: what is wrong\n"));
    for fault in outcome.faults.iter().take(20) {
        text.push_str(&format!("  {fault}\n"));
    }
    text.push_str(&format!("see it again: cargo xtask simulate --seed {seed}"));
    text
}

fn summary(outcomes: &[&Outcome], took: Duration) {
    let mut all = Counts::default();
    for Outcome { counts, .. } in outcomes {
        let Counts {
            appends,
            conflicts,
            recorded_before,
            writes_failed,
            writes_not_known,
            answers_lost,
            crashes,
            jumps,
            stalls,
            taken_over,
            holds,
            refused,
            sold,
            declined,
            undone,
            asked_again,
            joined,
            let_in,
            not_let_in,
            were_idle,
            room_changes,
            house_changes,
        } = counts;
        all.appends += appends;
        all.conflicts += conflicts;
        all.recorded_before += recorded_before;
        all.writes_failed += writes_failed;
        all.writes_not_known += writes_not_known;
        all.answers_lost += answers_lost;
        all.crashes += crashes;
        all.jumps += jumps;
        all.stalls += stalls;
        all.taken_over += taken_over;
        all.holds += holds;
        all.refused += refused;
        all.sold += sold;
        all.declined += declined;
        all.undone += undone;
        all.asked_again += asked_again;
        all.joined += joined;
        all.let_in += let_in;
        all.not_let_in += not_let_in;
        all.were_idle += were_idle;
        all.room_changes += room_changes;
        all.house_changes += house_changes;
    }
    println!(
        "{} seeds in {:.1} s: {} holds ({} refused), {} orders sold, {} declined, {} undone; {} batches, \
         {} conflicts, {} commands known before; {} writes failed, {} happened and were not known, {} \
         answers lost, {} stalls, {} servers killed, {} clocks put wrong, {} checkouts taken over, {} questions asked again; {} places in the line, {} let in, {} not \
         yet, {} silent for too long, {} changes by operators, {} by the box office",
        outcomes.len(),
        took.as_secs_f64(),
        all.holds,
        all.refused,
        all.sold,
        all.declined,
        all.undone,
        all.appends,
        all.conflicts,
        all.recorded_before,
        all.writes_failed,
        all.writes_not_known,
        all.answers_lost,
        all.stalls,
        all.crashes,
        all.jumps,
        all.taken_over,
        all.asked_again,
        all.joined,
        all.let_in,
        all.not_let_in,
        all.were_idle,
        all.room_changes,
        all.house_changes,
    );
}

/// As the harness of other test programs says it.
fn as_tests(cli: &Cli) -> ExitCode {
    let began = Instant::now();
    type Test = fn() -> Result<(), String>;
    let tests: [(&str, Test); 4] = [
        ("simulate::the_same_seed_is_the_same_history", the_same_seed),
        (
            "simulate::every_planted_fault_is_found",
            every_planted_fault,
        ),
        ("simulate::the_seeds_of_always_come_out_well", always),
        ("simulate::new_seeds_come_out_well", new_seeds),
    ];
    let is_wanted = |name: &str| {
        let has = |words: &[String]| words.iter().any(|word| name.contains(word.as_str()));
        (cli.filter.is_empty() || has(&cli.filter)) && !has(&cli.skip)
    };
    let all = tests.len();
    let (mut passed, mut failures) = (0, Vec::new());
    for (name, test) in tests.into_iter().filter(|(name, _)| is_wanted(name)) {
        match test() {
            Ok(()) => {
                println!("test {name} ... ok");
                passed += 1;
            }
            Err(what) => {
                println!("test {name} ... FAILED");
                failures.push((name, what));
            }
        }
    }
    let verdict = if failures.is_empty() { "ok" } else { "FAILED" };
    if !failures.is_empty() {
        println!("\nfailures:\n");
        for (name, what) in &failures {
            println!("---- {name} stdout ----\n{what}\n");
        }
        println!("\nfailures:");
        for (name, _) in &failures {
            println!("    {name}");
        }
    }
    println!(
        "\ntest result: {verdict}. {passed} passed; {} failed; 0 ignored; 0 measured; {} filtered out; \
         finished in {:.2}s\n",
        failures.len(),
        all - passed - failures.len(),
        began.elapsed().as_secs_f64()
    );
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(101)
    }
}

fn the_same_seed() -> Result<(), String> {
    for seed in [3, 4] {
        let (one, other) = (run::seed(seed, None, false), run::seed(seed, None, false));
        if one.fingerprint != other.fingerprint {
            return Err(format!(
                "two runs of seed {seed} differ; they ended so:\n{}\n\n{}",
                one.tail.join("\n"),
                other.tail.join("\n")
            ));
        }
    }
    Ok(())
}

/// The auditor is worth what it finds.
fn every_planted_fault() -> Result<(), String> {
    for planted in Planted::ALL {
        let found = |outcome: Outcome| {
            let mut faults = outcome.faults.iter();
            faults.any(|fault| fault.contains(planted.is_told_as()))
        };
        let is_found = (0..FOUND_WITHIN).any(|seed| found(run::seed(seed, Some(planted), false)));
        if !is_found {
            return Err(format!(
                "in {FOUND_WITHIN} seeds {planted:?} is not found as `{}`",
                planted.is_told_as()
            ));
        }
    }
    Ok(())
}

fn always() -> Result<(), String> {
    for seed in ALWAYS {
        let outcome = run::seed(seed, None, false);
        if !outcome.faults.is_empty() {
            return Err(report(&outcome));
        }
    }
    Ok(())
}

/// Other ones with each commit, where the tests are run by `cargo xtask test`, and else each second.
fn new_seeds() -> Result<(), String> {
    let said = std::env::var("ONSALE_SEED").ok();
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let first = said
        .and_then(|said| said.parse().ok())
        .unwrap_or_else(|| since.map_or(0, |since| since.as_secs()));
    let began = Instant::now();
    for seed in first.. {
        if began.elapsed() >= AS_A_TEST {
            break;
        }
        let outcome = run::seed(seed, None, false);
        if !outcome.faults.is_empty() {
            return Err(report(&outcome));
        }
    }
    Ok(())
}
