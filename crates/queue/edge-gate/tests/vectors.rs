//! `vectors.json` has requests and what the gate must say to them; node runs the module on the same
//! file. It is made here: `UPDATE=1 cargo test -p onsale-edge-gate`.

use data_encoding::HEXLOWER;
use onsale_edge_gate::{MISUSED, gate_alloc, gate_check, gate_expires_ms, gate_free};
use onsale_queue::gate::visitor_of;
use onsale_queue::{Admission, Authority, Epoch, Issuer, Pass, Place, QueueNumber, RoomId};
use serde::{Deserialize, Serialize};

const ROOM: RoomId = RoomId([1; 16]);
const NOW_MS: i64 = 1_800_000_000_000;
const SESSION: &str = "the value of the session cookie";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vector {
    name: String,
    room: String,
    keys: String,
    session: String,
    token: String,
    now_ms: i64,
    verdict: i32,
    expires_ms: Option<i64>,
}

fn admission() -> Admission {
    Admission {
        room: ROOM,
        visitor: visitor_of(SESSION.as_bytes()),
        id: [3; 16],
        issued_ms: NOW_MS,
        expires_ms: NOW_MS + 900_000,
        authority: Authority {
            max_places: 4,
            bands: vec![0, 2],
            seats: vec![7, 70_000],
        },
    }
}

fn vectors() -> Vec<Vector> {
    let issuer = Issuer::from_seed(&[9; 32]);
    let older = Issuer::from_seed(&[10; 32]);
    let stranger = Issuer::from_seed(&[11; 32]);
    let keys = [issuer.public_key(), older.public_key()].concat();
    let good = issuer.admission(&admission());
    let mut altered = good.clone();
    let last = if altered.ends_with('A') { 'B' } else { 'A' };
    let middle = altered.len() / 2;
    altered.replace_range(middle..=middle, &last.to_string());
    let pass = issuer.pass(&Pass {
        room: ROOM,
        visitor: visitor_of(SESSION.as_bytes()),
        place: Place {
            epoch: Epoch(1),
            number: QueueNumber(1),
        },
        joined_ms: NOW_MS,
        wishes: Default::default(),
    });
    let vector = |name: &str, token: &str, verdict: i32| Vector {
        name: name.into(),
        room: ROOM.to_hex(),
        keys: HEXLOWER.encode(&keys),
        session: SESSION.into(),
        token: token.into(),
        now_ms: NOW_MS + 1_000,
        verdict,
        expires_ms: (verdict == 0).then_some(NOW_MS + 900_000),
    };
    vec![
        vector("an admission", &good, 0),
        vector(
            "an admission signed with the key before",
            &older.admission(&admission()),
            0,
        ),
        vector("no token", "", 1),
        vector("something else", "let me in", 2),
        vector("a pass instead of an admission", &pass, 2),
        vector("a stranger's key", &stranger.admission(&admission()), 3),
        vector("altered", &altered, 4),
        Vector {
            now_ms: NOW_MS + 900_000,
            ..vector("at the end of its time", &good, 5)
        },
        Vector {
            now_ms: NOW_MS - 5_001,
            ..vector("before its time", &good, 6)
        },
        Vector {
            room: RoomId([2; 16]).to_hex(),
            ..vector("in another room", &good, 7)
        },
        Vector {
            session: "another session".into(),
            ..vector("in another session", &good, 8)
        },
        Vector {
            keys: HEXLOWER.encode(&keys[..31]),
            ..vector("keys cut short", &good, MISUSED)
        },
        Vector {
            keys: String::new(),
            ..vector("no keys", &good, MISUSED)
        },
    ]
}

fn run(vector: &Vector) -> i32 {
    let room = HEXLOWER.decode(vector.room.as_bytes()).unwrap();
    let keys = HEXLOWER.decode(vector.keys.as_bytes()).unwrap();
    let (session, token) = (vector.session.as_bytes(), vector.token.as_bytes());
    // SAFETY: pointers and lengths of live slices.
    unsafe {
        gate_check(
            room.as_ptr(),
            keys.as_ptr(),
            keys.len(),
            session.as_ptr(),
            session.len(),
            token.as_ptr(),
            token.len(),
            vector.now_ms,
        )
    }
}

#[test]
fn every_request_gets_its_verdict() {
    for vector in vectors() {
        assert_eq!(run(&vector), vector.verdict, "{}", vector.name);
        if let Some(expires_ms) = vector.expires_ms {
            assert_eq!(gate_expires_ms(), expires_ms);
        }
    }
}

#[test]
fn the_vectors_for_node_are_these() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors.json");
    let text = serde_json::to_string_pretty(&vectors()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == text, "vectors.json is stale: run with UPDATE=1");
}

#[test]
fn memory_that_makes_no_sense_is_not_given() {
    assert!(gate_alloc(0).is_null());
    assert!(gate_alloc(65_537).is_null());
    let pointer = gate_alloc(64);
    assert!(!pointer.is_null());
    // SAFETY: just allocated, with this length.
    unsafe { gate_free(pointer, 64) };
}
