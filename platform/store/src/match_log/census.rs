//! Which matches have a log, without reading them.

use std::collections::HashMap;

use async_nats::jetstream::stream::DirectGetErrorKind;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use muster_core::id::MatchId;

use super::MatchLog;
use crate::error::NatsResult;
use crate::{Result, streams};

impl MatchLog {
    /// Every match that has a log, with the number of its messages. As many as run, and the few that were called off.
    pub async fn census(&self) -> Result<HashMap<MatchId, u64>> {
        let what = "counting the logs of matches";
        let stream = self.nats.jetstream.get_stream_no_info(self.nats.stream(streams::MATCH)).await.doing(what)?;
        let prefix = self.nats.subject("match.");
        let mut subjects = stream.info_with_subjects(format!("{prefix}>")).await.doing(what)?;
        let mut logs = HashMap::new();
        while let Some((subject, messages)) = subjects.try_next().await.doing(what)? {
            let id = subject.strip_prefix(&prefix).and_then(|rest| rest.split('.').next());
            if let Some(match_id) = id.and_then(|id| id.parse::<MatchId>().ok()) {
                *logs.entry(match_id).or_default() += messages as u64;
            }
        }
        Ok(logs)
    }

    /// When the last entry of a log was written; none when there is no log.
    pub async fn last_written(&self, match_id: MatchId) -> Result<Option<DateTime<Utc>>> {
        let what = "looking at the end of a match's log";
        let stream = self.nats.jetstream.get_stream_no_info(self.nats.stream(streams::MATCH)).await.doing(what)?;
        match stream.direct_get_last_for_subject(self.subject(match_id)).await {
            Ok(message) => {
                let millis = message.time.unix_timestamp() * 1_000 + i64::from(message.time.millisecond());
                Ok(DateTime::from_timestamp_millis(millis))
            }
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).doing(what),
        }
    }
}
