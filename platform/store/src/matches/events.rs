//! What happened in a match, by number: from its log while it runs, from the database once it is settled. The seed is in
//! neither.

use muster_core::id::MatchId;
use muster_core::wire::{EventPage, LoggedEvent};

use super::Matches;
use crate::{Result, codec, number_events};

/// The longest page.
const MAX_PAGE: u32 = 1_000;

impl Matches {
    /// The events after a number; `first` is 1 to 1000. None: there is no such match.
    pub async fn events(&self, match_id: MatchId, after: u64, first: u32) -> Result<Option<EventPage>> {
        let first = first.clamp(1, MAX_PAGE) as usize;
        let events = self.some_events(match_id, after, first + 1).await?;
        Ok(events.map(|events| page(events, after, first)))
    }

    /// All events from the first to this number: those that make the match's state after it. None: there is no such match.
    pub async fn events_until(&self, match_id: MatchId, last: u64) -> Result<Option<Vec<LoggedEvent>>> {
        self.some_events(match_id, 0, usize::try_from(last).unwrap_or(usize::MAX)).await
    }

    async fn some_events(&self, match_id: MatchId, after: u64, limit: usize) -> Result<Option<Vec<LoggedEvent>>> {
        let Some(finished) = self.is_finished(match_id).await? else { return Ok(None) };
        if !finished {
            let log = self.log.read(match_id).await?;
            // An empty log: the match was settled, and its log purged, between the two looks.
            if !log.is_empty() {
                let events = number_events(log.iter().map(|(_, entry)| entry)).into_iter();
                return Ok(Some(events.filter(|event| event.seq > after).take(limit).collect()));
            }
        }
        self.settled_events(match_id, after, limit).await.map(Some)
    }

    /// Whether a match is settled; None when there is no such match.
    pub(super) async fn is_finished(&self, match_id: MatchId) -> Result<Option<bool>> {
        Ok(sqlx::query_scalar!(
            r#"SELECT state = 'finished' AS "finished!" FROM play.matches WHERE match_id = $1"#,
            match_id.uuid()
        )
        .fetch_optional(&self.postgres)
        .await?)
    }

    pub(super) async fn settled_events(&self, match_id: MatchId, after: u64, limit: usize) -> Result<Vec<LoggedEvent>> {
        // Primary key of play.match_events.
        let rows = sqlx::query!(
            "SELECT seq, at, event FROM play.match_events WHERE match_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            match_id.uuid(),
            codec::signed(after),
            codec::signed(limit as u64),
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter()
            .map(|row| {
                let event = codec::from_json_value("a match's event", row.event)?;
                Ok(LoggedEvent { seq: codec::count(row.seq), at: row.at, event })
            })
            .collect()
    }
}

/// One event more than asked for tells that there is a next page.
fn page(mut events: Vec<LoggedEvent>, after: u64, first: usize) -> EventPage {
    let has_next = events.len() > first;
    events.truncate(first);
    let end_cursor = events.last().map_or(after, |event| event.seq);
    EventPage { events, end_cursor, has_next }
}
