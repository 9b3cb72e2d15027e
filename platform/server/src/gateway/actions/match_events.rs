//! Showing a match: all of it to its players, and to anybody once it is over; to others, while it runs, what is older than the
//! spectators' delay, so that nobody can tell a player what they are not to know yet.

use chrono::{DateTime, Utc};
use muster_core::game::MatchState;
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{EventPage, LoggedEvent, MatchStatus, MatchView};
use muster_store::{MatchRecord, number_events};

use crate::error::{ApiError, Code};
use crate::gateway::Gateway;

/// How much of a match somebody may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Everything.
    All,
    /// What happened until then.
    Until(DateTime<Utc>),
}

impl Gateway {
    /// A match as this player may see it now.
    pub(in crate::gateway) async fn show_match(
        &self,
        caller: PlayerId,
        match_id: MatchId,
    ) -> Result<MatchView, ApiError> {
        let record = self.store.matches.get(match_id).await?;
        match record.filter(|record| !record.finished && !plays(record, caller)) {
            // The owner need not be asked: the log says how it stood then.
            Some(record) => {
                let sight = self.spectators_sight()?;
                let events = self.store.matches.events_until(match_id, u64::MAX).await?.unwrap_or_default();
                Ok(view_at(record.view(), &seen(events, sight)))
            }
            None => {
                let view = self.view_match(match_id).await?;
                let shown = view.state == MatchStatus::Finished || is_player(&view, caller);
                // Without a row it has begun a moment ago: for others there is nothing to see of it yet.
                if shown { Ok(view) } else { self.spectators_sight().map(|_| view_at(view, &[])) }
            }
        }
    }

    /// What this player may see of what happened in a match after a number: `first` events at most, 1 to 1000.
    pub(in crate::gateway) async fn match_events(
        &self,
        caller: PlayerId,
        match_id: MatchId,
        after: u64,
        first: u32,
    ) -> Result<EventPage, ApiError> {
        let Some(record) = self.store.matches.get(match_id).await? else {
            return self.events_of_new_match(caller, match_id, after, first).await;
        };
        let sight = if record.finished || plays(&record, caller) { Sight::All } else { self.spectators_sight()? };
        let page = self.store.matches.events(match_id, after, first).await?.ok_or(Code::NotFound)?;
        Ok(page_seen(page, after, sight))
    }

    /// Without a row a match may still have begun, a moment ago.
    async fn events_of_new_match(
        &self,
        caller: PlayerId,
        match_id: MatchId,
        after: u64,
        first: u32,
    ) -> Result<EventPage, ApiError> {
        let view = self.view_new_match(match_id).await?;
        let sight = if is_player(&view, caller) { Sight::All } else { self.spectators_sight()? };
        let log = self.store.match_log.read(match_id).await?;
        let mut events = number_events(log.iter().map(|(_, entry)| entry));
        events.retain(|event| event.seq > after);
        let has_next = events.len() > first as usize;
        events.truncate(first as usize);
        let page = EventPage { end_cursor: events.last().map_or(after, |event| event.seq), events, has_next };
        Ok(page_seen(page, after, sight))
    }

    /// What those see of a running match who do not play it.
    fn spectators_sight(&self) -> Result<Sight, ApiError> {
        let gateway = &self.settings.gateway;
        if !gateway.spectators {
            return Err(Code::SpectatorsOff.into());
        }
        Ok(Sight::Until(muster_store::now() - gateway.spectator_delay))
    }
}

fn plays(record: &MatchRecord, player: PlayerId) -> bool {
    record.players.iter().any(|seat| seat.player_id == player)
}

fn is_player(view: &MatchView, player: PlayerId) -> bool {
    view.players.iter().any(|seat| seat.player_id == player)
}

/// The events that may be seen. They are in the order of time.
fn seen(mut events: Vec<LoggedEvent>, sight: Sight) -> Vec<LoggedEvent> {
    if let Sight::Until(until) = sight {
        let ripe = events.iter().take_while(|event| event.at <= until).count();
        events.truncate(ripe);
    }
    events
}

/// A page without what may not be seen yet: as if that had not happened.
fn page_seen(page: EventPage, after: u64, sight: Sight) -> EventPage {
    let had = page.events.len();
    let events = seen(page.events, sight);
    let has_next = page.has_next && events.len() == had;
    EventPage { end_cursor: events.last().map_or(after, |event| event.seq), events, has_next }
}

/// A running match as it was after these events, which are its first.
fn view_at(view: MatchView, events: &[LoggedEvent]) -> MatchView {
    let state = MatchState::replay(events.iter().map(|logged| (logged.at, &logged.event)));
    MatchView {
        state: MatchStatus::Running,
        seed: None,
        ended_at: None,
        outcome: None,
        version: state.as_ref().map_or(0, |state| state.version),
        totals: state.as_ref().map_or([view.mode.start_total(); 2], |state| state.totals),
        turn: state.as_ref().map(|state| state.turn),
        ..view
    }
}

#[cfg(test)]
mod tests {
    use muster_core::game::{Dice, GameEvent, Mode, Seat, opening};

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn events() -> Vec<LoggedEvent> {
        let dice = Dice::new([3; 32], [None, None]);
        let first = dice.first_seat();
        let banked = GameEvent::Banked { seat: first, by_clock: false, gained: 9, totals: [9, 0] };
        let happened =
            opening(Mode::Classic, &dice).into_iter().chain([banked, GameEvent::TurnBegan { seat: first.other() }]);
        (1..).zip(happened).map(|(seq, event)| LoggedEvent { seq, at: at(seq as i64), event }).collect()
    }

    fn page(has_next: bool) -> EventPage {
        EventPage { events: events(), end_cursor: 3, has_next }
    }

    #[test]
    fn others_see_what_is_ripe() {
        let all = page_seen(page(true), 0, Sight::All);
        assert_eq!((all.events.len(), all.end_cursor, all.has_next), (3, 3, true));
        let some = page_seen(page(true), 0, Sight::Until(at(2)));
        assert_eq!((some.events.len(), some.end_cursor, some.has_next), (2, 2, false));
        let none = page_seen(page(true), 7, Sight::Until(at(0)));
        assert_eq!((none.events.len(), none.end_cursor, none.has_next), (0, 7, false));
        assert!(page_seen(page(true), 0, Sight::Until(at(3))).has_next);
    }

    #[test]
    fn a_view_of_then_knows_nothing_of_now() {
        let now = MatchView {
            match_id: muster_store::fresh_id(),
            queue: "classic-casual".to_owned(),
            mode: Mode::Classic,
            state: MatchStatus::Finished,
            players: Vec::new(),
            commitment: "00".repeat(32),
            seed: Some("11".repeat(32)),
            created_at: at(0),
            ended_at: Some(at(9)),
            outcome: None,
            version: 40,
            totals: [80, 101],
            turn: Some(Seat::First),
        };
        let begun = view_at(now.clone(), &[]);
        assert_eq!((begun.version, begun.totals, begun.turn, begun.seed), (0, [0, 0], None, None));
        let then = view_at(now, &events()[..2]);
        assert_eq!((then.version, then.totals, then.state, then.ended_at), (2, [9, 0], MatchStatus::Running, None));
    }
}
