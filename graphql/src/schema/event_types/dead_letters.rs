//! The dead letters of telemetry: what could not be stored.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use muster_store::{DeadLetterFilter, Store};

use super::page::DeadLetterConnection;
use crate::{
    auth::{Needs, Permission},
    schema::{
        errors::ApiError,
        of_schema,
        page::{decode, within},
        time::Time,
    },
};

/// Most letters on one page: each may be as large as a message can be.
const MAX_PAGE: i32 = 100;

/// The most characters of a filter's text.
const MAX_TEXT: usize = 200;

/// What could not be stored. Its contents are not shown: they may be anything, and personal.
#[derive(SimpleObject)]
pub struct DeadLetter {
    /// Its place in the DLQ; later ones are higher.
    sequence: u64,
    /// Why it could not be stored.
    reason: String,
    /// The kind of the event, as far as it can be made out.
    kind: Option<String>,
    /// Since when it is dead.
    buried_at: Time,
    /// How often it had been delivered.
    attempts: u64,
    /// How large it is, in bytes.
    bytes: u64,
}

impl From<muster_store::DeadLetter> for DeadLetter {
    fn from(letter: muster_store::DeadLetter) -> Self {
        Self {
            sequence: letter.sequence,
            reason: letter.reason,
            kind: letter.kind,
            buried_at: Time(letter.buried_at),
            attempts: letter.attempts,
            bytes: letter.payload.len() as u64,
        }
    }
}

/// Which dead letters; all of them when nothing is said.
#[derive(InputObject, Default)]
pub struct DeadLetterFilterInput {
    /// Those whose reason holds this text, 200 characters at most.
    reason: Option<String>,
    /// Those whose event is of this kind.
    kind: Option<String>,
    /// Those that died at this moment or later.
    from: Option<Time>,
    /// Those that died before this moment.
    to: Option<Time>,
}

impl DeadLetterFilterInput {
    pub(super) fn read(self) -> Result<DeadLetterFilter, ApiError> {
        let long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.chars().count() > MAX_TEXT);
        if long(&self.reason) || long(&self.kind) {
            return Err(ApiError::bad_input(format!("a filter's text has {MAX_TEXT} characters at most")));
        }
        Ok(DeadLetterFilter {
            reason: self.reason,
            kind: self.kind,
            from: self.from.map(|Time(from)| from),
            to: self.to.map(|Time(to)| to),
        })
    }
}

/// Queries about dead letters.
#[derive(Default)]
pub struct DeadLetterQuery;

#[Object]
impl DeadLetterQuery {
    /// The dead letters of telemetry, oldest first: the first (1 to 100) after a cursor.
    #[graphql(
        guard = "Needs(Permission::ReplayTelemetry)",
        complexity = "crate::schema::cost::list(first, 50, MAX_PAGE, child_complexity)"
    )]
    async fn dead_letters(
        &self,
        context: &Context<'_>,
        #[graphql(default_with = "Some(50)")] first: Option<i32>,
        after: Option<String>,
    ) -> Result<DeadLetterConnection, ApiError> {
        let first = within("first", first.unwrap_or(50), MAX_PAGE)?;
        let after = after.as_deref().map(decode::<u64>).transpose()?.unwrap_or_default();
        let telemetry = &of_schema::<Store>(context)?.telemetry;
        let found = telemetry.dead_letters_after(after, first as usize + 1).await;
        let found = found.map_err(ApiError::internal("dead_letters"))?;
        Ok(DeadLetterConnection::of(found.into_iter().map(DeadLetter::from), first, |letter| {
            letter.sequence.to_string()
        }))
    }

    /// How many dead letters of telemetry there are.
    #[graphql(guard = "Needs(Permission::ReadEventTypes)")]
    async fn dead_letter_count(&self, context: &Context<'_>) -> Result<u64, ApiError> {
        let count = of_schema::<Store>(context)?.telemetry.dead_letter_count().await;
        count.map_err(ApiError::internal("dead_letter_count"))
    }
}
