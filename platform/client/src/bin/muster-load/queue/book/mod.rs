//! What every player asked for and was told, and whether it can all be true at once.
//!
//! A match has two different players of this run, both of whom wait; nobody is in two running matches; both are told the same;
//! their ratings are as near as the queue allowed either of them when it was made.

mod figures;

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use chrono::{DateTime, Utc};
use muster_client::core::{
    id::{MatchId, PlayerId, TicketId},
    matchmaking::QueueDefinition,
};
use tokio::time::Instant;

pub use figures::LastTicket;

use super::{
    player::{News, What},
    wire::{Found, Heard},
};

/// How many broken rules are told in words.
const TOLD: usize = 10;

/// What was asked for and told, of one run.
pub struct Book {
    queue: String,
    /// Its rules, where they are known.
    rules: Option<QueueDefinition>,
    index_of: HashMap<PlayerId, u32>,
    seats: Vec<Seat>,
    wishes: Vec<Wish>,
    /// The first wish that counts.
    from: usize,
    matches: HashMap<MatchId, Made>,
    /// Wishes that have neither a match nor an end.
    open: usize,
    /// Wishes that came to nothing, by code or state.
    refused: BTreeMap<String, u64>,
    lost: BTreeMap<String, u64>,
    violations: u64,
    examples: Vec<String>,
}

/// A player.
#[derive(Debug, Clone, Default)]
struct Seat {
    /// The wish that is open.
    wish: Option<u32>,
    /// The match that runs.
    playing: Option<MatchId>,
    /// The last wish that got a ticket.
    last: Option<u32>,
}

/// One `ticket.create`.
#[derive(Debug, Clone)]
struct Wish {
    player: u32,
    asked: Option<Instant>,
    acked: Option<Instant>,
    found: Option<Instant>,
    ticket: Option<(TicketId, DateTime<Utc>)>,
    match_id: Option<MatchId>,
    over: bool,
}

/// A match that somebody was told of.
#[derive(Debug, Clone)]
struct Made {
    found: Found,
    /// The wishes of those who were told.
    wishes: Vec<u32>,
}

/// What follows from news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// Nothing.
    Nothing,
    /// This player has a match, and is the one of the two who is to leave it, if anybody is.
    Leave(u32, MatchId),
    /// This player may queue again.
    Free(u32),
}

impl Book {
    /// For players in the order of their index.
    pub fn new(queue: &str, rules: Option<&QueueDefinition>, players: &[PlayerId]) -> Self {
        let indexes = 0..u32::try_from(players.len()).unwrap_or(u32::MAX);
        Self {
            queue: queue.to_owned(),
            rules: rules.cloned(),
            index_of: players.iter().copied().zip(indexes).collect(),
            seats: vec![Seat::default(); players.len()],
            wishes: Vec::new(),
            from: 0,
            matches: HashMap::new(),
            open: 0,
            refused: BTreeMap::new(),
            lost: BTreeMap::new(),
            violations: 0,
            examples: Vec::new(),
        }
    }

    /// What was asked for and told until now does not count; wishes go on being numbered, so that no request id comes twice.
    pub fn begin(&mut self) {
        self.from = self.wishes.len();
        self.matches.clear();
        self.refused.clear();
    }

    /// A player is about to ask for a match; gives the wish's number.
    pub fn wish(&mut self, player: u32) -> u32 {
        let number = u32::try_from(self.wishes.len()).unwrap_or(u32::MAX);
        let wish = Wish { player, asked: None, acked: None, found: None, ticket: None, match_id: None, over: false };
        self.wishes.push(wish);
        self.seats[index(player)].wish = Some(number);
        self.open += 1;
        number
    }

    /// Whether every wish has come to something.
    pub fn is_settled(&self) -> bool {
        self.open == 0
    }

    /// How many wishes there were.
    pub fn wishes(&self) -> usize {
        self.wishes.len() - self.from
    }

    /// How many matches were made.
    pub fn matches(&self) -> usize {
        self.matches.len()
    }

    /// Wishes that were refused, or whose ticket came to nothing, by code or state.
    pub fn refused(&self) -> &BTreeMap<String, u64> {
        &self.refused
    }

    /// Sockets that were lost, by reason.
    pub fn lost(&self) -> &BTreeMap<String, u64> {
        &self.lost
    }

    /// Broken rules, and the first of them in words.
    pub fn violations(&self) -> (u64, &[String]) {
        (self.violations, &self.examples)
    }

    /// Somebody tells something.
    pub fn hear(&mut self, news: News) -> Follows {
        let News { player, at, what } = news;
        match what {
            What::Asked(wish) => {
                self.wishes[index(wish)].asked = Some(at);
                Follows::Nothing
            }
            What::Lost(reason) => {
                *self.lost.entry(reason).or_default() += 1;
                Follows::Nothing
            }
            What::Heard(heard) => self.heard(player, at, heard),
        }
    }

    fn heard(&mut self, player: u32, at: Instant, heard: Heard) -> Follows {
        match heard {
            Heard::Acked { wish, ticket, created_at } => {
                if let Some(wish) = self.wishes.get_mut(index(wish)).filter(|wish| wish.player == player) {
                    wish.acked = Some(at);
                    wish.ticket = Some((ticket, created_at));
                } else {
                    self.broken(format!("player {player} is told of a wish that is not its own"));
                }
                self.seats[index(player)].last = Some(wish);
                Follows::Nothing
            }
            Heard::Refused(wish, code) => self.nothing_came_of(player, wish, code),
            Heard::Gone(ticket, state) => {
                let wish = self.seats[index(player)].wish;
                match wish.filter(|wish| self.wishes[index(*wish)].ticket.is_some_and(|(own, _)| own == ticket)) {
                    Some(wish) => self.nothing_came_of(player, wish, state),
                    None => Follows::Nothing,
                }
            }
            Heard::Found(found) => self.found(player, at, found),
            Heard::Ended(match_id) => {
                let seat = &mut self.seats[index(player)];
                if seat.playing != Some(match_id) {
                    return Follows::Nothing;
                }
                seat.playing = None;
                Follows::Free(player)
            }
            Heard::Goodbye(code) => {
                *self.lost.entry(format!("goodbye: {code}")).or_default() += 1;
                Follows::Nothing
            }
            Heard::LeaveRefused(..) => Follows::Nothing,
        }
    }

    fn nothing_came_of(&mut self, player: u32, wish: u32, reason: String) -> Follows {
        let Some(wished) = self.wishes.get_mut(index(wish)).filter(|wish| !wish.over) else {
            return Follows::Nothing;
        };
        wished.over = true;
        self.open -= 1;
        self.seats[index(player)].wish = None;
        *self.refused.entry(reason).or_default() += 1;
        Follows::Free(player)
    }

    fn found(&mut self, player: u32, at: Instant, found: Found) -> Follows {
        let match_id = found.match_id;
        let seat = self.seats[index(player)].clone();
        if seat.playing == Some(match_id) {
            // Pushes come at least once.
            return Follows::Nothing;
        }
        if let Some(other) = seat.playing {
            self.broken(format!("player {player} is in {match_id} and still in {other}"));
        }
        self.check_players(player, &found);
        let Some(wish) = seat.wish else {
            self.broken(format!("player {player} is in {match_id} without a ticket"));
            return Follows::Nothing;
        };
        let wished = &mut self.wishes[index(wish)];
        wished.found = Some(at);
        wished.match_id = Some(match_id);
        wished.over = true;
        self.open -= 1;
        self.seats[index(player)] = Seat { wish: None, playing: Some(match_id), last: Some(wish) };
        let leaver = found.players.first().and_then(|first| self.index_of.get(&first.player_id)).copied();
        self.remember(found, wish);
        if leaver == Some(player) { Follows::Leave(player, match_id) } else { Follows::Nothing }
    }

    fn check_players(&mut self, told: u32, found: &Found) {
        let match_id = found.match_id;
        if found.queue != self.queue {
            self.broken(format!("{match_id} is of the queue {}, not {}", found.queue, self.queue));
        }
        match found.players.as_slice() {
            [one, other] if one.player_id != other.player_id => {}
            players => self.broken(format!("{match_id} has not two different players but {players:?}")),
        }
        let players: Vec<Option<u32>> =
            found.players.iter().map(|player| self.index_of.get(&player.player_id).copied()).collect();
        if players.contains(&None) {
            self.broken(format!("{match_id} has a player who is not of this run"));
        }
        if !players.contains(&Some(told)) {
            self.broken(format!("player {told} is told of {match_id}, which is of others"));
        }
    }

    fn remember(&mut self, found: Found, wish: u32) {
        match self.matches.entry(found.match_id) {
            Entry::Vacant(place) => {
                place.insert(Made { found, wishes: vec![wish] });
            }
            Entry::Occupied(mut place) => {
                let made = place.get_mut();
                made.wishes.push(wish);
                let differs = made.found.players != found.players;
                if differs {
                    self.broken(format!("the players of {} are told different things", found.match_id));
                }
            }
        }
    }

    /// A rule was broken.
    pub fn broken(&mut self, text: String) {
        self.violations += 1;
        if self.examples.len() < TOLD {
            self.examples.push(text);
        }
    }
}

/// An index of this machine's size; a u32 always fits.
fn index(number: u32) -> usize {
    number as usize
}

#[cfg(test)]
mod tests;
