//! What can be set, with units, ranges and defaults. `--print-config` shows what is in force.

use std::time::Duration;

use cron::Schedule;
use garde::Validate;
use muster_runtime::settings::{
    LogSettings, LokiSettings, NamespaceSettings, NatsSettings, OpsSettings, PostgresSettings, RedisSettings,
    SecretsSettings, ShutdownSettings, TracesSettings,
};
use muster_store::StoreSettings;
use serde::{Deserialize, Serialize};

/// All settings of `muster-retention`.
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
    /// Policies, jobs, audit, and what is let go.
    #[garde(dive)]
    pub postgres: PostgresSettings,
    /// The store connects to all three.
    #[garde(dive)]
    pub redis: RedisSettings,
    /// The store connects to all three.
    #[garde(dive)]
    pub nats: NatsSettings,
    /// Prefix of everything in shared services.
    #[garde(dive)]
    pub namespace: NamespaceSettings,
    /// When policies are applied, and how jobs are worked.
    #[garde(dive)]
    pub retention: RetentionSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ops: OpsSettings::on_port(7441),
            log: LogSettings::default(),
            traces: TracesSettings::default(),
            loki: LokiSettings::default(),
            shutdown: ShutdownSettings::default(),
            secrets: SecretsSettings::default(),
            postgres: PostgresSettings::default(),
            redis: RedisSettings::default(),
            nats: NatsSettings::default(),
            namespace: NamespaceSettings::default(),
            retention: RetentionSettings::default(),
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

/// When policies are applied, and how jobs are worked.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionSettings {
    /// When every enabled policy is applied: seconds, minutes, hours, day of month, month, day of week; in UTC.
    #[garde(custom(a_schedule))]
    pub schedule: String,
    /// Jobs that this process works at once.
    #[garde(range(min = 1, max = 16))]
    pub workers: u32,
    /// Time between two looks for work.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_millis(50), Duration::from_secs(60))))]
    pub poll: Duration,
    /// How long a job stays a worker's own without a sign of life; prolonged three times as often while it works.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(1), Duration::from_secs(600))))]
    pub lease: Duration,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self {
            schedule: "0 17 3 * * *".to_owned(),
            workers: 1,
            poll: Duration::from_secs(1),
            lease: Duration::from_secs(60),
        }
    }
}

fn a_schedule(text: &str, (): &()) -> garde::Result {
    let told = |error| garde::Error::new(format!("is not a schedule such as \"0 17 3 * * *\": {error}"));
    text.parse::<Schedule>().map(|_| ()).map_err(told)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        Settings::default().validate().expect("the defaults keep their own rules");
    }

    #[test]
    fn a_schedule_is_checked() {
        let settings = RetentionSettings { schedule: "every day".to_owned(), ..RetentionSettings::default() };
        assert!(settings.validate().unwrap_err().to_string().contains("schedule"));
    }
}
