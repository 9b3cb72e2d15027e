//! What happens in a match, as a list and as a stream.

use async_graphql::{Context, ID, SimpleObject, Subscription};
use futures::{Stream, StreamExt};
use muster_core::{game::GameEvent, wire::LoggedEvent};
use muster_store::{MatchRecord, Store};

use super::{errors::ApiError, matches::parse_id, of_schema, time::Time};
use crate::auth::{Needs, Permission};

/// Something that happened in a match.
#[derive(SimpleObject)]
pub struct MatchEvent {
    /// Its place in the match, from 1.
    seq: u64,
    /// When it happened.
    at: Time,
    /// started, rolled, banked, turn_began, passed, dropped, returned or ended.
    kind: &'static str,
    /// Whom it is about: `first` or `second`.
    seat: Option<&'static str>,
    /// The faces of a roll.
    dice: Option<Vec<u8>>,
    /// What a roll did: scored, doubled, snake_eyes, boxcars, bust or kept.
    effect: Option<&'static str>,
    /// The turn score after a roll.
    turn_score: Option<u32>,
    /// The multiplier after a roll.
    multiplier: Option<u32>,
    /// Both totals after it, in seat order.
    totals: Option<Vec<u32>>,
    /// The event as a plain sentence.
    summary: String,
}

impl MatchEvent {
    pub(super) fn new(logged: LoggedEvent, names: [&str; 2]) -> Self {
        let event = &logged.event;
        let (dice, effect, turn_score, multiplier) = match event {
            GameEvent::Rolled { dice, effect, turn_score, multiplier, .. } => {
                (Some(dice.to_vec()), Some(effect.as_str()), Some(*turn_score), Some(*multiplier))
            }
            _ => (None, None, None, None),
        };
        Self {
            seq: logged.seq,
            at: Time(logged.at),
            kind: event.kind(),
            seat: event.seat().map(|seat| seat.as_str()),
            dice,
            effect,
            turn_score,
            multiplier,
            totals: event.totals().map(Vec::from),
            summary: event.summary(names),
        }
    }

    /// The events of a match, in their order.
    pub(super) fn all(events: Vec<LoggedEvent>, record: &MatchRecord) -> Vec<Self> {
        let names = record.players.each_ref().map(|player| player.display_name.as_str());
        events.into_iter().map(|event| Self::new(event, names)).collect()
    }
}

/// A sequence number as it was sent; 0, the default, is before the first event.
pub(super) fn sequence(after: Option<i32>) -> Result<u64, ApiError> {
    let after = after.unwrap_or(0);
    u64::try_from(after).map_err(|_| ApiError::bad_input(format!("after must be 0 or more, not {after}")))
}

/// The totals after the last event that tells them, of a match whose row does not: it is running.
pub(super) async fn latest_totals(store: &Store, record: &MatchRecord) -> Result<[u32; 2], ApiError> {
    let mut totals = [record.mode.start_total(); 2];
    let mut after = 0;
    loop {
        let page =
            store.matches.events(record.match_id, after, 1_000).await.map_err(ApiError::internal("match_totals"))?;
        let Some(page) = page else { return Ok(totals) };
        totals = page.events.iter().rev().find_map(|logged| logged.event.totals()).unwrap_or(totals);
        match page.events.last() {
            Some(last) if page.has_next => after = last.seq,
            _ => return Ok(totals),
        }
    }
}

/// Matches as streams.
#[derive(Default)]
pub struct EventSubscription;

#[Subscription]
impl EventSubscription {
    /// What happened in a match after the sequence number `after`, then what happens, in batches; ends after the match's end.
    #[graphql(guard = "Needs(Permission::ReadMatches)")]
    async fn match_events(
        &self,
        context: &Context<'_>,
        id: ID,
        #[graphql(default_with = "Some(0)")] after: Option<i32>,
    ) -> Result<impl Stream<Item = Result<Vec<MatchEvent>, ApiError>> + use<>, ApiError> {
        let match_id = parse_id(&id)?;
        let after = sequence(after)?;
        let store = of_schema::<Store>(context)?;
        let nowhere = || ApiError::NotFound { what: "match", id: match_id.to_string() };

        let record = store.matches.get(match_id).await.map_err(ApiError::internal("get_match"))?.ok_or_else(nowhere)?;
        let followed = store.matches.follow(match_id, after).await;
        let stream = followed.map_err(ApiError::internal("follow_match"))?.ok_or_else(nowhere)?;
        Ok(stream.map(move |batch| {
            let events = batch.map_err(ApiError::internal("follow_match"))?;
            Ok(MatchEvent::all(events, &record))
        }))
    }
}
