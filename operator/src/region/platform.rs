//! What the operator asks a Region's own processes: how many matches their referees own, from their metrics.

use std::time::Duration;

use futures::future::try_join_all;
use kube::ResourceExt;

use super::objects::{OPS_PORT, ops_name};
use crate::crd::Region;

/// How long one process may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest answer that is read, bytes.
const LONGEST: usize = 8 << 20;
/// The gauge of a referee: the matches that it owns.
const MATCHES: &str = "muster_referee_matches";

/// Why nobody could tell.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unknown(String);

/// Whom the operator asks about a Region's processes.
pub trait Platform: Send + Sync + 'static {
    /// The matches that run in a Region.
    fn matches_running(&self, region: &Region) -> impl Future<Output = Result<i64, Unknown>> + Send;
}

/// Asks every process of a Region for its metrics.
pub struct Metrics {
    http: reqwest::Client,
}

impl Metrics {
    /// A client that asks directly, whatever proxy the environment names.
    ///
    /// # Errors
    /// No client can be made.
    pub fn new() -> reqwest::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        Ok(Self { http })
    }

    async fn ask(&self, address: std::net::SocketAddr) -> Result<f64, Unknown> {
        let url = format!("http://{address}/metrics");
        let text = self.read(&url).await.map_err(|error| Unknown(format!("{url} did not answer: {error}")))?;
        let text = text.ok_or_else(|| Unknown(format!("{url} answered with more than {LONGEST} bytes")))?;
        Ok(sum(&text, MATCHES))
    }

    async fn read(&self, url: &str) -> reqwest::Result<Option<String>> {
        let mut answer = self.http.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > LONGEST {
                return Ok(None);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Some(String::from_utf8_lossy(&body).into_owned()))
    }
}

impl Platform for Metrics {
    async fn matches_running(&self, region: &Region) -> Result<i64, Unknown> {
        let host = region.spec.endpoints.ops.clone().unwrap_or_else(|| {
            format!("{}.{}.svc:{OPS_PORT}", ops_name(region), region.namespace().unwrap_or_default())
        });
        let addresses = tokio::time::timeout(PATIENCE, tokio::net::lookup_host(&host)).await;
        let addresses = match addresses {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(error)) => return Err(Unknown(format!("{host} has no address: {error}"))),
            Err(_) => return Err(Unknown(format!("{host} has no address: nobody answered in {PATIENCE:?}"))),
        };
        // All or none: a sum without one of them would say that fewer matches run.
        let matches = try_join_all(addresses.map(|address| self.ask(address))).await?;
        if matches.is_empty() {
            return Err(Unknown(format!("{host} has no address")));
        }
        #[allow(clippy::cast_possible_truncation, reason = "a count of matches")]
        Ok(matches.iter().sum::<f64>().max(0.0) as i64)
    }
}

/// The sum of a metric over all its labels, in Prometheus' text format.
fn sum(text: &str, metric: &str) -> f64 {
    text.lines()
        .filter_map(|line| {
            let rest = line.strip_prefix(metric)?;
            let value = match rest.as_bytes().first()? {
                b' ' => rest,
                b'{' => rest.rsplit_once('}')?.1,
                _ => return None,
            };
            value.split_whitespace().next()?.parse::<f64>().ok()
        })
        .filter(|value| value.is_finite())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_summed_over_its_labels() {
        let text = "# HELP muster_referee_matches m\nmuster_referee_matches{a=\"}\"} 2\nmuster_referee_matches 3 17\n\
                    muster_referee_matches_total 9\nmuster_referee_matches NaN\n";
        assert!((sum(text, MATCHES) - 5.0).abs() < f64::EPSILON);
        assert!(sum("", MATCHES).abs() < f64::EPSILON);
    }
}
