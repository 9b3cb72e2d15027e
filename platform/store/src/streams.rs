//! The JetStream streams of the platform, and its buckets.

use std::time::Duration;

use async_nats::jetstream::kv;
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use futures::future::try_join_all;

use crate::Result;
use crate::codec;
use crate::error::NatsResult;
use crate::leases::LEASE_TTL;
use crate::match_log;
use crate::nats::Nats;

pub(crate) const TELEMETRY: &str = "TELEMETRY";
pub(crate) const DLQ: &str = "DLQ";
pub(crate) const DOMAIN: &str = "DOMAIN";
pub(crate) const LEASES: &str = "leases";
pub(crate) const QUEUES: &str = "queues";

/// The DLQ has this part of the room that telemetry has on its way.
const DLQ_SHARE: u64 = 8;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) async fn ensure(nats: &Nats, telemetry_backlog_bytes: u64) -> Result<()> {
    let others = [telemetry(nats, telemetry_backlog_bytes), dlq(nats, telemetry_backlog_bytes), domain(nats)];
    let streams = match_log::streams(nats).chain(others);
    let made =
        streams.map(async |config| nats.jetstream.create_or_update_stream(config).await.doing("making a stream"));
    try_join_all(made).await?;
    nats.jetstream.create_or_update_key_value(leases(nats)).await.doing("making the bucket of leases")?;
    nats.jetstream.create_or_update_key_value(queues(nats)).await.doing("making the bucket of queues")?;
    Ok(())
}

/// Events on their way to the database. When it is full it refuses what is new, so that a gateway can say so, rather than
/// lose what was already promised; and nothing in it grows too old, however long the writers are away. Its size is counted in
/// bytes, since a message holds one event or hundreds; JetStream sets them aside, so that no other stream can fill the disk under it.
fn telemetry(nats: &Nats, backlog_bytes: u64) -> Config {
    Config {
        name: nats.stream(TELEMETRY),
        subjects: vec![nats.subject("telemetry.>")],
        storage: StorageType::File,
        retention: async_nats::jetstream::stream::RetentionPolicy::WorkQueue,
        discard: DiscardPolicy::New,
        max_bytes: codec::signed(backlog_bytes),
        duplicate_window: Duration::from_secs(120),
        ..Config::default()
    }
}

/// What could not be stored, with the reason in its headers, for a person to look at within 30 days: for longer nothing is kept that
/// may name a person and cannot be read. When it is full it refuses what is new, and the writers keep that back.
fn dlq(nats: &Nats, backlog_bytes: u64) -> Config {
    Config {
        name: nats.stream(DLQ),
        subjects: vec![nats.subject("dlq.>")],
        storage: StorageType::File,
        discard: DiscardPolicy::New,
        max_bytes: codec::signed(backlog_bytes / DLQ_SHARE),
        max_age: 30 * DAY,
        ..Config::default()
    }
}

fn domain(nats: &Nats) -> Config {
    Config {
        name: nats.stream(DOMAIN),
        subjects: vec![nats.subject("event.>")],
        storage: StorageType::File,
        max_messages: 1_000_000,
        max_age: 7 * DAY,
        ..Config::default()
    }
}

/// In memory: a lease that a restart of NATS forgets has run out anyway. It forgets the bucket too, which `Leases` makes again.
pub(crate) fn leases(nats: &Nats) -> kv::Config {
    kv::Config {
        bucket: nats.bucket(LEASES),
        history: 1,
        max_age: LEASE_TTL,
        storage: StorageType::Memory,
        ..kv::Config::default()
    }
}

/// The newest version of every queue. On disk, though PostgreSQL could fill it again: processes go on reading while that is away.
fn queues(nats: &Nats) -> kv::Config {
    kv::Config { bucket: nats.bucket(QUEUES), history: 1, storage: StorageType::File, ..kv::Config::default() }
}
