//! `onsale room`: waiting rooms of a running server, over its HTTP API.
//!
//! A room lives in the server, so this talks to the server and not to the data folder. It signs in
//! as an operator for each command and out again: nothing is left behind that could be taken.

pub(super) mod client;
mod say;

use anyhow::bail;
use clap::Subcommand;
use client::{Client, SignIn};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Run waiting rooms of a server
///
/// Signs in as an operator, with ONSALE_EMAIL and ONSALE_PASSWORD or with --sign-in.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    sign_in: SignIn,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// A room.
#[derive(Debug, clap::Args)]
struct Room {
    /// Its id or its name
    room: String,
}

/// A room, and the version that is looked at.
#[derive(Debug, clap::Args)]
struct Versioned {
    #[command(flatten)]
    room: Room,
    /// Only if nobody changed the room since this version
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List every room
    List,
    /// List the rooms that were removed; `log` shows what was done to each
    Removed,
    /// Show a room: state, settings, who waits and who is inside
    Show(Room),
    /// Make a room
    Make {
        /// What it is called
        name: String,
        /// A performance it protects; may be repeated
        #[arg(long = "performance", value_name = "ID")]
        performances: Vec<String>,
        /// Settings, as `cap=500`
        #[arg(value_name = "SETTING=VALUE")]
        settings: Vec<String>,
    },
    /// Remove a room that is not on
    Remove(Room),
    /// Change settings, as `rate_per_minute=300 cap=200`; `auto_on_per_minute=null` unsets one
    Set {
        #[command(flatten)]
        versioned: Versioned,
        /// Settings
        #[arg(value_name = "SETTING=VALUE", required = true)]
        settings: Vec<String>,
    },
    /// Say something to everybody who waits; without a text nothing is said any more
    Message {
        #[command(flatten)]
        room: Room,
        /// What to say
        #[arg(default_value = "")]
        text: String,
    },
    /// Set when visitors gather, when it opens and when nobody joins any more; what is not named is
    /// unset
    Schedule {
        #[command(flatten)]
        versioned: Versioned,
        /// When visitors may gather for a draw, as 2026-12-01T09:30:00Z
        #[arg(long, value_name = "TIME")]
        gathers: Option<Timestamp>,
        /// When it opens
        #[arg(long, value_name = "TIME")]
        opens: Option<Timestamp>,
        /// When nobody can join any more
        #[arg(long, value_name = "TIME")]
        drains: Option<Timestamp>,
    },
    /// Let visitors gather for the draw
    Gather(Versioned),
    /// End the gathering and reveal the draw
    Draw(Versioned),
    /// Start calling visitors
    Open(Versioned),
    /// Call nobody for now; places are kept
    Pause(Versioned),
    /// Go on after a pause
    Resume(Versioned),
    /// Let nobody else join
    Drain(Versioned),
    /// End the room
    Close(Versioned),
    /// Take a closed room back to its start
    Reset(Versioned),
    /// Put a performance behind a room
    Protect {
        #[command(flatten)]
        room: Room,
        /// Its id
        performance: String,
    },
    /// Take a performance away from behind a room
    Unprotect {
        #[command(flatten)]
        room: Room,
        /// Its id
        performance: String,
    },
    /// List bypass codes
    Codes(Room),
    /// Issue a bypass code; its text is printed this once
    Code {
        #[command(flatten)]
        room: Room,
        /// What it is for
        #[arg(long)]
        label: String,
        /// How many people it lets in
        #[arg(long)]
        limit: u32,
        /// When it is not good any more
        #[arg(long, value_name = "TIME")]
        until: Option<Timestamp>,
        /// Most places who comes in on it may buy; 0: as many as the performance allows
        #[arg(long, default_value_t = 0)]
        max_places: u16,
    },
    /// Withdraw a bypass code; who came in on it stays
    Withdraw {
        #[command(flatten)]
        room: Room,
        /// Its id, as `codes` shows it
        code: String,
    },
    /// Show who did what when, newest first; also of a room that was removed
    Log {
        #[command(flatten)]
        room: Room,
        /// At most so many lines
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show the last minutes in figures
    Figures {
        #[command(flatten)]
        room: Room,
        /// So many points, one in ten seconds
        #[arg(long, default_value_t = 30)]
        limit: u32,
    },
}

/// `cap=500` as a member: what reads as JSON is that, everything else is text.
fn member(text: &str) -> anyhow::Result<(String, Value)> {
    let Some((name, value)) = text.split_once('=') else {
        bail!("`{text}` is not SETTING=VALUE, as in cap=500");
    };
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((name.to_owned(), value))
}

fn members(settings: &[String]) -> anyhow::Result<Map<String, Value>> {
    settings.iter().map(|text| member(text)).collect()
}

fn ms(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_millisecond)
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::sign_in(&args.sign_in).await?;
    let done = command(&client, args.command, args.json).await;
    client.sign_out().await;
    done?;
    Ok(ExitCode::SUCCESS)
}

const ROOMS: &str = "/api/v1/operator/rooms";

async fn rooms(client: &Client, path: &str) -> anyhow::Result<Vec<Value>> {
    let mut list = client.get(path).await?;
    match list["rooms"].take() {
        Value::Array(rooms) => Ok(rooms),
        _ => bail!("the server lists no rooms"),
    }
}

fn none_named(name: &str) -> anyhow::Error {
    anyhow::anyhow!("there is no room `{name}`: `onsale room list` shows which there are")
}

/// The id of the one of `rooms` that has this id or this name.
fn named(rooms: &[Value], name: &str) -> anyhow::Result<Option<String>> {
    let plain = name.replace('-', "").to_lowercase();
    let id_of = |one: &Value| one["id"].as_str().unwrap_or_default().to_owned();
    if let Some(found) = rooms.iter().find(|one| id_of(one) == plain) {
        return Ok(Some(id_of(found)));
    }
    let named: Vec<_> = rooms
        .iter()
        // A room that was removed has no settings any more, only its name.
        .filter(|one| one["settings"]["name"] == name || one["name"] == name)
        .collect();
    match named.as_slice() {
        [one] => Ok(Some(id_of(one))),
        [] => Ok(None),
        _ => bail!("{} rooms are called `{name}`: use the id", named.len()),
    }
}

/// The id of a room that was named.
async fn find(client: &Client, room: &Room) -> anyhow::Result<String> {
    let list = rooms(client, ROOMS).await?;
    named(&list, &room.room)?.ok_or_else(|| none_named(&room.room))
}

async fn act(client: &Client, versioned: &Versioned, action: &str) -> anyhow::Result<Value> {
    let id = find(client, &versioned.room).await?;
    let body = json!({ "action": action, "expected_version": versioned.if_version });
    client.post(&format!("{ROOMS}/{id}/actions"), &body).await
}

async fn patch(
    client: &Client,
    room: &Room,
    version: Option<u64>,
    settings: Map<String, Value>,
) -> anyhow::Result<Value> {
    let id = find(client, room).await?;
    let body = json!({ "expected_version": version, "settings": settings });
    client.patch(&format!("{ROOMS}/{id}"), &body).await
}

/// A path below a room.
async fn below(client: &Client, room: &Room, rest: &str) -> anyhow::Result<String> {
    Ok(format!("{ROOMS}/{}{rest}", find(client, room).await?))
}

async fn command(client: &Client, command: Command, as_json: bool) -> anyhow::Result<()> {
    let (answer, words): (Value, fn(&Value)) = match command {
        Command::List => (client.get(ROOMS).await?, say::list),
        Command::Removed => {
            let removed = client.get(&format!("{ROOMS}/removed")).await?;
            (removed, say::removed)
        }
        Command::Show(room) => {
            let path = below(client, &room, "").await?;
            (client.get(&path).await?, say::detail)
        }
        Command::Make {
            name,
            performances,
            settings,
        } => {
            let mut settings = members(&settings)?;
            settings.insert("name".to_owned(), name.into());
            let body = json!({ "settings": settings, "performances": performances });
            (client.post(ROOMS, &body).await?, say::detail)
        }
        Command::Remove(room) => {
            let path = below(client, &room, "").await?;
            (client.delete(&path).await?, say::nothing)
        }
        Command::Set {
            versioned,
            settings,
        } => {
            let settings = members(&settings)?;
            let version = versioned.if_version;
            let changed = patch(client, &versioned.room, version, settings).await?;
            (changed, say::detail)
        }
        Command::Message { room, text } => {
            let settings = Map::from_iter([("message".to_owned(), text.into())]);
            (patch(client, &room, None, settings).await?, say::detail)
        }
        Command::Schedule {
            versioned,
            gathers,
            opens,
            drains,
        } => {
            let settings = Map::from_iter([
                ("gathers_ms".to_owned(), json!(ms(gathers))),
                ("opens_ms".to_owned(), json!(ms(opens))),
                ("drains_ms".to_owned(), json!(ms(drains))),
            ]);
            let version = versioned.if_version;
            let changed = patch(client, &versioned.room, version, settings).await?;
            (changed, say::detail)
        }
        Command::Gather(room) => (act(client, &room, "gather").await?, say::detail),
        Command::Draw(room) => (act(client, &room, "draw").await?, say::detail),
        Command::Open(room) => (act(client, &room, "open").await?, say::detail),
        Command::Pause(room) => (act(client, &room, "pause").await?, say::detail),
        Command::Resume(room) => (act(client, &room, "resume").await?, say::detail),
        Command::Drain(room) => (act(client, &room, "drain").await?, say::detail),
        Command::Close(room) => (act(client, &room, "close").await?, say::detail),
        Command::Reset(room) => (act(client, &room, "reset").await?, say::detail),
        Command::Protect { room, performance } => {
            let path = below(client, &room, &format!("/performances/{performance}")).await?;
            (client.put(&path).await?, say::detail)
        }
        Command::Unprotect { room, performance } => {
            let path = below(client, &room, &format!("/performances/{performance}")).await?;
            (client.delete(&path).await?, say::detail)
        }
        Command::Codes(room) => {
            let path = below(client, &room, "/codes").await?;
            (client.get(&path).await?, say::codes)
        }
        Command::Code {
            room,
            label,
            limit,
            until,
            max_places,
        } => {
            let path = below(client, &room, "/codes").await?;
            let body = json!({
                "label": label, "limit": limit, "expires_ms": ms(until),
                "authority": { "max_places": max_places },
            });
            (client.post(&path, &body).await?, say::code)
        }
        Command::Withdraw { room, code } => {
            let path = below(client, &room, &format!("/codes/{code}")).await?;
            (client.delete(&path).await?, say::nothing)
        }
        Command::Log { room, limit } => {
            let list = rooms(client, ROOMS).await?;
            let removed = rooms(client, &format!("{ROOMS}/removed")).await?;
            let id = named(&list, &room.room)
                .transpose()
                .or_else(|| named(&removed, &room.room).transpose())
                .unwrap_or_else(|| Err(none_named(&room.room)))?;
            let path = format!("{ROOMS}/{id}/log?limit={limit}");
            (client.get(&path).await?, say::log)
        }
        Command::Figures { room, limit } => {
            let path = below(client, &room, &format!("/figures?limit={limit}")).await?;
            (client.get(&path).await?, say::figures)
        }
    };
    if as_json {
        println!("{answer}");
    } else {
        words(&answer);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_number_a_word_or_nothing() {
        let read = |text| member(text).unwrap();
        assert_eq!(read("cap=500"), ("cap".to_owned(), json!(500)));
        assert_eq!(
            read("name=The Big One"),
            ("name".to_owned(), json!("The Big One"))
        );
        assert_eq!(read("auto_on_per_minute=null").1, Value::Null);
        assert_eq!(read("accounts_required=true").1, json!(true));
        assert!(member("cap").is_err());
    }
}
