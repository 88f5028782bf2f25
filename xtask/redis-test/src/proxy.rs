//! A TCP proxy that can be slow, or stop forwarding without closing anything: what a broken switch does.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often a stalled connection looks whether it may go on.
const LOOK: Duration = Duration::from_millis(10);

#[derive(Debug, Default)]
struct Stalled {
    all: AtomicBool,
    replication: AtomicBool,
    ended: AtomicBool,
    delay_ms: AtomicU64,
    /// Whoever sends this stalls everything.
    word: Mutex<Option<String>>,
}

/// In front of one server.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens, on the loopback address.
    pub port: u16,
    target: Arc<AtomicU16>,
    stalled: Arc<Stalled>,
}

impl Proxy {
    /// Passes everything on to the server at `target`.
    #[must_use]
    pub fn before(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            target: Arc::new(AtomicU16::new(target)),
            stalled: Arc::default(),
        };
        let (target, stalled) = (Arc::clone(&proxy.target), Arc::clone(&proxy.stalled));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if stalled.ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", target.load(Ordering::SeqCst)))
                else {
                    continue; // dropped: refused
                };
                join_up(client, server, &stalled);
            }
        });
        proxy
    }

    /// What replicas ask for and get stays where it is.
    pub fn stall_replication(&self) {
        self.stalled.replication.store(true, Ordering::SeqCst);
    }

    /// Where it is, as a client of Redis is told.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// As soon as a client sends `word`, that and whatever comes later goes nowhere: as if the sender
    /// had died at that moment.
    pub fn stall_at(&self, word: &str) {
        *self.stalled.word.lock().unwrap() = Some(word.to_owned());
    }

    /// Whether nothing goes through at the moment.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.stalled.all.load(Ordering::SeqCst)
    }

    /// Whatever comes later is so late, either way; what comes meanwhile waits behind it.
    pub fn delay(&self, delay: Duration) {
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.stalled.delay_ms.store(delay_ms, Ordering::SeqCst);
    }

    /// Nothing goes either way any more, or goes on where it stood.
    pub fn stall(&self, stalled: bool) {
        self.stalled.all.store(stalled, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stalled.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn join_up(client: TcpStream, server: TcpStream, stalled: &Arc<Stalled>) {
    let replicates = Arc::new(AtomicBool::new(false));
    let (Ok(back), Ok(forth)) = (server.try_clone(), client.try_clone()) else {
        return;
    };
    let one = (Arc::clone(stalled), Arc::clone(&replicates));
    let other = (Arc::clone(stalled), replicates);
    std::thread::spawn(move || forward(client, server, &one.0, &one.1));
    std::thread::spawn(move || forward(back, forth, &other.0, &other.1));
}

fn forward(mut from: TcpStream, mut to: TcpStream, stalled: &Stalled, replicates: &AtomicBool) {
    let mut buffer = [0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..count];
        if let Some(word) = &*stalled.word.lock().unwrap()
            && bytes
                .windows(word.len())
                .any(|part| part == word.as_bytes())
        {
            stalled.all.store(true, Ordering::SeqCst);
        }
        if bytes
            .windows(5)
            .any(|word| word.eq_ignore_ascii_case(b"PSYNC"))
        {
            replicates.store(true, Ordering::SeqCst);
        }
        let stuck = || {
            stalled.all.load(Ordering::SeqCst)
                || (replicates.load(Ordering::SeqCst) && stalled.replication.load(Ordering::SeqCst))
        };
        let delay_ms = stalled.delay_ms.load(Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(delay_ms));
        while stuck() && !stalled.ended.load(Ordering::SeqCst) {
            std::thread::sleep(LOOK);
        }
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
