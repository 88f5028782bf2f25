//! `onsale user --server`: the accounts of a server that runs, over its HTTP API, as an admin.
//!
//! At night a server need not be stopped to shut an account. It signs in for each command and out
//! again, like `onsale room`.

use super::room::client::{Client, SignIn};
use super::user::{Common, day};
use crate::accounts::{Email, Password, Role};
use anyhow::{Context, anyhow};
use serde_json::{Value, json};

const ACCOUNTS: &str = "/api/v1/accounts";

/// Signs in, does it, signs out.
async fn with<T>(
    common: &Common,
    work: impl AsyncFnOnce(&Client) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let server = common.server.clone().context("no server was named")?;
    let client = Client::sign_in(&SignIn::new(server, common.sign_in.clone())).await?;
    let done = work(&client).await;
    client.sign_out().await;
    done
}

fn accounts(mut answer: Value) -> anyhow::Result<Vec<Value>> {
    match answer["accounts"].take() {
        Value::Array(accounts) => Ok(accounts),
        _ => Err(anyhow!("the server lists no accounts")),
    }
}

/// An address as it stands in a query.
fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte);
    text.bytes()
        .map(|byte| match is_plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// The path of the account of an address.
async fn path(client: &Client, email: &Email) -> anyhow::Result<String> {
    let found = client
        .get(&format!("{ACCOUNTS}?email={}", encoded(email.as_str())))
        .await?;
    let found = accounts(found)?;
    let id = found.first().and_then(|account| account["id"].as_str());
    let id = id.with_context(|| {
        format!("there is no account of {email}: `onsale user list` shows which there are")
    })?;
    Ok(format!("{ACCOUNTS}/{id}"))
}

pub(super) async fn list(common: &Common, role: Option<Role>) -> anyhow::Result<()> {
    let mut all = with(common, async |client| {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().and_then(|row| row["email"].as_str());
            let after = encoded(after.unwrap_or_default());
            let page = accounts(client.get(&format!("{ACCOUNTS}?after={after}")).await?)?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    })
    .await?;
    all.retain(|row| role.is_none_or(|role| row["role"] == json!(role)));
    if common.json {
        println!("{}", json!({ "accounts": all }));
        return Ok(());
    }
    for row in &all {
        let text = |member: &str| row[member].as_str().unwrap_or_default().to_owned();
        let shut = if row["disabled_ms"].is_null() {
            ""
        } else {
            "  shut"
        };
        println!(
            "{:9}  {}  {}{shut}",
            text("role"),
            day(row["created_ms"].as_i64().unwrap_or_default()),
            text("email")
        );
    }
    Ok(())
}

pub(super) async fn change(
    common: &Common,
    email: &Email,
    change: &Value,
) -> anyhow::Result<Value> {
    with(common, async |client| {
        client.patch(&path(client, email).await?, change).await
    })
    .await
}

pub(super) async fn sign_out(common: &Common, email: &Email) -> anyhow::Result<u64> {
    with(common, async |client| {
        let path = path(client, email).await?;
        let ended = client.delete(&format!("{path}/sessions")).await?;
        ended["sessions"]
            .as_u64()
            .context("the server does not say what it ended")
    })
    .await
}

pub(super) async fn reset(common: &Common, email: &Email, new: &str) -> anyhow::Result<Value> {
    with(common, async |client| {
        let path = path(client, email).await?;
        let body = json!({ "password": new });
        let mut given = client.put_json(&format!("{path}/password"), &body).await?;
        Ok(given["account"].take())
    })
    .await
}

pub(super) fn print(row: &Value, made: Option<&Password>, as_json: bool) {
    let mut row = row.clone();
    if as_json {
        if let Some(password) = made {
            row["password"] = password.text().into();
        }
        println!("{row}");
        return;
    }
    let state = if row["disabled_ms"].is_null() {
        "may sign in"
    } else {
        "is shut"
    };
    let text = |member: &str| row[member].as_str().unwrap_or_default().to_owned();
    println!("{} ({}) {state}", text("email"), text("role"));
    if let Some(password) = made {
        println!("password: {}", password.text());
        println!("It is shown this once; it can be changed on the page /account.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stands_in_a_query_as_it_is() {
        assert_eq!(encoded("ada@example.org"), "ada@example.org");
        assert_eq!(encoded("a+b&c=%@x.org"), "a%2Bb%26c%3D%25@x.org");
    }
}
