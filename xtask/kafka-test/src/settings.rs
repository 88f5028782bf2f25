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

/// The settings of a broker that is its own controller, on ports of the loopback address, with its log
/// in `data` and these lines besides.
///
/// The controller's port may be another at each start: with static voters it is not part of what is
/// stored.
pub(crate) fn settings(port: u16, controller: u16, data: &Path, more: &str) -> String {
    let mut text = format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=CLIENT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=CLIENT://127.0.0.1:{port}\n\
         listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         inter.broker.listener.name=CLIENT\n\
         controller.listener.names=CONTROLLER\n\
         log.dirs={}\n",
        data.display()
    );
    for line in [
        // One broker: one replica of everything, and few partitions of what Kafka keeps itself.
        "offsets.topic.replication.factor=1",
        "offsets.topic.num.partitions=1",
        "transaction.state.log.replication.factor=1",
        "transaction.state.log.min.isr=1",
        "transaction.state.log.num.partitions=1",
        "share.coordinator.state.topic.replication.factor=1",
        "share.coordinator.state.topic.min.isr=1",
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
