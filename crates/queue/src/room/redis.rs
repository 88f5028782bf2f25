//! The room on Redis, for many servers: one server, Sentinel or Cluster, by the URL.
//!
//! Every step is one Lua script in `../lua`, so it happens entirely or not at all, by Redis's own clock.
//! A room's keys carry one hash tag and a version: `NAMESPACE:1:{ROOM}:…`. A waiting visitor costs nothing;
//! a called one a bit, one who has left another, a shopper inside some 200 bytes, a person with one
//! place some 40.
//!
//! # What happens when Redis fails
//! * *A failover or a restart* may lose the last numbers. Numbers are bound to the process that gave
//!   them: the next one begins a new epoch, so no two visitors share a place. Servers remind it of
//!   what they know, visitors of their places, by showing their passes.
//! * *Claims* are answered only when as many replicas as [`RedisOptions::replicas`] says have them, so
//!   that a failover does not overfill the shop. The same for changes by operators.
//! * *A flushed Redis* is made again by the first server that notices, from what it knows.
//! * *Away*: [`StoreError::Away`] after [`RedisOptions::timeout_ms`]; the operator's policy does the
//!   rest.
//!
//! Not promised: with `replicas` 0 a claim that Redis had acknowledged and lost in a crash leaves one
//! more shopper inside than Redis knows, until they check in.

mod answer;
mod connect;
mod row;
mod script;

use self::answer::{fault, parse, refusal, state, texts, unreadable};
use self::connect::client;
use self::row::{
    block_text, epochs_text, fields_of, row_of, settings_fields, shopper_of, shopper_text, to_json,
};
use self::script::{Script, Scripts};
use super::port::{
    Advance, Answer, Change, Changed, Claim, FIGURES_KEPT, Leased, Leaving, MOST_CODES,
    MOST_LEASED, MOST_UNUSED, NumberBlock, Rate, Report, Right, RoomRow, RoomStore, SERVER_KEPT_MS,
    Seed, Seen, Servers, Shopper, Spent, StoreError, Swept, Turn,
};
use crate::number::{Epoch, EpochProgress, Place, QueueNumber};
use crate::token::RoomId;
use crate::wire::{AuditEntry, BypassCode, ClaimRefused, Figures};
use alloc::{boxed::Box, format, string::String, string::ToString, vec, vec::Vec};
use core::future::Future;
use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;
use fred::prelude::{
    Client, ClientLike, Expiration, HashesInterface, KeysInterface, ListInterface, ServerInterface,
    SetOptions, Value,
};

/// Persons are kept in so many small hashes a room, each of which Redis packs.
const PERSON_BUCKETS: u16 = 8_192;

/// How Redis is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisOptions {
    /// After so long an answer is not waited for any more.
    pub timeout_ms: u32,
    /// So many replicas must have a claim, or a change by an operator, before it counts. 0 without
    /// replicas; 1 behind Sentinel or in a cluster.
    pub replicas: u32,
    /// Begins the name of every key, so that several installations may share a Redis.
    pub namespace: String,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            timeout_ms: 1_000,
            replicas: 0,
            namespace: "onsale".into(),
        }
    }
}

/// Rooms on Redis.
pub struct RedisStore {
    client: Client,
    /// For what waits for replicas: nothing else stands behind it.
    durable: Client,
    scripts: Scripts,
    options: RedisOptions,
    shift_ms: AtomicI64,
    /// The rooms' time, where it stands still; 0: it is Redis's.
    held_ms: AtomicI64,
}

impl RedisStore {
    /// Connects. `redis://host:port`, `redis-sentinel://host:port/0?node=host:port&sentinelServiceName=name`,
    /// `redis-cluster://host:port?node=host:port`.
    pub async fn connect(url: &str, options: RedisOptions) -> Result<Self, StoreError> {
        let store = Self {
            client: client(url, &options).await?,
            durable: client(url, &options).await?,
            scripts: Scripts::new(),
            options,
            shift_ms: AtomicI64::new(0),
            held_ms: AtomicI64::new(0),
        };
        Ok(store)
    }

    /// Moves the rooms' time against Redis's clock: for rehearsals and tests.
    pub fn shift(&self, by_ms: i64) {
        self.shift_ms.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// Lets the rooms' time stand still at `at_ms`: for rehearsals and tests that go step by step.
    pub fn hold_time(&self, at_ms: i64) {
        self.held_ms.store(at_ms, Ordering::SeqCst);
    }

    /// Closes the connections.
    pub async fn close(&self) {
        for client in [&self.client, &self.durable] {
            if let Err(error) = client.quit().await {
                tracing::debug!(%error, "closing the connection to Redis");
            }
        }
    }

    /// The keys of a room, in the order that `lua/common.lua` names.
    fn keys(&self, room: RoomId) -> Vec<String> {
        let names = [
            "room", "inside", "due", "over", "calls", "late", "codes", "log", "figures", "used",
            "servers", "left", "unused",
        ];
        names.iter().map(|name| self.key(room, name)).collect()
    }

    fn key(&self, room: RoomId, name: &str) -> String {
        let namespace = &self.options.namespace;
        format!("{namespace}:1:{{{}}}:{name}", room.to_hex())
    }

    async fn run(
        &self,
        client: &Client,
        room: RoomId,
        script: &Script,
        arguments: Vec<String>,
    ) -> Result<Value, StoreError> {
        self.run_with(client, self.keys(room), script, arguments)
            .await
    }

    async fn run_with(
        &self,
        client: &Client,
        keys: Vec<String>,
        script: &Script,
        arguments: Vec<String>,
    ) -> Result<Value, StoreError> {
        let time = match self.held_ms.load(Ordering::SeqCst) {
            0 => self.shift_ms.load(Ordering::SeqCst).to_string(),
            held_ms => format!("={held_ms}"),
        };
        let mut all = Vec::with_capacity(arguments.len() + 1);
        all.push(time);
        all.extend(arguments);
        match self.within(script.run(client, keys, all)).await? {
            Value::Null => Err(StoreError::NoSuchRoom),
            answer => Ok(answer),
        }
    }

    /// fred's own time limit starts when a command is written; one that waits for a connection must not
    /// wait for ever either.
    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, fred::error::Error>>,
    ) -> Result<T, StoreError> {
        let limit = Duration::from_millis(self.options.timeout_ms.into());
        match tokio::time::timeout(limit, work).await {
            Ok(answer) => answer.map_err(fault),
            Err(_) => Err(StoreError::Away(format!(
                "no answer within {} ms",
                self.options.timeout_ms
            ))),
        }
    }

    /// Waits until enough replicas have what was just written.
    async fn settle(&self, room: RoomId) -> Result<(), StoreError> {
        if self.options.replicas == 0 {
            return Ok(());
        }
        let wanted = i64::from(self.options.replicas);
        let limit_ms = i64::from(self.options.timeout_ms / 2).max(1);
        // In a cluster the question must go to the node that holds the room.
        let key = self.key(room, "room");
        let slot = fred::util::redis_keyslot(key.as_bytes());
        let options = fred::types::config::Options {
            cluster_hash: Some(fred::types::ClusterHash::Custom(slot)),
            ..Default::default()
        };
        let asked = self.durable.with_options(&options);
        let have: i64 = self.within(asked.wait(wanted, limit_ms)).await?;
        if have < wanted {
            return Err(StoreError::Away(format!(
                "{have} of {wanted} replicas have it"
            )));
        }
        Ok(())
    }
}

impl RoomStore for RedisStore {
    fn make(&self, room: RoomId, seed: Seed) -> Answer<'_, bool> {
        Box::pin(async move {
            let shoppers: Vec<_> = seed.inside.iter().map(shopper_text).collect();
            let mut arguments = vec![
                seed.settle_ms.to_string(),
                epochs_text(&seed.row.epochs),
                shoppers.join(" "),
                u8::from(seed.after_outage).to_string(),
            ];
            arguments.extend(fields_of(&seed.row));
            let made = self
                .run(&self.client, room, &self.scripts.make, arguments)
                .await?;
            Ok(made.as_i64() == Some(1))
        })
    }

    fn forget(&self, room: RoomId) -> Answer<'_, ()> {
        Box::pin(async move {
            self.run(&self.client, room, &self.scripts.forget, Vec::new())
                .await?;
            Ok(())
        })
    }

    fn read(&self, room: RoomId) -> Answer<'_, RoomRow> {
        Box::pin(async move {
            row_of(
                self.run(&self.client, room, &self.scripts.read, Vec::new())
                    .await?,
            )
        })
    }

    fn lease(
        &self,
        room: RoomId,
        server: [u8; 16],
        count: u32,
        known: Place,
    ) -> Answer<'_, Leased> {
        Box::pin(async move {
            let arguments = vec![
                count.clamp(1, MOST_LEASED).to_string(),
                known.epoch.0.to_string(),
                known.number.0.to_string(),
                crate::text::to_hex(&server),
            ];
            let answer = self
                .run(&self.client, room, &self.scripts.lease, arguments)
                .await?;
            match texts(answer)?.as_slice() {
                [_, epoch, first, count] => Ok(Leased::Block(NumberBlock {
                    epoch: Epoch(parse(epoch)?),
                    first: QueueNumber(parse(first)?),
                    count: parse(count)?,
                })),
                [_, now] => Ok(Leased::NotNow(state(now)?)),
                _ => Err(unreadable("an answer to a lease")),
            }
        })
    }

    fn give_back(&self, room: RoomId, server: [u8; 16], rest: NumberBlock) -> Answer<'_, bool> {
        Box::pin(async move {
            let arguments = vec![
                rest.epoch.0.to_string(),
                rest.first.0.to_string(),
                rest.count.to_string(),
                crate::text::to_hex(&server),
                MOST_UNUSED.to_string(),
            ];
            let taken = self
                .run(&self.client, room, &self.scripts.give_back, arguments)
                .await?;
            Ok(taken.as_i64() == Some(1))
        })
    }

    fn spend(&self, who: &str, rate: Rate) -> Answer<'_, Spent> {
        // By themselves in a cluster: no room is meant.
        let key = format!("{}:1:rate:{{{who}}}", self.options.namespace);
        Box::pin(async move {
            let owed_most = u64::from(rate.within_ms) * 1_000;
            let cost = (owed_most / u64::from(rate.most.get())).max(1);
            let arguments = vec![cost.to_string(), owed_most.to_string()];
            let wait = self
                .run_with(&self.client, vec![key], &self.scripts.spend, arguments)
                .await?
                .as_u64()
                .ok_or(unreadable("how long somebody has to wait"))?;
            Ok(match wait {
                0 => Spent::Counted,
                micros => Spent::Wait(Duration::from_micros(micros)),
            })
        })
    }

    fn place_of_person(&self, room: RoomId, person: [u8; 16], offered: Place) -> Answer<'_, Place> {
        Box::pin(async move {
            let bucket = u16::from_be_bytes([person[0], person[1]]) % PERSON_BUCKETS;
            let mut keys = self.keys(room);
            keys.push(self.key(room, &format!("person:{bucket}")));
            let arguments = vec![
                crate::text::to_hex(&person),
                format!("{}:{}", offered.epoch.0, offered.number.0),
            ];
            let place = self
                .run_with(&self.client, keys, &self.scripts.person, arguments)
                .await?
                .into_string()
                .unwrap_or_default();
            let (epoch, number) = place
                .split_once(':')
                .ok_or(unreadable("a person's place"))?;
            Ok(Place {
                epoch: Epoch(parse(epoch)?),
                number: QueueNumber(parse(number)?),
            })
        })
    }

    fn use_once(&self, room: RoomId, nonce: [u8; 16], expires_ms: i64) -> Answer<'_, bool> {
        Box::pin(async move {
            // Longer than it is good: clocks differ.
            let until = Expiration::PXAT(expires_ms.saturating_add(60_000));
            let key = self.key(room, &format!("nonce:{}", crate::text::to_hex(&nonce)));
            let set = self.client.set::<Option<String>, _, _>(
                key,
                "1",
                Some(until),
                Some(SetOptions::NX),
                false,
            );
            Ok(self.within(set).await?.is_some())
        })
    }

    fn claim(&self, room: RoomId, claim: Claim) -> Answer<'_, Result<Shopper, ClaimRefused>> {
        Box::pin(async move {
            let slot = claim.slot();
            let code = match claim.right {
                Right::Turn(_) => String::new(),
                Right::Bypass(id) => id,
            };
            let arguments = vec![
                row::slot_text(slot),
                claim.visitor.to_hex(),
                crate::text::to_hex(&claim.nonce),
                slot.0.epoch.0.to_string(),
                slot.0.number.0.to_string(),
                code,
            ];
            let answer = self
                .run(&self.durable, room, &self.scripts.claim, arguments)
                .await?;
            let answer = texts(answer)?;
            let [_, visitor, nonce, issued_ms, expires_ms] = answer.as_slice() else {
                return Ok(Err(refusal(&answer)?));
            };
            // Only what a failover keeps is an admission; who asks again gets it then.
            self.settle(room).await?;
            let kept = format!("{visitor}:{nonce}:{issued_ms}:{expires_ms}");
            Ok(Ok(shopper_of(&row::slot_text(slot), &kept)?))
        })
    }

    fn check_in(&self, room: RoomId, shopper: Shopper) -> Answer<'_, Seen> {
        Box::pin(async move {
            let arguments = vec![
                row::slot_text(shopper.slot),
                shopper.visitor.to_hex(),
                crate::text::to_hex(&shopper.nonce),
                shopper.issued_ms.to_string(),
                shopper.expires_ms.to_string(),
            ];
            let answer = self
                .run(&self.client, room, &self.scripts.check_in, arguments)
                .await?;
            match texts(answer)?.as_slice() {
                [_, expires_ms] => Ok(Seen::Inside {
                    expires_ms: parse(expires_ms)?,
                }),
                [full] if full == "full" => Ok(Seen::Full),
                [over] if over == "over" => Ok(Seen::Over),
                _ => Err(unreadable("an answer to a sign of life")),
            }
        })
    }

    fn leave(&self, room: RoomId, shopper: Shopper, how: Leaving) -> Answer<'_, bool> {
        Box::pin(async move {
            let how = match how {
                Leaving::Completed => "completed",
                Leaving::Abandoned => "abandoned",
            };
            let arguments = vec![
                row::slot_text(shopper.slot),
                crate::text::to_hex(&shopper.nonce),
                shopper.expires_ms.to_string(),
                how.into(),
            ];
            let freed = self
                .run(&self.client, room, &self.scripts.leave, arguments)
                .await?;
            Ok(freed.as_i64() == Some(1))
        })
    }

    fn inside(&self, room: RoomId, limit: u32) -> Answer<'_, Vec<Shopper>> {
        Box::pin(async move {
            let arguments = vec![limit.to_string()];
            let answer = self
                .run(&self.client, room, &self.scripts.inside, arguments)
                .await?;
            let pairs = texts(answer)?;
            pairs
                .chunks_exact(2)
                .map(|pair| shopper_of(&pair[0], &pair[1]))
                .collect()
        })
    }

    fn sweep(&self, room: RoomId, report: Report) -> Answer<'_, Swept> {
        Box::pin(async move {
            let observed: Vec<_> = report
                .observed
                .iter()
                .map(|(epoch, next)| EpochProgress {
                    next: *next,
                    ..EpochProgress::new(*epoch)
                })
                .collect();
            let arguments = vec![
                report.arrivals.to_string(),
                epochs_text(&observed),
                crate::text::to_hex(&report.server),
                report.lease_ms.to_string(),
                SERVER_KEPT_MS.to_string(),
                report.at_hand.as_ref().map_or_else(String::new, block_text),
            ];
            let answer = self
                .run(&self.client, room, &self.scripts.sweep, arguments)
                .await?;
            let Value::Array(mut parts) = answer else {
                return Err(unreadable("an answer to a sweep"));
            };
            let servers = texts(parts.pop().unwrap_or(Value::Null))?;
            let [count, rank] = servers.as_slice() else {
                return Err(unreadable("how many servers there are"));
            };
            let servers = Servers {
                count: parse(count)?,
                rank: parse(rank)?,
            };
            let turn = texts(parts.pop().unwrap_or(Value::Null))?;
            let row = row_of(parts.pop().unwrap_or(Value::Null))?;
            let turn = match turn.as_slice() {
                [fence, elapsed_ms, came, missed] => Some(Turn {
                    fence: parse(fence)?,
                    elapsed_ms: parse(elapsed_ms)?,
                    came: parse(came)?,
                    missed: parse(missed)?,
                }),
                _ => None,
            };
            Ok(Swept { row, turn, servers })
        })
    }

    fn advance(&self, room: RoomId, advance: Advance) -> Answer<'_, bool> {
        Box::pin(async move {
            let figures = advance.figures.as_ref();
            let arguments = vec![
                advance.fence.to_string(),
                advance.version.to_string(),
                advance.calls.to_string(),
                to_json(&advance.controller),
                to_json(&advance.held_by),
                to_json(&advance.pulse),
                advance
                    .places_left
                    .map_or_else(String::new, |left| left.to_string()),
                figures.map_or_else(String::new, to_json),
            ];
            let done = self
                .run(&self.client, room, &self.scripts.advance, arguments)
                .await?;
            Ok(done.as_i64() == Some(1))
        })
    }

    fn change(&self, room: RoomId, change: Change) -> Answer<'_, Changed> {
        Box::pin(async move {
            let drawn: Vec<_> = change
                .drawn
                .iter()
                .map(|(epoch, count)| format!("{}:{count}", epoch.0))
                .collect();
            let mut arguments = vec![
                change.expected_version.to_string(),
                to_json(&change.entry),
                change
                    .restart
                    .map_or_else(String::new, |epoch| epoch.0.to_string()),
                drawn.join(" "),
                epochs_text(&change.begin),
                row::state_text(change.state),
            ];
            arguments.extend(settings_fields(&change.settings));
            arguments.extend([
                "auto".into(),
                u8::from(change.auto).to_string(),
                "draw".into(),
                change.draw.as_ref().map_or_else(String::new, to_json),
            ]);
            let answer = self
                .run(&self.durable, room, &self.scripts.change, arguments)
                .await?;
            let Value::Array(mut parts) = answer else {
                return Err(unreadable("an answer to a change"));
            };
            let row = Box::new(row_of(parts.pop().unwrap_or(Value::Null))?);
            let done = parts.pop().and_then(|done| done.as_i64()) == Some(1);
            if !done {
                return Ok(Changed::Conflict(row));
            }
            self.settle(room).await?;
            Ok(Changed::Done(row))
        })
    }

    fn log(&self, room: RoomId, entry: AuditEntry) -> Answer<'_, ()> {
        Box::pin(async move {
            let arguments = vec![to_json(&entry)];
            self.run(&self.client, room, &self.scripts.log, arguments)
                .await?;
            Ok(())
        })
    }

    fn audit(&self, room: RoomId, limit: u32) -> Answer<'_, Vec<AuditEntry>> {
        Box::pin(async move {
            let from = -i64::from(limit.max(1));
            let lines: Vec<String> = self
                .within(self.client.lrange(self.key(room, "log"), from, -1))
                .await?;
            lines.iter().rev().map(|line| row::entry_of(line)).collect()
        })
    }

    fn figures(&self, room: RoomId, limit: u32) -> Answer<'_, Vec<Figures>> {
        Box::pin(async move {
            let most = u32::try_from(FIGURES_KEPT).unwrap_or(u32::MAX);
            let from = -i64::from(limit.clamp(1, most));
            let points: Vec<String> = self
                .within(self.client.lrange(self.key(room, "figures"), from, -1))
                .await?;
            points.iter().map(|point| row::from_json(point)).collect()
        })
    }

    fn put_code(&self, room: RoomId, code: BypassCode) -> Answer<'_, ()> {
        Box::pin(async move {
            let arguments = vec![
                code.id,
                code.limit.to_string(),
                code.expires_ms
                    .map_or_else(String::new, |end| end.to_string()),
                code.label,
                MOST_CODES.to_string(),
            ];
            self.run(&self.client, room, &self.scripts.put_code, arguments)
                .await?;
            Ok(())
        })
    }

    fn codes(&self, room: RoomId) -> Answer<'_, Vec<BypassCode>> {
        Box::pin(async move {
            let kept: Vec<(String, String)> = self
                .within(async {
                    let all: Value = self.client.hgetall(self.key(room, "codes")).await?;
                    all.convert::<alloc::collections::BTreeMap<String, String>>()
                        .map(|map| map.into_iter().collect())
                })
                .await?;
            kept.iter()
                .map(|(id, text)| row::code_of(id, text))
                .collect()
        })
    }
}
