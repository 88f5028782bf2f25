//! `onsale room` as an operator runs it, against a server that runs.

use crate::cli::{Served, demo, err, onsale, out};
use serde_json::Value;
use std::process::{Command, Output, Stdio};

/// The demo's one room.
const ROOM: &str = "The Lanterns";

struct Operator<'a> {
    server: String,
    data: &'a str,
}

impl Operator<'_> {
    fn room(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_onsale"))
            .arg("room")
            .args(arguments)
            .args(["--server", &self.server])
            .args(["--sign-in", &format!("{}/demo-operator.txt", self.data)])
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--json"]].concat();
        let output = self.room(&arguments);
        assert!(output.status.success(), "{}", err(&output));
        serde_json::from_str(&out(&output)).unwrap()
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.room(arguments);
        assert!(!output.status.success(), "{}", out(&output));
        err(&output)
    }
}

#[test]
fn a_room_is_run_from_the_command_line_and_a_no_is_told_in_words() {
    let (_dir, data) = demo();
    let served = Served::start(&data);
    let operator = Operator {
        server: format!("http://{}", served.address),
        data: &data,
    };
    let rooms = operator.json(&["list"]);
    assert_eq!(rooms["rooms"][0]["settings"]["name"], ROOM);
    assert_eq!(rooms["rooms"][0]["state"], "scheduled");

    assert_eq!(operator.json(&["open", ROOM])["state"], "open");
    let told = operator.refused(&["open", ROOM]);
    assert!(told.contains("possible now: pause, drain, close"), "{told}");
    let set = operator.json(&["set", ROOM, "cap=7", "rate_per_minute=30"]);
    assert_eq!(
        (&set["settings"]["cap"], &set["settings"]["rate_per_minute"]),
        (&7.into(), &30.into())
    );
    let version = set["version"].to_string();
    assert_eq!(
        operator.json(&["message", ROOM, "Soon."])["settings"]["message"],
        "Soon."
    );
    let told = operator.refused(&["pause", ROOM, "--if-version", &version]);
    assert!(told.contains("room_changed"), "{told}");
    let told = operator.refused(&["set", ROOM, "cap=-1"]);
    assert!(told.contains("settings.cap"), "{told}");
    let told = operator.refused(&["set", ROOM, "cap"]);
    assert!(told.contains("SETTING=VALUE"), "{told}");
    let told = operator.refused(&["show", "Nowhere"]);
    assert!(told.contains("onsale room list"), "{told}");

    let issued = operator.json(&["code", ROOM, "--label", "Press", "--limit", "3"]);
    assert!(issued["code"].as_str().is_some_and(|code| code.len() >= 16));
    let codes = operator.json(&["codes", ROOM]);
    assert_eq!(codes["codes"][0]["label"], "Press");
    let log = operator.json(&["log", ROOM]);
    assert_eq!(log["entries"][0]["who"], "operator@onsale.example");
    for words in [
        &["show", ROOM][..],
        &["list"],
        &["log", ROOM],
        &["figures", ROOM],
        &["codes", ROOM],
    ] {
        let said = operator.room(words);
        assert!(
            said.status.success() && !out(&said).is_empty(),
            "{words:?}: {}",
            err(&said)
        );
    }
    assert_eq!(operator.json(&["close", ROOM])["state"], "closed");
    assert!(served.stop().success());
}

#[test]
fn who_one_is_and_where_the_server_is_must_be_said_and_be_right() {
    let room = |arguments: &[&str]| err(&onsale(&[&["room", "list"][..], arguments].concat()));
    let told = room(&["--server", "http://127.0.0.1:1"]);
    assert!(
        told.contains("ONSALE_PASSWORD") && told.contains("--sign-in"),
        "{told}"
    );
    let told = room(&["--server", "http://tickets.example.org"]);
    assert!(told.contains("ssh -L"), "{told}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display().to_string();
    let told = room(&["--sign-in", &path]);
    assert!(told.contains("holds no lines"), "{told}");
    std::fs::write(file.path(), "address: a@example.org\npassword: secret\n").unwrap();
    let told = room(&["--sign-in", &path, "--server", "http://127.0.0.1:1"]);
    assert!(
        told.contains("is it running") && !told.contains("secret"),
        "{told}"
    );
}

#[test]
fn a_place_for_rooms_that_there_is_not_is_told_before_anything_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").display().to_string();
    let serve = |store: &str| {
        let listen = ["--listen", "127.0.0.1:0", "--data", &data];
        err(&onsale(
            &[&["serve", "--room-store", store][..], &listen].concat(),
        ))
    };
    let told = serve("postgres://here");
    assert!(told.contains("redis://127.0.0.1:6379"), "{told}");
    if cfg!(not(feature = "redis")) {
        let told = serve("redis://127.0.0.1:1");
        assert!(told.contains("--features redis"), "{told}");
    }
    assert!(!std::path::Path::new(&data).exists());
}
