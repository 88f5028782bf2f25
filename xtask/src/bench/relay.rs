//! What the relay brings to a real Kafka, and how soon, from the server's own benchmark program.

use anyhow::Result;

use super::{Row, Session, Target, program::Program};
use crate::test::kafka;

const PROGRAM: Program = Program {
    bench: "relay",
    package: "onsale-server",
    features: "kafka",
    words: &[],
};

pub(crate) const NAMES: &[&str] = &["relay_throughput", "relay_lag", "relay_outage"];
/// What a booking takes while Kafka is away, by what it takes otherwise.
const UNMOVED: f64 = 1.1;

pub(crate) fn measure(session: &Session<'_>) -> Result<Vec<Row>> {
    kafka::ensure_compiler(session.step)?;
    kafka::ensure(session.step)?;
    let printed = PROGRAM.run(session, session.runs)?;
    Ok(vec![
        Row {
            name: NAMES[0].into(),
            what: "messages of one ledger's backlog, published by the relay to a one-node Kafka on \
                   this machine and acknowledged"
                .into(),
            unit: "messages/s",
            runs: printed.runs("relay_throughput")?,
            baseline: Some((
                "the same chunks straight to the same broker, without ledger, book and cursor"
                    .into(),
                printed.runs("relay_raw")?,
            )),
            target: Target::None,
            notes: vec![
                format!(
                    "{:.0} messages in {:.0} chunks",
                    printed.last("relay_messages")?,
                    printed.last("relay_chunks")?
                ),
                format!(
                    "{:.0} messages/s to a stream that acknowledges at once",
                    printed.last("relay_nowhere")?
                ),
            ],
        },
        Row {
            name: NAMES[1].into(),
            what: "from the durable answer to an order until its message is acknowledged, seen by the \
                   relay, at 500 bookings a second in process: the median"
                .into(),
            unit: "ms",
            runs: printed.runs("relay_lag_median")?,
            baseline: None,
            target: Target::None,
            notes: vec![format!(
                "99th percentile {:.0} ms",
                printed.last("relay_lag_p99")?
            )],
        },
        Row {
            name: NAMES[2].into(),
            what: "99th percentile of a booking (a hold and its order, each durable) at 500 a second in \
                   process, while Kafka's broker is dead"
                .into(),
            unit: "ms",
            runs: printed.runs("relay_outage_away")?,
            baseline: Some((
                "the same while it is there".into(),
                printed.runs("relay_outage_there")?,
            )),
            target: Target::RatioAtMost(UNMOVED),
            notes: vec![format!(
                "300,000 bookings and as many cancellations wait, ten minutes of that sale, when the \
                 broker is started again: all is published {:.0} s later, {:.0} messages in all",
                printed.last("relay_outage_drain")?,
                printed.last("relay_outage_messages")?
            )],
        },
    ])
}
