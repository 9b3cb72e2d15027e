//! A dashboard of the test's own, in this process, on a free port.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use muster_dashboard::{BridgeSettings, Graphql, GraphqlSettings, Settings, Site, SiteSettings};
use tokio::{net::TcpListener, task::AbortHandle};
use tokio_util::sync::CancellationToken;

use crate::scripted::{Scripted, TOKEN};

/// What differs from test to test.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub https: bool,
    pub bridge: BridgeSettings,
    /// The files that `cargo xtask wasm` built; without it, a site whose files do nothing.
    pub built_site: bool,
}

/// A running dashboard; dropping it stops it.
pub struct Served {
    pub url: String,
    pub host: String,
    pub drain: CancellationToken,
    task: AbortHandle,
    hollow_site: Option<PathBuf>,
}

impl Served {
    pub async fn over(graphql: &Scripted, options: Options) -> Self {
        muster_runtime::install_crypto();
        let hollow_site = (!options.built_site).then(hollow_site);
        let root = hollow_site.clone().unwrap_or_else(built_site);
        let settings = Settings {
            graphql: GraphqlSettings { url: graphql.url.parse().unwrap(), ..GraphqlSettings::default() },
            site: SiteSettings { root, https: options.https },
            bridge: options.bridge,
            ..Settings::default()
        };
        let site = Site::open(&settings.site.root).unwrap();
        let graphql = Graphql::new(&settings.graphql).unwrap();
        let drain = CancellationToken::new();
        let router = muster_dashboard::router(&settings, &site, &graphql, drain.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }).abort_handle();
        Self { url: format!("http://{host}"), host, drain, task, hollow_site }
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// `GET` as a browser's navigation does it, signed in.
    pub async fn page(&self, path: &str) -> reqwest::Response {
        self.get(path).header("cookie", format!("muster_session={TOKEN}")).send().await.unwrap()
    }

    /// `GET` as a browser's navigation does it, signed out.
    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        client().get(self.at(path)).header("accept", "text/html")
    }

    /// A form as a browser without scripts sends it from `page`.
    pub fn form(&self, page: &str, path: &str, body: &'static str) -> reqwest::RequestBuilder {
        client()
            .post(self.at(path))
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("referer", self.at(page))
            .header("origin", &self.url)
            .body(body)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(site) = &self.hollow_site {
            let _ = fs::remove_dir_all(site);
        }
    }
}

/// Follows no redirect: they are what is looked at.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

pub fn built_site() -> PathBuf {
    let root = env::var_os("MUSTER_TEST_SITE").expect("the site is not built: run `cargo xtask test`, or set MUSTER_TEST_SITE to a folder that `cargo xtask wasm` made");
    PathBuf::from(root)
}

fn hollow_site() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let root =
        env::temp_dir().join(format!("muster-site-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let write = |name: &str, content: &str| fs::write(root.join(Path::new("pkg")).join(name), content).unwrap();
    fs::create_dir_all(root.join("pkg")).unwrap();
    write("muster.js", "export default async () => {}; export const hydrate = () => {};");
    write("muster_bg.wasm", "\0asm");
    write("muster.css", "body { color: black }");
    write("icon.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>");
    root
}
