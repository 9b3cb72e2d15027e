//! Making queues and changing them.

use async_graphql::{Context, InputObject, Json, Object};
use muster_core::matchmaking::QueueDefinition;
use muster_store::{Actor, PutQueueError, QueueChange, Store};
use serde_json::Value;

use super::{Queue, no_queue};
use crate::{
    auth::{Needs, Permission, session_of},
    events::{self, QueueAct},
    schema::{errors::ApiError, of_schema},
};

/// How many characters a reason has.
const REASON: std::ops::RangeInclusive<usize> = 3..=500;

/// A queue to be made.
#[derive(InputObject)]
pub struct CreateQueueInput {
    /// Its rules. `version` may be absent; it begins with 1.
    definition: Json<Value>,
    /// Why it is made: 3 to 500 characters, for the history and the audit log.
    reason: String,
}

/// Acts on queues.
#[derive(Default)]
pub struct QueueMutation;

#[Object]
impl QueueMutation {
    /// Makes a queue; every matchmaker has it within a second. Refused with `invalid_field` (`extensions.errors` has each
    /// field's path and what is allowed there) or `queue_exists`.
    #[graphql(guard = "Needs(Permission::EditQueues)")]
    async fn create_queue(&self, context: &Context<'_>, input: CreateQueueInput) -> Result<Queue, ApiError> {
        let change =
            Change { name: None, expected_version: None, definition: input.definition.0, reason: input.reason };
        change.make(context, QueueAct::Created).await
    }

    /// Makes the next version of a queue, which must be at `expectedVersion`; every matchmaker has it within a second. Tickets that
    /// the new rules do not take fail with the reason `queue_changed`. `name` and `version` of the definition may be absent.
    /// Refused with `invalid_field` (`extensions.errors` has each field's path and what is allowed there), `not_found`, or
    /// `version_conflict` (`extensions.current_version` is what it is at by now).
    #[graphql(guard = "Needs(Permission::EditQueues)")]
    async fn update_queue(
        &self,
        context: &Context<'_>,
        name: String,
        expected_version: i32,
        definition: Json<Value>,
        reason: String,
    ) -> Result<Queue, ApiError> {
        let expected_version = match u32::try_from(expected_version) {
            Ok(version @ 1..) => version,
            _ => return Err(ApiError::bad_input("expectedVersion must be 1 or more: the version that you looked at")),
        };
        let change =
            Change { name: Some(name), expected_version: Some(expected_version), definition: definition.0, reason };
        change.make(context, QueueAct::Changed).await
    }
}

/// What staff ask for.
struct Change {
    /// None: a new queue, by the name in its definition.
    name: Option<String>,
    expected_version: Option<u32>,
    definition: Value,
    reason: String,
}

impl Change {
    async fn make(self, context: &Context<'_>, act: QueueAct) -> Result<Queue, ApiError> {
        let author = session_of(context)?.member.staff_id;
        let change = QueueChange {
            definition: read_definition(self.definition, self.name.as_deref())?,
            expected_version: self.expected_version,
            author: Actor::Staff(author),
            reason: read_reason(&self.reason)?,
        };
        let name = &change.definition.name;
        let made = of_schema::<Store>(context)?.queues.put(&change, muster_store::now()).await;
        let made = made.map_err(|error| refusal(name, error))?;
        events::queue_put(author, act, &made.name, made.version);
        Ok(Queue::new(made))
    }
}

fn refusal(name: &str, error: PutQueueError) -> ApiError {
    match error {
        PutQueueError::Exists => ApiError::QueueExists { name: name.to_owned() },
        PutQueueError::VersionConflict { current: 0 } => no_queue(name),
        PutQueueError::VersionConflict { current } => ApiError::VersionConflict { name: name.to_owned(), current },
        PutQueueError::Invalid(invalid) => invalid.into(),
        PutQueueError::Store(error) => ApiError::internal("put_queue")(error),
    }
}

pub(in crate::schema) fn read_reason(reason: &str) -> Result<String, ApiError> {
    let reason = reason.trim();
    if REASON.contains(&reason.chars().count()) {
        Ok(reason.to_owned())
    } else {
        let (least, most) = (REASON.start(), REASON.end());
        Err(ApiError::invalid_field(
            "reason",
            format!("has to be {least} to {most} characters long: say why it changes"),
        ))
    }
}

/// A definition as staff write it: of a queue that exists its name may be left out, and its version always, for that is the
/// store's to count.
pub(super) fn read_definition(mut definition: Value, name: Option<&str>) -> Result<QueueDefinition, ApiError> {
    if let Some(fields) = definition.as_object_mut() {
        fields.entry("version").or_insert_with(|| 1.into());
        if let Some(name) = name {
            fields.entry("name").or_insert_with(|| name.into());
        }
    }
    let definition = QueueDefinition::from_json(&definition)?;
    match name {
        Some(name) if name != definition.name => {
            Err(ApiError::invalid_field("name", format!("has to be `{name}`: a queue keeps its name")))
        }
        _ => Ok(definition),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reason_says_something() {
        assert_eq!(read_reason("  too slow at night \n"), Ok("too slow at night".to_owned()));
        assert!(read_reason(&"x".repeat(500)).is_ok());
        for reason in ["", "no", " \n x ", &"x".repeat(501)] {
            assert_eq!(read_reason(reason).expect_err("it is refused").code(), "invalid_field", "{reason}");
        }
    }

    #[test]
    fn a_queue_keeps_its_name() {
        let rules = json!({ "ranked": false });
        let named = |name: &str| json!({ "name": name, "version": 7, "ranked": false });
        assert_eq!(read_definition(rules.clone(), Some("duel")).map(|queue| queue.name), Ok("duel".to_owned()));
        assert_eq!(read_definition(named("duel"), None).map(|queue| queue.version), Ok(7));
        let renamed = read_definition(named("brawl"), Some("duel")).expect_err("it is refused");
        assert_eq!(renamed, ApiError::invalid_field("name", "has to be `duel`: a queue keeps its name"));
        for definition in [rules, json!(null), json!([]), json!({ "name": "duel", "ranked": "yes" })] {
            assert_eq!(read_definition(definition, None).expect_err("it is refused").code(), "invalid_field");
        }
    }
}
