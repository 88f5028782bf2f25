//! `--database`: the same commands on a database that servers share.

use crate::cli::{err, out};
#[cfg(feature = "postgres")]
use crate::support::server::Server;
use std::process::{Command, Output, Stdio};

/// Runs the program with the address where it does not stand in the list of processes.
fn onsale(url: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_onsale"))
        .args(arguments)
        .env_remove("ONSALE_DATA")
        .env("ONSALE_DATABASE", url)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn neither_a_help_nor_an_error_shows_the_password_of_a_database() {
    // Nobody listens at port 1.
    let url = "postgres://shop:s3cret@127.0.0.1:1/tickets";
    for arguments in [
        &["serve", "--help"][..],
        &["migrate", "--help"],
        &["performance", "list"],
        &["migrate"],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data").display().to_string();
        let output = onsale(url, &[arguments, &["--data", &data]].concat());
        let said = out(&output) + &err(&output);
        assert!(!said.contains("s3cret"), "{arguments:?}: {said}");
        if !arguments.contains(&"--help") {
            assert!(!output.status.success(), "{arguments:?}");
            assert!(
                said.contains("127.0.0.1:1/tickets"),
                "{arguments:?}: {said}"
            );
        }
        #[cfg(not(feature = "postgres"))]
        assert!(said.contains("--features postgres") || arguments.contains(&"--help"));
    }
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_database_is_migrated_filled_and_proved_sound() {
    let database = crate::support::postgres::Database::empty().await;
    let url = database.url();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().display().to_string();
    let run = |arguments: &[&str]| {
        let arguments = [arguments, &["--data", &data]].concat();
        tokio::task::block_in_place(|| onsale(&url, &arguments))
    };
    let done = |arguments: &[&str]| {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", err(&output));
        out(&output)
    };
    for command in [
        &["performance", "list"][..],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        let refused = run(command);
        assert!(!refused.status.success());
        assert!(
            err(&refused).contains("onsale migrate"),
            "{}",
            err(&refused)
        );
    }
    for _ in 0..2 {
        assert!(done(&["migrate"]).contains("has schema"));
    }
    done(&["demo", "--quiet"]);
    let again = run(&["demo", "--quiet"]);
    assert!(
        err(&again).contains("performances already"),
        "{}",
        err(&again)
    );
    let listed: serde_json::Value =
        serde_json::from_str(&done(&["performance", "list", "--json"])).unwrap();
    let performances = listed["performances"].as_array().unwrap();
    assert!(performances.len() > 3, "{listed}");
    done(&["user", "add", "ada@example.org", "--role", "admin"]);
    assert!(done(&["user", "list"]).contains("ada@example.org"));
    assert!(done(&["ledger", "verify"]).contains("no ledgers yet"));

    // Who signs with other keys is told so before any fan is.
    let server = Server::start_with(dir.path(), &[("ONSALE_DATABASE", &url)]).await;
    // Tools that only read and write the database may be used while it serves.
    done(&["user", "role", "ada@example.org", "operator"]);
    done(&["performance", "list"]);
    done(&["ledger", "verify"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let other = elsewhere.path().display().to_string();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", &other];
    let refused = tokio::task::block_in_place(|| onsale(&url, &serve));
    assert!(!refused.status.success());
    assert!(err(&refused).contains("--keys"), "{}", err(&refused));
    let keys = dir.path().join("keys").display().to_string();
    let shared = [("ONSALE_DATABASE", url.as_str()), ("ONSALE_KEYS", &keys)];
    // One that works as a server does needs a folder of its own, and the same keys.
    let cancel = ["order", "cancel", "0123456789ab"];
    assert!(err(&run(&cancel)).contains("in use"));
    let apart = [&cancel[..], &["--data", &other, "--keys", &keys]].concat();
    let unknown = tokio::task::block_in_place(|| onsale(&url, &apart));
    assert!(err(&unknown).contains("no such order"), "{}", err(&unknown));
    Server::start_with(elsewhere.path(), &shared)
        .await
        .stop()
        .await;
    server.stop().await;
    let is_there = dir.path().join("onsale.db").exists();
    assert!(!is_there, "nothing of it is in the folder");
}
