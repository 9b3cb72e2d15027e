//! The layers, what is said about mistakes, and what is never said.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde::Deserialize;

use super::*;
use crate::{Secret, settings::*};

#[derive(Debug, Clone, Serialize, Deserialize, garde::Validate)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    #[garde(dive)]
    log: LogSettings,
    #[garde(dive)]
    ops: OpsSettings,
    #[garde(dive)]
    shutdown: ShutdownSettings,
    #[garde(dive)]
    secrets: SecretsSettings,
    #[garde(dive)]
    postgres: PostgresSettings,
    #[garde(dive)]
    shop: Shop,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ops: OpsSettings::on_port(7999),
            log: LogSettings::default(),
            shutdown: ShutdownSettings::default(),
            secrets: SecretsSettings::default(),
            postgres: PostgresSettings::default(),
            shop: Shop::default(),
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, garde::Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct Shop {
    key: Secret,
    slogan: String,
    open: bool,
    aisles: Vec<String>,
    tills: Vec<Till>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Till {
    number: u16,
    pin: Secret,
}

/// A directory that is removed at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("muster-config-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn args(config: Option<PathBuf>, set: &[&str]) -> CommonArgs {
    CommonArgs { config, set: set.iter().map(|text| (*text).to_owned()).collect(), ..CommonArgs::default() }
}

async fn read(file: &str, env: &[(&str, &str)], set: &[&str]) -> Result<Settings, ConfigError> {
    let folder = Folder::new();
    let file = folder.file("settings.toml", file);
    assemble(&args(Some(file), set), Environment::of(env)).await
}

/// The one problem there is.
async fn problem(file: &str, env: &[(&str, &str)], set: &[&str]) -> String {
    let error = read(file, env, set).await.unwrap_err();
    assert_eq!(error.problems().len(), 1, "{error}");
    error.problems()[0].to_string()
}

#[tokio::test]
async fn defaults_stand_alone() {
    let settings: Settings = assemble(&args(None, &[]), Environment::default()).await.unwrap();
    assert_eq!(settings.ops.listen.port(), 7999);
    assert_eq!(settings.shutdown.grace, Duration::from_secs(25));
    assert_eq!(settings.postgres.url.expose(), "postgres://muster@127.0.0.1:5432/muster");
}

#[tokio::test]
async fn later_layers_win_setting_by_setting() {
    let file = "[ops]\nlisten = '0.0.0.0:1'\n[log]\nfilter = 'warn'\nformat = 'pretty'\n[shutdown]\ngrace = '1m'";
    let env = [("MUSTER__LOG__FILTER", "debug"), ("MUSTER__OPS__LISTEN", "0.0.0.0:2")];
    let settings = read(file, &env, &["ops.listen=0.0.0.0:3"]).await.unwrap();
    assert_eq!(settings.ops.listen, SocketAddr::from(([0, 0, 0, 0], 3)));
    assert_eq!(settings.log.filter, "debug");
    assert_eq!(settings.log.format, LogFormat::Pretty);
    assert_eq!(settings.log.environment, "local");
    assert_eq!(settings.shutdown.grace, Duration::from_secs(60));
}

#[tokio::test]
async fn text_becomes_what_the_setting_is() {
    let env = [
        ("MUSTER__POSTGRES__MAX_CONNECTIONS", "7"),
        ("MUSTER__SHOP__OPEN", "true"),
        ("MUSTER__SHOP__AISLES", "['a', 'b']"),
        ("MUSTER__SHOP__KEY", "0042"),
    ];
    let settings = read("", &env, &["shop.tills=[{ number = 3, pin = '1234' }]"]).await.unwrap();
    assert_eq!((settings.postgres.max_connections, settings.shop.open), (7, true));
    assert_eq!(settings.shop.aisles, ["a", "b"]);
    assert_eq!(settings.shop.key.expose(), "0042");
    assert_eq!((settings.shop.tills[0].number, settings.shop.tills[0].pin.expose()), (3, "1234"));
}

#[tokio::test]
async fn a_misfit_names_the_key_the_variable_the_value_the_source_and_the_way_out() {
    assert_eq!(
        problem("", &[("MUSTER__OPS__LISTEN", "nonsense")], &[]).await,
        "ops.listen (MUSTER__OPS__LISTEN): \"nonsense\" from MUSTER__OPS__LISTEN does not fit: invalid socket address syntax; \
         write an address with its port, such as 127.0.0.1:7400, or remove it for the default \"127.0.0.1:7999\""
    );
    let said = problem("", &[], &["postgres.max_connections=many"]).await;
    assert!(
        said.starts_with("postgres.max_connections (MUSTER__POSTGRES__MAX_CONNECTIONS): \"many\" from --set is not an"),
        "{said}"
    );
    let said = problem("[shutdown]\ngrace = '25'", &[], &[]).await;
    assert!(said.contains("\"25\"") && said.contains("settings.toml") && said.contains("250ms, 25s or 1h"), "{said}");
    let said = problem("[log]\nformat = 'loud'", &[], &[]).await;
    assert!(said.contains("there is no choice `loud`") && said.contains("default \"json\""), "{said}");
}

#[tokio::test]
async fn a_broken_rule_is_told_the_same_way() {
    let said = problem("", &[], &["postgres.max_connections=0"]).await;
    assert!(
        said.starts_with("postgres.max_connections (MUSTER__POSTGRES__MAX_CONNECTIONS): `0` from --set is refused: "),
        "{said}"
    );
    assert!(said.ends_with("or remove it for the default `20`"), "{said}");
    let said = problem("[log]\nfilter = 'a=b=c'", &[], &[]).await;
    assert!(said.contains("log.filter") && said.contains("is not a log filter"), "{said}");
}

#[tokio::test]
async fn unknown_keys_are_refused_in_every_layer_without_their_value() {
    let said = problem("[postgres]\nurll = 'postgres://u:hunter2@h/d'", &[], &[]).await;
    assert!(said.starts_with("postgres.urll (MUSTER__POSTGRES__URLL): ") && said.contains("`url`"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let said = problem("", &[("MUSTER__PSTGRES__URL", "x")], &[]).await;
    assert!(said.starts_with("pstgres (MUSTER__PSTGRES): from MUSTER__PSTGRES__URL is not a setting"), "{said}");
    assert!(problem("", &[], &["ops.port=1"]).await.starts_with("ops.port"));
}

#[tokio::test]
async fn all_problems_are_told_at_once() {
    let file = "[ops]\nlisten = 1\n[log]\ncolour = true\n[shutdown]\ngrace = '1ms'";
    let error = read(file, &[("MUSTER__SHOP__OPEN", "perhaps")], &["postgres.url=nowhere"]).await.unwrap_err();
    let mut keys: Vec<_> = error.problems().iter().map(|problem| problem.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["log.colour", "ops.listen", "postgres.url", "shop.open", "shutdown.grace"]);
    assert!(error.to_string().starts_with("the configuration is not valid, 5 problems:\n  "));
}

#[tokio::test]
async fn no_error_repeats_a_secret() {
    for (file, set) in [
        ("[postgres]\nurl = '//u:hunter2@h'", "log.filter=info"),
        ("[postgres]\nurl = 'mysql://u:hunter2@h'", "log.filter=info"),
        ("[postgres]\nurl = 'u:hunter2@h'", "log.filter=info"),
        ("[postgres]\nurl = \"hunter2", "log.filter=info"),
        ("[shop]\nkey = ['hunter2']", "log.filter=info"),
        ("", "shop.key=[hunter2"),
    ] {
        let error = read(file, &[], &[set]).await.unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_file_and_a_bad_flag_are_named() {
    let error =
        assemble::<Settings>(&args(Some("/nowhere/muster.toml".into()), &["log.filter"]), Environment::default()).await;
    let said = error.unwrap_err().to_string();
    assert!(said.contains("/nowhere/muster.toml") && said.contains("--set needs the form"), "{said}");
}

#[tokio::test]
async fn references_are_resolved_in_secret_settings_only() {
    let folder = Folder::new();
    folder.file("db", "postgres://muster:hunter2@db/muster\n");
    folder.file("pin", "1234");
    let file = format!(
        "[secrets]\nprovider = 'files'\n[secrets.files]\ndir = '{}'\n[postgres]\nurl = 'secret:db'\n\
         [shop]\nslogan = 'secret:db'\ntills = [{{ number = 1, pin = 'secret:pin' }}]",
        folder.0.display()
    );
    let settings = read(&file, &[], &[]).await.unwrap();
    assert_eq!(settings.postgres.url.expose(), "postgres://muster:hunter2@db/muster");
    assert_eq!(settings.postgres.url.reference(), Some("db"));
    assert_eq!(settings.shop.tills[0].pin.expose(), "1234");
    assert_eq!(settings.shop.slogan, "secret:db");

    let said = problem(&file, &[], &["shop.key=secret:nothere"]).await;
    assert!(said.starts_with("shop.key (MUSTER__SHOP__KEY): \"secret:nothere\" cannot be resolved: "), "{said}");

    folder.file("db", "u:hunter2@h");
    assert!(!problem(&file, &[], &[]).await.contains("hunter2"));
}

#[test]
fn printing_redacts_secrets_and_keeps_references() {
    let set = [
        "shop.key=hunter2",
        "postgres.url=postgres://muster:hunter2@db/muster",
        "shop.tills=[{ number = 1, pin = 'secret:pin' }]",
    ];
    let printed = describe::<Settings>(&args(None, &set), Environment::default()).unwrap();
    assert!(!printed.contains("hunter2"), "{printed}");
    let table: toml::Table = printed.parse().unwrap();
    assert_eq!(table["shop"]["key"].as_str(), Some("[redacted]"));
    assert_eq!(table["postgres"]["url"].as_str(), Some("postgres://muster:[redacted]@db/muster"));
    assert_eq!(table["shop"]["tills"][0]["pin"].as_str(), Some("secret:pin"));
    assert_eq!(table["shutdown"]["grace"].as_str(), Some("25s"));
    assert_eq!(table["ops"]["listen"].as_str(), Some("127.0.0.1:7999"));
}
