//! Several servers that belong together.

use crate::server::Server;

/// A master, its replicas and three sentinels.
#[derive(Debug)]
pub struct Guarded {
    /// The first master.
    pub master: Server,
    /// What takes over.
    pub replicas: Vec<Server>,
    sentinels: Vec<Server>,
}

impl Guarded {
    /// A master with one replica.
    #[must_use]
    pub fn start() -> Self {
        let master = Server::start(&[]);
        let shown = master.port;
        Self::around(master, shown, 1)
    }

    /// Everybody reaches the master at `shown`: its own port, or a proxy's in front of it.
    #[must_use]
    pub fn around(master: Server, shown: u16, replicas: usize) -> Self {
        let of = format!("127.0.0.1 {shown}");
        let replicas: Vec<_> = (0..replicas)
            .map(|_| Server::start(&["--replicaof", &of]))
            .collect();
        let sentinels: Vec<_> = (0..3).map(|_| Server::sentinel(shown)).collect();
        // Killing the master before each sentinel lists the replica ends in no failover at all.
        for replica in &replicas {
            replica.until("INFO replication", "master_link_status:up");
        }
        let listed = format!("num-slaves\r\n$1\r\n{}\r\n", replicas.len());
        for sentinel in &sentinels {
            sentinel.until("SENTINEL MASTER mymaster", &listed);
            sentinel.until("SENTINEL CKQUORUM mymaster", "OK 3 usable");
        }
        Self {
            master,
            replicas,
            sentinels,
        }
    }

    /// Where it is, as a client is told.
    #[must_use]
    pub fn url(&self) -> String {
        let nodes: Vec<_> = self
            .sentinels
            .iter()
            .map(|sentinel| format!("node=127.0.0.1:{}", sentinel.port))
            .collect();
        format!(
            "redis-sentinel://127.0.0.1:{}/0?{}&sentinelServiceName=mymaster",
            self.sentinels[0].port,
            nodes[1..].join("&")
        )
    }
}

/// Three masters without replicas, all slots served.
#[derive(Debug)]
pub struct Cluster {
    /// The masters.
    pub nodes: Vec<Server>,
}

impl Cluster {
    /// Starts them and waits until they agree.
    #[must_use]
    pub fn start() -> Self {
        let nodes: Vec<_> = (0..3)
            .map(|_| Server::start(&["--cluster-enabled", "yes"]))
            .collect();
        let shares = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)];
        for (node, (from, to)) in nodes.iter().zip(shares) {
            let answer = node.ask(&format!("CLUSTER ADDSLOTSRANGE {from} {to}"));
            assert!(answer.starts_with("+OK"), "{answer}");
        }
        for other in &nodes[1..] {
            let answer = nodes[0].ask(&format!("CLUSTER MEET 127.0.0.1 {}", other.port));
            assert!(answer.starts_with("+OK"), "{answer}");
        }
        for node in &nodes {
            node.until("CLUSTER INFO", "cluster_state:ok");
            node.until("CLUSTER INFO", "cluster_known_nodes:3");
        }
        Self { nodes }
    }

    /// Where it is, as a client is told.
    #[must_use]
    pub fn url(&self) -> String {
        let rest: Vec<_> = self.nodes[1..]
            .iter()
            .map(|node| format!("node=127.0.0.1:{}", node.port))
            .collect();
        format!(
            "redis-cluster://127.0.0.1:{}?{}",
            self.nodes[0].port,
            rest.join("&")
        )
    }
}
