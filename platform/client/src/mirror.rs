//! A copy of a match, kept by folding its log: the same `evolve` as the referee's, so the same state.

use muster_core::{
    game::{MatchState, Outcome, Seat, evolve},
    id::{MatchId, PlayerId},
    wire::{LoggedEvent, MatchView},
};

/// One match as its log tells it so far.
#[derive(Debug, Clone)]
pub struct MatchMirror {
    match_id: MatchId,
    players: [Option<PlayerId>; 2],
    names: [String; 2],
    state: MatchState,
    log: Vec<LoggedEvent>,
}

/// Entries are missing between what the mirror has and what it was given: read the log after `have`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the log goes on with {got}, but only {have} entries are known: read it after {have}")]
pub struct Gap {
    /// The last entry that the mirror has; 0 is none.
    pub have: u64,
    /// The first entry that it was given.
    pub got: u64,
}

impl MatchMirror {
    /// An empty mirror of the match; feed it its log from the first entry on.
    #[must_use]
    pub fn new(view: &MatchView) -> Self {
        let mut players = [None, None];
        let mut names = [String::new(), String::new()];
        for player in &view.players {
            players[player.seat.index()] = Some(player.player_id);
            names[player.seat.index()].clone_from(&player.display_name);
        }
        Self {
            match_id: view.match_id,
            players,
            names,
            // Who begins is told by the first entry, which replaces this.
            state: MatchState::start(view.mode, Seat::First, view.created_at),
            log: Vec::new(),
        }
    }

    /// Takes entries in; those that it has already are skipped, so overlapping pages do no harm. Gives the new ones.
    ///
    /// # Errors
    /// [`Gap`] when entries are missing; nothing was taken in then.
    pub fn apply(&mut self, events: &[LoggedEvent]) -> Result<&[LoggedEvent], Gap> {
        let have = self.seq();
        let fresh: Vec<&LoggedEvent> = events.iter().filter(|event| event.seq > have).collect();
        for (expected, event) in (have + 1..).zip(&fresh) {
            if event.seq != expected {
                return Err(Gap { have: expected - 1, got: event.seq });
            }
        }
        let before = self.log.len();
        for event in fresh {
            evolve(&mut self.state, &event.event, event.at);
            self.log.push(event.clone());
        }
        Ok(&self.log[before..])
    }

    /// Which match this is.
    #[must_use]
    pub fn match_id(&self) -> MatchId {
        self.match_id
    }

    /// The last entry's number; 0 before the first.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.log.last().map_or(0, |event| event.seq)
    }

    /// The state after the last entry.
    #[must_use]
    pub fn state(&self) -> &MatchState {
        &self.state
    }

    /// Every entry so far.
    #[must_use]
    pub fn log(&self) -> &[LoggedEvent] {
        &self.log
    }

    /// The players' names, in seat order.
    #[must_use]
    pub fn names(&self) -> [&str; 2] {
        [&self.names[0], &self.names[1]]
    }

    /// Where a player sits; none for a spectator.
    #[must_use]
    pub fn seat_of(&self, player: PlayerId) -> Option<Seat> {
        Seat::ALL.into_iter().find(|seat| self.players[seat.index()] == Some(player))
    }

    /// Whether it is this seat's turn: the match has begun and is not over.
    #[must_use]
    pub fn is_turn_of(&self, seat: Seat) -> bool {
        !self.log.is_empty() && self.state.outcome.is_none() && self.state.turn == seat
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.state.outcome.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_fold_is_the_referees_state() {
        let played = fixture::played_match(7);
        let mut mirror = MatchMirror::new(&played.view);
        for event in &played.log {
            mirror.apply(std::slice::from_ref(event)).unwrap();
        }
        assert_eq!(mirror.state(), &played.state);
        assert_eq!(mirror.outcome(), played.state.outcome.as_ref());
        assert_eq!(mirror.seq(), played.log.len() as u64);
    }

    #[test]
    fn overlapping_pages_are_taken_once() {
        let played = fixture::played_match(8);
        let mut mirror = MatchMirror::new(&played.view);
        assert_eq!(mirror.apply(&played.log[..4]).unwrap().len(), 4);
        assert_eq!(mirror.apply(&played.log[1..6]).unwrap().len(), 2);
        assert_eq!(mirror.apply(&played.log[..3]).unwrap().len(), 0);
        mirror.apply(&played.log).unwrap();
        assert_eq!(mirror.state(), &played.state);
    }

    #[test]
    fn a_gap_is_told_and_changes_nothing() {
        let played = fixture::played_match(9);
        let mut mirror = MatchMirror::new(&played.view);
        mirror.apply(&played.log[..2]).unwrap();
        let before = mirror.state().clone();
        assert_eq!(mirror.apply(&played.log[3..5]), Err(Gap { have: 2, got: 4 }));
        assert_eq!(mirror.state(), &before);
    }

    #[test]
    fn a_player_has_a_seat_and_a_spectator_none() {
        let played = fixture::played_match(1);
        let mirror = MatchMirror::new(&played.view);
        assert_eq!(mirror.seat_of(played.view.players[1].player_id), Some(Seat::Second));
        assert_eq!(mirror.seat_of(PlayerId::from_uuid(uuid::Uuid::max())), None);
        assert!(!mirror.is_turn_of(Seat::First), "a match without its first entry has not begun");
    }
}
