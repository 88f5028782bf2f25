//! Who used the processor: this generator and the server, in seconds.

use std::{fs, time::Instant};

/// Linux counts in hundredths of a second, whatever the kernel's own tick is.
const TICKS_PER_S: f64 = 100.0;

/// A point in time with the processor time of both.
pub(crate) struct Meter {
    since: Instant,
    own: f64,
    servers: Vec<(u32, f64)>,
}

/// Shares of one core: 1.0 is one core all the time.
pub(crate) struct Shares {
    pub(crate) seconds: f64,
    pub(crate) own: f64,
    /// Of all of them together.
    pub(crate) server: Option<f64>,
}

impl Meter {
    pub(crate) fn start(servers: &[u32]) -> Self {
        let used = |process: &u32| Some((*process, used(&process.to_string())?));
        Self {
            since: Instant::now(),
            own: self::used("self").unwrap_or(0.0),
            servers: servers.iter().filter_map(used).collect(),
        }
    }

    pub(crate) fn read(&self) -> Shares {
        let seconds = self.since.elapsed().as_secs_f64();
        let own = (used("self").unwrap_or(0.0) - self.own) / seconds;
        let of = |(process, before): &(u32, f64)| Some(used(&process.to_string())? - before);
        let server = self.servers.iter().filter_map(of).reduce(|a, b| a + b);
        let server = server.map(|used_s| used_s / seconds);
        Shares {
            seconds,
            own,
            server,
        }
    }
}

fn used(process: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold spaces and brackets; fields are counted after its last one.
    let fields: Vec<_> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / TICKS_PER_S)
}
