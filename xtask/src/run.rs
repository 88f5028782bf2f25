//! `cargo xtask run`: from a clone to a shop in the browser.
//!
//! The last step replaces this process with the server, so that Ctrl-C and signals reach the server
//! itself. A small detached process of ours says when it answers and opens the browser.

use std::{
    env, fs,
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{chores, exec, place, screen::Screen, toolchain, web};

/// A demo of a season fills in seconds; a server that needs longer than this is stuck.
const READY_LIMIT: Duration = Duration::from_secs(120);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Port to listen on, at 127.0.0.1
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Data folder; a demo is put there if it is empty or absent
    #[arg(long, default_value = "data/demo", value_name = "DIR")]
    data: PathBuf,
    /// Does not open a browser
    #[arg(long)]
    no_open: bool,
    /// More arguments for `onsale serve`
    #[arg(last = true, value_name = "ARGS")]
    serve: Vec<String>,
}

pub(crate) fn main(args: &Args) -> Result<()> {
    // Said now and not after minutes of building.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    check_port(address)?;
    let data = place::root().join(&args.data);
    let fill = is_empty(&data)?;

    let screen = Screen::new(web::STEPS + 1 + usize::from(fill));
    let wasm = toolchain::ensure(&screen)?;
    web::ensure(&screen, &wasm, web::Args::RELEASE)?;
    screen.step("server", |step| chores::server(step, "release"))?;
    let onsale = place::target().join("release/onsale");
    if fill {
        screen.step(format!("demo in {}", place::shown(&data)), |step| {
            exec::logged(
                step,
                "demo",
                Command::new(&onsale).arg("demo").arg("--data").arg(&data),
            )
        })?;
    }
    screen.say(format!("ready after {}", screen.elapsed()));
    drop(screen);

    check_port(address)?;
    announce_later(address, args.no_open)?;
    let mut serve = Command::new(&onsale);
    serve
        .arg("serve")
        .arg("--data")
        .arg(&data)
        .arg("--listen")
        .arg(address.to_string());
    serve.args(&args.serve);
    Err(serve.exec()).with_context(|| format!("cannot start {}", onsale.display()))
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

fn is_empty(data: &Path) -> Result<bool> {
    match fs::read_dir(data) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", data.display())),
    }
}

/// Starts [`announce`] in a process that is nobody's child, so that the server need not collect it.
fn announce_later(address: SocketAddr, no_open: bool) -> Result<()> {
    let me = env::current_exe()?;
    let mut detach = Command::new("sh");
    detach
        .args(["-c", r#""$0" announce "$@" &"#])
        .arg(me)
        .arg(address.to_string());
    detach.arg("--server").arg(std::process::id().to_string());
    if no_open || !has_display() {
        detach.arg("--no-open");
    }
    let status = detach
        .stdin(Stdio::null())
        .status()
        .context("cannot start `sh`")?;
    if status.success() {
        Ok(())
    } else {
        bail!("`sh` failed: {status}")
    }
}

fn has_display() -> bool {
    cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| env::var_os(name).is_some())
}

#[derive(clap::Args)]
pub(crate) struct Announce {
    address: SocketAddr,
    #[arg(long)]
    server: u32,
    #[arg(long)]
    no_open: bool,
}

/// Waits until the server answers, prints its address, opens the browser.
pub(crate) fn announce(args: &Announce) -> Result<()> {
    let started = Instant::now();
    while !answers(args.address) {
        if !is_alive(args.server) || started.elapsed() > READY_LIMIT {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    let url = format!("http://localhost:{}/", args.address.port());
    eprintln!("\n  Onsale is open at {url}\n  Ctrl-C stops it.\n");
    if !args.no_open {
        let program = if cfg!(target_os = "macos") {
            "open"
        } else {
            "xdg-open"
        };
        if exec::find(program).is_some() {
            Command::new(program)
                .arg(&url)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
        }
    }
    Ok(())
}

fn is_alive(process: u32) -> bool {
    let mut kill = Command::new("kill");
    kill.arg("-0")
        .arg(process.to_string())
        .stderr(Stdio::null());
    kill.status().is_ok_and(|status| status.success())
}

/// Whether `GET /health` says 200.
pub(crate) fn answers(address: SocketAddr) -> bool {
    gives(address, "/health")
}

/// Whether `GET path` says 200.
pub(crate) fn gives(address: SocketAddr, path: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let limit = Duration::from_secs(2);
        let mut stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_read_timeout(Some(limit))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
