//! An OpenBao of a test's own, which the test may seal: the one of all tests must stay as it is.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use muster_testkit::{eventually, free_port};
use reqwest::Method;
use serde_json::{Value, json};

use super::SOON;

/// A running server with its data in memory. Dropping it ends it.
pub struct OpenBao {
    child: Child,
    home: PathBuf,
    http: reqwest::Client,
    key: String,
    /// Its address.
    pub url: String,
    /// A root token.
    pub token: String,
}

impl OpenBao {
    /// Initialised with one unseal key, and unsealed.
    pub async fn start() -> Self {
        let program = std::env::var_os("MUSTER_TEST_VAULT_PROGRAM");
        let program = program.expect("run `cargo xtask test`: MUSTER_TEST_VAULT_PROGRAM does not say where `bao` is");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port = free_port();
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("openbao-{port}"));
        fs::create_dir_all(&home).expect("a directory for the server");
        let config = json!({
            "storage": { "inmem": {} }, "disable_mlock": true, "api_addr": format!("http://127.0.0.1:{port}"),
            "listener": { "tcp": { "address": format!("127.0.0.1:{port}"), "tls_disable": true } },
        });
        fs::write(home.join("config.json"), config.to_string()).expect("its configuration");
        let log = File::create(home.join("log")).expect("a log file");
        let child = Command::new(program)
            .arg("server")
            .arg(format!("-config={}", home.join("config.json").display()))
            .env("HOME", &home)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(log)
            .spawn()
            .expect("OpenBao starts");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let url = format!("http://127.0.0.1:{port}");
        let mut bao = Self { child, home, http, url, key: String::new(), token: String::new() };
        let made = eventually(SOON, "OpenBao to be initialised", async || {
            let shares = json!({ "secret_shares": 1, "secret_threshold": 1 });
            let (status, answer) = bao.ask(Method::PUT, "init", shares).await?;
            (status == 200).then_some(answer)
        })
        .await;
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        (bao.key, bao.token) = (text(&made["keys"][0]), text(&made["root_token"]));
        bao.unseal().await;
        bao
    }

    /// From now on it answers nobody.
    pub async fn seal(&self) {
        let (status, answer) = self.ask(Method::PUT, "seal", Value::Null).await.expect("OpenBao answers");
        assert_eq!(status, 204, "{answer}");
        eventually(SOON, "OpenBao to be sealed", async || self.is_sealed().await?.then_some(())).await;
    }

    /// It answers again.
    pub async fn unseal(&self) {
        let (status, answer) = self.ask(Method::PUT, "unseal", json!({ "key": self.key })).await.expect("an answer");
        assert_eq!((status, &answer["sealed"]), (200, &json!(false)), "{answer}");
        // It is active a moment after it is unsealed.
        eventually(SOON, "OpenBao to be active", async || {
            let answer = self.http.get(format!("{}/v1/sys/health", self.url)).send().await.ok()?;
            (answer.status() == 200).then_some(())
        })
        .await;
    }

    async fn is_sealed(&self) -> Option<bool> {
        let (_, answer) = self.ask(Method::GET, "seal-status", Value::Null).await?;
        answer["sealed"].as_bool()
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Option<(u16, Value)> {
        let mut request = self.http.request(method, format!("{}/v1/sys/{path}", self.url));
        if !self.token.is_empty() {
            request = request.header("x-vault-token", &self.token);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.ok()?;
        Some((answer.status().as_u16(), answer.json().await.unwrap_or_default()))
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- OpenBao ---\n{}", fs::read_to_string(self.home.join("log")).unwrap_or_default());
        }
        let _ = fs::remove_dir_all(&self.home);
    }
}
