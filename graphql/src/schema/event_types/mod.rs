//! Event types of telemetry: what events of each kind say, who changed them when and why; sources that are closed; and what was
//! not stored as it came: the quarantine and the dead letters.

mod dead_letters;
mod edit;
mod page;
mod quarantine;
mod replay;

use async_graphql::{ComplexObject, Context, Enum, Json, Object, SimpleObject};
use muster_core::{id::StaffId, telemetry::EventTypeDefinition};
use muster_store::Store;

use super::{
    errors::ApiError,
    of_schema,
    page::{decode, within},
    time::Time,
};
use crate::auth::{Needs, Permission};
use page::EventTypeConnection;

pub use dead_letters::DeadLetterQuery;
pub use edit::EventTypeMutation;
pub use quarantine::QuarantineQuery;
pub use replay::ReplayMutation;

/// Most types, versions, quarantined kinds or dead letters on one page.
const MAX_PAGE: i32 = 200;

/// One version of an event type.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct EventType {
    /// The `kind` of its events.
    name: String,
    /// Counts from 1; every change makes the next one.
    version: u32,
    /// Who answers for it.
    owner: String,
    /// Whether its events are taken. False: somebody has pulled the kill switch.
    enabled: bool,
    /// All that it says, as `updateEventType` takes it: the JSON schema of its properties, which of them are personal, which are
    /// measures, its sources, its sample rate, its retention class.
    definition: Json<EventTypeDefinition>,
    /// Who made this version: a staff id, `stf_…`, or the part of the platform that did.
    author: String,
    /// Why.
    reason: String,
    /// When.
    created_at: Time,
}

#[ComplexObject]
impl EventType {
    /// How the author is called; null when it was the platform.
    #[graphql(guard = "Needs(Permission::ReadEventTypes)", complexity = 2)]
    async fn author_name(&self, context: &Context<'_>) -> Result<Option<String>, ApiError> {
        let Ok(staff_id) = self.author.parse::<StaffId>() else { return Ok(None) };
        let member = of_schema::<Store>(context)?.staff.get(staff_id).await.map_err(ApiError::internal("get_staff"))?;
        Ok(member.map(|member| member.display_name))
    }

    /// Its versions that are no newer than this one, newest first: the first (1 to 200) after a cursor.
    #[graphql(
        guard = "Needs(Permission::ReadEventTypes)",
        complexity = "crate::schema::cost::list(first, 25, MAX_PAGE, child_complexity)"
    )]
    async fn history(
        &self,
        context: &Context<'_>,
        #[graphql(default_with = "Some(25)")] first: Option<i32>,
        after: Option<String>,
    ) -> Result<EventTypeConnection, ApiError> {
        let first = within("first", first.unwrap_or(25), MAX_PAGE)?;
        let before = after.as_deref().map(decode::<u32>).transpose()?.unwrap_or(self.version.saturating_add(1));
        let types = &of_schema::<Store>(context)?.event_types;
        let found = types.history(&self.name, Some(before), first + 1).await;
        let found = found.map_err(ApiError::internal("event_type_history"))?;
        Ok(EventTypeConnection::of(found.into_iter().map(EventType::from), first, |version| {
            version.version.to_string()
        }))
    }
}

impl From<muster_store::EventTypeVersion> for EventType {
    fn from(version: muster_store::EventTypeVersion) -> Self {
        Self {
            name: version.definition.name.clone(),
            version: version.definition.version,
            owner: version.definition.owner.clone(),
            enabled: version.definition.enabled,
            definition: Json(version.definition),
            author: version.author,
            reason: version.reason,
            created_at: Time(version.created_at),
        }
    }
}

/// Who sends events that can be refused.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventSource {
    /// Game clients.
    Client,
    /// Trusted servers.
    Trusted,
}

impl From<EventSource> for muster_store::TelemetrySource {
    fn from(source: EventSource) -> Self {
        match source {
            EventSource::Client => Self::Client,
            EventSource::Trusted => Self::Trusted,
        }
    }
}

/// A source from which nothing is taken.
#[derive(SimpleObject)]
pub struct ClosedEventSource {
    /// `client` or `trusted`.
    source: String,
    /// Who closed it.
    author: String,
    /// Why.
    reason: String,
    /// When.
    closed_at: Time,
}

impl From<muster_store::ClosedSource> for ClosedEventSource {
    fn from(closed: muster_store::ClosedSource) -> Self {
        Self {
            source: closed.source.to_string(),
            author: closed.author,
            reason: closed.reason,
            closed_at: Time(closed.closed_at),
        }
    }
}

/// Queries about event types.
#[derive(Default)]
pub struct EventTypeQuery;

#[Object]
impl EventTypeQuery {
    /// The newest version of every event type, by name: the first (1 to 200) after a cursor.
    #[graphql(
        guard = "Needs(Permission::ReadEventTypes)",
        complexity = "crate::schema::cost::list(first, 100, MAX_PAGE, child_complexity)"
    )]
    async fn event_types(
        &self,
        context: &Context<'_>,
        #[graphql(default_with = "Some(100)")] first: Option<i32>,
        after: Option<String>,
    ) -> Result<EventTypeConnection, ApiError> {
        let first = within("first", first.unwrap_or(100), MAX_PAGE)?;
        let after = after.as_deref().map(decode::<String>).transpose()?;
        let found = of_schema::<Store>(context)?.event_types.list().await;
        let found = found.map_err(ApiError::internal("list_event_types"))?;
        let found = found.into_iter().filter(|version| Some(&version.definition.name) > after.as_ref());
        Ok(EventTypeConnection::of(found.map(EventType::from), first, |version| version.name.clone()))
    }

    /// One event type; null when nobody has defined it.
    #[graphql(guard = "Needs(Permission::ReadEventTypes)")]
    async fn event_type(&self, context: &Context<'_>, name: String) -> Result<Option<EventType>, ApiError> {
        let found = of_schema::<Store>(context)?.event_types.get(&name).await;
        Ok(found.map_err(ApiError::internal("get_event_type"))?.map(EventType::from))
    }

    /// The sources from which nothing is taken.
    #[graphql(guard = "Needs(Permission::ReadEventTypes)", complexity = "2 * child_complexity + 1")]
    async fn closed_event_sources(&self, context: &Context<'_>) -> Result<Vec<ClosedEventSource>, ApiError> {
        let found = of_schema::<Store>(context)?.event_types.closed_sources().await;
        let found = found.map_err(ApiError::internal("closed_sources"))?;
        Ok(found.into_iter().map(ClosedEventSource::from).collect())
    }
}
