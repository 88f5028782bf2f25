//! One connection: what is waited for, and for how long.

use super::{RedisOptions, answer::fault};
use crate::room::port::StoreError;
use core::time::Duration;
use fred::prelude::{Builder, Client, ClientLike, Config, ReconnectPolicy};

const RECONNECT_MS: u32 = 100;

pub(super) async fn client(url: &str, options: &RedisOptions) -> Result<Client, StoreError> {
    let config = Config::from_url(url).map_err(fault)?;
    let limit = Duration::from_millis(options.timeout_ms.into());
    let client = Builder::from_config(config)
        .with_performance_config(|performance| {
            performance.default_command_timeout = limit;
        })
        .with_connection_config(|connection| {
            connection.connection_timeout = limit;
            connection.internal_command_timeout = limit;
            // What was asked may have been done: the caller decides whether to ask again.
            connection.max_command_attempts = 1;
            connection.unresponsive.max_timeout = Some(limit);
            connection.unresponsive.interval = limit / 4;
            connection.tcp.nodelay = Some(true);
        })
        .set_policy(ReconnectPolicy::new_constant(0, RECONNECT_MS))
        .build()
        .map_err(fault)?;
    let first = tokio::time::timeout(limit * 5, client.init()).await;
    first
        .map_err(|_| StoreError::Away("Redis did not answer at the start".into()))?
        .map_err(fault)?;
    Ok(client)
}
