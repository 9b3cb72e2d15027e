//! A page of metrics, and a Prometheus that remembers them.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::Query, http::StatusCode, routing::get};
use serde_json::json;
use tokio::{net::TcpListener, sync::watch};

use crate::cluster::SOON;

type Past = fn(age: i64) -> f64;

/// It ends with the test's runtime.
pub struct Page {
    /// The address of the metrics.
    pub url: String,
    /// The address of the Prometheus.
    pub origin: String,
    text: Arc<Mutex<String>>,
    past: Arc<Mutex<Option<Past>>>,
    held: watch::Sender<bool>,
    asked: watch::Sender<u64>,
}

#[derive(serde::Deserialize)]
struct Range {
    start: i64,
    end: i64,
    step: i64,
}

impl Page {
    /// With nothing on it.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let (text, past) = (Arc::new(Mutex::new(String::new())), Arc::new(Mutex::new(None::<Past>)));
        let (shown, known) = (text.clone(), past.clone());
        let (held, asked) = (watch::Sender::new(false), watch::Sender::new(0));
        let (waits, counted) = (held.clone(), asked.clone());
        let answer = async move || {
            counted.send_modify(|asked| *asked += 1);
            let _ = waits.subscribe().wait_for(|held| !held).await;
            shown.lock().expect("the text").clone()
        };
        let router = Router::new().route("/metrics", get(answer)).route(
            "/api/v1/query_range",
            get(async move |Query(range): Query<Range>| {
                let past = known.lock().expect("the past").ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
                let values: Vec<_> = (range.start..=range.end)
                    .step_by(usize::try_from(range.step).expect("a step"))
                    .map(|at| json!([at, past(range.end - at).to_string()]))
                    .collect();
                let result = json!([{ "metric": {}, "values": values }]);
                Ok::<_, StatusCode>(
                    json!({ "status": "success", "data": { "resultType": "matrix", "result": result } }).to_string(),
                )
            }),
        );
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("{origin}/metrics"), origin, text, past, held, asked }
    }

    /// From now on.
    pub fn says(&self, text: &str) {
        *self.text.lock().expect("the text") = text.to_owned();
    }

    /// From now on who asks waits; returns when somebody does.
    pub async fn holds(&self) {
        self.held.send_replace(true);
        let mut asked = self.asked.subscribe();
        tokio::time::timeout(SOON, asked.changed()).await.expect("somebody who asks").expect("the page");
    }

    /// Whoever waits is answered.
    pub fn answers(&self) {
        self.held.send_replace(false);
    }

    /// From now on, by the age of a sample in seconds.
    pub fn remembers(&self, past: Past) {
        *self.past.lock().expect("the past") = Some(past);
    }

    /// It does not answer any more.
    pub fn forgets(&self) {
        *self.past.lock().expect("the past") = None;
    }
}
