//! Card numbers are neither kept nor logged.

use crate::support::till::{CAPTURE_REFUSED, DECLINED, GOOD, NEEDS_STEP, Till};
use booking_core::FanId;
use std::cell::Cell;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

thread_local! {
    /// Whether this thread is the one whose log is read. A test runs on one thread.
    static LISTENED_TO: Cell<bool> = const { Cell::new(false) };
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn every_byte(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(every_byte(&path));
        } else {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    bytes
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_card_number_is_in_no_file_and_no_log() {
    let log = Log::default();
    let writer = log.clone();
    // For the whole process, because what is worth logging is remembered for the whole process:
    // a subscriber of this thread alone would miss events that another test was the first to meet.
    // What the other threads log is let go.
    let ours = dynamic_filter_fn(|_, _| LISTENED_TO.get());
    let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
    tracing_subscriber::registry()
        .with(layer.with_filter(ours))
        .try_init()
        .expect("no other test of this process has a subscriber");
    LISTENED_TO.set(true);
    let till = Till::open().await;
    let cards = [GOOD, DECLINED, NEEDS_STEP, CAPTURE_REFUSED];
    for (n, card) in (1..).zip(cards) {
        let _ = till.buy(n, FanId::from_u128(n), &[n as u32], card).await;
    }
    let bytes = every_byte(till.path());
    assert!(
        contains(&bytes, "ada@example.org"),
        "the order itself is kept"
    );
    assert!(
        contains(&bytes, "\"last4\":\"4242\""),
        "the last four digits are kept"
    );
    LISTENED_TO.set(false);
    let log = log.0.lock().unwrap().clone();
    assert!(
        contains(&log, "money could not be taken"),
        "something was logged"
    );
    for card in cards {
        assert!(!contains(&bytes, card), "{card} is in the data folder");
        assert!(!contains(&log, card), "{card} is in the log");
    }
}
