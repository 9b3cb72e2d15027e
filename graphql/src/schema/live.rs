//! The platform as it runs: counts now, and activity by the minute.

use async_graphql::{Context, Object, SimpleObject, Subscription};
use futures::{Stream, StreamExt};
use muster_store::Store;

use super::{errors::ApiError, of_schema, time::Time};
use crate::{
    auth::{Needs, Permission},
    live::LiveFeed,
};

/// The counts of the running platform, at most a second old.
#[derive(SimpleObject)]
pub struct LiveCounts {
    /// When they were read.
    at: Time,
    /// Players with a socket open.
    players_online: u64,
    /// Tickets waiting for a match.
    tickets_waiting: u64,
    /// Matches being played.
    matches_running: u64,
    /// Matches that are over, ever.
    matches_finished: u64,
    /// Telemetry events stored, ever.
    events_stored: u64,
    /// Telemetry events of the last whole minute.
    events_per_minute: u64,
}

impl From<muster_store::LiveCounts> for LiveCounts {
    fn from(counts: muster_store::LiveCounts) -> Self {
        Self {
            at: Time(counts.at),
            players_online: counts.players_online,
            tickets_waiting: counts.tickets_waiting,
            matches_running: counts.matches_running,
            matches_finished: counts.matches_finished,
            events_stored: counts.events_stored,
            events_per_minute: counts.events_per_minute,
        }
    }
}

/// What happened in one minute.
#[derive(SimpleObject)]
pub struct ActivityPoint {
    /// The minute, at its start.
    minute: Time,
    /// Matches that ended in it.
    matches_finished: u64,
    /// Telemetry events of it.
    events: u64,
}

/// Longest activity that can be asked for: a day.
const MAX_MINUTES: i32 = 1_440;

/// Queries about the running platform.
#[derive(Default)]
pub struct LiveQuery;

#[Object]
impl LiveQuery {
    /// The counts now.
    #[graphql(guard = "Needs(Permission::ReadLive)")]
    async fn live(&self, context: &Context<'_>) -> Result<LiveCounts, ApiError> {
        let counts = of_schema::<LiveFeed>(context)?.current().await.map_err(|_| ApiError::Internal)?;
        Ok(counts.into())
    }

    /// The last minutes (1 to 1440), oldest first, the running one last; quiet minutes are there with zeros.
    #[graphql(
        guard = "Needs(Permission::ReadLive)",
        complexity = "crate::schema::cost::list(Some(minutes), 60, super::live::MAX_MINUTES, child_complexity)"
    )]
    async fn activity(
        &self,
        context: &Context<'_>,
        #[graphql(default = 60)] minutes: i32,
    ) -> Result<Vec<ActivityPoint>, ApiError> {
        let minutes = match u32::try_from(minutes) {
            Ok(minutes @ 1..=1_440) => minutes,
            _ => return Err(ApiError::bad_input(format!("minutes must be 1 to {MAX_MINUTES}, not {minutes}"))),
        };
        let points = of_schema::<Store>(context)?
            .live
            .activity(minutes, muster_store::now())
            .await
            .map_err(ApiError::internal("activity"))?;
        let point = |point: muster_store::ActivityPoint| ActivityPoint {
            minute: Time(point.minute),
            matches_finished: point.matches_finished,
            events: point.events,
        };
        Ok(points.into_iter().map(point).collect())
    }
}

/// The running platform as a stream.
#[derive(Default)]
pub struct LiveSubscription;

#[Subscription]
impl LiveSubscription {
    /// The counts now, and then every second.
    #[graphql(guard = "Needs(Permission::ReadLive)")]
    async fn live(&self, context: &Context<'_>) -> Result<impl Stream<Item = LiveCounts> + use<>, ApiError> {
        Ok(of_schema::<LiveFeed>(context)?.subscribe().map(LiveCounts::from))
    }
}
