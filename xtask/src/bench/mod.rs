//! `cargo xtask bench`: the figures the design promises, measured on this machine.
//!
//! Every row is compared with something measured in the same run, or is a size, so that it means the
//! same on a slow machine. Each is measured several times and the middle run counts.

mod core;
mod crowd;
mod growth;
mod load;
mod machine;
mod map;
mod postgres;
mod program;
mod relay;
mod room;
mod room_http;
mod room_surge;
mod row;
mod sales;
mod stages;
mod table;
mod web;

use std::process::ExitCode;

use anyhow::{Result, bail};

pub(crate) use self::row::{Row, Target};
use crate::screen::{Screen, Step};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Benchmarks to run, by name, or by how their names begin where none is called so; without any: all
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Names them all and runs none
    #[arg(long)]
    list: bool,
    /// How often each is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Leaves docs/performance.md as it is
    #[arg(long)]
    no_page: bool,
}

/// A program that measures one or several rows together.
struct Bench {
    /// The rows it gives.
    names: &'static [&'static str],
    measure: fn(&Session<'_>) -> Result<Vec<Row>>,
}

/// What a benchmark may use.
pub(crate) struct Session<'a> {
    pub(crate) screen: &'a Screen,
    pub(crate) step: &'a Step<'a>,
    pub(crate) runs: u32,
}

const BENCHES: &[Bench] = &[
    Bench {
        names: core::NAMES,
        measure: core::measure,
    },
    Bench {
        names: sales::HOLDS,
        measure: sales::holds,
    },
    Bench {
        names: &["holds_sqlite_vs_naive"],
        measure: sales::holds_against_naive,
    },
    Bench {
        names: &["holds_sqlite_1000"],
        measure: sales::holds_over_many,
    },
    Bench {
        names: &["bookings_sqlite"],
        measure: sales::bookings,
    },
    Bench {
        names: growth::NAMES,
        measure: growth::measure,
    },
    Bench {
        names: &["holds_postgres"],
        measure: sales::holds_on_postgres,
    },
    Bench {
        names: &["holds_postgres_vs_naive"],
        measure: sales::holds_on_postgres_against_naive,
    },
    Bench {
        names: sales::HOLDS_ON_SEVERAL,
        measure: sales::holds_on_several,
    },
    Bench {
        names: &["bookings_postgres"],
        measure: sales::bookings_on_postgres,
    },
    Bench {
        names: sales::BOOKINGS_ON_SEVERAL,
        measure: sales::bookings_on_several,
    },
    Bench {
        names: sales::FEED,
        measure: sales::feed,
    },
    Bench {
        names: sales::FEED_ON_TWO,
        measure: sales::feed_on_two,
    },
    Bench {
        names: relay::NAMES,
        measure: relay::measure,
    },
    Bench {
        names: map::NAMES,
        measure: map::measure,
    },
    Bench {
        names: room::NAMES,
        measure: room::measure,
    },
    Bench {
        names: room::MILLION_NAMES,
        measure: room::million,
    },
    Bench {
        names: room_http::JOIN,
        measure: room_http::join,
    },
    Bench {
        names: &["room_poll"],
        measure: room_http::poll,
    },
    Bench {
        names: room_http::CHANGE,
        measure: room_http::change,
    },
    Bench {
        names: room_surge::NAMES,
        measure: room_surge::measure,
    },
    Bench {
        names: stages::STAGES,
        measure: stages::stages,
    },
    Bench {
        names: stages::SURGE,
        measure: stages::surge,
    },
    Bench {
        names: stages::STRESS,
        measure: stages::stress,
    },
    Bench {
        names: &["web_first_load"],
        measure: web::first_load,
    },
];

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let chosen = choose(&args.names)?;
    if args.list {
        for name in chosen.iter().flat_map(|bench| bench.names) {
            println!("{name}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let (machine, commit) = (machine::describe(), machine::commit());
    let screen = Screen::new(chosen.len());
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    for bench in chosen {
        let what = bench.names.join(", ");
        let measured = screen.step(what.clone(), |step| {
            (bench.measure)(&Session {
                screen: &screen,
                step,
                runs: args.runs,
            })
        });
        match measured {
            Ok(measured) => {
                for row in &measured {
                    row.save(&machine, &commit)?;
                }
                rows.extend(measured);
            }
            // The others are worth having all the same.
            Err(error) => failures.push(format!("{what}: {error:#}")),
        }
    }
    drop(screen);
    print(&rows);
    if !args.no_page && !rows.is_empty() {
        let lines: Vec<_> = rows
            .iter()
            .map(|row| (row.name.clone(), row.markdown(&commit)))
            .collect();
        table::update(&machine, &lines)?;
    }
    if failures.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    for failure in &failures {
        eprintln!("error: {failure}");
    }
    Ok(ExitCode::FAILURE)
}

fn choose(names: &[String]) -> Result<Vec<&'static Bench>> {
    for name in names {
        if !BENCHES.iter().any(|bench| bench.answers_to(name)) {
            bail!("no benchmark is called `{name}`; `cargo xtask bench --list` names them");
        }
    }
    let wanted =
        |bench: &&Bench| names.is_empty() || names.iter().any(|name| bench.answers_to(name));
    Ok(BENCHES.iter().filter(wanted).collect())
}

impl Bench {
    /// By its name; by how it begins where it is nobody's whole name.
    fn answers_to(&self, word: &str) -> bool {
        let is_a_name = BENCHES.iter().any(|bench| bench.names.contains(&word));
        self.names
            .iter()
            .any(|name| *name == word || !is_a_name && name.starts_with(word))
    }
}

fn print(rows: &[Row]) {
    println!();
    for row in rows {
        let ratio = row
            .ratio()
            .map_or_else(String::new, |r| format!("  {} × baseline", row::number(r)));
        let met = match row.met() {
            Some(true) => "  met",
            Some(false) => "  MISSED",
            None => "",
        };
        println!(
            "{:<28} {:>12} {}{ratio}{met}",
            row.name,
            row::number(row.value()),
            row.unit
        );
    }
}
