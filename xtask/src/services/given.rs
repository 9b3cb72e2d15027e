//! Services that a person gave by URL: used as they are, never started or stopped.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result};

use super::Vault;
use crate::http;

/// The services that a person gave by URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// `MUSTER__POSTGRES__URL`.
    pub postgres: Option<String>,
    /// `MUSTER__REDIS__URL`.
    pub redis: Option<String>,
    /// `MUSTER__NATS__URL`.
    pub nats: Option<String>,
    /// `MUSTER__SECRETS__VAULT__ADDRESS` and `…__TOKEN` (or `…__TOKEN_FILE`).
    pub vault: Option<Vault>,
    /// Secrets come from neither a private nor a given Vault.
    pub without_vault: bool,
}

impl Given {
    /// Reads `MUSTER__…` as `up` understands them.
    pub fn for_up(environment: &BTreeMap<String, String>) -> Result<Self> {
        let get = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        let vault = match get("MUSTER__SECRETS__VAULT__ADDRESS") {
            Some(address) => {
                let token = match (get("MUSTER__SECRETS__VAULT__TOKEN"), get("MUSTER__SECRETS__VAULT__TOKEN_FILE")) {
                    (Some(token), _) => token,
                    (None, Some(file)) => fs::read_to_string(&file)
                        .with_context(|| format!("MUSTER__SECRETS__VAULT__TOKEN_FILE is {file}, which cannot be read"))?
                        .trim()
                        .to_owned(),
                    (None, None) => anyhow::bail!(
                        "MUSTER__SECRETS__VAULT__ADDRESS is set, but neither MUSTER__SECRETS__VAULT__TOKEN nor MUSTER__SECRETS__VAULT__TOKEN_FILE; set one of them"
                    ),
                };
                Some(Vault { address: address.trim_end_matches('/').to_owned(), token })
            }
            None => None,
        };
        let provider = get("MUSTER__SECRETS__PROVIDER");
        Ok(Self {
            postgres: get("MUSTER__POSTGRES__URL"),
            redis: get("MUSTER__REDIS__URL"),
            nats: get("MUSTER__NATS__URL"),
            without_vault: vault.is_none() && provider.is_some_and(|provider| provider != "vault"),
            vault,
        })
    }

    /// Reads `MUSTER_TEST_…` as `test` understands them.
    pub fn for_test(environment: &BTreeMap<String, String>) -> Self {
        let get = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        let vault = match (get("MUSTER_TEST_VAULT_URL"), get("MUSTER_TEST_VAULT_TOKEN")) {
            (Some(address), Some(token)) => Some(Vault { address, token }),
            _ => None,
        };
        Self {
            postgres: get("MUSTER_TEST_POSTGRES_URL"),
            redis: get("MUSTER_TEST_REDIS_URL"),
            nats: get("MUSTER_TEST_NATS_URL"),
            vault,
            without_vault: false,
        }
    }

    /// Whether PostgreSQL, Redis or NATS must be started here.
    pub fn lacks_root_services(&self) -> bool {
        self.postgres.is_none() || self.redis.is_none() || self.nats.is_none()
    }

    /// Whether OpenBao must be started here.
    pub fn lacks_vault(&self) -> bool {
        self.vault.is_none() && !self.without_vault
    }

    /// Fails, naming the setting, when a given service does not listen.
    pub fn check(&self) -> Result<()> {
        let vault = self.vault.as_ref().map(|vault| vault.address.clone());
        for (setting, url, port) in [
            ("MUSTER__POSTGRES__URL", &self.postgres, 5432),
            ("MUSTER__REDIS__URL", &self.redis, 6379),
            ("MUSTER__NATS__URL", &self.nats, 4222),
            ("MUSTER__SECRETS__VAULT__ADDRESS", &vault, 8200),
        ] {
            if let Some(url) = url {
                http::expect_listener(setting, url, port)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn given_services_are_not_started() {
        let given = Given::for_up(&environment(&[
            ("MUSTER__POSTGRES__URL", "postgres://a/b"),
            ("MUSTER__REDIS__URL", "redis://a"),
            ("MUSTER__NATS__URL", ""),
            ("MUSTER__SECRETS__VAULT__ADDRESS", "http://127.0.0.1:8200/"),
            ("MUSTER__SECRETS__VAULT__TOKEN", "t"),
        ]))
        .unwrap();
        assert!(given.lacks_root_services() && !given.lacks_vault());
        assert_eq!(given.vault.unwrap().address, "http://127.0.0.1:8200");
        assert_eq!(given.nats, None);
    }

    #[test]
    fn other_secret_providers_need_no_vault() {
        let given = Given::for_up(&environment(&[("MUSTER__SECRETS__PROVIDER", "files")])).unwrap();
        assert!(given.without_vault && !given.lacks_vault() && given.lacks_root_services());
        assert!(Given::for_up(&environment(&[("MUSTER__SECRETS__VAULT__ADDRESS", "http://a")])).is_err());
    }
}
