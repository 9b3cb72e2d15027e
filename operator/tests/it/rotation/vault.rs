//! The Vault of a test: mounts of its own in the running one.

use muster_testkit::services;
use reqwest::Method;
use serde_json::{Value, json};

/// Mounts of one test.
pub struct Vault {
    /// Its address.
    pub url: String,
    /// A root token.
    pub token: String,
    /// Unique to the test: the mount of its key-value store, and a part of the names of its database users.
    pub name: String,
    http: reqwest::Client,
}

impl Vault {
    /// With a key-value store, version 2, mounted under `name`.
    pub async fn new(name: &str) -> Self {
        let vault =
            services().vault.expect("Vault is not running: run `cargo xtask test` (MUSTER_TEST_VAULT_URL is not set)");
        Self::at(&vault.url, &vault.token, name).await
    }

    /// The same in another server.
    pub async fn at(url: &str, token: &str, name: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let unique = format!("{name}{:x}", rand::random::<u32>());
        let vault = Self { url: url.to_owned(), token: token.to_owned(), name: unique, http };
        vault
            .write(&format!("sys/mounts/{}", vault.name), json!({ "type": "kv", "options": { "version": "2" } }))
            .await;
        // A mount of version 2 upgrades itself for a moment.
        muster_testkit::eventually(super::SOON, "the key-value store", async || {
            let (status, _) = vault.call(Method::GET, &format!("{}/config", vault.name), None).await;
            (status == 200).then_some(())
        })
        .await;
        vault
    }

    /// With a database engine on the running PostgreSQL, too, whose role is called as the test.
    pub async fn with_database(name: &str) -> Self {
        let vault = Self::new(name).await;
        vault.add_database().await;
        vault
    }

    /// Adds the database engine.
    pub async fn add_database(&self) {
        let vault = self;
        let postgres = url::Url::parse(&services().postgres_url).expect("a URL");
        let (mount, role) = (vault.engine(), vault.name.clone());
        vault.write(&format!("sys/mounts/{mount}"), json!({ "type": "database" })).await;
        let (host, port) = (postgres.host_str().unwrap_or("127.0.0.1"), postgres.port().unwrap_or(5432));
        let database = postgres.path().trim_start_matches('/');
        vault
            .write(
                &format!("{mount}/config/pg"),
                json!({
                    "plugin_name": "postgresql-database-plugin",
                    "connection_url": format!("postgresql://{{{{username}}}}:{{{{password}}}}@{host}:{port}/{database}?sslmode=disable"),
                    "username": postgres.username(), "password": postgres.password().unwrap_or_default(),
                    "allowed_roles": "*",
                }),
            )
            .await;
        vault.role("1h", "24h").await;
        let policy = format!("path \"{mount}/creds/{role}\" {{ capabilities = [\"read\"] }}");
        vault.write(&format!("sys/policies/acl/{role}"), json!({ "policy": policy })).await;
        vault
            .write(
                &format!("auth/token/roles/{role}"),
                json!({ "orphan": true, "token_period": "1h", "allowed_policies": role, "renewable": true }),
            )
            .await;
    }

    /// Sets how long the database users of the role live.
    pub async fn role(&self, ttl: &str, most: &str) {
        let statement = "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'";
        let role = json!({ "db_name": "pg", "creation_statements": [statement], "default_ttl": ttl, "max_ttl": most });
        self.write(&format!("{}/roles/{}", self.engine(), self.name), role).await;
    }

    /// The mount of the database engine.
    pub fn engine(&self) -> String {
        format!("{}-db", self.name)
    }

    /// The newest value of an entry.
    pub async fn value(&self, path: &str, key: &str) -> Option<String> {
        let (_, answer) = self.call(Method::GET, &format!("{}/data/{path}", self.name), None).await;
        answer["data"]["data"][key].as_str().map(str::to_owned)
    }

    /// How many versions a secret has, and which of them are not deleted.
    pub async fn versions(&self, path: &str) -> (i64, Vec<i64>) {
        let (_, answer) = self.call(Method::GET, &format!("{}/metadata/{path}", self.name), None).await;
        let versions = answer["data"]["versions"].as_object().cloned().unwrap_or_default();
        let alive = versions.iter().filter(|(_, version)| version["deletion_time"] == "");
        let mut alive: Vec<i64> = alive.filter_map(|(number, _)| number.parse().ok()).collect();
        alive.sort_unstable();
        (answer["data"]["current_version"].as_i64().unwrap_or_default(), alive)
    }

    /// Writes a secret as a person does.
    pub async fn put(&self, path: &str, data: Value) {
        self.write(&format!("{}/data/{path}", self.name), json!({ "data": data })).await;
    }

    /// Writes anything.
    pub async fn write(&self, path: &str, body: Value) {
        let (status, answer) = self.call(Method::POST, path, Some(body)).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
    }

    /// Asks anything.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request =
            self.http.request(method, format!("{}/v1/{path}", self.url)).header("x-vault-token", &self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("Vault answers");
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// Settings of an operator that works with it, by way of `url`.
    pub fn settings(&self, url: &str) -> [String; 2] {
        [format!("operator.vault.address={url}"), format!("operator.vault.token={}", self.token)]
    }

    /// A token for so many uses that may do everything, as somebody gives it to the operator.
    pub async fn new_token(&self, uses: i64) -> String {
        let request = json!({ "policies": ["root"], "ttl": "1h", "num_uses": uses });
        let (status, answer) = self.call(Method::POST, "auth/token/create", Some(request)).await;
        assert_eq!(status, 200, "{answer}");
        answer["auth"]["client_token"].as_str().expect("a token").to_owned()
    }

    /// How many uses of it are left.
    pub async fn uses_left(&self, token: &str) -> i64 {
        let (status, answer) = self.call(Method::POST, "auth/token/lookup", Some(json!({ "token": token }))).await;
        assert_eq!(status, 200, "{answer}");
        answer["data"]["num_uses"].as_i64().expect("a number")
    }

    /// Ends a token.
    pub async fn revoke(&self, token: &str) {
        self.write("auth/token/revoke", json!({ "token": token })).await;
    }

    /// The database users that exist.
    pub async fn users(&self) -> Vec<String> {
        use sqlx::{Connection, Row};
        let mut postgres = sqlx::PgConnection::connect(&services().postgres_url).await.expect("PostgreSQL answers");
        // Vault cuts the role's name to eight characters.
        let like = format!("v-%-{}-%", &self.name[..8.min(self.name.len())]);
        let rows =
            sqlx::query("SELECT rolname FROM pg_roles WHERE rolname LIKE $1").bind(like).fetch_all(&mut postgres).await;
        rows.expect("the users").iter().map(|row| row.get(0)).collect()
    }
}
