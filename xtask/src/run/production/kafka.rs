//! One Kafka broker, whose log stays from run to run.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{
    ENOUGH, STAGE_ENGINES,
    ports::{self, free_port},
};
use crate::{
    exec,
    run::supervisor::{OnEnd, Program, Supervisor},
    screen::Step,
};

// The file and not its crate, which brings more than this program should wait for.
#[path = "../../../kafka-test/src/settings.rs"]
mod settings;

const NAME: &str = "kafka";

pub(super) struct Broker {
    pub(super) address: SocketAddr,
}

impl Broker {
    /// Starts it and does not wait.
    pub(super) fn start(
        step: &Step<'_>,
        supervisor: &mut Supervisor,
        data: &Path,
        jars: &Path,
    ) -> Result<Self> {
        let folder = data.join("kafka");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let broker = Self {
            address: ports::free(),
        };
        let log = folder.join("log");
        let node = settings::Node {
            number: 0,
            port: broker.address.port(),
            controllers: &[free_port()],
            data: &log,
        };
        let text = settings::settings(&node, "");
        let file = folder.join("server.properties");
        fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
        if !log.join("meta.properties").exists() {
            let mut format = java(jars);
            format
                .args(["kafka.tools.StorageTool", "format", "--ignore-formatted"])
                .args(["--cluster-id", settings::CLUSTER_ID, "--config"])
                .arg(&file);
            exec::logged(step, "kafka-format", &mut format)?;
        }
        let mut command = java(jars);
        command.arg("kafka.Kafka").arg(&file);
        supervisor.start(Program {
            name: NAME.into(),
            command,
            on_end: OnEnd::Tell,
            stage: STAGE_ENGINES,
            stop: &[("TERM", ENOUGH)],
        })?;
        Ok(broker)
    }

    /// Whether it serves. The port alone might be a stranger's.
    pub(super) fn serves(&self, log: &Path) -> bool {
        fs::read_to_string(log).is_ok_and(|text| text.contains(settings::STARTED))
            && TcpStream::connect(self.address).is_ok()
    }

    /// Where what it says is.
    pub(super) fn log(supervisor: &Supervisor) -> PathBuf {
        supervisor.log(NAME)
    }
}

fn java(jars: &Path) -> Command {
    let mut java = Command::new("java");
    java.args(settings::JAVA)
        .arg("-cp")
        .arg(format!("{}/*", jars.display()));
    java
}
