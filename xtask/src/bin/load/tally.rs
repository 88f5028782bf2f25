//! What came of the requests of one run.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::cpu::Meter;

/// Shared by all connections of a run; only what falls into its window counts.
pub(crate) struct Tally {
    from: Instant,
    until: Instant,
    pub(crate) accepted: u64,
    requests: u64,
    refused: BTreeMap<String, u64>,
    micros: Vec<u32>,
}

impl Tally {
    /// A window that opens `warm_up` from now.
    pub(crate) fn new(warm_up: Duration, window: Duration) -> Self {
        let from = Instant::now() + warm_up;
        Self {
            from,
            until: from + window,
            accepted: 0,
            requests: 0,
            refused: BTreeMap::new(),
            micros: Vec::new(),
        }
    }

    /// A window that is open from now on and never shuts: for what ends by itself.
    pub(crate) fn whole() -> Self {
        Self::new(Duration::ZERO, Duration::MAX / 4)
    }

    /// A window that never opens: for what comes before.
    pub(crate) fn none() -> Self {
        Self::new(Duration::MAX / 4, Duration::ZERO)
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    fn counts(&self) -> bool {
        (self.from..self.until).contains(&Instant::now())
    }

    pub(crate) fn request(&mut self) {
        if self.counts() {
            self.requests += 1;
        }
    }

    pub(crate) fn accept(&mut self, since: Instant) {
        if self.counts() {
            self.accepted += 1;
            let micros = u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX);
            self.micros.push(micros);
        }
    }

    /// A business "no" or an overload, by its code.
    pub(crate) fn refuse(&mut self, status: u16, body: &[u8]) {
        if self.counts() {
            *self.refused.entry(code(status, body)).or_default() += 1;
        }
    }

    /// The same of one step of several.
    pub(crate) fn refuse_at(&mut self, step: &str, status: u16, body: &[u8]) {
        if self.counts() {
            let name = format!("{step}_{}", code(status, body));
            *self.refused.entry(name).or_default() += 1;
        }
    }

    /// Prints everything; `unit` names what was accepted.
    pub(crate) fn print(&mut self, unit: &str, meter: &Meter) {
        let shares = meter.read();
        let window = (self.until - self.from).as_secs_f64().min(shares.seconds);
        println!("{unit}_per_s\t{}", self.accepted as f64 / window);
        println!("requests_per_s\t{}", self.requests as f64 / window);
        for (code, count) in &self.refused {
            println!("refused_{code}\t{count}");
        }
        self.micros.sort_unstable();
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            let at =
                ((self.micros.len() as f64 * share) as usize).min(self.micros.len().max(1) - 1);
            if let Some(micros) = self.micros.get(at) {
                println!("{name}_ms\t{}", f64::from(*micros) / 1_000.0);
            }
        }
        println!("generator_cpu\t{}", shares.own);
        if let Some(server) = shares.server {
            println!("server_cpu\t{server}");
        }
    }
}

fn code(status: u16, body: &[u8]) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let code = problem
        .as_ref()
        .and_then(|p| p.get("code")?.as_str())
        .unwrap_or("?");
    format!("{status}_{code}")
}
