//! The embedded profile: one server with everything inside, in place of this process.
//!
//! The last step replaces this process with the server, so that Ctrl-C and signals reach the server
//! itself. A small detached process of ours says when it answers and opens the browser.

use std::{
    env, fs,
    io::ErrorKind,
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{Args, answers, check_port, open_browser};
use crate::{chores, exec, place, screen::Screen, toolchain, web};

/// A demo of a season fills in seconds; a server that needs longer than this is stuck.
const READY_LIMIT: Duration = Duration::from_secs(120);

/// Builds, fills and becomes the server.
pub(super) fn main(args: &Args, address: SocketAddr, data: &Path) -> Result<()> {
    let fill = is_empty(data)?;
    let screen = Screen::new(web::STEPS + 1 + usize::from(fill));
    let wasm = toolchain::ensure(&screen)?;
    web::ensure(&screen, &wasm, web::Args::RELEASE)?;
    screen.step("server", |step| chores::server(step, "release"))?;
    let onsale = place::target().join("release/onsale");
    if fill {
        screen.step(format!("demo in {}", place::shown(data)), |step| {
            let mut demo = Command::new(&onsale);
            demo.arg("demo").arg("--data").arg(data);
            if args.quiet {
                demo.arg("--quiet");
            }
            exec::logged(step, "demo", &mut demo)
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
        .arg(data)
        .arg("--listen")
        .arg(address.to_string());
    serve.args(&args.serve);
    Err(serve.exec()).with_context(|| format!("cannot start {}", onsale.display()))
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
    if no_open {
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
        open_browser(&url)?;
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
