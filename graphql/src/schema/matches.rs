//! Matches: the list, one match, its players and its outcome.

use async_graphql::{ComplexObject, Context, Enum, ID, Object, SimpleObject};
use muster_core::{
    game::{Mode, Seat},
    id::MatchId,
};
use muster_store::{MatchFilter, MatchRecord, Store};

use super::{
    cost::{MAX_EVENTS, MAX_PAGE, MAX_STEPS},
    errors::ApiError,
    events::{self, MatchEvent},
    of_schema,
    page::{self, MatchConnection, within},
    steps::{self, MatchStepConnection},
    time::Time,
};
use crate::auth::{Needs, Permission};

/// A match between two players.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Match {
    /// Match id, `mch_…`.
    id: ID,
    /// The queue that made it.
    queue: String,
    /// The rules it is played by: quickfire, classic, zero-hour, last-line or true-grit.
    mode: String,
    /// Whether it is over.
    state: MatchState,
    /// When it was made.
    created_at: Time,
    /// When it ended.
    ended_at: Option<Time>,
    /// How even it was predicted to be, 0 to 1.
    quality: Option<f64>,
    /// How it ended.
    outcome: Option<MatchOutcome>,
    /// SHA-256 of the seed of its dice, 64 hex digits, published before the first roll.
    commitment: String,
    /// The seed of its dice, 64 hex digits; only when the match is over, or the rolls to come could be known.
    seed: Option<String>,
    #[graphql(skip)]
    record: MatchRecord,
}

#[ComplexObject]
impl Match {
    /// The two players, in seat order.
    #[graphql(
        guard = "Needs(Permission::ReadMatches)",
        complexity = "crate::schema::cost::list(Some(2), 2, 2, child_complexity)"
    )]
    async fn players(&self, context: &Context<'_>) -> Result<Vec<MatchPlayer>, ApiError> {
        let record = &self.record;
        let totals = match record.outcome {
            Some(outcome) => outcome.totals,
            // Only the log knows a running match's totals; it is read for those who ask for them.
            None if context.look_ahead().field("total").exists() => {
                events::latest_totals(of_schema::<Store>(context)?, record).await?
            }
            None => [record.mode.start_total(); 2],
        };
        let player = |seat: Seat| {
            let player = &record.players[seat.index()];
            MatchPlayer {
                id: player.player_id.to_string().into(),
                display_name: player.display_name.clone(),
                seat: seat.as_str(),
                rating_before: Some(player.rating_before),
                rating_after: player.rating_after,
                total: totals[seat.index()],
            }
        };
        Ok([Seat::First, Seat::Second].map(player).into())
    }

    /// What happened, from the first (1 to 500) events after the sequence number `after`.
    #[graphql(
        guard = "Needs(Permission::ReadMatches)",
        complexity = "crate::schema::cost::list(first, 500, crate::schema::cost::MAX_EVENTS, child_complexity)"
    )]
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(default_with = "Some(500)")] first: Option<i32>,
        #[graphql(default_with = "Some(0)")] after: Option<i32>,
    ) -> Result<Vec<MatchEvent>, ApiError> {
        let first = within("first", first.unwrap_or(MAX_EVENTS), MAX_EVENTS)?;
        let after = events::sequence(after)?;
        let page = of_schema::<Store>(context)?
            .matches
            .events(self.record.match_id, after, first)
            .await
            .map_err(ApiError::internal("match_events"))?;
        let events = page.map(|page| page.events).unwrap_or_default();
        Ok(MatchEvent::all(events, &self.record))
    }

    /// The match step by step: the first (1 to 200) events after a cursor, or from the event numbered `from` on, each with how
    /// the match stood after it. Of a running match, as far as it has come.
    #[graphql(
        guard = "Needs(Permission::ReadMatches)",
        complexity = "crate::schema::cost::list(first, 50, crate::schema::cost::MAX_STEPS, child_complexity)"
    )]
    async fn steps(
        &self,
        context: &Context<'_>,
        #[graphql(default_with = "Some(50)")] first: Option<i32>,
        after: Option<String>,
        from: Option<i32>,
    ) -> Result<MatchStepConnection, ApiError> {
        let first = within("first", first.unwrap_or(50), MAX_STEPS)?;
        let after = steps::place(after.as_deref(), from)?;
        MatchStepConnection::read(of_schema::<Store>(context)?, &self.record, after, first).await
    }
}

impl From<MatchRecord> for Match {
    fn from(record: MatchRecord) -> Self {
        let outcome = record.outcome.map(|outcome| MatchOutcome {
            kind: outcome.kind.as_str(),
            winner_id: outcome.winner.map(|seat| record.players[seat.index()].player_id.to_string().into()),
        });
        Self {
            id: record.match_id.to_string().into(),
            queue: record.queue.clone(),
            mode: record.mode.to_string(),
            state: if record.finished { MatchState::Finished } else { MatchState::Running },
            created_at: Time(record.created_at),
            ended_at: record.ended_at.map(Time),
            quality: Some(record.quality),
            outcome,
            commitment: hex::encode(record.commitment),
            // The store gives no seed of a running match either; what must not leak is checked where it would leave.
            seed: record.seed.filter(|_| record.finished).map(hex::encode),
            record,
        }
    }
}

/// Whether a match is over.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum MatchState {
    /// It is being played.
    Running,
    /// It is over.
    Finished,
}

/// A player in a match.
#[derive(SimpleObject)]
pub struct MatchPlayer {
    /// Player id, `ply_…`.
    id: ID,
    /// How they were called when the match was made.
    display_name: String,
    /// `first` or `second`; not who began.
    seat: &'static str,
    /// The rating they came with.
    rating_before: Option<f64>,
    /// The rating they left with; none while the match is running.
    rating_after: Option<f64>,
    /// Their banked score.
    total: u32,
}

/// How a match ended.
#[derive(SimpleObject)]
pub struct MatchOutcome {
    /// `won`, `forfeited`, `resigned` or `abandoned`.
    kind: &'static str,
    /// Who won; none when it was abandoned.
    winner_id: Option<ID>,
}

/// Queries about matches.
#[derive(Default)]
pub struct MatchQuery;

#[Object]
impl MatchQuery {
    /// Matches, newest first: the first (1 to 100) after a cursor.
    #[graphql(
        guard = "Needs(Permission::ReadMatches)",
        complexity = "crate::schema::cost::list(first, 25, crate::schema::cost::MAX_PAGE, child_complexity)"
    )]
    async fn matches(
        &self,
        context: &Context<'_>,
        #[graphql(default_with = "Some(25)")] first: Option<i32>,
        after: Option<String>,
        state: Option<MatchState>,
        mode: Option<String>,
    ) -> Result<MatchConnection, ApiError> {
        let first = within("first", first.unwrap_or(25), MAX_PAGE)?;
        let after = after.as_deref().map(page::decode).transpose()?;
        let filter = MatchFilter {
            finished: state.map(|state| state == MatchState::Finished),
            mode: mode.as_deref().map(parse_mode).transpose()?,
            ..MatchFilter::default()
        };
        let page = of_schema::<Store>(context)?
            .matches
            .list(&filter, after.as_ref(), first)
            .await
            .map_err(ApiError::internal("list_matches"))?;
        Ok(MatchConnection::new(page, filter))
    }

    /// One match; null when there is none of this id.
    #[graphql(guard = "Needs(Permission::ReadMatches)")]
    async fn r#match(&self, context: &Context<'_>, id: ID) -> Result<Option<Match>, ApiError> {
        let store = of_schema::<Store>(context)?;
        let found = store.matches.get(parse_id(&id)?).await.map_err(ApiError::internal("get_match"))?;
        Ok(found.map(Match::from))
    }
}

/// A match id as it was sent.
pub(super) fn parse_id(id: &ID) -> Result<MatchId, ApiError> {
    id.parse().map_err(|error| ApiError::bad_input(format!("id is not a match id: {error}")))
}

/// A mode as it was sent.
pub(super) fn parse_mode(mode: &str) -> Result<Mode, ApiError> {
    mode.parse().map_err(|error: muster_core::game::UnknownMode| ApiError::bad_input(error.to_string()))
}
