//! Where measures come from: the processes' own metrics, and a Prometheus for what was.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use serde::Deserialize;

use super::{
    forecast::History,
    text::{Buckets, buckets, label, largest, sum},
};
use crate::{
    crd::{Region, region_autoscaler::MetricsSource},
    region::objects::{OPS_PORT, ops_name},
};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer that is read, bytes.
const LONGEST: usize = 8 << 20;
/// Distance of the samples that Prometheus is asked for, seconds.
const STEP: i64 = 300;
/// How far back: 14 days, and the day before them by which the error of the first forecasts is known.
const PAST: SignedDuration = SignedDuration::from_hours(15 * 24);

/// What the processes of a region say at one moment.
#[derive(Debug, Clone, Default)]
pub struct Now {
    /// Players connected; `None` when no process counts them.
    pub players: Option<f64>,
    /// Waiting tickets of the whole platform; `None` when no process counts them.
    pub tickets: Option<f64>,
    /// How long tickets waited that were matched, since the processes began.
    pub waits: Buckets,
}

/// Who can say what a region carries.
pub trait Measures: Send + Sync + 'static {
    /// What its processes say now; of waiting tickets only those of `queues`, or of all when there are none.
    fn now(
        &self,
        region: &Region,
        source: &MetricsSource,
        queues: &[String],
    ) -> impl Future<Output = Result<Now, String>> + Send;

    /// What the players connected were over the last two weeks.
    fn history(
        &self,
        prometheus: &str,
        query: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<History, String>> + Send;
}

/// Asks over HTTP.
pub struct Http(reqwest::Client);

impl Http {
    /// A client that asks directly, whatever proxy the environment names.
    ///
    /// # Errors
    /// No client can be made.
    pub fn new() -> reqwest::Result<Self> {
        let client =
            reqwest::Client::builder().no_proxy().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        client.build().map(Self)
    }

    async fn read(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, String> {
        let told = |error: reqwest::Error| error.without_url().to_string();
        let mut answer = request.send().await.map_err(told)?.error_for_status().map_err(told)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(told)? {
            if body.len() + chunk.len() > LONGEST {
                return Err(format!("the answer has more than {LONGEST} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn page(&self, url: &str) -> Result<String, String> {
        let body =
            self.read(self.0.get(url)).await.map_err(|error| format!("{url} does not answer as it should: {error}"))?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

impl Measures for Http {
    async fn now(&self, region: &Region, source: &MetricsSource, queues: &[String]) -> Result<Now, String> {
        let pages = match &source.url {
            Some(url) => vec![self.page(url).await?],
            None => {
                // All or none: a sum without one of them would take processes away from the rest.
                let addresses = addresses(region).await?;
                try_join_all(
                    addresses.iter().map(async |address| self.page(&format!("http://{address}/metrics")).await),
                )
                .await?
            }
        };
        Ok(read(&pages, queues))
    }

    async fn history(&self, prometheus: &str, query: &str, now: Timestamp) -> Result<History, String> {
        #[derive(Deserialize)]
        struct Answer {
            data: Data,
        }
        #[derive(Deserialize)]
        struct Data {
            result: Vec<Series>,
        }
        #[derive(Deserialize)]
        struct Series {
            values: Vec<(f64, String)>,
        }
        // Whole steps: the same question gives the same answer, and a cache in front of it helps.
        let end = now.as_second().div_euclid(STEP) * STEP;
        let start = end - PAST.as_secs().div_euclid(STEP) * STEP;
        let url = format!("{}/api/v1/query_range", prometheus.trim_end_matches('/'));
        let asked = [
            ("query", query.to_owned()),
            ("start", start.to_string()),
            ("end", end.to_string()),
            ("step", STEP.to_string()),
        ];
        let mut url = url::Url::parse(&url).map_err(|error| format!("metrics.prometheus is no URL: {error}"))?;
        url.query_pairs_mut().extend_pairs(asked);
        let body = self.read(self.0.get(url)).await;
        let body = body.map_err(|error| format!("Prometheus at {prometheus} does not answer as it should: {error}"))?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| format!("Prometheus at {prometheus} answers with something else than a range of samples"))?;
        let [series] = answer.data.result.as_slice() else {
            let count = answer.data.result.len();
            return Err(format!("the query {query:?} gives {count} series; it must give one: sum over the labels"));
        };
        let count = usize::try_from((end - start) / STEP).unwrap_or(0) + 1;
        let mut samples = vec![None; count];
        for (at, value) in &series.values {
            #[allow(clippy::cast_possible_truncation, reason = "a moment of this century")]
            let index = (*at as i64 - start).div_euclid(STEP);
            if let Some(sample) = usize::try_from(index).ok().and_then(|index| samples.get_mut(index)) {
                *sample = value.parse::<f64>().ok().filter(|value| value.is_finite());
            }
        }
        let start = Timestamp::from_second(start).map_err(|error| error.to_string())?;
        Ok(History { start, step: STEP, samples })
    }
}

/// What the pages of several processes say together; of tickets only those of `queues`, or of all when there are none.
fn read(pages: &[String], queues: &[String]) -> Now {
    let counts = |labels: &str| {
        queues.is_empty() || label(labels, "queue").is_some_and(|queue| queues.iter().any(|q| q == queue))
    };
    let mut now = Now::default();
    let mut waiting = BTreeMap::<_, f64>::new();
    for page in pages {
        if let Some(players) = sum(page, "muster_sockets", |_| true) {
            *now.players.get_or_insert_default() += players;
        }
        // Every matchmaker tells how many wait in the platform's store, not how many wait with it: each ticket counts once.
        for (shard, tickets) in largest(page, "muster_tickets_waiting", ["queue", "group"], counts) {
            let known = waiting.entry(shard).or_default();
            *known = known.max(tickets);
        }
        for (bound, count) in buckets(page, "muster_ticket_wait_seconds", counts) {
            *now.waits.entry(bound).or_default() += count;
        }
    }
    now.tickets = (!waiting.is_empty()).then(|| waiting.values().sum());
    now
}

/// The addresses of a region's processes.
async fn addresses(region: &Region) -> Result<Vec<SocketAddr>, String> {
    let host =
        region.spec.endpoints.ops.clone().unwrap_or_else(|| {
            format!("{}.{}.svc:{OPS_PORT}", ops_name(region), region.namespace().unwrap_or_default())
        });
    match tokio::time::timeout(PATIENCE, tokio::net::lookup_host(&host)).await {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(error)) => Err(format!("{host} has no address: {error}")),
        Err(_) => Err(format!("{host} has no address: nobody answered in {PATIENCE:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a process says that looks at `ranked` and `casual`, and has so many sockets of its own.
    fn page(sockets: u32, ranked: [u32; 2], casual: u32) -> String {
        let [eu, us] = ranked;
        format!(
            "muster_sockets {sockets}\nmuster_tickets_waiting{{queue=\"ranked\",group=\"eu\"}} {eu}\n\
             muster_tickets_waiting{{queue=\"ranked\",group=\"us\"}} {us}\n\
             muster_tickets_waiting{{group=\"any\",queue=\"casual\"}} {casual}\n\
             muster_ticket_wait_seconds_bucket{{queue=\"ranked\",le=\"+Inf\"}} 10\n"
        )
    }

    #[test]
    fn tickets_that_several_processes_tell_of_are_counted_once() {
        // The second looked a moment later: of a queue's group the larger count is taken.
        let pages = [page(7, [4_000, 1_500], 500), page(5, [3_990, 1_520], 500), "muster_sockets 1\n".to_owned()];
        let now = read(&pages, &[]);
        assert_eq!(now.tickets, Some(6_020.0));
        assert_eq!(read(&pages, &["ranked".to_owned()]).tickets, Some(5_520.0));
        assert_eq!(read(&pages, &["none".to_owned()]).tickets, None);
        // What each process counts of its own is added up.
        assert_eq!(now.players, Some(13.0));
        assert_eq!(now.waits.values().sum::<f64>(), 20.0);
    }
}
