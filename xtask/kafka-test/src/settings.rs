//! How one broker is set up. `cargo xtask run` includes this file, so that it depends on nothing else
//! of this crate.

use std::fmt::Write as _;
use std::path::Path;

/// What Java is told: a small heap, quick to start. What one machine does with it is not about speed.
pub(crate) const JAVA: [&str; 5] = [
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.apache.logging.log4j.level=INFO",
];

/// What it says when it serves.
pub(crate) const STARTED: &str = "Kafka Server started";

/// Sixteen bytes in base64; any will do.
pub(crate) const CLUSTER_ID: &str = "b25zYWxlLXRlc3RzLWthZg";

/// A broker that is a controller too, on ports of the loopback address.
pub(crate) struct Node<'a> {
    /// Which of them it is, from 0 on.
    pub(crate) number: usize,
    /// Where clients come.
    pub(crate) port: u16,
    /// Where the controllers of all brokers listen, its own among them. Of a broker that is alone it
    /// may be another at each start: with static voters it is not part of what is stored.
    pub(crate) controllers: &'a [u16],
    /// Where its log is.
    pub(crate) data: &'a Path,
}

/// The settings of a broker, with these lines besides. Of several each has a replica of everything, and
/// what is acknowledged is in most of them.
pub(crate) fn settings(node: &Node<'_>, more: &str) -> String {
    let id = node.number + 1;
    let port = node.port;
    let controller = node.controllers[node.number];
    let voter = |(number, port): (usize, &u16)| format!("{}@127.0.0.1:{port}", number + 1);
    let voters: Vec<_> = node.controllers.iter().enumerate().map(voter).collect();
    let voters = voters.join(",");
    let replicas = node.controllers.len();
    let most = replicas / 2 + 1;
    let mut text = format!(
        "process.roles=broker,controller\n\
         node.id={id}\n\
         controller.quorum.voters={voters}\n\
         listeners=CLIENT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=CLIENT://127.0.0.1:{port}\n\
         listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         inter.broker.listener.name=CLIENT\n\
         controller.listener.names=CONTROLLER\n\
         log.dirs={}\n\
         default.replication.factor={replicas}\n\
         min.insync.replicas={most}\n\
         offsets.topic.replication.factor={replicas}\n\
         transaction.state.log.replication.factor={replicas}\n\
         transaction.state.log.min.isr={most}\n\
         share.coordinator.state.topic.replication.factor={replicas}\n\
         share.coordinator.state.topic.min.isr={most}\n",
        node.data.display()
    );
    for line in [
        // Few partitions of what Kafka keeps itself.
        "offsets.topic.num.partitions=1",
        "transaction.state.log.num.partitions=1",
        "share.coordinator.state.topic.num.partitions=1",
        "group.initial.rebalance.delay.ms=0",
        // A topic that nobody has made is an error.
        "auto.create.topics.enable=false",
        // After `kill -9` the next process is refused until the old one's registration lapses.
        "broker.session.timeout.ms=3000",
        "broker.heartbeat.interval.ms=500",
        "log.cleaner.dedupe.buffer.size=16777216",
        more,
    ] {
        let _ = writeln!(text, "{line}");
    }
    text
}
