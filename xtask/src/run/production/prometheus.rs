//! Prometheus, with the rules of `deploy/prometheus`.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use super::{ENOUGH, STAGE_ENGINES};
use crate::{
    place,
    run::supervisor::{OnEnd, Program},
};

/// The configuration that is deployed, for these servers.
pub(crate) fn config(targets: &[SocketAddr]) -> Result<String> {
    let file = place::root().join("deploy/prometheus/prometheus.yml");
    let text =
        fs::read_to_string(&file).with_context(|| format!("reading {}", place::shown(&file)))?;
    with_targets(&text, targets).with_context(|| place::shown(&file))
}

fn with_targets(text: &str, targets: &[SocketAddr]) -> Result<String> {
    let quoted: Vec<_> = targets
        .iter()
        .map(|target| format!("\"{target}\""))
        .collect();
    let mut count = 0;
    let lines: Vec<_> = text
        .lines()
        .map(|line| match line.split_once("targets: [") {
            Some((before, _)) => {
                count += 1;
                format!("{before}targets: [{}]", quoted.join(", "))
            }
            None => line.to_owned(),
        })
        .collect();
    if count != 1 {
        bail!("{count} lists of targets, and not one");
    }
    Ok(lines.join("\n") + "\n")
}

/// Prometheus that keeps everything in `folder` and is set up with `config`.
pub(crate) fn command(folder: &Path, config: &str, address: SocketAddr) -> Result<Command> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join("prometheus.yml");
    fs::write(&file, config).with_context(|| format!("writing {}", file.display()))?;
    let rules = "onsale.rules.yml";
    fs::copy(
        place::root().join("deploy/prometheus").join(rules),
        folder.join(rules),
    )
    .with_context(|| format!("copying {rules}"))?;
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.join("data").display()
        ))
        .arg("--storage.tsdb.retention.size=512MB")
        .arg(format!("--web.listen-address={address}"));
    Ok(command)
}

/// The one that watches `servers`.
pub(super) fn program(data: &Path, address: SocketAddr, servers: &[SocketAddr]) -> Result<Program> {
    Ok(Program {
        name: "prometheus".into(),
        command: command(&data.join("prometheus"), &config(servers)?, address)?,
        on_end: OnEnd::Tell,
        stage: STAGE_ENGINES,
        stop: &[("TERM", ENOUGH)],
    })
}

#[cfg(test)]
mod tests {
    use super::super::ports::at;
    use super::*;

    #[test]
    fn the_one_that_is_deployed_watches_other_servers() {
        let text = config(&[at(1), at(2)]).unwrap();
        assert!(
            text.contains("- targets: [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n"),
            "{text}"
        );
        assert!(text.contains("- onsale.rules.yml\n"), "{text}");
    }

    #[test]
    fn a_configuration_without_targets_is_refused() {
        let fault = with_targets("global:\n", &[at(1)]).unwrap_err();
        assert_eq!(fault.to_string(), "0 lists of targets, and not one");
    }
}
