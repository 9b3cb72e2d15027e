//! What is kept apart, because nobody has defined its kind; and what is missing in sessions.

use async_graphql::{Context, Object, SimpleObject};
use chrono::TimeDelta;
use muster_store::Store;

use super::{MAX_PAGE, page::QuarantinedKindConnection};
use crate::{
    auth::{Needs, Permission},
    schema::{
        errors::ApiError,
        of_schema,
        page::{decode, within},
        time::Time,
    },
};

/// The longest span in which gaps are counted.
const MAX_SPAN: TimeDelta = TimeDelta::days(31);

/// What is in quarantine of one kind.
#[derive(SimpleObject)]
pub struct QuarantinedKind {
    /// The kind.
    kind: String,
    /// How many events; 10,000 when there are more.
    events: u64,
    /// When the oldest happened, by its sender's clock.
    oldest_at: Time,
    /// When the newest happened.
    newest_at: Time,
    /// Why the newest is here.
    reason: String,
}

impl From<muster_store::QuarantinedKind> for QuarantinedKind {
    fn from(kind: muster_store::QuarantinedKind) -> Self {
        Self {
            kind: kind.kind,
            events: kind.events,
            oldest_at: Time(kind.oldest_at),
            newest_at: Time(kind.newest_at),
            reason: kind.reason,
        }
    }
}

/// What is missing in the sessions of game clients, by the numbers of their events: what did not come, and what was not stored
/// because it was sampled out, switched off, refused or is in quarantine.
#[derive(SimpleObject)]
pub struct SessionGaps {
    /// Sessions with numbered events.
    sessions: u64,
    /// Of these, those in which numbers are missing.
    with_gaps: u64,
    /// How many numbers are missing, in all of them together.
    missing: u64,
}

/// Queries about what was not stored as it came.
#[derive(Default)]
pub struct QuarantineQuery;

#[Object]
impl QuarantineQuery {
    /// What is in quarantine, by kind: the first (1 to 200) kinds after a cursor.
    #[graphql(
        guard = "Needs(Permission::ReadEventTypes)",
        complexity = "crate::schema::cost::list(first, 50, MAX_PAGE, child_complexity)"
    )]
    async fn quarantined_kinds(
        &self,
        context: &Context<'_>,
        #[graphql(default_with = "Some(50)")] first: Option<i32>,
        after: Option<String>,
    ) -> Result<QuarantinedKindConnection, ApiError> {
        let first = within("first", first.unwrap_or(50), MAX_PAGE)?;
        let after = after.as_deref().map(decode::<String>).transpose()?;
        let found = of_schema::<Store>(context)?.telemetry.quarantined(after.as_deref(), first + 1).await;
        let found = found.map_err(ApiError::internal("quarantined"))?;
        Ok(QuarantinedKindConnection::of(found.into_iter().map(QuarantinedKind::from), first, |kind| kind.kind.clone()))
    }

    /// What is missing in the sessions whose last numbered event lies in a span, from a moment (a day ago) until before another
    /// (now). 31 days at most.
    #[graphql(
        guard = "Needs(Permission::ReadEventTypes)",
        complexity = "crate::schema::cost::FACTS + child_complexity"
    )]
    async fn session_gaps(
        &self,
        context: &Context<'_>,
        from: Option<Time>,
        to: Option<Time>,
    ) -> Result<SessionGaps, ApiError> {
        let to = to.map_or_else(muster_store::now, |Time(to)| to);
        let from = from.map_or(to - TimeDelta::days(1), |Time(from)| from);
        if from >= to || to - from > MAX_SPAN {
            return Err(ApiError::bad_input("from must lie before to, by 31 days at most"));
        }
        let gaps = of_schema::<Store>(context)?.telemetry.gaps(from, to).await;
        let gaps = gaps.map_err(ApiError::internal("session_gaps"))?;
        Ok(SessionGaps { sessions: gaps.sessions, with_gaps: gaps.with_gaps, missing: gaps.missing })
    }
}
