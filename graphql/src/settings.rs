//! What can be set, with units, ranges and defaults. `--print-config` shows what is in force.

use std::time::Duration;

use garde::Validate;
use muster_runtime::settings::{
    HttpSettings, LogSettings, LokiSettings, NamespaceSettings, NatsSettings, OpsSettings, PostgresSettings,
    RedisSettings, SecretsSettings, ShutdownSettings, TracesSettings,
};
use muster_store::StoreSettings;
use serde::{Deserialize, Serialize};

/// All settings of `muster-graphql`.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Log lines.
    #[garde(dive)]
    pub log: LogSettings,
    /// Trace export.
    #[garde(dive)]
    pub traces: TracesSettings,
    /// Log shipping.
    #[garde(dive)]
    pub loki: LokiSettings,
    /// Health and metrics.
    #[garde(dive)]
    pub ops: OpsSettings,
    /// How long a drain may take.
    #[garde(dive)]
    pub shutdown: ShutdownSettings,
    /// Where secrets come from.
    #[garde(dive)]
    pub secrets: SecretsSettings,
    /// The truth: matches, staff, sessions, audit.
    #[garde(dive)]
    pub postgres: PostgresSettings,
    /// Presence and waiting tickets, for the live counts.
    #[garde(dive)]
    pub redis: RedisSettings,
    /// The log of running matches.
    #[garde(dive)]
    pub nats: NatsSettings,
    /// Prefix of everything in shared services.
    #[garde(dive)]
    pub namespace: NamespaceSettings,
    /// Where staff and the dashboard reach it.
    #[garde(dive)]
    pub http: HttpSettings,
    /// Staff sign-in and sessions.
    #[garde(dive)]
    pub auth: AuthSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ops: OpsSettings::on_port(7411),
            http: HttpSettings::on_port(7410),
            log: LogSettings::default(),
            traces: TracesSettings::default(),
            loki: LokiSettings::default(),
            shutdown: ShutdownSettings::default(),
            secrets: SecretsSettings::default(),
            postgres: PostgresSettings::default(),
            redis: RedisSettings::default(),
            nats: NatsSettings::default(),
            namespace: NamespaceSettings::default(),
            auth: AuthSettings::default(),
        }
    }
}

impl Settings {
    /// What the store needs to know of these settings.
    pub fn store(&self) -> StoreSettings {
        StoreSettings {
            postgres_url: self.postgres.url.expose().to_owned(),
            redis_url: self.redis.url.expose().to_owned(),
            nats_url: self.nats.url.expose().to_owned(),
            prefix: self.namespace.prefix.clone(),
            postgres_connections: self.postgres.max_connections,
            ..StoreSettings::default()
        }
    }
}

/// Staff sign-in and sessions.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// How long a session lasts. It is not prolonged by use.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(1), Duration::from_secs(7 * 24 * 3600))))]
    pub session_ttl: Duration,
    /// How often the session behind an open socket is looked at again.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_millis(100), Duration::from_secs(10))))]
    pub session_recheck: Duration,
    /// Sign-in attempts in a row for one e-mail address from one network address; refilled evenly over a minute.
    #[garde(range(min = 1, max = 1_000))]
    pub attempts_per_minute: u32,
    /// Sign-in attempts a minute of everybody together, for this process.
    #[garde(range(min = 1, max = 100_000))]
    pub attempts_per_minute_total: u32,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            session_ttl: Duration::from_secs(12 * 3600),
            session_recheck: Duration::from_secs(2),
            attempts_per_minute: 10,
            attempts_per_minute_total: 300,
        }
    }
}

/// A duration within bounds, told in the units of the configuration.
fn between(least: Duration, most: Duration) -> impl FnOnce(&Duration, &()) -> garde::Result {
    move |value, ()| {
        if (least..=most).contains(value) {
            Ok(())
        } else {
            Err(garde::Error::new(format!("must be between {least:?} and {most:?}")))
        }
    }
}
