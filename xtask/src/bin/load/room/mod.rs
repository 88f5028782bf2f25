//! Waiting rooms over HTTP, as their visitors and their operators use them. Each run makes a room of
//! its own; no work is asked for a place, since what is measured is the server and not its visitors.

pub(crate) mod change;
pub(crate) mod join;
pub(crate) mod poll;

use std::{fs, net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result, bail};
use onsale_queue::wire::PublicRoom;
use serde_json::{Value, json};

use crate::{client::Client, shop};

/// How the operator signs in.
#[derive(clap::Args, Clone)]
pub(crate) struct Key {
    /// The file in which a demo says how its operator signs in
    #[arg(long, value_name = "FILE")]
    operator: PathBuf,
}

/// Somebody who may change rooms.
pub(crate) struct Operator {
    client: Client,
    cookie: String,
}

impl Operator {
    pub(crate) async fn sign_in(at: SocketAddr, key: &Key) -> Result<Self> {
        let text = fs::read_to_string(&key.operator)
            .with_context(|| format!("reading {}", key.operator.display()))?;
        let said = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(str::trim)
                .with_context(|| format!("{} names no {name}", key.operator.display()))
        };
        let body = json!({"email": said("address")?, "password": said("password")?}).to_string();
        let mut client = Client::connect(at).await?;
        let answer = client
            .ask("POST", "/api/v1/sessions", None, Some(&body))
            .await?;
        shop::json(&answer).context("the operator's sign-in")?;
        let cookie = answer.cookie.context("a sign-in without a session")?;
        Ok(Self { client, cookie })
    }

    /// A room that is open, in front of these performances.
    pub(crate) async fn open_room(
        &mut self,
        settings: Value,
        performances: &[&str],
    ) -> Result<String> {
        let body = json!({"settings": settings, "performances": performances});
        let made = self
            .ask("POST", "/api/v1/operator/rooms", Some(&body))
            .await?;
        let id = made["id"].as_str().context("a room without an id")?;
        self.act(id, "open").await?;
        Ok(id.to_owned())
    }

    pub(crate) async fn act(&mut self, room: &str, action: &str) -> Result<()> {
        let path = format!("/api/v1/operator/rooms/{room}/actions");
        self.ask("POST", &path, Some(&json!({"action": action})))
            .await
            .map(drop)
    }

    pub(crate) async fn change(&mut self, room: &str, settings: Value) -> Result<()> {
        let path = format!("/api/v1/operator/rooms/{room}");
        self.ask("PATCH", &path, Some(&json!({"settings": settings})))
            .await
            .map(drop)
    }

    /// What the room counts.
    pub(crate) async fn figures(&mut self, room: &str) -> Result<Value> {
        let path = format!("/api/v1/operator/rooms/{room}");
        let mut detail = self.ask("GET", &path, None).await?;
        Ok(detail["figures"].take())
    }

    async fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(Value::to_string);
        let answer = self
            .client
            .ask(method, path, Some(&self.cookie), body.as_deref())
            .await?;
        if answer.status >= 300 {
            let said = String::from_utf8_lossy(answer.body);
            bail!("{method} {path}: {} {said}", answer.status);
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        shop::json(&answer)
    }
}

/// The room's public document.
async fn public(client: &mut Client, room: &str) -> Result<PublicRoom> {
    let path = format!("/api/v1/rooms/{room}");
    let answer = client.ask("GET", &path, None, None).await?;
    shop::json(&answer)?;
    serde_json::from_slice(answer.body).context("not the document of a room")
}

/// Prints a share of sorted values.
fn print_share(name: &str, sorted: &[f64], share: f64) {
    let at = ((sorted.len() as f64 * share) as usize).min(sorted.len().max(1) - 1);
    if let Some(value) = sorted.get(at) {
        println!("{name}\t{value}");
    }
}
