//! A browser of the test's own: chromedriver on a free port, Chromium with an empty profile. Both end with the test, by
//! their own process ids.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element, wd::Capabilities, wd::WebDriverCompatibleCommand};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

const START_WITHIN: Duration = Duration::from_secs(20);
const SEE_WITHIN: Duration = Duration::from_secs(20);

const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
];

/// How the window looks.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
}

impl Look {
    /// For the protocol's emulation: a window of the shell would not go below 500 px.
    fn metrics(self) -> Value {
        json!({ "width": self.width, "height": self.height, "deviceScaleFactor": 1, "mobile": false })
    }
}

pub const DESK: Look = Look { width: 1280, height: 900, dark: false };
pub const PHONE: Look = Look { width: 360, height: 740, dark: false };

pub struct Browser {
    pub client: Client,
    look: Look,
    driver: Child,
    profile: PathBuf,
}

impl Browser {
    pub async fn start(look: Look) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let profile = env::temp_dir().join(format!(
            "muster-browser-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        fs::create_dir_all(&profile).unwrap();
        let port = muster_testkit::free_port();
        let path = env::var_os("MUSTER_TEST_CHROMEDRIVER").unwrap_or_else(|| "/usr/bin/chromedriver".into());
        let driver = Command::new(&path)
            .arg(format!("--port={port}"))
            .env("TMPDIR", &profile)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{} does not start ({error}): install chromium-driver, or set MUSTER_TEST_CHROMEDRIVER",
                    path.display()
                )
            });
        let mut browser = Started { driver: Some(driver), profile };
        let client = browser.connect(port, look).await;
        let Started { driver, profile } = &mut browser;
        Self { client, look, driver: driver.take().unwrap(), profile: std::mem::take(profile) }
    }

    pub async fn see(&self, css: &str) -> Element {
        let found = self.client.wait().at_most(SEE_WITHIN).for_element(Locator::Css(css)).await;
        match found {
            Ok(element) => element,
            Err(error) => {
                let at = self.client.current_url().await.map(|url| url.to_string()).unwrap_or_default();
                panic!("{css} does not appear at {at}: {error}\n{}", self.visible().await)
            }
        }
    }

    pub async fn text(&self, css: &str) -> String {
        let script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent).join(' | ')";
        self.run(script, vec![json!(css)]).await.as_str().unwrap_or_default().to_owned()
    }

    /// What a person sees, for a failure's message.
    async fn visible(&self) -> String {
        self.run("return document.body.innerText.slice(0, 1500)", Vec::new()).await.to_string()
    }

    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap()
    }

    /// Waits until the script gives true.
    pub async fn until(&self, what: &str, script: &str) {
        let started = Instant::now();
        while self.run(script, Vec::new()).await != json!(true) {
            assert!(
                started.elapsed() < SEE_WITHIN,
                "waited {SEE_WITHIN:?} for {what}; the page says: {}",
                self.visible().await
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Puts a mark on the window; a reload would wipe it off.
    pub async fn mark(&self) {
        self.run("window.musterMark = 'set'", Vec::new()).await;
    }

    pub async fn is_marked(&self) -> bool {
        self.run("return window.musterMark === 'set'", Vec::new()).await == json!(true)
    }

    pub async fn sign_in(&self, email: &str, password: &str) {
        for (field, text) in [("#email", email), ("#password", password)] {
            let field = self.see(field).await;
            field.clear().await.unwrap();
            field.send_keys(text).await.unwrap();
        }
        self.see("button[type=submit]").await.click().await.unwrap();
    }

    /// Waits until the page is live in the browser.
    pub async fn connected(&self) {
        self.see(".connection-up").await;
    }

    /// Saved to `target/screenshots/<name>.png`, whole page.
    pub async fn screenshot(&self, name: &str) {
        let height =
            self.run("return document.documentElement.scrollHeight", Vec::new()).await.as_u64().unwrap_or(900) as u32;
        let _ = self
            .cdp("Emulation.setDeviceMetricsOverride", Look { height: height.clamp(600, 4_000), ..self.look }.metrics())
            .await;
        let png = self.client.screenshot().await.unwrap();
        let _ = self.cdp("Emulation.setDeviceMetricsOverride", self.look.metrics()).await;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }

    pub async fn cdp(&self, command: &str, parameters: Value) -> Value {
        self.client
            .issue_cmd(Extra { path: "goog/cdp/execute", body: json!({ "cmd": command, "params": parameters }) })
            .await
            .unwrap()
    }

    /// What the browser complained about: scripts that failed, hydration that did not fit, policies that were broken.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Extra { path: "se/log", body: json!({ "type": "browser" }) }).await.unwrap();
        let entries = log.as_array().cloned().unwrap_or_default();
        entries.iter().filter(|entry| entry["level"] == "SEVERE").map(|entry| entry["message"].to_string()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        end(&mut self.driver, &self.profile);
    }
}

/// A driver whose session is not there yet, so that a failed start leaves nothing behind.
struct Started {
    driver: Option<Child>,
    profile: PathBuf,
}

impl Started {
    async fn connect(&mut self, port: u16, look: Look) -> Client {
        let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!("--user-data-dir={}", self.profile.join("profile").display()));
        flags.push(format!("--window-size={},{}", look.width.max(500), look.height));
        if look.dark {
            flags.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let capabilities: Capabilities = serde_json::from_value(json!({
            "goog:chromeOptions": { "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
        }))
        .unwrap();
        let address = format!("http://127.0.0.1:{port}");
        let started = Instant::now();
        let client = loop {
            let attempt =
                ClientBuilder::new(HttpConnector::new()).capabilities(capabilities.clone()).connect(&address).await;
            match attempt {
                Ok(client) => break client,
                Err(error) if started.elapsed() > START_WITHIN => panic!("no browser within {START_WITHIN:?}: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        let body = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": look.metrics() });
        client.issue_cmd(Extra { path: "goog/cdp/execute", body }).await.unwrap();
        client
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(driver) = &mut self.driver {
            end(driver, &self.profile);
        }
    }
}

/// Ends the driver and the browser, each process by its id, then removes the profile.
fn end(driver: &mut Child, profile: &Path) {
    let _ = driver.kill();
    let _ = driver.wait();
    // Chromium's processes do not stay children of one another, but each has the test's own profile in its command line.
    // Some start late, so look until none is left.
    let mut left = processes_of(profile);
    while let Some(id) = left.pop() {
        let _ = Command::new("kill").arg("-KILL").arg(id.to_string()).stderr(Stdio::null()).status();
        if left.is_empty() {
            left = processes_of(profile);
        }
    }
    let _ = fs::remove_dir_all(profile);
}

fn processes_of(profile: &Path) -> Vec<u32> {
    let profile = profile.display().to_string();
    let own = |id: &u32| {
        fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&profile))
    };
    let ids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(own).collect()
}

/// A command that WebDriver's standard does not have.
#[derive(Debug)]
struct Extra {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base_url: &url::Url, session_id: Option<&str>) -> Result<url::Url, url::ParseError> {
        base_url.join(&format!("session/{}/{}", session_id.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _request_url: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
