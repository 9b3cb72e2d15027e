//! Making event types and changing them; opening and closing sources.

use async_graphql::{Context, InputObject, Json, Object};
use muster_core::telemetry::EventTypeDefinition;
use muster_store::{Actor, EventTypeChange, PutEventTypeError, SourceSwitch, Store, SwitchError};
use serde_json::Value;

use super::{ClosedEventSource, EventSource, EventType};
use crate::{
    auth::{Needs, Permission, session_of},
    events,
    schema::{errors::ApiError, of_schema, queues::read_reason},
};

/// An event type to be made.
#[derive(InputObject)]
pub struct CreateEventTypeInput {
    /// What it says. `version` may be absent; it begins with 1.
    definition: Json<Value>,
    /// Why it is made: 3 to 500 characters, for the history and the audit log.
    reason: String,
}

/// Acts on event types and sources.
#[derive(Default)]
pub struct EventTypeMutation;

#[Object]
impl EventTypeMutation {
    /// Makes an event type; every gateway has it within a second. Events of its kind that are in quarantine stay there until
    /// `releaseQuarantine`. Refused with `invalid_field` or `event_type_exists`.
    #[graphql(guard = "Needs(Permission::EditEventTypes)")]
    async fn create_event_type(
        &self,
        context: &Context<'_>,
        input: CreateEventTypeInput,
    ) -> Result<EventType, ApiError> {
        let definition = read_definition(input.definition.0, None)?;
        put(context, definition, None, &input.reason).await
    }

    /// Makes the next version of an event type, which must be at `expectedVersion`; every gateway has it within a second. `name`
    /// and `version` of the definition may be absent. Refused with `invalid_field`, `not_found`, or `version_conflict`
    /// (`extensions.current_version` is what it is at by now).
    #[graphql(guard = "Needs(Permission::EditEventTypes)")]
    async fn update_event_type(
        &self,
        context: &Context<'_>,
        name: String,
        expected_version: i32,
        definition: Json<Value>,
        reason: String,
    ) -> Result<EventType, ApiError> {
        let expected = u32::try_from(expected_version).ok().filter(|version| *version > 0);
        let expected = expected
            .ok_or_else(|| ApiError::bad_input("expectedVersion must be 1 or more: the version that you looked at"))?;
        let definition = read_definition(definition.0, Some(&name))?;
        put(context, definition, Some(expected), &reason).await
    }

    /// The kill switch of an event type: while it is off, its events are refused as `switched_off` and not kept. Otherwise the
    /// type stays as it is. Refused with `not_found`, or `version_conflict` when somebody else changed it at the same time.
    #[graphql(guard = "Needs(Permission::EditEventTypes)")]
    async fn switch_event_type(
        &self,
        context: &Context<'_>,
        name: String,
        enabled: bool,
        reason: String,
    ) -> Result<EventType, ApiError> {
        let newest = of_schema::<Store>(context)?.event_types.get(&name).await;
        let newest = newest.map_err(ApiError::internal("get_event_type"))?.ok_or_else(|| no_type(&name))?.definition;
        let expected = newest.version;
        put(context, EventTypeDefinition { enabled, ..newest }, Some(expected), &reason).await
    }

    /// The kill switch of a source: while it is closed, all its events are refused as `switched_off` and not kept. Returns the
    /// sources that are closed now.
    #[graphql(guard = "Needs(Permission::EditEventTypes)", complexity = "2 * child_complexity + 1")]
    async fn switch_event_source(
        &self,
        context: &Context<'_>,
        source: EventSource,
        closed: bool,
        reason: String,
    ) -> Result<Vec<ClosedEventSource>, ApiError> {
        let author = session_of(context)?.member.staff_id;
        let types = &of_schema::<Store>(context)?.event_types;
        let source = source.into();
        let switch = SourceSwitch { source, closed, author: Actor::Staff(author), reason: read_reason(&reason)? };
        types.switch(&switch, muster_store::now()).await.map_err(|error| match error {
            SwitchError::Invalid(invalid) => ApiError::InvalidFields(invalid.0),
            SwitchError::Store(error) => ApiError::internal("switch_source")(error),
        })?;
        events::event_source_switched(author, source, closed);
        let found = types.closed_sources().await.map_err(ApiError::internal("closed_sources"))?;
        Ok(found.into_iter().map(ClosedEventSource::from).collect())
    }
}

async fn put(
    context: &Context<'_>,
    definition: EventTypeDefinition,
    expected_version: Option<u32>,
    reason: &str,
) -> Result<EventType, ApiError> {
    let author = session_of(context)?.member.staff_id;
    let reason = read_reason(reason)?;
    let now = muster_store::now();
    let change = EventTypeChange { definition, expected_version, author: Actor::Staff(author), reason };
    let name = &change.definition.name;
    let made = of_schema::<Store>(context)?.event_types.put(&change, now).await;
    let definition = made.map_err(|error| refusal(name, error))?;
    events::event_type_put(author, &definition.name, definition.version, definition.enabled);
    let version = muster_store::EventTypeVersion {
        definition,
        author: change.author.to_string(),
        reason: change.reason.clone(),
        created_at: now,
    };
    Ok(version.into())
}

fn refusal(name: &str, error: PutEventTypeError) -> ApiError {
    match error {
        PutEventTypeError::Exists => ApiError::EventTypeExists { name: name.to_owned() },
        PutEventTypeError::VersionConflict { current: 0 } => no_type(name),
        PutEventTypeError::VersionConflict { current } => ApiError::VersionConflict { name: name.to_owned(), current },
        PutEventTypeError::TooMany => ApiError::bad_input(error.to_string()),
        PutEventTypeError::Invalid(invalid) => ApiError::InvalidFields(invalid.0),
        PutEventTypeError::Store(error) => ApiError::internal("put_event_type")(error),
    }
}

pub(super) fn no_type(name: &str) -> ApiError {
    ApiError::NotFound { what: "event type", id: name.to_owned() }
}

/// A definition as staff write it: of a type that exists its name may be left out, and its version always, for that is the
/// store's to count.
fn read_definition(mut definition: Value, name: Option<&str>) -> Result<EventTypeDefinition, ApiError> {
    if let Some(fields) = definition.as_object_mut() {
        fields.entry("version").or_insert_with(|| 1.into());
        if let Some(name) = name {
            fields.entry("name").or_insert_with(|| name.into());
        }
    }
    let definition =
        EventTypeDefinition::from_json(&definition).map_err(|invalid| ApiError::InvalidFields(invalid.0))?;
    match name {
        Some(name) if name != definition.name => {
            Err(ApiError::invalid_field("name", format!("has to be `{name}`: an event type keeps its name")))
        }
        _ => Ok(definition),
    }
}
