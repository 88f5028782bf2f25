//! A proxy in front of PostgreSQL that loses a commit's answer, or the commit itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU16, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What is done to connections.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    /// The next commit reaches the server, its answer does not come back.
    LoseAnswer,
    /// The next commit does not even reach the server.
    LoseCommit,
    /// The same as `LoseAnswer`, and from then on nobody gets through.
    LoseAnswerAndAll,
    /// Nobody gets through.
    LoseAll,
}

const FAULTS: [Fault; 5] = [
    Fault::Nothing,
    Fault::LoseAnswer,
    Fault::LoseCommit,
    Fault::LoseAnswerAndAll,
    Fault::LoseAll,
];

#[derive(Clone)]
struct Set(Arc<AtomicU8>);

impl Set {
    fn get(&self) -> Fault {
        FAULTS[usize::from(self.0.load(Ordering::SeqCst))]
    }
    fn put(&self, fault: Fault) {
        self.0.store(fault as u8, Ordering::SeqCst);
    }
}

pub(crate) struct Cutter {
    address: SocketAddr,
    fault: Set,
    port: Arc<AtomicU16>,
}

impl Cutter {
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fault = Set(Arc::default());
        let set = fault.clone();
        let port = Arc::new(AtomicU16::new(port));
        let leads_to = Arc::clone(&port);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if set.get() != Fault::LoseAll {
                    let port = leads_to.load(Ordering::SeqCst);
                    tokio::spawn(carry(client, port, set.clone()));
                }
            }
        });
        Self {
            address,
            fault,
            port,
        }
    }

    /// The same database by way of this proxy.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}", self.address)
    }

    /// Whoever connects from now on gets to another server.
    pub(crate) fn lead_to(&self, port: u16) {
        self.port.store(port, Ordering::SeqCst);
    }

    pub(crate) fn set(&self, fault: Fault) {
        self.fault.put(fault);
    }
}

/// Until one side ends, or the fault that is set says so.
async fn carry(mut client: TcpStream, port: u16, set: Set) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let is_commit = asked[..length].windows(6).any(|word| word == b"COMMIT");
                let fault = if is_commit { set.get() } else { Fault::Nothing };
                if fault == Fault::LoseCommit {
                    return set.put(Fault::Nothing);
                }
                if server.write_all(&asked[..length]).await.is_err() {
                    return;
                }
                match fault {
                    Fault::LoseAnswer | Fault::LoseAnswerAndAll => {
                        // It has answered: by now it is done.
                        let _ = server.read(&mut answered).await;
                        return set.put(match fault {
                            Fault::LoseAnswer => Fault::Nothing,
                            _ => Fault::LoseAll,
                        });
                    }
                    _ => {}
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
