//! Matches as referees leave them behind.

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::{
    game::{Action, Command, Dice, GameEvent, MatchState, Mode, Outcome, OutcomeKind, Seat, decide, opening},
    id::{MatchId, PlayerId},
    rating::Rating,
    wire::LoggedEvent,
};
use muster_store::{MatchLogEntry, NewMatch, NewMatchPlayer, Settlement, Store};

pub const SEED: [u8; 32] = [7; 32];

/// A match whose log grows when [`Played::step`] is called.
pub struct Played {
    pub match_id: MatchId,
    pub players: [PlayerId; 2],
    created_at: DateTime<Utc>,
    store: Store,
    state: MatchState,
    dice: Dice,
    log_seq: u64,
    logged: Vec<LoggedEvent>,
}

/// A match of `quickfire` between Ada and Bo that just began, `age` before now.
pub async fn running(store: &Store, age: TimeDelta) -> Played {
    let created_at = muster_store::now() - age;
    let match_id: MatchId = muster_store::fresh_id();
    let names = ["Ada", "Bo"];
    let mut players = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let mut device = [n as u8; 32];
        device[..16].copy_from_slice(match_id.uuid().as_bytes());
        players.push(store.accounts.sign_in(&device, Some(name), created_at).await.unwrap().account.player_id);
    }
    let players: [PlayerId; 2] = players.try_into().unwrap();
    let dice = Dice::new(SEED, [None, None]);
    let seat = |n: usize| NewMatchPlayer {
        player_id: players[n],
        display_name: names[n].to_owned(),
        rating: Rating::default(),
    };
    let new = NewMatch {
        match_id,
        queue: "quickfire-ranked".to_owned(),
        mode: Mode::Quickfire,
        ranked: true,
        players: [seat(0), seat(1)],
        commitment: dice.commitment(),
        quality: 0.75,
        created_at,
    };
    assert!(store.matches.create(&new).await.unwrap());

    let events = opening(Mode::Quickfire, &dice);
    let entry = MatchLogEntry::Created {
        match_id,
        queue: new.queue,
        mode: Mode::Quickfire,
        ranked: true,
        players,
        names: names.map(str::to_owned),
        ratings: [Rating::default(); 2],
        seed: SEED,
        nonces: [None, None],
        quality: 0.75,
        region: None,
        created_at,
        events: events.clone(),
    };
    let log_seq = store.match_log.append(match_id, 0, &entry).await.unwrap();
    let state = MatchState::start(Mode::Quickfire, dice.first_seat(), created_at);
    let mut played =
        Played { match_id, players, created_at, store: store.clone(), state, dice, log_seq, logged: Vec::new() };
    played.take(events, created_at);
    played
}

/// The same, played to its end and settled.
pub async fn finished(store: &Store, age: TimeDelta) -> Played {
    let mut played = running(store, age).await;
    played.step(Command::Roll).await;
    played.resign().await;
    played
}

impl Played {
    /// What happened so far.
    pub fn logged(&self) -> &[LoggedEvent] {
        &self.logged
    }

    /// Who began.
    pub fn first(&self) -> Seat {
        self.state.first
    }

    pub fn totals(&self) -> [u32; 2] {
        self.state.totals
    }

    /// Whoever's turn it is does it.
    pub async fn step(&mut self, command: Command) {
        let at = self.created_at + TimeDelta::seconds(1 + self.logged.len() as i64);
        let seat = self.state.turn;
        let events = decide(&self.state, &Action::Command { seat, command }, &self.dice, at).unwrap();
        let by = Some(self.players[seat.index()]);
        let entry = MatchLogEntry::Decided { by, command_id: None, events: events.clone(), at, snapshot: None };
        self.log_seq = self.store.match_log.append(self.match_id, self.log_seq, &entry).await.unwrap();
        self.take(events, at);
    }

    /// Whoever's turn it is gives up, and the match is settled.
    pub async fn resign(&mut self) {
        self.step(Command::Resign).await;
        let last = self.logged.last().unwrap();
        let GameEvent::Ended { outcome } = last.event else { panic!("a resignation ends the match") };
        let settlement =
            Settlement { match_id: self.match_id, outcome, seed: SEED, ended_at: last.at, events: self.logged.clone() };
        self.store.matches.settle(&settlement).await.unwrap();
    }

    /// The outcome, of a match that is over.
    pub fn outcome(&self) -> Outcome {
        self.state.outcome.expect("the match is over")
    }

    pub fn resigned_by(&self) -> Seat {
        assert_eq!(self.outcome().kind, OutcomeKind::Resigned);
        self.outcome().winner.expect("somebody won").other()
    }

    fn take(&mut self, events: Vec<GameEvent>, at: DateTime<Utc>) {
        for event in events {
            self.state.evolve(&event, at);
            self.logged.push(LoggedEvent { seq: self.logged.len() as u64 + 1, at, event });
        }
    }
}
