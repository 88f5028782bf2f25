//! Redis with a replica, and three Sentinels that put it in the other's place.
//!
//! Configurations are written anew at each start, because ports are others each time. Who is the
//! master is carried over: what was the replica before may have been promoted, and has more.

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use super::{ENOUGH, STAGE_DATA, STAGE_ENGINES, START_LIMIT, ports};
use crate::run::supervisor::{OnEnd, Program, Supervisor};

const NODES: [&str; 2] = ["redis-a", "redis-b"];
const SENTINELS: [&str; 3] = ["sentinel-1", "sentinel-2", "sentinel-3"];
const CONFIG: &str = "redis.conf";
const SENTINEL_CONFIG: &str = "sentinel.conf";
/// How the Sentinels call what they guard.
const SERVICE: &str = "onsale";
/// Redis on this machine answers in far less.
const ASK_LIMIT: Duration = Duration::from_secs(2);

pub(super) struct Redis {
    /// Of both, in the order of their names.
    nodes: [SocketAddr; 2],
    sentinels: [SocketAddr; 3],
    master: usize,
}

impl Redis {
    /// Starts all of them and does not wait.
    pub(super) fn start(supervisor: &mut Supervisor, data: &Path) -> Result<Self> {
        let folder = data.join("redis");
        let redis = Self {
            master: last_master(&folder),
            nodes: [(); 2].map(|()| ports::free()),
            sentinels: [(); 3].map(|()| ports::free()),
        };
        let master = redis.nodes[redis.master];
        for (at, name) in NODES.into_iter().enumerate() {
            let place = folder.join(name);
            let of = (at != redis.master).then_some(master);
            let file = write(&place, CONFIG, &node(redis.nodes[at], &place, of))?;
            let mut command = Command::new("redis-server");
            command.arg(file);
            supervisor.start(Program {
                name: name.into(),
                command,
                on_end: OnEnd::Tell,
                stage: STAGE_DATA,
                stop: &[("TERM", ENOUGH)],
            })?;
        }
        for (at, name) in SENTINELS.into_iter().enumerate() {
            let place = folder.join(name);
            let text = sentinel(redis.sentinels[at], &place, master);
            let file = write(&place, SENTINEL_CONFIG, &text)?;
            let mut command = Command::new("redis-sentinel");
            command.arg(file);
            supervisor.start(Program {
                name: name.into(),
                command,
                on_end: OnEnd::Tell,
                stage: STAGE_ENGINES,
                stop: &[("TERM", ENOUGH)],
            })?;
        }
        Ok(redis)
    }

    /// Waits until the replica has everything and all Sentinels know of it.
    pub(super) fn ready(&self, supervisor: &mut Supervisor) -> Result<()> {
        supervisor.until("Redis has its replica", START_LIMIT, || {
            self.replicas()
                .all(|node| has(node, "INFO replication", "master_link_status:up"))
        })?;
        supervisor.until("the Sentinels agree", START_LIMIT, || {
            self.sentinels.iter().all(|sentinel| {
                let knows = format!("SENTINEL MASTER {SERVICE}");
                let agrees = format!("SENTINEL CKQUORUM {SERVICE}");
                has(*sentinel, &knows, "num-slaves\r\n$1\r\n1\r\n")
                    && has(*sentinel, &agrees, "OK 3 usable")
            })
        })
    }

    fn replicas(&self) -> impl Iterator<Item = SocketAddr> {
        let master = self.nodes[self.master];
        self.nodes.into_iter().filter(move |node| *node != master)
    }

    /// As a server is told of it.
    pub(super) fn url(&self) -> String {
        let [first, others @ ..] = self.sentinels;
        let nodes: Vec<_> = others.iter().map(|node| format!("node={node}")).collect();
        format!(
            "redis-sentinel://{first}/0?{}&sentinelServiceName={SERVICE}",
            nodes.join("&")
        )
    }

    /// As a person is told of it.
    pub(super) fn shown(&self) -> String {
        let list = |addresses: &mut dyn Iterator<Item = SocketAddr>| {
            let all: Vec<_> = addresses.map(|address| address.to_string()).collect();
            all.join(", ")
        };
        format!(
            "{}, replica {}, Sentinels {}",
            self.nodes[self.master],
            list(&mut self.replicas()),
            list(&mut self.sentinels.into_iter())
        )
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<std::path::PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join(name);
    fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

/// A node's settings, as the replica of `master` if there is one.
fn node(address: SocketAddr, folder: &Path, master: Option<SocketAddr>) -> String {
    let of = master.map_or_else(String::new, |master| {
        format!("replicaof {} {}\n", master.ip(), master.port())
    });
    format!(
        "port {}\nbind {}\ndir \"{}\"\nsave \"\"\nappendonly yes\nappendfsync everysec\n\
         repl-diskless-sync-delay 0\n{of}",
        address.port(),
        address.ip(),
        folder.display()
    )
}

fn sentinel(address: SocketAddr, folder: &Path, master: SocketAddr) -> String {
    format!(
        "port {}\nbind {}\ndir \"{}\"\n\
         sentinel monitor {SERVICE} {} {} 2\n\
         sentinel down-after-milliseconds {SERVICE} 1000\n\
         sentinel failover-timeout {SERVICE} 3000\n",
        address.port(),
        address.ip(),
        folder.display(),
        master.ip(),
        master.port()
    )
}

/// Which node was the master when the last run ended: the one that most Sentinels wrote down.
fn last_master(folder: &Path) -> usize {
    let read = |name: &str, file: &str| {
        fs::read_to_string(folder.join(name).join(file)).unwrap_or_default()
    };
    let nodes = NODES.map(|name| port_in(&read(name, CONFIG)));
    let told = SENTINELS.map(|name| master_in(&read(name, SENTINEL_CONFIG)));
    most_told(&told, &nodes)
}

fn port_in(config: &str) -> Option<u16> {
    let mut lines = config.lines();
    lines.find_map(|line| line.strip_prefix("port ")?.trim().parse().ok())
}

fn master_in(config: &str) -> Option<u16> {
    let start = format!("sentinel monitor {SERVICE} ");
    let mut lines = config.lines();
    let rest = lines.find_map(|line| line.strip_prefix(&start))?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

fn most_told(told: &[Option<u16>], nodes: &[Option<u16>; 2]) -> usize {
    let votes = |node: &Option<u16>| match node {
        Some(_) => told.iter().filter(|port| *port == node).count(),
        None => 0,
    };
    usize::from(votes(&nodes[1]) > votes(&nodes[0]))
}

fn has(address: SocketAddr, question: &str, wanted: &str) -> bool {
    ask(address, question).is_ok_and(|answer| answer.contains(wanted))
}

/// What Redis answers to one inline command.
fn ask(address: SocketAddr, question: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, ASK_LIMIT)?;
    stream.set_read_timeout(Some(ASK_LIMIT))?;
    stream.write_all(format!("{question}\r\n").as_bytes())?;
    // A Sentinel knows no QUIT; the end of the input ends the answer too.
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::super::ports::at;
    use super::*;

    #[test]
    fn a_replica_is_told_whose() {
        let place = Path::new("/data/redis-b");
        let text = node(at(2), place, Some(at(1)));
        assert!(text.contains("port 2\n"), "{text}");
        assert!(text.ends_with("replicaof 127.0.0.1 1\n"), "{text}");
        assert!(!node(at(1), place, None).contains("replicaof"));
    }

    #[test]
    fn the_master_of_the_last_run_is_read_from_what_sentinels_wrote() {
        let text = sentinel(at(9), Path::new("/data"), at(7));
        assert_eq!(master_in(&text), Some(7));
        assert_eq!(port_in(&text), Some(9));
        let nodes = [Some(7), Some(8)];
        assert_eq!(most_told(&[Some(8), Some(8), Some(7)], &nodes), 1);
        assert_eq!(most_told(&[Some(7), Some(8), None], &nodes), 0);
        assert_eq!(most_told(&[None; 3], &[None; 2]), 0);
    }
}
