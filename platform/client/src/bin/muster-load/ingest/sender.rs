//! One request after the other, each until it is acknowledged.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::bail;
use muster_client::core::wire::{EventVerdicts, Verdict};
use reqwest::{Client, StatusCode, header};
use tokio::time::{Instant, sleep};

use super::batch::Batch;
use super::tally::Tally;

/// Between two tries, when the answer does not say how long.
const AGAIN: Duration = Duration::from_millis(200);
/// What counts as no answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What came of sending.
#[derive(Debug, Default)]
pub struct Sent {
    /// Events that were acknowledged, each once.
    pub acknowledged: Tally,
    /// Of these, those whose acknowledgement said that they had come before.
    pub again: u64,
    /// Requests beyond the first of each batch, by why.
    pub retries: BTreeMap<String, u64>,
    /// Events that were not taken and never will be, by verdict; there are to be none.
    pub refused: BTreeMap<String, u64>,
    /// How long each batch took from its first sending to its acknowledgement, in microseconds.
    pub took: Vec<u64>,
}

impl Sent {
    /// Sends a batch until it is acknowledged.
    ///
    /// # Errors
    /// It was not, within `patience`.
    pub async fn send(
        &mut self,
        http: &Client,
        url: &str,
        token: &str,
        batch: &Batch,
        patience: Duration,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let request = http
                .post(url)
                .bearer_auth(token)
                .header(header::CONTENT_TYPE, "application/x-ndjson")
                .timeout(ANSWER_WITHIN)
                .body(batch.body.clone());
            let (why, wait) = match request.send().await {
                Ok(answer) if answer.status() == StatusCode::ACCEPTED => match answer.json::<EventVerdicts>().await {
                    Ok(told) => match self.note(batch, &told) {
                        None => {
                            self.took.push(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
                            return Ok(());
                        }
                        Some(why) => (why, AGAIN),
                    },
                    Err(_) => ("answer cut off".to_owned(), AGAIN),
                },
                Ok(answer) => {
                    let seconds =
                        answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                    (answer.status().as_u16().to_string(), seconds.map_or(AGAIN, Duration::from_secs))
                }
                Err(error) if error.is_timeout() => ("no answer".to_owned(), AGAIN),
                Err(_) => ("no connection".to_owned(), AGAIN),
            };
            *self.retries.entry(why.clone()).or_default() += 1;
            if began.elapsed() > patience {
                bail!("a batch was not acknowledged within {} s; at last: {why}", patience.as_secs());
            }
            sleep(wait).await;
        }
    }

    /// Counts what was acknowledged; or why the batch has to be sent again.
    fn note(&mut self, batch: &Batch, told: &EventVerdicts) -> Option<String> {
        if told.results.iter().any(|result| result.verdict == Verdict::RateLimited) {
            return Some("rate limited".to_owned());
        }
        if told.results.len() as u64 != batch.tally.events {
            *self.refused.entry("no verdict".to_owned()).or_default() += batch.tally.events;
            return None;
        }
        let mut whole = true;
        for result in &told.results {
            match result.verdict {
                Verdict::Accepted => {}
                Verdict::Duplicate => self.again += 1,
                other => {
                    whole = false;
                    *self.refused.entry(other.as_str().to_owned()).or_default() += 1;
                }
            }
        }
        if whole {
            self.acknowledged.join(batch.tally);
        }
        None
    }

    /// What another sender did, too.
    pub fn join(&mut self, other: Self) {
        self.acknowledged.join(other.acknowledged);
        self.again += other.again;
        for (why, count) in other.retries {
            *self.retries.entry(why).or_default() += count;
        }
        for (verdict, count) in other.refused {
            *self.refused.entry(verdict).or_default() += count;
        }
        self.took.extend(other.took);
    }
}
