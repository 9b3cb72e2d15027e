//! Stands between the operator and the API server: passes requests on, cuts them off, forgets watches, or loses the answer to one.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode},
    response::Response,
};
use futures::stream;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};

use crate::cluster::SOON;

/// What happens to requests.
#[derive(Debug, Clone, Default)]
pub enum Mood {
    /// They are passed on.
    #[default]
    Well,
    /// They are refused, and what was open is closed.
    Cut,
    /// The first of this method whose path has this part has no answer; then [`ApiProxy::lost`] returns.
    Loses {
        /// Its method.
        method: Method,
        /// A part of its path.
        part: &'static str,
        /// Whether the API server gets it.
        passed_on: bool,
    },
}

/// A proxy. It ends with the test's runtime.
pub struct ApiProxy {
    /// Its URL.
    pub url: String,
    known: Arc<Known>,
}

struct Known {
    target: String,
    http: reqwest::Client,
    mood: Mutex<Mood>,
    lost: Notify,
    /// Watches that began before this one hear nothing any more.
    silent_before: watch::Sender<u64>,
    cut: watch::Sender<bool>,
    watches: AtomicU64,
}

impl ApiProxy {
    /// Before `target`, a URL.
    pub async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).no_proxy().build();
        let known = Arc::new(Known {
            target: target.to_owned(),
            http: http.expect("a client"),
            mood: Mutex::default(),
            lost: Notify::new(),
            silent_before: watch::Sender::new(0),
            cut: watch::Sender::new(false),
            watches: AtomicU64::new(0),
        });
        let router = Router::new().fallback(pass).with_state(known.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, known }
    }

    /// From now on.
    pub fn set(&self, mood: Mood) {
        self.known.cut.send_replace(matches!(mood, Mood::Cut));
        *self.known.mood.lock().expect("the mood") = mood;
    }

    /// Whatever watches there are hear nothing any more, and nobody tells them; new ones are well. How many there are.
    pub fn silence_watches(&self) -> u64 {
        let begun = self.watches();
        self.known.silent_before.send_replace(begun);
        begun
    }

    /// Watches that were begun so far.
    pub fn watches(&self) -> u64 {
        self.known.watches.load(Ordering::SeqCst)
    }

    /// Waits until the answer was lost.
    pub async fn lost(&self) {
        tokio::time::timeout(SOON, self.known.lost.notified()).await.expect("the request that was to be lost");
    }
}

async fn pass(State(known): State<Arc<Known>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 16 << 20).await else { return refused() };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let is_watch = path.contains("watch=true");
    match known.fate(&parts.method, path) {
        Fate::Passes => {}
        Fate::Refused => return refused(),
        Fate::Lost { passed_on } => {
            if passed_on {
                let _ = known.ask(&parts.method, path, &parts.headers, body).await;
            }
            known.lost.notify_one();
            // The one who asked waits; the test kills it.
            return std::future::pending().await;
        }
    }
    let number = if is_watch { known.watches.fetch_add(1, Ordering::SeqCst) } else { u64::MAX };
    let Ok(answer) = known.ask(&parts.method, path, &parts.headers, body).await else { return refused() };
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| *name == "content-type") {
        response = response.header(name, value);
    }
    response.body(Body::from_stream(chunks(known, answer, number))).expect("a response")
}

/// What the API server says, until the connection is cut or forgotten.
fn chunks(
    known: Arc<Known>,
    answer: reqwest::Response,
    number: u64,
) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> {
    let (cut, silent) = (known.cut.subscribe(), known.silent_before.subscribe());
    stream::unfold((answer, cut, silent), move |(mut answer, mut cut, mut silent)| async move {
        let silence = async {
            let _ = silent.wait_for(|before| number < *before).await;
            std::future::pending::<()>().await;
        };
        let chunk = tokio::select! {
            _ = cut.wait_for(|cut| *cut) => Err(std::io::Error::other("cut off")),
            () = silence => return None,
            chunk = answer.chunk() => match chunk {
                Ok(None) => return None,
                Ok(Some(chunk)) => Ok(chunk),
                Err(error) => Err(std::io::Error::other(error)),
            },
        };
        Some((chunk, (answer, cut, silent)))
    })
}

enum Fate {
    Passes,
    Refused,
    Lost { passed_on: bool },
}

impl Known {
    fn fate(&self, method: &Method, path: &str) -> Fate {
        let mut mood = self.mood.lock().expect("the mood");
        match &*mood {
            Mood::Well => Fate::Passes,
            Mood::Cut => Fate::Refused,
            Mood::Loses { method: of, part, passed_on } if of == method && path.contains(part) => {
                let fate = Fate::Lost { passed_on: *passed_on };
                *mood = Mood::Well;
                fate
            }
            Mood::Loses { .. } => Fate::Passes,
        }
    }

    async fn ask(
        &self,
        method: &Method,
        path: &str,
        headers: &axum::http::HeaderMap,
        body: Bytes,
    ) -> reqwest::Result<reqwest::Response> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.target)).body(body);
        for name in ["authorization", "content-type", "accept"] {
            if let Some(value) = headers.get(name) {
                request = request.header(name, value);
            }
        }
        request.send().await
    }
}

fn refused() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
