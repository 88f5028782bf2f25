//! What belongs to one request is found by its id and by its trace: in the log, and where traces are
//! collected.

mod chosen;
#[cfg(feature = "traces")]
mod collected;

use crate::support::client::Client;
use crate::support::process::{SHOW, prepare};
use crate::support::server::Server;
use crate::support::till::CAPTURE_REFUSED;
use serde_json::{Value, json};
use uuid::Uuid;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const BROWSER: &str = "00f067aa0ba902b7";

fn traceparent() -> String {
    format!("00-{TRACE}-{BROWSER}-01")
}

fn path(rest: &str) -> String {
    format!("/api/v1/performances/{SHOW}{rest}")
}

/// Holds a seat; the hold.
async fn hold(client: &mut Client, seat: u32) -> Uuid {
    let hold = Uuid::now_v7();
    let wish = json!({
        "command_id": Uuid::now_v7(), "hold_id": hold, "request": { "these": [{ "seat": seat }] },
    });
    let reply = client.send("POST", &path("/holds"), Some(&wish)).await;
    let (status, answer) = reply.unwrap();
    assert_eq!(status, 201, "{answer}");
    hold
}

async fn pay(client: &mut Client, hold: Uuid, seat: u32, card: &str) -> (u16, Value) {
    let items = json!([{ "place": { "seat": seat }, "price_type": 0 }]);
    let wish = json!({ "items": items, "voucher": null });
    let quote = client.send("POST", &path("/quote"), Some(&wish)).await;
    let wish = json!({
        "command_id": Uuid::now_v7(), "order_id": Uuid::now_v7(),
        "quote_token": quote.unwrap().1["token"], "items": items, "voucher": null,
        "buyer": { "name": "Ada Lovelace", "email": "ada@example.org" },
        "payment": { "card_number": card, "expiry": "12/40", "cvc": "123" },
    });
    let checkout = path(&format!("/holds/{hold}/checkout"));
    client.send("POST", &checkout, Some(&wish)).await.unwrap()
}

/// The members of a line that say what it was written for.
fn names(line: &Value) -> (&str, &str) {
    let member = |name: &str| line[name].as_str().unwrap_or("");
    (member("request_id"), member("trace_id"))
}

#[tokio::test]
async fn every_line_of_a_request_carries_its_id_and_its_trace() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).await;
    let server = Server::start_logging(dir.path(), &[("ONSALE_LOG", "json")]).await;
    let mut client = Client::connect(&server.address(), 1).await.unwrap();
    client.traceparent = Some(traceparent());
    let held = hold(&mut client, 3).await;
    let in_trace = client.request_id.clone();
    // A bank that takes its promise back: logged by the task that drives the payment, deep below
    // the handler.
    let _ = pay(&mut client, held, 3, CAPTURE_REFUSED).await;
    let paying = client.request_id.clone();
    client.traceparent = Some(traceparent().to_uppercase());
    hold(&mut client, 5).await;
    let malformed = client.request_id.clone();
    client.traceparent = None;
    hold(&mut client, 7).await;
    let alone = client.request_id.clone();

    let log = server.stop_and_tell().await;
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let said = |message: &str, request: &str| {
        let line = lines.iter().find(|line| {
            let text = line["message"].as_str().unwrap_or("");
            text.starts_with(message) && names(line).0 == request
        });
        line.unwrap_or_else(|| panic!("{message} {request}: {log}"))
    };
    assert_eq!(names(said("answered", &in_trace)).1, TRACE);
    assert_eq!(names(said("money could not be taken", &paying)).1, TRACE);
    let own = [&malformed, &alone].map(|request| names(said("answered", request)).1);
    assert!(own.iter().all(|trace| trace.len() == 32), "{own:?}");
    assert!(own[0] != own[1] && !own.contains(&TRACE), "{own:?}");
    // What the program does by itself is no request's.
    let serving = lines.iter().find(|line| line["message"] == "serving");
    assert_eq!(names(serving.unwrap()), ("", ""));
}

#[tokio::test]
async fn a_line_for_people_says_it_too() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).await;
    let server = Server::start_logging(dir.path(), &[("ONSALE_LOG", "text")]).await;
    let mut client = Client::connect(&server.address(), 1).await.unwrap();
    client.traceparent = Some(traceparent());
    hold(&mut client, 3).await;
    let wanted = format!("request_id={} trace_id={TRACE}", client.request_id);
    let log = server.stop_and_tell().await;
    let answered = log.lines().find(|line| line.contains(&wanted));
    assert!(
        answered.is_some_and(|line| line.contains("answered")),
        "{log}"
    );
}

#[cfg(not(feature = "traces"))]
#[tokio::test]
async fn a_server_that_cannot_send_traces_says_so_instead_of_starting() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).await;
    let collector = [("ONSALE_TRACES", "http://127.0.0.1:4318")];
    let said = Server::refuses(dir.path(), &collector).await;
    assert!(said.contains("built without traces"), "{said}");
    assert!(said.contains("--features traces"), "{said}");
}
