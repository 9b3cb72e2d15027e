//! What can be set, with units, ranges and defaults. `--print-config` shows what is in force.

use std::time::Duration;

use garde::Validate;
use muster_runtime::settings::{
    LogSettings, LokiSettings, OpsSettings, SecretsSettings, ShutdownSettings, TracesSettings,
};
use serde::{Deserialize, Serialize};

/// All settings of `muster-operator`.
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
    /// What is watched, and who acts.
    #[garde(dive)]
    pub operator: OperatorSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ops: OpsSettings::on_port(7431),
            log: LogSettings::default(),
            traces: TracesSettings::default(),
            loki: LokiSettings::default(),
            shutdown: ShutdownSettings::default(),
            secrets: SecretsSettings::default(),
            operator: OperatorSettings::default(),
        }
    }
}

/// What is watched, and who acts.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct OperatorSettings {
    /// Only resources of this namespace are looked after. Empty: those of all namespaces.
    #[garde(custom(a_namespace))]
    pub namespace: String,
    /// Where the Lease of the leader is. Empty: the process's own namespace.
    #[garde(custom(a_namespace))]
    pub lease_namespace: String,
    /// The Lease that says which process acts.
    #[garde(length(min = 1, max = 63))]
    pub lease_name: String,
    /// How long a leader that fell silent is believed to live; another one acts after that.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(2), Duration::from_secs(300))))]
    pub lease_duration: Duration,
    /// How many resources of a kind are worked on at once.
    #[garde(range(min = 1, max = 256))]
    pub concurrency: u16,
    /// How long one watch lasts before it is begun anew. A connection that has died without a word is noticed five seconds after that.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(1), Duration::from_secs(290))))]
    pub watch_timeout: Duration,
    /// How often the Secrets of rotations are compared with what they should hold: they are not watched, as that would take the
    /// right to read every Secret.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(1), Duration::from_secs(600))))]
    pub compare_secrets: Duration,
    /// How often something outside the cluster is asked again, such as how many matches a draining region still has.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_millis(100), Duration::from_secs(60))))]
    pub poll: Duration,
    /// Where rotated secrets are kept.
    #[garde(dive)]
    pub vault: crate::vault::VaultSettings,
}

impl Default for OperatorSettings {
    fn default() -> Self {
        Self {
            namespace: String::new(),
            lease_namespace: String::new(),
            lease_name: "muster-operator".to_owned(),
            lease_duration: Duration::from_secs(15),
            concurrency: 16,
            watch_timeout: Duration::from_secs(60),
            compare_secrets: Duration::from_secs(60),
            poll: Duration::from_secs(5),
            vault: crate::vault::VaultSettings::default(),
        }
    }
}

/// A name that Kubernetes takes for a namespace, or nothing.
fn a_namespace(name: &str, (): &()) -> garde::Result {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() <= 63 && name.chars().all(allowed) && !name.starts_with('-') && !name.ends_with('-') {
        return Ok(());
    }
    Err(garde::Error::new("must be a namespace: at most 63 lower-case letters, digits and hyphens"))
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
    fn a_namespace_is_checked() {
        let settings = OperatorSettings { namespace: "Eu West".to_owned(), ..OperatorSettings::default() };
        assert!(settings.validate().unwrap_err().to_string().contains("namespace"));
    }
}
