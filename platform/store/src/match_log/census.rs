//! Which matches have a log, without reading them.

use std::collections::HashMap;

use async_nats::jetstream::stream::DirectGetErrorKind;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use muster_core::id::MatchId;

use super::{MatchLog, Shard};
use crate::Result;
use crate::error::NatsResult;

impl MatchLog {
    /// Every match that has a log, with the number of its messages. As many as run, and the few that were called off.
    pub async fn census(&self) -> Result<HashMap<MatchId, u64>> {
        let what = "counting the logs of matches";
        let mut logs = HashMap::new();
        for shard in Shard::all() {
            let stream = self.nats.jetstream.get_stream_no_info(self.nats.stream(&shard.stream())).await.doing(what)?;
            let mut subjects = stream.info_with_subjects(self.nats.subject(shard.subject('*'))).await.doing(what)?;
            while let Some((subject, messages)) = subjects.try_next().await.doing(what)? {
                if let Some(match_id) = subject.rsplit('.').next().and_then(|id| id.parse::<MatchId>().ok()) {
                    logs.insert(match_id, messages as u64);
                }
            }
        }
        Ok(logs)
    }

    /// When the last entry of a log was written; none when there is no log.
    pub async fn last_written(&self, match_id: MatchId) -> Result<Option<DateTime<Utc>>> {
        let what = "looking at the end of a match's log";
        let stream = self.stream(match_id).await.doing(what)?;
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
