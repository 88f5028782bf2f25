//! A server of our own for tests and measurements: on a free port, with its own data, stopped by its
//! process id.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{exec, place, run, screen::Step};

/// A server that has not answered by then will not.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// A drain takes as long as the longest request; after this we stop asking.
const DRAIN_LIMIT: Duration = Duration::from_secs(20);

/// A running `onsale`; dropping it stops it.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) log: PathBuf,
}

impl Server {
    /// Starts `onsale serve` on a free port and waits until it answers.
    pub(crate) fn start(onsale: &Path, name: &str, data: &Path, more: &[&str]) -> Result<Self> {
        let address = free_address()?;
        let (file, log) = exec::open_log(name)?;
        let mut command = Command::new(onsale);
        command
            .arg("serve")
            .arg("--data")
            .arg(data)
            .arg("--listen")
            .arg(address.to_string());
        command
            .args(more)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start `{}`", exec::shown(&command)))?;
        let mut server = Self {
            child,
            address,
            log,
        };
        let started = Instant::now();
        while !run::answers(address) {
            if let Some(status) = server.child.try_wait()? {
                bail!(
                    "`{}` ended with {status}; the end of {}:\n{}",
                    exec::shown(&command),
                    place::shown(&server.log),
                    exec::tail(&server.log)
                );
            }
            if started.elapsed() > READY_LIMIT {
                bail!(
                    "the server does not answer; see {}",
                    place::shown(&server.log)
                );
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// The server's process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Asks the server to finish and says whether it ended well.
    pub(crate) fn stop(mut self) -> Result<()> {
        terminate(&self.child);
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() {
                    Ok(())
                } else {
                    bail!(
                        "the server ended with {status}; see {}",
                        place::shown(&self.log)
                    )
                };
            }
            if started.elapsed() > DRAIN_LIMIT {
                bail!(
                    "the server does not stop when asked; see {}",
                    place::shown(&self.log)
                );
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn terminate(child: &Child) {
    let _ = Command::new("kill").arg(child.id().to_string()).status();
}

/// A loopback address nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}

/// A fresh folder with a demo in it, below `target`.
pub(crate) fn demo(step: &Step<'_>, onsale: &Path, name: &str, more: &[&str]) -> Result<PathBuf> {
    let data = place::target().join("xtask/data").join(name);
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    fs::create_dir_all(data.parent().unwrap_or(&data))?;
    let mut demo = Command::new(onsale);
    demo.arg("demo").arg("--data").arg(&data).args(more);
    exec::logged(step, &format!("demo-{name}"), &mut demo)?;
    Ok(data)
}
