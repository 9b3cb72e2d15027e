//! A Kubernetes API server with an etcd of its own, from the programs in `KUBEBUILDER_ASSETS`.

use std::{
    ffi::OsString,
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::Value;

/// The token of one who may do everything.
pub const TOKEN: &str = "test-admin";
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running API server. Dropping it stops both processes and removes their files.
pub struct ApiServer {
    url: String,
    http: reqwest::Client,
    processes: Vec<Child>,
    home: PathBuf,
    /// How the API server itself was started.
    command: Vec<OsString>,
}

impl ApiServer {
    /// Starts both programs of `assets` and waits until the server says that it is ready.
    pub async fn start(assets: &Path) -> Self {
        // A second call finds the provider installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(home_name());
        fs::create_dir_all(&home).expect("a directory for the server");
        fs::write(home.join("tokens.csv"), format!("{TOKEN},admin,u0,\"system:masters\"\n")).expect("the token file");

        let [etcd_port, peer_port, api_port] = free_ports();
        let etcd = format!("http://127.0.0.1:{etcd_port}");
        let url = format!("https://127.0.0.1:{api_port}");
        // The server makes its own certificate, so there is no authority to check it against; it is on the loopback.
        let http = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()
            .expect("an HTTP client");
        let mut server = Self { url, http, processes: Vec::new(), home, command: Vec::new() };

        server.spawn(Command::new(assets.join("etcd")).arg("--data-dir").arg(server.home.join("etcd")).args([
            "--unsafe-no-fsync".to_owned(),
            format!("--listen-client-urls={etcd}"),
            format!("--advertise-client-urls={etcd}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer_port}"),
        ]));
        let mut api: Vec<OsString> = vec![assets.join("kube-apiserver").into()];
        api.extend(
            [
                format!("--etcd-servers={etcd}"),
                format!("--secure-port={api_port}"),
                "--bind-address=127.0.0.1".to_owned(),
                "--authorization-mode=RBAC".to_owned(),
                format!("--cert-dir={}", server.home.display()),
                format!("--token-auth-file={}", server.home.join("tokens.csv").display()),
                // A smaller range would be used up by the benchmark's Services.
                "--service-cluster-ip-range=10.0.0.0/16".to_owned(),
                "--disable-admission-plugins=ServiceAccount".to_owned(),
            ]
            .map(OsString::from),
        );
        // The stock server insists on a key for service account tokens; a lighter one does without.
        if let Some(key) = service_account_key(&server.home) {
            api.extend(
                [
                    "--service-account-issuer=https://127.0.0.1/".to_owned(),
                    format!("--service-account-key-file={}", key.display()),
                    format!("--service-account-signing-key-file={}", key.display()),
                ]
                .map(OsString::from),
            );
        }
        server.command = api;
        server.start_again().await;
        server
    }

    /// Starts the API server on its etcd, as it was started before.
    pub async fn start_again(&mut self) {
        let command = self.command.clone();
        self.spawn(Command::new(&command[0]).args(&command[1..]));
        self.wait_ready().await;
    }

    /// Kills the API server without a chance to say goodbye. Its etcd goes on.
    #[allow(dead_code, reason = "the tests', not the benchmark's")]
    pub fn crash(&mut self) {
        let mut api = self.processes.pop().expect("a running API server");
        api.kill().expect("our own child is killed");
        api.wait().expect("our own child ends");
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The directory of its files, which go with it.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Sends `body` (JSON, or YAML for a server-side apply) and gives the status and the answer.
    pub async fn call(&self, method: Method, path: &str, content_type: &str, body: String) -> (StatusCode, Value) {
        let answer = self
            .http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(TOKEN)
            .header("content-type", content_type)
            .body(body)
            .send()
            .await
            .expect("the API server answers");
        let status = answer.status();
        (status, answer.json().await.expect("the API server answers in JSON"))
    }

    /// Reads `path`; `accept` chooses between the object and the table that `kubectl get` shows.
    pub async fn get(&self, path: &str, accept: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(TOKEN).header("accept", accept);
        let answer = request.send().await.expect("the API server answers");
        assert_eq!(answer.status(), StatusCode::OK, "GET {path}");
        answer.json().await.expect("the API server answers in JSON")
    }

    fn spawn(&mut self, command: &mut Command) {
        let name = format!("{}.log", self.processes.len());
        let log = File::create(self.home.join(name)).expect("a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", command.get_program().display()));
        self.processes.push(child);
    }

    async fn wait_ready(&mut self) {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let answer = self.http.get(format!("{}/readyz", self.url)).bearer_auth(TOKEN).send().await;
            if answer.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                return;
            }
            let ended = self.processes.iter_mut().any(|child| !matches!(child.try_wait(), Ok(None)));
            if ended || Instant::now() > deadline {
                let logs = [0, 1].map(|n| fs::read_to_string(self.home.join(format!("{n}.log"))).unwrap_or_default());
                panic!("the API server did not get ready.\netcd:\n{}\nkube-apiserver:\n{}", logs[0], logs[1]);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        // The API server first: without its etcd it would only complain.
        for child in self.processes.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// Several servers may run in one process of tests.
fn home_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("api-server-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("a bound socket has an address").port())
}

/// An RSA key by `openssl`, where that is installed.
fn service_account_key(home: &Path) -> Option<PathBuf> {
    let key = home.join("service-accounts.key");
    let made = Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("2048").output();
    made.is_ok_and(|output| output.status.success()).then_some(key)
}
