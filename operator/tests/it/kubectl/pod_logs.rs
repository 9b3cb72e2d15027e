//! As much of an API server as `logs` needs: a Region, pods, and what they have written.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, extract::Request, http::StatusCode, response::Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// It ends with the test's runtime.
pub struct PodLogs {
    pub kubeconfig: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
}

impl PodLogs {
    /// What was asked, as paths with queries.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("what was asked").clone()
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
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    let pods: Vec<_> = pods.iter().map(|(name, log)| ((*name).to_owned(), (*log).to_owned())).collect();
    let router = Router::new().fallback(async move |request: Request| {
        heard.lock().expect("what was asked").push(request.uri().to_string());
        answer(request.uri().path(), &pods)
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
    PodLogs { kubeconfig, asked }
}

fn answer(path: &str, pods: &[(String, String)]) -> Response {
    let json = |value: Value| Response::new(Body::from(value.to_string()));
    if let Some((_, log)) = pods.iter().find(|(name, _)| path.ends_with(&format!("/pods/{name}/log"))) {
        return Response::new(Body::from(log.clone()));
    }
    if path.ends_with("/regions/eu-west") {
        return json(json!({
            "apiVersion": "muster.dev/v1alpha1", "kind": "Region", "metadata": { "name": "eu-west", "namespace": "default" },
            "spec": { "image": "muster-server:1", "roles": [{ "name": "gateway" }] },
        }));
    }
    if path.ends_with("/pods") {
        let items: Vec<_> = pods.iter().map(|(name, _)| json!({ "metadata": { "name": name } })).collect();
        return json(json!({ "apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": items }));
    }
    let mut nothing = json(json!({ "kind": "Status", "code": 404, "message": "not found", "reason": "NotFound" }));
    *nothing.status_mut() = StatusCode::NOT_FOUND;
    nothing
}
