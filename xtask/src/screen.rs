//! What a person sees while work goes on: numbered steps, elapsed time, and one live line a terminal
//! redraws with the last thing each running step has written to its log.
//!
//! Steps may overlap, so the screen is shared between threads and every method takes `&self`.

use std::{
    fs,
    io::{IsTerminal, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

/// Without a terminal a step that is still running says so this often, so that a log shows life.
const HEARTBEAT: Duration = Duration::from_secs(60);
const REDRAW: Duration = Duration::from_millis(200);

/// The steps of one command.
pub(crate) struct Screen {
    inner: Arc<(Mutex<Inner>, Condvar)>,
    ticker: Option<thread::JoinHandle<()>>,
    started: Instant,
}

struct Inner {
    total: usize,
    begun: usize,
    running: Vec<Running>,
    terminal: bool,
    drawn: bool,
    closing: bool,
}

struct Running {
    number: usize,
    what: String,
    since: Instant,
    spoke: Instant,
    log: Option<PathBuf>,
}

/// A step that is running; [`Screen::step`] hands it to the work, which tells it where its log is.
pub(crate) struct Step<'a> {
    screen: &'a Screen,
    number: usize,
}

impl Screen {
    /// A screen for a command of `total` steps.
    pub(crate) fn new(total: usize) -> Self {
        let inner = Inner {
            total,
            begun: 0,
            running: Vec::new(),
            terminal: std::io::stderr().is_terminal() && std::env::var_os("CI").is_none(),
            drawn: false,
            closing: false,
        };
        let inner = Arc::new((Mutex::new(inner), Condvar::new()));
        let shared = Arc::clone(&inner);
        let ticker = thread::spawn(move || tick(&shared));
        Self {
            inner,
            ticker: Some(ticker),
            started: Instant::now(),
        }
    }

    /// Runs one step: announces it, times it, says how it went.
    pub(crate) fn step<T>(
        &self,
        what: impl Into<String>,
        work: impl FnOnce(&Step<'_>) -> Result<T>,
    ) -> Result<T> {
        let what = what.into();
        let since = Instant::now();
        let number = {
            let mut inner = self.lock();
            inner.begun += 1;
            inner.total = inner.total.max(inner.begun);
            let number = inner.begun;
            if !inner.terminal {
                eprintln!("[{number}/{}] {what}", inner.total);
            }
            inner.running.push(Running {
                number,
                what: what.clone(),
                since,
                spoke: since,
                log: None,
            });
            number
        };
        let result = work(&Step {
            screen: self,
            number,
        });
        let mut inner = self.lock();
        inner.clear();
        inner.running.retain(|step| step.number != number);
        let (sign, ending) = if result.is_ok() {
            ("✓", "")
        } else {
            ("✗", " – failed")
        };
        eprintln!(
            "[{number}/{}] {sign} {what}{ending} ({})",
            inner.total,
            elapsed(since.elapsed())
        );
        result
    }

    /// A line of its own that does not disturb the live line.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        let mut inner = self.lock();
        inner.clear();
        eprintln!("      {}", text.as_ref());
    }

    /// Time since the command began.
    pub(crate) fn elapsed(&self) -> String {
        elapsed(self.started.elapsed())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.0.lock().expect("nothing panics while it draws")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.lock().closing = true;
        self.inner.1.notify_all();
        if let Some(ticker) = self.ticker.take() {
            let _ = ticker.join();
        }
    }
}

impl Step<'_> {
    /// Shows the last line of this file while the step runs.
    pub(crate) fn follow(&self, log: &Path) {
        let mut inner = self.screen.lock();
        let number = self.number;
        if let Some(step) = inner.running.iter_mut().find(|step| step.number == number) {
            step.log = Some(log.to_path_buf());
        }
    }

    /// A line of its own that does not disturb the live line.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        self.screen.say(text);
    }
}

impl Inner {
    fn clear(&mut self) {
        if self.drawn {
            eprint!("\r\x1b[2K");
            self.drawn = false;
        }
    }

    fn draw(&mut self) {
        let line = self
            .running
            .iter()
            .map(|step| {
                let tail = step.log.as_deref().and_then(last_line).unwrap_or_default();
                let tail = tail.trim().chars().take(48).collect::<String>();
                format!(
                    "[{}/{}] {} {} {tail}",
                    step.number,
                    self.total,
                    step.what,
                    elapsed(step.since.elapsed())
                )
            })
            .collect::<Vec<_>>()
            .join(" · ");
        self.clear();
        if !line.is_empty() {
            let width = std::env::var("COLUMNS")
                .ok()
                .and_then(|c| c.parse().ok())
                .unwrap_or(100);
            let line: String = line.chars().take(width).collect();
            eprint!("{line}");
            let _ = std::io::stderr().flush();
            self.drawn = true;
        }
    }

    fn heartbeat(&mut self) {
        let total = self.total;
        for step in &mut self.running {
            if step.spoke.elapsed() >= HEARTBEAT {
                step.spoke = Instant::now();
                let tail = step.log.as_deref().and_then(last_line).unwrap_or_default();
                let (number, what, since) =
                    (step.number, &step.what, elapsed(step.since.elapsed()));
                eprintln!("[{number}/{total}] … {what} ({since}) {}", tail.trim());
            }
        }
    }
}

fn tick(shared: &(Mutex<Inner>, Condvar)) {
    let mut inner = shared.0.lock().expect("nothing panics while it draws");
    while !inner.closing {
        if inner.terminal {
            inner.draw();
        } else {
            inner.heartbeat();
        }
        inner = shared
            .1
            .wait_timeout(inner, REDRAW)
            .expect("nothing panics while it draws")
            .0;
    }
    inner.clear();
}

/// The last line of a file that may be large and still growing.
fn last_line(path: &Path) -> Option<String> {
    let mut file = fs::File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(400)))
        .ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text
        .split(['\n', '\r'])
        .rfind(|line| !line.trim().is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).collect())
}

/// `4 s`, `2 min 10 s`.
pub(crate) fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, 0) => format!("{} ms", time.as_millis()),
        (0, s) => format!("{s} s"),
        (m, s) => format!("{m} min {s} s"),
    }
}
