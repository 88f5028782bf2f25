//! The program as a person runs it: what it says, and what it ends with.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

pub(crate) fn onsale(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_onsale"))
        .args(arguments)
        .env_remove("ONSALE_DATA")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn demo() -> (TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").display().to_string();
    let filled = onsale(&["demo", "--quiet", "--data", &data]);
    assert!(filled.status.success(), "{}", err(&filled));
    (dir, data)
}

/// A running server; stopped like an operator stops it.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: String,
}

impl Served {
    pub(crate) fn start(data: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_onsale"))
            .args(["serve", "--data", data, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit('/').next().unwrap().to_owned();
        assert!(
            line.starts_with("onsale serves at http://127.0.0.1:"),
            "{line}"
        );
        Self { child, address }
    }

    pub(crate) fn stop(mut self) -> std::process::ExitStatus {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // A test that failed must not leave its server behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_folder_in_use_and_a_busy_port_are_told_with_the_way_out() {
    let (_dir, data) = demo();
    let served = Served::start(&data);

    let second = onsale(&["performance", "list", "--data", &data]);
    assert!(!second.status.success());
    let told = err(&second);
    let pid = served.child.id().to_string();
    assert!(
        told.contains("in use") && told.contains(&pid) && told.contains("--data"),
        "{told}"
    );

    let other = tempfile::tempdir().unwrap();
    let other = other.path().join("data").display().to_string();
    let busy = onsale(&["serve", "--data", &other, "--listen", &served.address]);
    assert!(!busy.status.success());
    let told = err(&busy);
    assert!(
        told.contains("is in use") && told.contains("--listen"),
        "{told}"
    );
    assert!(
        !Path::new(&other).exists(),
        "a server that cannot listen leaves nothing behind"
    );

    assert!(served.stop().success(), "SIGTERM is an orderly end");
    let after = onsale(&["performance", "list", "--data", &data, "--json"]);
    assert!(
        after.status.success(),
        "the folder was given back: {}",
        err(&after)
    );
    let list: serde_json::Value = serde_json::from_str(&out(&after)).unwrap();
    assert!(list["performances"].as_array().unwrap().len() > 3);
    let verified = onsale(&["ledger", "verify", "--data", &data]);
    assert!(verified.status.success(), "{}", out(&verified));
}

#[test]
fn a_demo_wants_an_empty_folder_and_a_tool_one_that_is_there() {
    let (_dir, data) = demo();
    let again = onsale(&["demo", "--data", &data]);
    assert!(!again.status.success());
    assert!(
        err(&again).contains("wants an empty folder"),
        "{}",
        err(&again)
    );

    let nowhere = tempfile::tempdir().unwrap();
    let nowhere = nowhere.path().display().to_string();
    let nothing = onsale(&["performance", "list", "--data", &nowhere]);
    assert!(!nothing.status.success());
    assert!(
        err(&nothing).contains("no onsale data"),
        "{}",
        err(&nothing)
    );
}

/// Sound, but for a number that should be text and a category nobody declared.
const PLAN: &str = r#"{"name": "Cellar", "categories": [{"name": "All", "color": "red"}],
  "zones": [{"name": "Room", "position": {"x": 0, "y": 0}, "rows": [
    {"row_number": "A", "position": {"x": 0, "y": 0}, "seats": [
      {"seat_number": 1, "category": "All", "position": {"x": 0, "y": 0}},
      {"seat_number": "2", "category": "Other", "position": {"x": 25, "y": 0}}]}]}],
  "size": {"width": 100, "height": 100}}"#;

fn write(dir: &TempDir, name: &str, text: &str) -> String {
    let file = dir.path().join(name);
    std::fs::File::create(&file)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    file.display().to_string()
}

#[test]
fn a_sound_plan_is_summed_up_with_every_repair() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir, "plan.json", PLAN);
    let checked = onsale(&["plan", "check", &file]);
    assert!(checked.status.success(), "{}", err(&checked));
    let text = out(&checked);
    assert!(text.contains("2 seats"), "{text}");
    assert!(
        text.contains("zones[0].rows[0].seats[0].seat_number"),
        "{text}"
    );
    assert!(text.contains("undeclared category (1)"), "{text}");
    let json = onsale(&["plan", "check", "--json", &file]);
    let report: serde_json::Value = serde_json::from_str(&out(&json)).unwrap();
    assert_eq!(report["sound"], true);
    assert!(report["repairs"].as_array().unwrap().len() >= 2, "{report}");
}

#[test]
fn a_plan_beyond_mending_is_refused_with_every_fault_and_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let cut = write(&dir, "cut.json", &PLAN[..200]);
    let empty = write(&dir, "empty.json", "{}");
    for file in [&cut, &empty] {
        let refused = onsale(&["plan", "check", file]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(err(&refused).contains("fault"), "{}", err(&refused));
        let json = onsale(&["plan", "check", "--json", file]);
        assert_eq!(json.status.code(), Some(1));
        let report: serde_json::Value = serde_json::from_str(&out(&json)).unwrap();
        assert!(
            !report["faults"][0]["at"].as_str().unwrap().is_empty(),
            "{report}"
        );
    }
    assert!(
        err(&onsale(&["plan", "check", &cut])).contains("line "),
        "the place of a cut"
    );
    let missing = onsale(&["plan", "check", "/nowhere/plan.json"]);
    assert!(
        err(&missing).contains("could not be opened"),
        "{}",
        err(&missing)
    );
}

#[test]
fn a_plan_becomes_a_performance_on_sale() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir, "plan.json", PLAN);
    let data = dir.path().join("data").display().to_string();
    let imported = onsale(&["plan", "import", "--json", "--data", &data, &file]);
    assert!(imported.status.success(), "{}", err(&imported));
    let imported: serde_json::Value = serde_json::from_str(&out(&imported)).unwrap();
    let version = imported["map_version"].as_str().unwrap();

    let add = |more: &[&str]| {
        let mut arguments = vec![
            "performance",
            "add",
            "--data",
            &data,
            "--title",
            "First Night",
            "--venue",
            "Cellar",
            "--starts",
            "2031-05-01T20:00",
        ];
        arguments.extend(more);
        onsale(&arguments)
    };
    let no_city = add(&["--map", &version[..10], "--prices", "3000,2000"]);
    assert!(err(&no_city).contains("--city"), "{}", err(&no_city));
    let place = ["--city", "Bremen", "--time-zone", "Europe/Berlin"];
    let map = ["--map", &version[..10]];
    let few = add(&[&place[..], &map, &["--prices", "3000"]].concat());
    assert!(err(&few).contains("2 bands"), "{}", err(&few));
    let added = add(&[&place[..], &map, &["--prices", "3000,2000", "--json"]].concat());
    assert!(added.status.success(), "{}", err(&added));
    let added: serde_json::Value = serde_json::from_str(&out(&added)).unwrap();
    let id = added["id"].as_str().unwrap();
    let shown = onsale(&["performance", "show", id, "--data", &data]);
    let text = out(&shown);
    assert!(
        text.contains("First Night") && text.contains("2031-05-01 20:00"),
        "{text}"
    );
    assert!(text.contains("30.00 EUR"), "{text}");
}

#[test]
fn every_command_explains_itself() {
    for command in [
        &["--help"][..],
        &["serve", "--help"],
        &["demo", "--help"],
        &["plan", "check", "--help"],
        &["plan", "import", "--help"],
        &["performance", "add", "--help"],
        &["performance", "terms", "set", "--help"],
        &["order", "cancel", "--help"],
        &["order", "refund", "--help"],
        &["ledger", "verify", "--help"],
        &["user", "--help"],
        &["user", "add", "--help"],
    ] {
        let help = onsale(command);
        assert!(help.status.success());
        let text = out(&help);
        assert!(text.contains("Usage: onsale"), "{text}");
        assert!(
            text.lines().next().unwrap().len() > 20,
            "{command:?} says what it does: {text}"
        );
    }
}

#[test]
fn terms_are_shown_in_the_form_in_which_they_are_set() {
    let (dir, data) = demo();
    let list = onsale(&["performance", "list", "--json", "--data", &data]);
    let list: serde_json::Value = serde_json::from_str(&out(&list)).unwrap();
    let id = list["performances"][0]["id"].as_str().unwrap();
    let terms = |arguments: &[&str]| {
        onsale(&[&["performance", "terms"], arguments, &["--data", &data]].concat())
    };
    let shown = terms(&["show", id]);
    assert!(shown.status.success(), "{}", err(&shown));
    let same = write(&dir, "terms.json", &out(&shown));
    let set = terms(&["set", id, "--terms", &same]);
    assert!(out(&set).contains("in force already"), "{}", err(&set));

    let mut changed: serde_json::Value = serde_json::from_str(&out(&shown)).unwrap();
    changed["rules"]["max_places_per_hold"] = serde_json::json!(4);
    let file = write(&dir, "terms.json", &changed.to_string());
    let set = terms(&["set", id, "--terms", &file, "--json"]);
    assert!(set.status.success(), "{}", err(&set));
    let told: serde_json::Value = serde_json::from_str(&out(&set)).unwrap();
    assert_eq!(told, serde_json::json!({ "changed": true, "seq": 2 }));
    let shown = terms(&["show", id]);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&out(&shown)).unwrap(),
        changed
    );
    let verified = onsale(&["ledger", "verify", "--data", &data]);
    assert!(verified.status.success(), "{}", out(&verified));
    assert!(out(&verified).contains("terms changed 1 times"));

    changed["prices"]["currency"] = serde_json::json!("GBP");
    let file = write(&dir, "terms.json", &changed.to_string());
    let refused = terms(&["set", id, "--terms", &file]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        err(&refused).contains("prices.currency"),
        "{}",
        err(&refused)
    );
    changed["prices"]["currency"] = serde_json::json!(5);
    let file = write(&dir, "terms.json", &changed.to_string());
    let refused = terms(&["set", id, "--terms", &file]);
    assert!(
        err(&refused).contains("prices.currency"),
        "{}",
        err(&refused)
    );
    let unknown = terms(&["show", "00000000-0000-0000-0000-000000000001"]);
    assert!(
        err(&unknown).contains("there is no performance"),
        "{}",
        err(&unknown)
    );
}
