//! All players and their matches, and whether what they are told can all be true at once.
//!
//! A match has two different players of this run, both of whom asked for it; nobody is in two; the pushes of each player are
//! numbered without a hole; of each match both are told the same, in order, and once that it is over.

use std::collections::{BTreeMap, HashMap};

use muster_client::{
    bot::BotPolicy,
    core::{
        game::Mode,
        id::{MatchId, PlayerId},
        wire::{LoggedEvent, MatchView},
    },
};
use tokio::time::Instant;

use super::{
    player::{News, Order, What},
    table::{Table, Told},
    wire::{Frame, Heard, Request},
};

/// How many broken rules are told in words.
const EXAMPLES: usize = 10;

/// The players, and the matches they are in.
pub struct Hall {
    mode: Mode,
    seed: u64,
    index_of: HashMap<PlayerId, u32>,
    seats: Vec<Seat>,
    tables: HashMap<MatchId, Table>,
    /// Matches that are over, both players told.
    pub over: Vec<Table>,
    moves: u32,
    /// What was measured.
    pub took: Took,
    /// Requests that were refused, and tickets that came to nothing, by code or state.
    pub refused: BTreeMap<String, u64>,
    /// Sockets that were lost, by reason.
    pub lost: BTreeMap<String, u64>,
    violations: u64,
    examples: Vec<String>,
}

/// A player.
#[derive(Debug, Clone)]
struct Seat {
    /// The number of the last push.
    seq: u64,
    waiting: bool,
    playing: Option<MatchId>,
    /// The last move that counts, and when it was sent.
    sent: Option<(u32, Instant)>,
}

/// Times of the moves that count, in microseconds.
#[derive(Debug, Default)]
pub struct Took {
    /// From sending a move until both players were told.
    pub told: Vec<u64>,
    /// From sending it to its acknowledgement.
    pub acked: Vec<u64>,
    /// From when it was due to its sending.
    pub late: Vec<u64>,
    /// When each of those in `told` was sent.
    pub sent: Vec<Instant>,
}

/// What follows from news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// Nothing.
    Nothing,
    /// Both players of a match know of it.
    Begun(MatchId),
    /// A player may ask for a match again.
    Free(u32),
    /// A player may ask for a match again, and both know that this one is over.
    Over(u32, MatchId),
    /// A ticket was refused: the player may ask again later.
    AskLater(u32),
}

impl Hall {
    /// Players in the order of their index, each with the number of the last push.
    pub fn new(mode: Mode, seed: u64, players: impl IntoIterator<Item = (PlayerId, u64)>) -> Self {
        let players: Vec<_> = players.into_iter().collect();
        Self {
            mode,
            seed,
            index_of: (0..).zip(&players).map(|(index, (id, _))| (*id, index)).collect(),
            seats: players
                .iter()
                .map(|(_, seq)| Seat { seq: *seq, waiting: false, playing: None, sent: None })
                .collect(),
            tables: HashMap::new(),
            over: Vec::new(),
            moves: 0,
            took: Took::default(),
            refused: BTreeMap::new(),
            lost: BTreeMap::new(),
            violations: 0,
            examples: Vec::new(),
        }
    }

    /// A player is about to ask for a match.
    pub fn waits(&mut self, player: u32) {
        self.seats[index(player)].waiting = true;
    }

    /// The next move of a match, for its player; none when it has none to make now.
    pub fn next_move(&mut self, match_id: MatchId, due: Instant, counts: bool) -> Option<(u32, Order)> {
        let (mode, seed) = (self.mode, self.seed);
        let table = self.tables.get_mut(&match_id)?;
        let (seat, command) = table.next_move(|player| BotPolicy::new(mode, seed.wrapping_add(player.into())))?;
        self.moves += 1;
        table.order(self.moves, seat, due, counts);
        Some((table.players[seat.index()], Order::Move { number: self.moves, match_id, command }))
    }

    /// Whether a match has a move to make, and the one before is not told to both yet.
    pub fn is_behind(&self, match_id: MatchId) -> bool {
        self.tables.get(&match_id).is_some_and(Table::is_under_way)
    }

    /// Whether a move that counts is not told to both yet.
    pub fn owes(&self) -> bool {
        self.tables.values().any(Table::owes)
    }

    /// Whoever is still owed a move by now will not get it.
    pub fn close(&mut self) {
        let owing: Vec<MatchId> =
            self.tables.values().filter(|table| table.owes()).map(|table| table.view.match_id).collect();
        for match_id in owing {
            self.broken(format!("a move of {match_id} was not told to both"));
        }
    }

    /// All matches that run, with those that are over.
    pub fn all(&self) -> impl Iterator<Item = &Table> {
        self.over.iter().chain(self.tables.values())
    }

    /// Broken rules, and the first of them in words.
    pub fn violations(&self) -> (u64, &[String]) {
        (self.violations, &self.examples)
    }

    /// A rule was broken.
    pub fn broken(&mut self, text: String) {
        self.violations += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(text);
        }
    }

    /// Somebody tells something.
    pub fn hear(&mut self, news: News) -> Follows {
        let News { player, at, what } = news;
        match what {
            What::Sent(number) => self.sent(player, number, at),
            What::Lost(reason) => *self.lost.entry(reason).or_default() += 1,
            What::Heard(Frame { seq, heard }) => {
                if let Some(seq) = seq {
                    self.count(player, seq);
                }
                return self.heard(player, at, heard);
            }
        }
        Follows::Nothing
    }

    fn count(&mut self, player: u32, seq: u64) {
        let seat = &mut self.seats[index(player)];
        let before = std::mem::replace(&mut seat.seq, seq);
        if seq != before + 1 {
            self.broken(format!("push {seq} came to player {player} after {before}"));
        }
    }

    fn sent(&mut self, player: u32, number: u32, at: Instant) {
        let seat = &mut self.seats[index(player)];
        if let Some(table) = seat.playing.and_then(|match_id| self.tables.get_mut(&match_id)) {
            table.sent(number, at);
            seat.sent = table.owes().then_some((number, at));
        }
    }

    fn heard(&mut self, player: u32, at: Instant, heard: Heard) -> Follows {
        match heard {
            Heard::Found(view) => return self.found(player, *view),
            Heard::Events(match_id, events) => self.events(player, at, match_id, events),
            Heard::Ended(match_id, result) => return self.ended(player, match_id, result.seed),
            Heard::Acked(Request::Move(number)) => {
                let seat = &mut self.seats[index(player)];
                if let Some((_, sent)) = seat.sent.take_if(|(last, _)| *last == number) {
                    self.took.acked.push(micros(at - sent));
                }
            }
            Heard::Acked(Request::Ticket) | Heard::Other => {}
            Heard::Refused(Request::Move(number), code) => {
                *self.refused.entry(format!("move: {code}")).or_default() += 1;
                let playing = self.seats[index(player)].playing;
                if let Some(table) = playing.and_then(|match_id| self.tables.get_mut(&match_id)) {
                    table.refused(number);
                }
            }
            Heard::Refused(Request::Ticket, code) | Heard::Gone(code) => {
                *self.refused.entry(format!("ticket: {code}")).or_default() += 1;
                self.seats[index(player)].waiting = false;
                return Follows::AskLater(player);
            }
            Heard::Goodbye(code) => *self.lost.entry(format!("goodbye: {code}")).or_default() += 1,
        }
        Follows::Nothing
    }

    fn found(&mut self, player: u32, view: MatchView) -> Follows {
        let match_id = view.match_id;
        let seat = &mut self.seats[index(player)];
        let (waited, playing) = (std::mem::take(&mut seat.waiting), seat.playing.replace(match_id));
        if !waited {
            self.broken(format!("player {player} is in {match_id} without a ticket"));
        }
        if let Some(other) = playing {
            self.broken(format!("player {player} is in {match_id} and still in {other}"));
        }
        let players: Vec<u32> =
            view.players.iter().filter_map(|player| self.index_of.get(&player.player_id).copied()).collect();
        let players = match <[u32; 2]>::try_from(players) {
            Ok(players) if players[0] != players[1] && view.players.len() == 2 => players,
            _ => {
                self.broken(format!("{match_id} is not between two players of this run"));
                return Follows::Nothing;
            }
        };
        let table = self.tables.entry(match_id).or_insert_with(|| Table::new(view.clone(), players));
        let same = table.view.players == view.players && table.view.commitment == view.commitment;
        let Some(seat) = table.seat_of(player) else {
            self.broken(format!("player {player} is told of {match_id}, which is of others"));
            return Follows::Nothing;
        };
        table.found[seat.index()] = true;
        let both = table.found == [true; 2];
        if !same {
            self.broken(format!("the players of {match_id} are told different things"));
        }
        if both { Follows::Begun(match_id) } else { Follows::Nothing }
    }

    fn events(&mut self, player: u32, at: Instant, match_id: MatchId, events: Vec<LoggedEvent>) {
        let table = self.tables.get_mut(&match_id);
        let Some((table, seat)) = table.and_then(|table| table.seat_of(player).map(|seat| (table, seat))) else {
            self.broken(format!("player {player} is told of events of {match_id}, in which it is not"));
            return;
        };
        match table.hear(seat, at, events) {
            Ok(Some(Told { due, sent, told, counts: true })) => {
                self.took.told.push(micros(told - sent));
                self.took.late.push(micros(sent - due));
                self.took.sent.push(sent);
            }
            Ok(_) => {}
            Err(text) => self.broken(text),
        }
    }

    fn ended(&mut self, player: u32, match_id: MatchId, seed: String) -> Follows {
        let seat = self.tables.get(&match_id).and_then(|table| table.seat_of(player));
        let (Some(table), Some(seat)) = (self.tables.get_mut(&match_id), seat) else {
            self.broken(format!("player {player} is told that {match_id} is over, in which it is not"));
            return Follows::Nothing;
        };
        let again = std::mem::replace(&mut table.ended[seat.index()], true);
        let differs = table.seed.replace(seed.clone()).is_some_and(|before| before != seed);
        let both = table.ended == [true; 2];
        self.seats[index(player)].playing = None;
        if again || differs {
            self.broken(format!("the end of {match_id} is told twice, or not alike"));
        }
        if !both {
            return Follows::Free(player);
        }
        self.over.extend(self.tables.remove(&match_id));
        Follows::Over(player, match_id)
    }
}

/// An index of this machine's size; a u32 always fits.
fn index(number: u32) -> usize {
    number as usize
}

fn micros(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "hall_tests.rs"]
mod tests;
