//! One match as its two players are told of it.

use muster_client::{
    bot::BotPolicy,
    core::{
        game::{Command, GameEvent, MatchState, Seat, evolve},
        wire::{LoggedEvent, MatchView},
    },
};
use tokio::time::Instant;

/// A match, and how much of it each player knows.
pub struct Table {
    /// What both were told when it was found.
    pub view: MatchView,
    /// Their indexes, in seat order.
    pub players: [u32; 2],
    /// Everything that either of them was told.
    pub log: Vec<LoggedEvent>,
    /// The seed, once a player was told that it is over.
    pub seed: Option<String>,
    /// Who was told that it was found.
    pub found: [bool; 2],
    /// Who was told that it is over.
    pub ended: [bool; 2],
    state: Option<MatchState>,
    /// How many events each was told.
    told: [usize; 2],
    under_way: Option<UnderWay>,
}

/// A move that not both were told of yet.
#[derive(Debug, Clone, Copy)]
struct UnderWay {
    number: u32,
    seat: Seat,
    /// How many events there were before it.
    from: usize,
    due: Instant,
    sent: Option<Instant>,
    told: [Option<Instant>; 2],
    counts: bool,
}

/// A move that both were told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// When it should have been sent.
    pub due: Instant,
    /// When it was.
    pub sent: Instant,
    /// When the second of the two was told.
    pub told: Instant,
    /// Whether it is to be counted.
    pub counts: bool,
}

impl Table {
    /// A match that a player was told of; `players` in seat order.
    pub fn new(view: MatchView, players: [u32; 2]) -> Self {
        Self {
            view,
            players,
            log: Vec::new(),
            seed: None,
            found: [false; 2],
            ended: [false; 2],
            state: None,
            told: [0; 2],
            under_way: None,
        }
    }

    /// Where a player sits.
    pub fn seat_of(&self, player: u32) -> Option<Seat> {
        Seat::ALL.into_iter().find(|seat| self.players[seat.index()] == player)
    }

    /// A player is told of events. Gives the move that both know of with that.
    ///
    /// # Errors
    /// In words, when it cannot be: an event is missing, or the other player was told something else.
    pub fn hear(&mut self, seat: Seat, at: Instant, events: Vec<LoggedEvent>) -> Result<Option<Told>, String> {
        for event in events {
            let known = self.told[seat.index()];
            match usize::try_from(event.seq).ok().and_then(|seq| seq.checked_sub(1)) {
                Some(place) if place <= known => match self.log.get(place) {
                    Some(same) if *same == event => self.told[seat.index()] = known.max(place + 1),
                    Some(_) => return Err(format!("event {} of {} has two versions", event.seq, self.view.match_id)),
                    None => {
                        self.take(event);
                        self.told[seat.index()] = place + 1;
                    }
                },
                _ => {
                    let match_id = self.view.match_id;
                    return Err(format!("the {seat} player of {match_id} is told event {} after {known}", event.seq));
                }
            }
        }
        Ok(self.note(seat, at))
    }

    fn take(&mut self, event: LoggedEvent) {
        if let GameEvent::Started { mode, first, .. } = &event.event {
            self.state.get_or_insert_with(|| MatchState::start(*mode, *first, event.at));
        }
        if let Some(state) = &mut self.state {
            evolve(state, &event.event, event.at);
        }
        self.log.push(event);
    }

    fn note(&mut self, seat: Seat, at: Instant) -> Option<Told> {
        let told = self.told[seat.index()];
        let under_way = self.under_way.as_mut().filter(|under_way| told > under_way.from)?;
        under_way.told[seat.index()].get_or_insert(at);
        let UnderWay { seat, from, due, sent: Some(sent), told: [Some(one), Some(other)], counts, .. } = *under_way
        else {
            return None;
        };
        // A clock may have been quicker than the move; then this is not its effect.
        let is_move = matches!(
            &self.log[from].event,
            GameEvent::Rolled { seat: by, .. } | GameEvent::Banked { seat: by, by_clock: false, .. } if *by == seat
        );
        self.under_way = None;
        is_move.then_some(Told { due, sent, told: one.max(other), counts })
    }

    /// Whoever's turn it is, and the move by their habit; none while a move is under way, not both know all, or it is over.
    pub fn next_move(&self, habits: impl Fn(u32) -> BotPolicy) -> Option<(Seat, Command)> {
        let state = self.state.as_ref().filter(|state| state.outcome.is_none())?;
        let all_known = self.told == [self.log.len(); 2];
        if self.under_way.is_some() || !all_known {
            return None;
        }
        let seat = state.turn;
        Some((seat, habits(self.players[seat.index()]).choose(state, seat)))
    }

    /// A move is ordered.
    pub fn order(&mut self, number: u32, seat: Seat, due: Instant, counts: bool) {
        let from = self.log.len();
        self.under_way = Some(UnderWay { number, seat, from, due, sent: None, told: [None; 2], counts });
    }

    /// It is sent.
    pub fn sent(&mut self, number: u32, at: Instant) {
        if let Some(under_way) = self.under_way.as_mut().filter(|under_way| under_way.number == number) {
            under_way.sent = Some(at);
        }
    }

    /// It was refused.
    pub fn refused(&mut self, number: u32) {
        self.under_way.take_if(|under_way| under_way.number == number);
    }

    /// Whether a move is on its way.
    pub fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether a move that counts is on its way.
    pub fn owes(&self) -> bool {
        self.under_way.is_some_and(|under_way| under_way.counts)
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
pub(super) mod tests;
