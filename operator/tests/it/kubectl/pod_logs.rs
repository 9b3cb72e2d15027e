//! As much of an API server as `logs` needs: a Region, pods, and what they write.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::StatusCode,
    response::Response,
};
use futures::stream;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

/// It ends with the test's runtime.
pub struct PodLogs {
    pub kubeconfig: PathBuf,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    /// What was asked, as paths with queries.
    asked: Vec<String>,
    pods: BTreeMap<String, Log>,
}

/// What is answered to whoever reads a pod's log.
enum Log {
    /// This, and no more.
    Whole(String),
    /// What its writer writes, as it comes.
    Open(mpsc::UnboundedReceiver<String>),
    /// A refusal with 400.
    Refused(String),
}

/// A process that writes.
pub struct Writer(mpsc::UnboundedSender<String>);

impl Writer {
    /// Some of it, a whole line or not.
    pub fn write(&self, text: &str) {
        self.0.send(text.to_owned()).expect("somebody reads it");
    }

    /// Waits until nobody reads it any more.
    pub async fn left(&self) {
        tokio::time::timeout(crate::cluster::SOON, self.0.closed()).await.expect("its reader to leave");
    }
}

impl PodLogs {
    /// What was asked, as paths with queries.
    pub fn asked(&self) -> Vec<String> {
        self.known.lock().expect("what was asked").asked.clone()
    }

    /// What was asked for logs.
    pub fn logs_asked(&self) -> Vec<String> {
        self.asked().into_iter().filter(|uri| uri.contains("/log?")).collect()
    }

    /// A pod that writes from now on; it is there from now on, too.
    pub fn open(&self, pod: &str) -> Writer {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.put(pod, Log::Open(receiver));
        Writer(sender)
    }

    /// A pod of which the API server gives no log, and says why.
    pub fn refuse(&self, pod: &str, why: &str) {
        self.put(pod, Log::Refused(why.to_owned()));
    }

    fn put(&self, pod: &str, log: Log) {
        self.known.lock().expect("the pods").pods.insert(pod.to_owned(), log);
    }
}

impl Drop for PodLogs {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.kubeconfig);
    }
}

/// With these pods and what they have written.
pub async fn start(pods: &[(&str, &str)]) -> PodLogs {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let known = Arc::new(Mutex::new(Known::default()));
    let asked = known.clone();
    let router = Router::new().fallback(async move |request: Request| {
        let mut known = asked.lock().expect("what was asked");
        known.asked.push(request.uri().to_string());
        answer(request.uri().path(), &mut known.pods)
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": format!("http://{address}") } }],
        "users": [{ "name": "test", "user": {} }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test", "namespace": "default" } }],
    });
    let kubeconfig = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pod-logs-{}.kubeconfig", address.port()));
    std::fs::write(&kubeconfig, config.to_string()).expect("a kubeconfig");
    let logs = PodLogs { kubeconfig, known };
    pods.iter().for_each(|(name, log)| logs.put(name, Log::Whole((*log).to_owned())));
    logs
}

fn answer(path: &str, pods: &mut BTreeMap<String, Log>) -> Response {
    let json = |value: Value| Response::new(Body::from(value.to_string()));
    let failure = |code: StatusCode, reason: &str, message: &str| {
        let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code.as_u16(), "message": message, "reason": reason });
        let mut failure = json(status);
        *failure.status_mut() = code;
        failure
    };
    if let Some((_, log)) = pods.iter_mut().find(|(name, _)| path.ends_with(&format!("/pods/{name}/log"))) {
        return match log {
            Log::Whole(text) => Response::new(Body::from(text.clone())),
            Log::Refused(why) => failure(StatusCode::BAD_REQUEST, "BadRequest", why),
            Log::Open(written) => {
                // Whoever reads it a second time finds an end.
                let written = std::mem::replace(written, mpsc::unbounded_channel().1);
                let chunks = stream::unfold(written, async |mut written| {
                    let chunk = written.recv().await?;
                    Some((Ok::<_, io::Error>(Bytes::from(chunk)), written))
                });
                Response::new(Body::from_stream(chunks))
            }
        };
    }
    if path.ends_with("/regions/eu-west") {
        return json(json!({
            "apiVersion": "muster.dev/v1alpha1", "kind": "Region", "metadata": { "name": "eu-west", "namespace": "default" },
            "spec": { "image": "muster-server:1", "roles": [{ "name": "gateway" }] },
        }));
    }
    if path.ends_with("/pods") {
        let items: Vec<_> = pods.keys().map(|name| json!({ "metadata": { "name": name } })).collect();
        return json(json!({ "apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": items }));
    }
    failure(StatusCode::NOT_FOUND, "NotFound", "not found")
}
