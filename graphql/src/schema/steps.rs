//! A match step by step: each event with the state that the referee's own rules make of it.

use async_graphql::{ComplexObject, Context, SimpleObject};
use chrono::{DateTime, Utc};
use muster_core::{
    game::{self, GameEvent, Seat},
    wire::LoggedEvent,
};
use muster_store::{MatchRecord, Store};

use super::{
    errors::ApiError,
    events::MatchEvent,
    of_schema,
    page::{self, PageInfo},
    time::Time,
};
use crate::auth::{Needs, Permission};

/// One page of a match's steps, in order.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct MatchStepConnection {
    /// The steps of this page.
    edges: Vec<MatchStepEdge>,
    /// Whether and where it goes on.
    page_info: PageInfo,
    #[graphql(skip)]
    record: MatchRecord,
}

/// A step and where it stands in the match.
#[derive(SimpleObject)]
pub struct MatchStepEdge {
    /// For `after`.
    cursor: String,
    /// The step.
    node: MatchStep,
}

/// Something that happened, and how the match stood then.
#[derive(SimpleObject)]
pub struct MatchStep {
    /// What happened.
    event: MatchEvent,
    /// How the match stood after it.
    state: GameState,
}

/// A match at one moment. Lists are in seat order.
#[derive(SimpleObject)]
pub struct GameState {
    /// Whose turn it is, `first` or `second`; when the match is over, whose it was.
    turn: &'static str,
    /// The banked scores.
    totals: Vec<u32>,
    /// What the turn has gathered so far.
    turn_score: u32,
    /// How often the turn was rolled.
    rolls_in_turn: u32,
    /// What the sum of the next roll counts, 1 to 7.
    multiplier: u32,
    /// How often the match was rolled.
    rolls: u64,
    /// How many turns in a row each player has let the clock end.
    idle_turns: Vec<u8>,
    /// Who is connected.
    connected: Vec<bool>,
    /// When the turn's clock runs out; none while it is held, because only the opponent is away, and when the match is over.
    turn_deadline: Option<Time>,
    /// Until when each player who is away has to return.
    return_by: Vec<Option<Time>>,
    /// Whether the match is over.
    over: bool,
}

#[ComplexObject]
impl MatchStepConnection {
    /// All steps, on every page together; of a running match, so far.
    #[graphql(guard = "Needs(Permission::ReadMatches)")]
    async fn total_count(&self, context: &Context<'_>) -> Result<u64, ApiError> {
        if self.record.finished {
            return Ok(self.record.version);
        }
        let events = read(of_schema::<Store>(context)?, &self.record, u64::MAX).await?;
        Ok(events.len() as u64)
    }
}

impl MatchStepConnection {
    /// The first steps after the event of this number.
    pub(super) async fn read(store: &Store, record: &MatchRecord, after: u64, first: u32) -> Result<Self, ApiError> {
        // One more than asked for tells whether there is another page.
        let until = after.saturating_add(u64::from(first) + 1);
        let events = read(store, record, until).await?;
        let has_next_page = events.len() as u64 == until;
        let names = record.players.each_ref().map(|player| player.display_name.as_str());
        let edges: Vec<MatchStepEdge> = states(events)
            .skip_while(|(logged, _)| logged.seq <= after)
            .take(first as usize)
            .map(|(logged, state)| MatchStepEdge {
                cursor: page::encode(&logged.seq),
                node: MatchStep { event: MatchEvent::new(logged, names), state },
            })
            .collect();
        let end_cursor = edges.last().map(|edge| edge.cursor.clone());
        Ok(Self { page_info: PageInfo::new(has_next_page, end_cursor), edges, record: record.clone() })
    }
}

async fn read(store: &Store, record: &MatchRecord, until: u64) -> Result<Vec<LoggedEvent>, ApiError> {
    let events = store.matches.events_until(record.match_id, until).await.map_err(ApiError::internal("match_steps"))?;
    Ok(events.unwrap_or_default())
}

/// Each event of a match, from its first on, with the state after it.
fn states(events: Vec<LoggedEvent>) -> impl Iterator<Item = (LoggedEvent, GameState)> {
    let mut state = None;
    events.into_iter().map_while(move |logged| {
        if let GameEvent::Started { mode, first, .. } = &logged.event {
            state.get_or_insert_with(|| game::MatchState::start(*mode, *first, logged.at));
        }
        // A log that does not begin with the start of the match tells no state; none is like that.
        let state = state.as_mut()?;
        state.evolve(&logged.event, logged.at);
        let shown = GameState::from(&*state);
        Some((logged, shown))
    })
}

impl From<&game::MatchState> for GameState {
    fn from(state: &game::MatchState) -> Self {
        let over = state.is_over();
        let runs = !over && state.clock.held_since.is_none();
        let time = |at: Option<DateTime<Utc>>| at.filter(|_| !over).map(Time);
        Self {
            turn: state.turn.as_str(),
            totals: state.totals.into(),
            turn_score: state.turn_score,
            rolls_in_turn: state.rolls_in_turn,
            multiplier: state.multiplier,
            rolls: state.rolls,
            idle_turns: state.idle_turns.into(),
            connected: state.connected.into(),
            turn_deadline: runs.then_some(Time(state.clock.deadline)),
            return_by: Seat::ALL.map(|seat| time(state.drop_deadline[seat.index()])).into(),
            over,
        }
    }
}

/// The number of the event after which a page begins: 0 is before the first.
pub(super) fn place(after: Option<&str>, from: Option<i32>) -> Result<u64, ApiError> {
    match (after, from) {
        (Some(_), Some(_)) => Err(ApiError::bad_input("give `after` or `from`, not both")),
        (Some(cursor), None) => page::decode(cursor),
        (None, Some(from)) => match u64::try_from(from) {
            Ok(from @ 1..) => Ok(from - 1),
            _ => Err(ApiError::bad_input(format!("from must be 1 or more, not {from}"))),
        },
        (None, None) => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_after_a_cursor_or_at_an_event() {
        let at = |after: Option<&str>, from| place(after, from).ok();
        assert_eq!([at(None, None), at(None, Some(1)), at(None, Some(40))], [Some(0), Some(0), Some(39)]);
        assert_eq!(at(Some(&page::encode(&7)), None), Some(7));
        assert_eq!([at(None, Some(0)), at(None, Some(-1)), at(Some("Nw"), Some(1)), at(Some("!"), None)], [None; 4]);
    }
}
