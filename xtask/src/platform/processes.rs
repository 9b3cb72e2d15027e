//! Muster's own processes: which there are, their ports, and their settings as `MUSTER__SECTION__KEY`.

use std::{collections::BTreeMap, path::Path, process::Command};

use anyhow::Result;

use crate::{
    commands::guarded,
    services::{Endpoints, Ports, bao},
};

/// Settings that every process has.
const COMMON: [&str; 6] = ["LOG", "TRACES", "LOKI", "OPS", "SHUTDOWN", "SECRETS"];
/// Settings of those that talk to the stores.
const STORES: [&str; 4] = ["POSTGRES", "REDIS", "NATS", "NAMESPACE"];

/// The key of the server's signing key in the Vault.
pub const SIGNING_KEY: &str = "auth_signing_key";

/// One process to be started.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The binary's name.
    pub name: &'static str,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    /// Where it serves, for people.
    pub url: Option<String>,
    /// Health and metrics.
    pub ops_url: Option<String>,
}

impl Spec {
    /// The command that starts it, without whatever `MUSTER__` settings this process has itself.
    pub fn command(&self, binaries: &Path) -> Command {
        let mut command = guarded(binaries.join(self.name));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MUSTER__") {
                command.env_remove(name);
            }
        }
        command.args(&self.arguments).envs(&self.environment);
        command
    }

    /// The same process with other arguments, such as `migrate`.
    pub fn with_arguments(&self, arguments: &[&str]) -> Self {
        Self { arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(), ..self.clone() }
    }
}

/// All of them, in the order in which they start.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// What players talk to.
    pub server: Spec,
    /// The staff API.
    pub graphql: Spec,
    /// The dashboard.
    pub dashboard: Spec,
    /// Retention policies and their jobs.
    pub retention: Spec,
    /// Players who never sleep.
    pub bots: Option<Spec>,
}

/// What the settings are made of.
pub struct Settings<'a> {
    /// Where the services are.
    pub endpoints: &'a Endpoints,
    /// The folder with the dashboard's files.
    pub site: &'a Path,
    /// `MUSTER__…` of the person's own environment.
    pub own: &'a BTreeMap<String, String>,
    /// How many bots; 0 is none.
    pub bots: u32,
}

impl Fleet {
    /// Picks ports (the documented ones while they are free) and writes down everybody's settings.
    pub fn plan(settings: &Settings<'_>, ports: &mut Ports) -> Result<Self> {
        let mut address = |name: &str, usual: u16| anyhow::Ok(format!("127.0.0.1:{}", ports.of(name, usual)?));
        let (server_http, server_ops) = (address("muster-server", 7400)?, address("muster-server-ops", 7401)?);
        let (graphql_http, graphql_ops) = (address("muster-graphql", 7410)?, address("muster-graphql-ops", 7411)?);
        let (dashboard_http, dashboard_ops) =
            (address("muster-dashboard", 7420)?, address("muster-dashboard-ops", 7421)?);
        let retention_ops = address("muster-retention-ops", 7441)?;

        let spec = |name, http: Option<&str>, ops: &str, sections: &[&[&str]]| {
            let mut environment = owned_by(settings.own, name, sections);
            environment.entry("MUSTER__LOG__FORMAT".into()).or_insert_with(|| "pretty".into());
            environment.insert("MUSTER__OPS__LISTEN".into(), ops.to_owned());
            if let Some(http) = http {
                environment.insert("MUSTER__HTTP__LISTEN".into(), http.to_owned());
            }
            if sections.iter().any(|list| list.contains(&"POSTGRES")) {
                stores(&mut environment, settings.endpoints);
            }
            Spec {
                name,
                arguments: Vec::new(),
                environment,
                url: Some(format!("http://{}", http.unwrap_or(ops))),
                ops_url: Some(format!("http://{ops}")),
            }
        };
        let mut server = spec(
            "muster-server",
            Some(&server_http),
            &server_ops,
            &[&COMMON, &STORES, &["SERVER", "GATEWAY", "MATCHMAKER", "REFEREE", "WRITER"]],
        );
        secrets(&mut server.environment, settings.endpoints);
        let graphql = spec("muster-graphql", Some(&graphql_http), &graphql_ops, &[&COMMON, &STORES]);
        let mut dashboard =
            spec("muster-dashboard", Some(&dashboard_http), &dashboard_ops, &[&COMMON, &["GRAPHQL", "SITE", "BRIDGE"]]);
        dashboard.environment.insert("MUSTER__GRAPHQL__URL".into(), format!("http://{graphql_http}/graphql"));
        dashboard.environment.insert("MUSTER__SITE__ROOT".into(), settings.site.display().to_string());
        let retention = spec("muster-retention", None, &retention_ops, &[&COMMON, &STORES, &["RETENTION"]]);
        let bots = (settings.bots > 0).then(|| Spec {
            name: "muster-bots",
            arguments: ["--url", &format!("http://{server_http}"), "--count", &settings.bots.to_string()]
                .map(str::to_owned)
                .to_vec(),
            environment: BTreeMap::new(),
            url: None,
            ops_url: None,
        });
        Ok(Self { server, graphql, dashboard, retention, bots })
    }
}

/// What of the person's own settings this process understands: an unknown section is refused at start, so each gets its own only.
///
/// A section that nobody here knows goes to muster-server, which says clearly that it does not know it either.
fn owned_by(own: &BTreeMap<String, String>, name: &str, sections: &[&[&str]]) -> BTreeMap<String, String> {
    const OTHERS: [&str; 4] = ["GRAPHQL", "SITE", "BRIDGE", "RETENTION"];
    own.iter()
        .filter(|(variable, _)| {
            let section = variable.trim_start_matches("MUSTER__").split("__").next().unwrap_or_default();
            if section == "AUTH" {
                // Two processes have it: the server's is about players' tokens, the staff API's about staff sessions.
                let staff = ["SESSION_", "ATTEMPTS_"].iter().any(|key| variable.contains(&format!("__{key}")));
                return name == if staff { "muster-graphql" } else { "muster-server" };
            }
            let known = sections.iter().any(|list| list.contains(&section));
            let nobodys = !COMMON.contains(&section)
                && !STORES.contains(&section)
                && !OTHERS.contains(&section)
                && section != "HTTP";
            known || (nobodys && name == "muster-server")
        })
        .map(|(variable, value)| (variable.clone(), value.clone()))
        .collect()
}

fn stores(environment: &mut BTreeMap<String, String>, endpoints: &Endpoints) {
    environment.insert("MUSTER__POSTGRES__URL".into(), endpoints.postgres.clone());
    environment.insert("MUSTER__REDIS__URL".into(), endpoints.redis.clone());
    environment.insert("MUSTER__NATS__URL".into(), endpoints.nats.clone());
}

/// The signing key comes from the Vault as in a real deployment, unless the person's settings say otherwise.
fn secrets(environment: &mut BTreeMap<String, String>, endpoints: &Endpoints) {
    let Some(vault) = &endpoints.vault else {
        return;
    };
    environment.insert("MUSTER__SECRETS__PROVIDER".into(), "vault".into());
    environment.insert("MUSTER__SECRETS__VAULT__ADDRESS".into(), vault.address.clone());
    environment.insert("MUSTER__SECRETS__VAULT__TOKEN".into(), vault.token.clone());
    environment.insert("MUSTER__SECRETS__VAULT__MOUNT".into(), bao::MOUNT.into());
    environment.insert("MUSTER__SECRETS__VAULT__PATH".into(), bao::PATH.into());
    environment.entry("MUSTER__AUTH__SIGNING_KEY".into()).or_insert_with(|| format!("secret:{SIGNING_KEY}"));
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::services::Vault;

    fn plan(own: &[(&str, &str)], bots: u32) -> Fleet {
        let endpoints = Endpoints {
            postgres: "postgres://p".into(),
            redis: "redis://r".into(),
            nats: "nats://n".into(),
            vault: Some(Vault { address: "http://v".into(), token: "t".into() }),
        };
        let own = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let site = PathBuf::from("/site");
        Fleet::plan(&Settings { endpoints: &endpoints, site: &site, own: &own, bots }, &mut Ports::any()).unwrap()
    }

    #[test]
    fn each_process_gets_its_own_settings_only() {
        let fleet = plan(
            &[
                ("MUSTER__LOG__FILTER", "debug"),
                ("MUSTER__MATCHMAKER__TICK", "50ms"),
                ("MUSTER__POSTGRES__MAX_CONNECTIONS", "9"),
                ("MUSTER__AUTH__SESSION_TTL", "1h"),
                ("MUSTER__AUTH__TOKEN_TTL", "2h"),
            ],
            20,
        );
        assert_eq!(fleet.server.environment["MUSTER__MATCHMAKER__TICK"], "50ms");
        assert_eq!(fleet.server.environment["MUSTER__AUTH__SIGNING_KEY"], "secret:auth_signing_key");
        assert_eq!(fleet.graphql.environment["MUSTER__POSTGRES__MAX_CONNECTIONS"], "9");
        assert!(
            fleet.graphql.environment.contains_key("MUSTER__AUTH__SESSION_TTL")
                && !fleet.graphql.environment.contains_key("MUSTER__AUTH__TOKEN_TTL")
        );
        assert!(
            fleet.server.environment.contains_key("MUSTER__AUTH__TOKEN_TTL")
                && !fleet.server.environment.contains_key("MUSTER__AUTH__SESSION_TTL")
        );
        assert!(!fleet.graphql.environment.contains_key("MUSTER__MATCHMAKER__TICK"));
        assert_eq!(fleet.dashboard.environment["MUSTER__LOG__FILTER"], "debug");
        assert!(!fleet.dashboard.environment.keys().any(|name| name.contains("POSTGRES")));
        assert_eq!(fleet.dashboard.environment["MUSTER__SITE__ROOT"], "/site");
        assert_eq!(fleet.bots.unwrap().arguments[2..], ["--count", "20"]);
        assert!(plan(&[], 0).bots.is_none());
    }

    #[test]
    fn nobodys_settings_go_to_the_server_and_a_key_of_ones_own_is_kept() {
        let fleet = plan(&[("MUSTER__NONSENSE__KEY", "1"), ("MUSTER__AUTH__SIGNING_KEY", "secret:mine")], 0);
        assert!(fleet.server.environment.contains_key("MUSTER__NONSENSE__KEY"));
        assert!(!fleet.retention.environment.contains_key("MUSTER__NONSENSE__KEY"));
        assert_eq!(fleet.server.environment["MUSTER__AUTH__SIGNING_KEY"], "secret:mine");
    }
}
