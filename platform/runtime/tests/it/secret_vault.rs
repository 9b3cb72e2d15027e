//! Secrets from a real Vault or OpenBao.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use muster_runtime::{Secret, SecretSource, settings::*};
use secrecy::ExposeSecret;
use vaultrs::{
    client::{VaultClient, VaultClientSettingsBuilder},
    kv2,
};

use crate::{scratch::Scratch, wait::within};

/// The engine a development server mounts by itself.
const MOUNT: &str = "secret";

fn service(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("services are not running: run `cargo xtask test`"))
}

/// A folder of the test's own in a real server.
struct Vault {
    settings: VaultSettings,
    client: VaultClient,
}

impl Vault {
    fn connect() -> Self {
        let (address, token) = (service("MUSTER_TEST_VAULT_URL"), service("MUSTER_TEST_VAULT_TOKEN"));
        muster_runtime::install_crypto();
        let client =
            VaultClientSettingsBuilder::default().address(&address).token(&token).verify(true).build().unwrap();
        let unique = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let settings = VaultSettings {
            address: address.parse().unwrap(),
            token: Secret::new(token),
            mount: MOUNT.to_owned(),
            path: format!("muster-test/{unique}"),
            poll: Duration::from_millis(20),
            ..VaultSettings::default()
        };
        Self { settings, client: VaultClient::new(client).unwrap() }
    }

    fn source(&self) -> SecretSource {
        source(self.settings.clone())
    }

    fn place(&self, key: &str) -> String {
        format!("{}/{key}", self.settings.path)
    }

    async fn write(&self, key: &str, field: &str, value: &str) {
        kv2::set(&self.client, MOUNT, &self.place(key), &serde_json::json!({ field: value })).await.unwrap();
    }
}

fn source(vault: VaultSettings) -> SecretSource {
    SecretSource::new(&SecretsSettings { provider: SecretsProvider::Vault, vault, ..SecretsSettings::default() })
        .unwrap()
}

#[tokio::test]
async fn a_watched_secret_tells_its_new_version() {
    let vault = Vault::connect();
    vault.write("db", "value", "first").await;
    let source = vault.source();
    assert_eq!(source.get("db").await.unwrap().expose_secret(), "first");

    let mut watched = source.watch("db").await.unwrap();
    assert_eq!(watched.borrow_and_update().expose_secret(), "first");
    vault.write("db", "value", "second").await;
    within("the second version", watched.changed()).await.unwrap();
    assert_eq!(watched.borrow_and_update().expose_secret(), "second");
    assert_eq!(source.get("db").await.unwrap().expose_secret(), "second");

    // While the newest version is deleted the last value stays; the next version is noticed.
    kv2::delete_latest(&vault.client, MOUNT, &vault.place("db")).await.unwrap();
    let error = source.get("db").await.unwrap_err().to_string();
    assert!(error.contains("its newest version is deleted"), "{error}");
    vault.write("db", "value", "third").await;
    within("the third version", watched.changed()).await.unwrap();
    assert_eq!(watched.borrow().expose_secret(), "third");
}

#[tokio::test]
async fn a_rotated_token_file_is_followed() {
    let vault = Vault::connect();
    vault.write("db", "value", "first").await;
    let scratch = Scratch::new();
    let file = scratch.write("token", "not a token\n");
    let source = source(VaultSettings { token: Secret::default(), token_file: Some(file), ..vault.settings.clone() });
    let error = source.get("db").await.unwrap_err().to_string();
    assert!(error.contains("refuses the token") && !error.contains("not a token"), "{error}");
    scratch.write("token", &format!("{}\n", vault.settings.token.expose()));
    assert_eq!(source.get("db").await.unwrap().expose_secret(), "first");

    // A watch outlives a token that is refused for a while.
    let mut watched = source.watch("db").await.unwrap();
    scratch.write("token", "not a token");
    vault.write("db", "value", "second").await;
    assert!(source.get("db").await.is_err());
    scratch.write("token", vault.settings.token.expose());
    within("the second version", watched.changed()).await.unwrap();
    assert_eq!(watched.borrow().expose_secret(), "second");
}

#[tokio::test]
async fn errors_say_what_to_do() {
    let vault = Vault::connect();
    let error = vault.source().get("nothing-here").await.unwrap_err().to_string();
    assert!(error.contains("has no secret secret/muster-test/") && error.contains("vault kv put"), "{error}");

    vault.write("odd", "password", "hunter2").await;
    let error = vault.source().get("odd").await.unwrap_err().to_string();
    assert!(error.contains("no text field `value`") && !error.contains("hunter2"), "{error}");

    let unreachable = VaultSettings { address: "http://127.0.0.1:1".parse().unwrap(), ..vault.settings.clone() };
    let error = source(unreachable).get("db").await.unwrap_err().to_string();
    assert!(
        error.contains("cannot be asked") && error.contains("refused") && error.contains("secrets.vault.address"),
        "{error}"
    );

    let settings = SecretsSettings { provider: SecretsProvider::Vault, ..SecretsSettings::default() };
    assert!(SecretSource::new(&settings).unwrap_err().to_string().contains("needs a token"));
}
