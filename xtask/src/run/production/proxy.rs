//! HAProxy, with the rules of `deploy/haproxy/haproxy.cfg` and the addresses of this run.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use super::{QUICK, STAGE_FRONT};
use crate::{
    place,
    run::supervisor::{OnEnd, Program},
};

/// The proxy in front of `servers`.
pub(super) fn program(
    data: &Path,
    shop: SocketAddr,
    servers: &[(&str, SocketAddr)],
) -> Result<Program> {
    let rules = place::root().join("deploy/haproxy/haproxy.cfg");
    let text =
        fs::read_to_string(&rules).with_context(|| format!("reading {}", place::shown(&rules)))?;
    let config = data.join("haproxy.cfg");
    let text = with_addresses(&text, shop, servers).context("deploy/haproxy/haproxy.cfg")?;
    fs::write(&config, text).with_context(|| format!("writing {}", config.display()))?;
    let mut command = Command::new("haproxy");
    command.args(["-db", "-f"]).arg(config);
    Ok(Program {
        name: "haproxy".into(),
        command,
        on_end: OnEnd::Tell,
        stage: STAGE_FRONT,
        // The first one ends it when the last connection has ended.
        stop: &[("USR1", QUICK), ("TERM", QUICK)],
    })
}

/// The same configuration at other addresses: servers are known by their names.
fn with_addresses(text: &str, shop: SocketAddr, servers: &[(&str, SocketAddr)]) -> Result<String> {
    let mut changed = String::with_capacity(text.len());
    let (mut binds, mut named) = (0, vec![0; servers.len()]);
    for line in text.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let mut words = line.split_whitespace();
        match words.next() {
            Some("bind") => {
                binds += 1;
                words.next();
                changed.push_str(&format!("{indent}bind {shop}"));
            }
            Some("server") => {
                let name = words.next().unwrap_or_default();
                words.next();
                let at = servers.iter().position(|(known, _)| *known == name);
                let at = at.with_context(|| format!("there is no server `{name}`"))?;
                named[at] += 1;
                changed.push_str(&format!("{indent}server {name} {}", servers[at].1));
            }
            _ => {
                changed.push_str(line);
                changed.push('\n');
                continue;
            }
        }
        for word in words {
            changed.push(' ');
            changed.push_str(word);
        }
        changed.push('\n');
    }
    if binds != 1 {
        bail!("{binds} addresses to listen at, and not one");
    }
    if let Some(at) = named.iter().position(|count| *count == 0) {
        bail!("the server `{}` is nowhere", servers[at].0);
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::super::ports::at;
    use super::*;

    const RULES: &str = "\
frontend shop
    bind 127.0.0.1:8000 # here
    default_backend anybody
backend anybody
    server a 127.0.0.1:8080
    server b 127.0.0.1:8081 weight 2
";

    #[test]
    fn addresses_change_and_rules_stay() {
        // One's new address is another's old one.
        let servers = [("a", at(8081)), ("b", at(8000))];
        let text = with_addresses(RULES, at(80), &servers).unwrap();
        assert_eq!(
            text,
            "frontend shop\n    bind 127.0.0.1:80 # here\n    default_backend anybody\n\
             backend anybody\n    server a 127.0.0.1:8081\n    server b 127.0.0.1:8000 weight 2\n"
        );
    }

    #[test]
    fn a_server_that_one_side_does_not_know_is_named() {
        let fault = |servers: &[(&str, SocketAddr)]| {
            with_addresses(RULES, at(80), servers)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(fault(&[("a", at(1))]), "there is no server `b`");
        let more = [("a", at(1)), ("b", at(2)), ("c", at(3))];
        assert_eq!(fault(&more), "the server `c` is nowhere");
    }

    #[test]
    fn the_one_that_is_deployed_can_be_given_three_servers() {
        let rules = place::root().join("deploy/haproxy/haproxy.cfg");
        let text = fs::read_to_string(rules).unwrap();
        let servers = [("a", at(1)), ("b", at(2)), ("c", at(3))];
        let text = with_addresses(&text, at(4), &servers).unwrap();
        assert!(text.contains("bind 127.0.0.1:4\n"), "{text}");
        assert_eq!(text.matches("server c 127.0.0.1:3\n").count(), 2, "{text}");
    }
}
