//! The time of a traced command in its lane is told span by span.

use crate::support::{Office, fresh, hold};
use booking_core::Command;
use futures_util::future::join_all;
use onsale_server::lane::{Answer, LaneError};
use onsale_server::trace::{Context, Fact, RequestId, Sampling, Span, SpanId, Spans, within};
use std::collections::BTreeMap;
use tokio::sync::mpsc;

fn collected() -> (Spans, mpsc::Receiver<Span>) {
    Spans::new(Sampling {
        share: 1.0,
        follow_proxy: false,
    })
}

fn request(spans: &Spans) -> Context {
    Context::new(RequestId::new([b'0'; 24]), None).recorded(spans.clone())
}

async fn send(
    office: &Office,
    context: &Context,
    id: u128,
    command: Command,
) -> Result<Answer, LaneError> {
    within(Some(context.clone()), office.send(id, command)).await
}

fn fact<'a>(span: &'a Span, name: &str) -> Option<&'a Fact> {
    let found = span.facts.iter().find(|(known, _)| *known == name);
    found.map(|(_, fact)| fact)
}

/// The spans of one request by their names.
fn of(spans: &[Span], context: &Context) -> BTreeMap<String, Span> {
    let own = spans.iter().filter(|span| span.trace == context.trace());
    own.map(|span| (span.name.to_string(), span.clone()))
        .collect()
}

fn all(waiting: &mut mpsc::Receiver<Span>) -> Vec<Span> {
    std::iter::from_fn(|| waiting.try_recv().ok()).collect()
}

fn parent(spans: &BTreeMap<String, Span>, name: &str) -> Option<SpanId> {
    spans[name].parent
}

#[tokio::test]
async fn a_batch_is_part_of_the_trace_of_each_of_its_commands() {
    let office = Office::open().await;
    let (spans, mut waiting) = collected();
    let contexts: Vec<_> = (0..8).map(|_| request(&spans)).collect();
    let office = &office;
    let sent = (1..).zip(&contexts).map(|(n, context)| async move {
        let placed = send(office, context, fresh(), hold(n, n, &[n as u32])).await;
        placed.unwrap().seq
    });
    let seqs = join_all(sent).await;
    let spans = all(&mut waiting);
    let mut in_batch: BTreeMap<u64, i64> = BTreeMap::new();
    for seq in &seqs {
        *in_batch.entry(*seq).or_default() += 1;
    }
    assert!(in_batch.values().any(|commands| *commands > 1), "{seqs:?}");
    for (context, seq) in contexts.iter().zip(seqs) {
        let own = of(&spans, context);
        let names: Vec<_> = own.keys().map(String::as_str).collect();
        assert_eq!(names, ["append", "decide", "lane", "wait"]);
        assert_eq!(parent(&own, "lane"), Some(context.span()));
        for part in ["wait", "decide", "append"] {
            assert_eq!(parent(&own, part), Some(own["lane"].id), "{part}");
            assert_eq!(
                fact(&own[part], "onsale.batch.seq"),
                Some(&Fact::Number(seq as i64))
            );
            assert_eq!(
                fact(&own[part], "onsale.batch.commands"),
                Some(&Fact::Number(in_batch[&seq]))
            );
        }
        let edges = [
            own["lane"].began,
            own["wait"].began,
            own["wait"].ended,
            own["decide"].began,
            own["decide"].ended,
            own["append"].began,
            own["append"].ended,
            own["lane"].ended,
        ];
        assert!(edges.is_sorted(), "{edges:?}");
    }
}

#[tokio::test]
async fn a_no_and_a_repetition_are_told_from_an_answer() {
    let office = Office::open().await;
    let (spans, mut waiting) = collected();
    let mut told = async |id: u128, command: Command| {
        let context = request(&spans);
        let answer = send(&office, &context, id, command).await;
        let own = of(&all(&mut waiting), &context);
        assert!(own["lane"].fault.is_none());
        let outcome = fact(&own["lane"], "onsale.outcome").cloned();
        (answer.is_ok(), outcome.unwrap(), own.len())
    };
    let first = fresh();
    let accepted = told(first, hold(1, 1, &[3])).await;
    assert_eq!(accepted, (true, Fact::from("accepted"), 4));
    let taken = told(fresh(), hold(2, 2, &[3])).await;
    assert_eq!(taken, (false, Fact::from("seats_taken"), 4));
    let again = told(first, hold(1, 1, &[3])).await;
    assert_eq!(again, (true, Fact::from("replayed"), 1));
    let reused = told(first, hold(1, 1, &[4])).await;
    assert_eq!(reused, (false, Fact::from("command_id_reused"), 1));
}

#[tokio::test]
async fn a_command_that_is_not_traced_leaves_nothing() {
    let office = Office::open().await;
    let (spans, mut waiting) = collected();
    office.send(fresh(), hold(1, 1, &[3])).await.unwrap();
    let untraced = Context::new(request(&spans).request(), None);
    let placed = send(&office, &untraced, fresh(), hold(2, 2, &[5])).await;
    placed.unwrap();
    assert!(all(&mut waiting).is_empty());
}
