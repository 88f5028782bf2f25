//! The HTTP side of `onsale room` (and of `onsale user` while a server runs): a few requests to one
//! server, signed in.
//!
//! Plain http, to this machine only: a password must not travel in the clear. A server elsewhere is
//! reached through a tunnel, which also says that one may get there at all.

use anyhow::{Context, bail};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the server is, and who asks.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SignIn {
    /// The server, on this machine
    #[arg(
        long,
        value_name = "URL",
        env = "ONSALE_SERVER",
        default_value = "http://127.0.0.1:8080",
        global = true
    )]
    server: String,
    /// The operator's address; the password is taken from ONSALE_PASSWORD
    #[arg(long, value_name = "ADDRESS", env = "ONSALE_EMAIL", global = true)]
    email: Option<String>,
    /// Read address and password from a file like the demo's `demo-operator.txt`
    #[arg(long, value_name = "FILE", env = "ONSALE_SIGN_IN", global = true)]
    sign_in: Option<PathBuf>,
}

impl SignIn {
    /// Of the program's environment, or of `file`.
    pub(in crate::cli) fn new(server: String, file: Option<PathBuf>) -> Self {
        Self {
            server,
            email: std::env::var("ONSALE_EMAIL").ok(),
            sign_in: file,
        }
    }

    fn credentials(&self) -> anyhow::Result<(String, Zeroizing<String>)> {
        if let Some(file) = &self.sign_in {
            let text = std::fs::read_to_string(file).map(Zeroizing::new);
            let text = text.with_context(|| format!("{} cannot be read", file.display()))?;
            let line = |name: &str| {
                let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
                lines.next().map(str::trim)
            };
            return match (line("address:"), line("password:")) {
                (Some(email), Some(password)) => {
                    Ok((email.to_owned(), Zeroizing::new(password.to_owned())))
                }
                _ => bail!(
                    "{} holds no lines `address:` and `password:`",
                    file.display()
                ),
            };
        }
        let password = std::env::var("ONSALE_PASSWORD").map(Zeroizing::new);
        match (&self.email, password) {
            (Some(email), Ok(password)) => Ok((email.clone(), password)),
            _ => bail!(
                "say who you are: set ONSALE_EMAIL and ONSALE_PASSWORD, or name a file with both by \
                 --sign-in (the demo's is demo-operator.txt in its data folder); `onsale user add \
                 NAME@EXAMPLE.ORG --role operator` makes an operator"
            ),
        }
    }
}

/// Somebody signed in.
#[derive(Debug)]
pub(in crate::cli) struct Client {
    /// Host and port.
    authority: String,
    cookies: Mutex<Vec<(String, String)>>,
}

/// Host and port of a server on this machine.
fn authority_of(server: &str) -> anyhow::Result<String> {
    let rest = match server.split_once("://") {
        Some(("http", rest)) => rest,
        Some(("https", _)) => bail!(
            "{server}: this program speaks plain http to its own machine only; run it beside the \
             server, or through a tunnel: ssh -L 8080:127.0.0.1:8080 HOST, then --server \
             http://127.0.0.1:8080"
        ),
        _ => bail!("{server} is not the address of a server, like http://127.0.0.1:8080"),
    };
    let authority = rest.trim_end_matches('/');
    let uri: hyper::Uri = format!("http://{authority}/")
        .parse()
        .with_context(|| format!("{server} is not the address of a server"))?;
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if !is_here {
        bail!(
            "{server} is another machine, and the password would travel in the clear: use a tunnel, \
             ssh -L 8080:127.0.0.1:8080 {host}, then --server http://127.0.0.1:8080"
        );
    }
    Ok(match uri.port() {
        Some(_) => authority.to_owned(),
        None => format!("{authority}:80"),
    })
}

impl Client {
    /// Signs in.
    pub(in crate::cli) async fn sign_in(who: &SignIn) -> anyhow::Result<Self> {
        let client = Self {
            authority: authority_of(&who.server)?,
            cookies: Mutex::default(),
        };
        let (email, password) = who.credentials()?;
        let body = json!({ "email": email, "password": *password });
        client
            .post("/api/v1/sessions", &body)
            .await
            .with_context(|| format!("{email} could not be signed in"))?;
        Ok(client)
    }

    /// Signs out. Whatever happens, the work is done; the session ends by itself later.
    pub(in crate::cli) async fn sign_out(&self) {
        if let Err(error) = self.delete("/api/v1/sessions/current").await {
            eprintln!("onsale: could not sign out: {error:#}");
        }
    }

    pub(in crate::cli) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::GET, path, None).await
    }

    pub(in crate::cli) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask(Method::POST, path, Some(body)).await
    }

    pub(in crate::cli) async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask(Method::PATCH, path, Some(body)).await
    }

    pub(in crate::cli) async fn put(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::PUT, path, None).await
    }

    pub(in crate::cli) async fn put_json(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask(Method::PUT, path, Some(body)).await
    }

    pub(in crate::cli) async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::DELETE, path, None).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let asked = tokio::time::timeout(PATIENCE, self.send(method, path, body));
        let (status, bytes) = asked.await.with_context(|| {
            format!("the server at {} did not answer in time", self.authority)
        })??;
        if status < 400 {
            if bytes.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&bytes).context("the server's answer is not JSON");
        }
        Err(refusal(status, &bytes))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(u16, Bytes)> {
        let stream = tokio::net::TcpStream::connect(&self.authority).await;
        let stream = stream.with_context(|| {
            format!(
                "there is no server at {}: is it running, and is --server right?",
                self.authority
            )
        })?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let driven = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.authority);
        let cookies = self.cookie_header();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(ToString::to_string).unwrap_or_default();
        let request = request
            .body(Full::new(Bytes::from(body)))
            .with_context(|| format!("{path} is not a path"))?;
        let response = sender.send_request(request).await?;
        self.keep_cookies(response.headers());
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await?.to_bytes();
        driven.abort();
        Ok((status, bytes))
    }

    fn cookie_header(&self) -> String {
        let cookies = self
            .cookies
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let pairs = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&self, headers: &hyper::HeaderMap) {
        let mut cookies = self
            .cookies
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for set in headers.get_all("set-cookie") {
            let pair = set.to_str().ok().and_then(|set| set.split(';').next());
            if let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) {
                cookies.retain(|(known, _)| known != name);
                cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

/// A problem document in words.
fn refusal(status: u16, bytes: &[u8]) -> anyhow::Error {
    let Ok(problem) = serde_json::from_slice::<Value>(bytes) else {
        return anyhow::anyhow!("the server answered {status}: is it an onsale server?");
    };
    let text = |member: &str| problem[member].as_str().unwrap_or_default().to_owned();
    let mut words = format!("{}: {}", text("title"), text("detail"));
    match problem["code"].as_str() {
        Some("room_changed") => words.push_str(&format!(
            " (it is at version {}, not {})",
            problem["version"], problem["expected"]
        )),
        Some("action_not_allowed") => {
            let allowed = problem["actions"].as_array().into_iter().flatten();
            let allowed: Vec<_> = allowed.filter_map(Value::as_str).collect();
            words.push_str(&format!(
                " (it is {}; possible now: {})",
                text("state"),
                allowed.join(", ")
            ));
        }
        Some("performance_protected") => words.push_str(&format!(" (room {})", text("room"))),
        _ => {}
    }
    anyhow::anyhow!("{words} [{}]", text("code"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_to_this_machine_only() {
        assert_eq!(
            authority_of("http://127.0.0.1:8080/").unwrap(),
            "127.0.0.1:8080"
        );
        assert_eq!(authority_of("http://localhost").unwrap(), "localhost:80");
        assert_eq!(authority_of("http://[::1]:81").unwrap(), "[::1]:81");
        for (server, says) in [
            ("http://tickets.example.org:8080", "ssh -L"),
            ("https://127.0.0.1", "tunnel"),
            ("127.0.0.1:8080", "is not the address"),
            ("ftp://127.0.0.1", "is not the address"),
        ] {
            let told = authority_of(server).unwrap_err().to_string();
            assert!(told.contains(says), "{told}");
        }
    }

    #[test]
    fn a_refusal_says_what_can_be_done() {
        let problem = json!({
            "title": "Not in this state", "detail": "the state does not allow that",
            "code": "action_not_allowed", "state": "open", "action": "open",
            "actions": ["pause", "close"],
        });
        let told = refusal(409, problem.to_string().as_bytes()).to_string();
        assert!(told.contains("possible now: pause, close"), "{told}");
        assert!(refusal(502, b"<html>").to_string().contains("502"));
    }
}
