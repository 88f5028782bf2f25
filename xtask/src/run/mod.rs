//! `cargo xtask run`: from a clone to a shop in the browser, in either profile.
//!
//! | profile | what runs |
//! |---|---|
//! | [`embedded`] | one server with SQLite, in place of this process |
//! | [`production`] | three servers behind a proxy and every engine they need, kept by this process |

mod embedded;
pub(crate) mod process;
pub(crate) mod production;
mod supervisor;

use std::{
    env,
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

pub(crate) use self::embedded::{Announce, announce};
use crate::{exec, place};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What is started
    #[arg(long, value_enum, default_value_t = Profile::Embedded)]
    profile: Profile,
    /// Port to listen on, at 127.0.0.1
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Data folder; a demo is put there if it is empty or absent [default: data/demo, or
    /// data/production]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Does not open a browser
    #[arg(long)]
    no_open: bool,
    /// Fills the demo without simulated fans
    #[arg(long)]
    quiet: bool,
    /// Starts this `onsale`, built with every feature, and builds none (production)
    #[arg(long, value_name = "FILE", hide = true)]
    program: Option<PathBuf>,
    /// More arguments for `onsale serve`
    #[arg(last = true, value_name = "ARGS")]
    serve: Vec<String>,
}

/// Which parts a shop is made of.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// One server with everything inside; nothing to install
    Embedded,
    /// Three servers behind HAProxy, on PostgreSQL with a standby, Redis with Sentinels, Kafka,
    /// watched by Prometheus
    Production,
}

pub(crate) fn main(args: &Args) -> Result<()> {
    // Said now and not after minutes of building.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    check_port(address)?;
    let data = |default: &str| {
        let data = args.data.clone();
        place::root().join(data.unwrap_or_else(|| default.into()))
    };
    match args.profile {
        Profile::Embedded => embedded::main(args, address, &data("data/demo")),
        Profile::Production => production::main(args, address, &data("data/production")),
    }
}

/// Asks for the port before anything else does, to say plainly that it is taken.
fn check_port(address: SocketAddr) -> Result<()> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "port {} is in use by another program. Stop that one, or choose another port: \
             `cargo xtask run --port {}`",
            address.port(),
            address.port().wrapping_add(1)
        ),
        Err(error) => Err(error).with_context(|| format!("cannot listen on {address}")),
    }
}

/// Shows the shop, where there is a display to show it on.
fn open_browser(url: &str) -> Result<()> {
    let has_display = cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| env::var_os(name).is_some());
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    if has_display && exec::find(program).is_some() {
        Command::new(program)
            .arg(url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
    }
    Ok(())
}

/// Whether `GET /health` says 200.
pub(crate) fn answers(address: SocketAddr) -> bool {
    gives(address, "/health")
}

/// Whether `GET path` says 200.
pub(crate) fn gives(address: SocketAddr, path: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut head = [0; 12];
        send(address, path, None)?.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

/// What `GET path` is answered, head and body, to whoever shows this cookie.
pub(crate) fn get(
    address: SocketAddr,
    path: &str,
    cookie: Option<&str>,
) -> std::io::Result<String> {
    let mut answer = Vec::new();
    send(address, path, cookie)?.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn send(address: SocketAddr, path: &str, cookie: Option<&str>) -> std::io::Result<TcpStream> {
    let limit = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    let cookie = cookie.map_or_else(String::new, |cookie| format!("Cookie: {cookie}\r\n"));
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\n{cookie}Connection: close\r\n\r\n"
    )?;
    Ok(stream)
}
