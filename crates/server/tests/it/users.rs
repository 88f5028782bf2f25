//! `onsale user` and the demo's operator, as a person runs them.

use crate::cli::{err, onsale, out};
use serde_json::Value;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A folder for a data folder.
fn folder() -> (TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").display().to_string();
    (dir, data)
}

fn user(data: &str, arguments: &[&str]) -> Output {
    onsale(&[&["user"], arguments, &["--data", data]].concat())
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", err(output));
    serde_json::from_str(&out(output)).unwrap()
}

fn with_stdin(data: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_onsale"))
        .arg("user")
        .args(arguments)
        .args(["--data", data, "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn told(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", out(output));
    assert_eq!(out(output), "");
    err(output)
}

#[test]
fn an_account_is_made_changed_and_listed() {
    let (_dir, data) = folder();
    let made = user(
        &data,
        &["add", "--role", "operator", "Op@Example.org", "--json"],
    );
    let made = json(&made);
    assert_eq!(
        (&made["email"], &made["role"]),
        (&"op@example.org".into(), &"operator".into())
    );
    assert_eq!(made["password"].as_str().unwrap().len(), 23);
    let chosen = with_stdin(
        &data,
        &["add", "fan@example.org"],
        "correct horse battery\n",
    );
    assert!(chosen.status.success(), "{}", err(&chosen));
    assert!(!out(&chosen).contains("horse"), "{}", out(&chosen));

    let changed = json(&user(&data, &["role", "fan@example.org", "door", "--json"]));
    assert_eq!(changed["role"], "door");
    let shut = json(&user(&data, &["disable", "fan@example.org", "--json"]));
    assert!(shut["disabled_ms"].is_i64());
    let text = out(&user(&data, &["list"]));
    assert!(
        text.contains("operator") && text.contains("op@example.org"),
        "{text}"
    );
    assert!(text.contains("fan@example.org  shut"), "{text}");
    let open = json(&user(&data, &["enable", "fan@example.org", "--json"]));
    assert!(open["disabled_ms"].is_null());
    let doors = json(&user(&data, &["list", "--role", "door", "--json"]));
    let doors = doors["accounts"].as_array().unwrap().clone();
    assert_eq!(doors.len(), 1);
    assert!(doors[0].get("password").is_none(), "{doors:?}");

    let ended = out(&user(&data, &["sign-out", "fan@example.org"]));
    assert!(ended.contains("signed in in 0 browsers"), "{ended}");
    let again = json(&user(&data, &["password", "fan@example.org", "--json"]));
    assert!(again["password_ms"].as_i64() > doors[0]["password_ms"].as_i64());
    let shown = out(&user(&data, &["password", "fan@example.org"]));
    assert!(shown.contains("password: "), "{shown}");
}

#[test]
fn accounts_of_a_running_server_are_changed_without_stopping_it() {
    let (_dir, data) = folder();
    let admin = json(&user(
        &data,
        &["add", "--role", "admin", "root@example.org", "--json"],
    ));
    for fan in ["ada@example.org", "b+c@example.org"] {
        assert!(user(&data, &["add", fan]).status.success());
    }
    let file = std::path::Path::new(&data).join("admin.txt");
    let password = admin["password"].as_str().unwrap();
    std::fs::write(
        &file,
        format!("address: root@example.org\npassword: {password}\n"),
    )
    .unwrap();
    let served = crate::cli::Served::start(&data);
    let server = format!("http://{}", served.address);
    let file = file.display().to_string();
    let at_server = |arguments: &[&str]| {
        onsale(
            &[
                &["user"],
                arguments,
                &["--server", &server, "--sign-in", &file],
            ]
            .concat(),
        )
    };
    // The folder itself is the server's.
    let locked = user(&data, &["list"]);
    assert!(!locked.status.success(), "{}", out(&locked));

    let doors = json(&at_server(&["role", "ada@example.org", "door", "--json"]));
    assert_eq!(doors["role"], "door");
    let text = out(&at_server(&["list"]));
    assert!(
        text.contains("door") && text.contains("b+c@example.org"),
        "{text}"
    );
    let doors = json(&at_server(&["list", "--role", "door", "--json"]));
    assert_eq!(doors["accounts"].as_array().unwrap().len(), 1);
    let shut = out(&at_server(&["disable", "b+c@example.org"]));
    assert!(shut.contains("is shut"), "{shut}");
    let open = json(&at_server(&["enable", "b+c@example.org", "--json"]));
    assert!(open["disabled_ms"].is_null());
    let ended = json(&at_server(&["sign-out", "ada@example.org", "--json"]));
    assert_eq!(ended["sessions"], 0);
    let given = out(&at_server(&["password", "ada@example.org"]));
    assert!(given.contains("password: "), "{given}");
    let nobody = told(&at_server(&["disable", "bob@example.org"]));
    assert!(nobody.contains("no account of bob@example.org"), "{nobody}");
    let made = told(&at_server(&["add", "bob@example.org"]));
    assert!(made.contains("onsale user role"), "{made}");
    assert!(served.stop().success());
}

#[test]
fn what_cannot_be_done_is_told_with_the_way_out() {
    let (_dir, data) = folder();
    assert!(user(&data, &["add", "ada@example.org"]).status.success());
    let twice = told(&user(&data, &["add", "ADA@example.org"]));
    assert!(
        twice.contains("already") && twice.contains("onsale user role"),
        "{twice}"
    );
    for arguments in [
        &["role", "bob@example.org", "door"][..],
        &["disable", "bob@example.org"],
        &["password", "bob@example.org"],
        &["sign-out", "bob@example.org"],
    ] {
        let nobody = told(&user(&data, arguments));
        assert!(nobody.contains("no account of bob@example.org"), "{nobody}");
    }
    for (input, part) in [
        ("", "no password came"),
        ("short\n", "at least 10 characters"),
        ("password123\n", "first that others would try"),
        ("one line here\nanother line\n", "more than one line"),
    ] {
        let refused = told(&with_stdin(&data, &["add", "cy@example.org"], input));
        assert!(refused.contains(part), "{input:?}: {refused}");
    }
    let odd = user(&data, &["add", "--role", "root", "x@example.org"]);
    assert!(
        err(&odd).contains("possible values: fan, organiser, operator"),
        "{}",
        err(&odd)
    );
    let odd = user(&data, &["add", "nobody"]);
    assert!(err(&odd).contains("name@example.org"), "{}", err(&odd));
    let (_dir, nowhere) = folder();
    let nothing = told(&user(&nowhere, &["list"]));
    assert!(nothing.contains("no onsale data"), "{nothing}");
}

#[test]
fn the_demo_has_an_operator_whose_password_only_its_owner_may_read() {
    let (_dir, data) = folder();
    let demo = onsale(&["demo", "--quiet", "--data", &data, "--json"]);
    let operator = json(&demo)["operator"].clone();
    let file = operator["file"].as_str().unwrap();
    let mode = std::fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(file).unwrap();
    let password = operator["password"].as_str().unwrap();
    assert!(text.contains(password), "{text}");
    let list = json(&user(&data, &["list", "--json"]));
    assert_eq!(list["accounts"][0]["email"], operator["email"]);
    assert_eq!(list["accounts"][0]["role"], "operator");
    // Another folder, another password; and it is said where people look.
    let (_dir, other) = folder();
    let said = out(&onsale(&["demo", "--quiet", "--data", &other]));
    assert!(
        said.contains("operator@onsale.example") && said.contains("/sign-in"),
        "{said}"
    );
    assert!(!said.contains(password), "{said}");
}
