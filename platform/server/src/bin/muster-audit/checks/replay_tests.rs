use chrono::TimeDelta;
use muster_core::game::{Mode, Outcome, Seat};
use muster_core::id::MatchId;

use super::*;

const NONCE: [u8; 32] = [9; 32];

/// A match that the rules made, played by a fixed habit, with drops in between; and its events as they are stored.
fn played(mode: Mode, seed: u8) -> (SettledMatch, Vec<StoredEvent>) {
    let match_id = muster_store::fresh_id();
    let dice = Dice::new([seed; 32], [None, Some(NONCE)]);
    let mut at: DateTime<Utc> = "2026-01-31T09:30:00Z".parse().unwrap();
    let mut state = MatchState::start(mode, dice.first_seat(), at);
    let mut log = Vec::new();
    let mut tell = |state: &mut MatchState, events: Vec<GameEvent>, at: DateTime<Utc>| {
        for event in events {
            state.evolve(&event, at);
            log.push(StoredEvent { match_id, seq: state.version, at, event: Ok(event) });
        }
    };
    let created_at = at;
    tell(&mut state, opening(mode, &dice), at);
    for step in 0.. {
        if state.is_over() {
            break;
        }
        at += TimeDelta::milliseconds(700);
        let seat = state.turn;
        let action = match step {
            3 => Action::Dropped { seat: Seat::First },
            5 => Action::Returned { seat: Seat::First },
            // Nobody moves: the clock does.
            8 => {
                at = state.next_deadline().unwrap();
                Action::Tick
            }
            _ if state.turn_score >= 16 && mode.can_bank() => Action::Command { seat, command: Command::Bank },
            _ => Action::Command { seat, command: Command::Roll },
        };
        let decided = decide(&state, &action, &dice, at).unwrap();
        tell(&mut state, decided, at);
    }
    let settled = SettledMatch {
        match_id,
        mode,
        ranked: true,
        commitment: dice.commitment(),
        seed: [seed; 32],
        outcome: Ok(state.outcome.unwrap()),
        version: state.version,
        created_at,
        ended_at: at,
        seats: Vec::new(),
    };
    (settled, log)
}

fn replayed(settled: &SettledMatch, log: &[StoredEvent]) -> Option<Kind> {
    let mut replay = Replay::new(settled);
    log.iter().for_each(|event| replay.event(event));
    let found = replay.finish();
    assert!(found.iter().all(|violation| violation.match_id == Some(settled.match_id)));
    found.map(|violation| violation.kind)
}

fn position(log: &[StoredEvent], kind: &str) -> usize {
    log.iter().position(|stored| stored.event.as_ref().unwrap().kind() == kind).unwrap()
}

#[test]
fn matches_of_every_mode_replay() {
    for mode in Mode::ALL {
        for seed in 1..6 {
            let (settled, log) = played(mode, seed);
            assert!(log.len() > 3, "{mode}");
            assert_eq!(replayed(&settled, &log), None, "{mode}, seed {seed}");
        }
    }
}

#[test]
fn a_missing_a_repeated_and_a_swapped_event_are_found() {
    let (settled, log) = played(Mode::Classic, 7);
    for place in 0..log.len() {
        let mut missing = log.clone();
        missing.remove(place);
        assert_eq!(replayed(&settled, &missing), Some(Kind::EventsIncomplete), "without {place}");
        let mut twice = log.clone();
        twice.insert(place, log[place].clone());
        assert_eq!(replayed(&settled, &twice), Some(Kind::EventsIncomplete), "{place} twice");
    }
    assert_eq!(replayed(&settled, &[]), Some(Kind::EventsIncomplete));
}

#[test]
fn an_event_that_was_left_out_with_the_numbers_closed_up_is_found() {
    let (mut settled, log) = played(Mode::Classic, 7);
    settled.version -= 1;
    for place in 0..log.len() {
        let mut shorter = log.clone();
        shorter.remove(place);
        (1..).zip(&mut shorter).for_each(|(seq, stored)| stored.seq = seq);
        assert!(replayed(&settled, &shorter).is_some(), "without {place}: {:?}", log[place].event);
    }
}

#[test]
fn other_dice_than_the_seeds_are_found() {
    let (settled, mut log) = played(Mode::Classic, 3);
    let place = position(&log, "rolled");
    let Ok(GameEvent::Rolled { dice, .. }) = &mut log[place].event else { panic!() };
    dice[0] = dice[0] % 6 + 1;
    assert_eq!(replayed(&settled, &log), Some(Kind::ReplayDiffers));
}

#[test]
fn another_seed_and_another_nonce_are_found() {
    let (mut settled, mut log) = played(Mode::Quickfire, 3);
    let Ok(GameEvent::Started { nonces, .. }) = &mut log[0].event else { panic!() };
    nonces[1] = None;
    assert_eq!(replayed(&settled, &log), Some(Kind::ReplayDiffers));
    settled.seed = [4; 32];
    assert_eq!(replayed(&settled, &log), Some(Kind::SeedDiffers));
}

#[test]
fn another_time_within_a_decision_and_a_step_back_are_found() {
    let (settled, log) = played(Mode::Classic, 7);
    let place = position(&log, "turn_began");
    let mut later = log.clone();
    later[place].at += TimeDelta::milliseconds(1);
    assert_eq!(replayed(&settled, &later), Some(Kind::ReplayDiffers));
    let mut back = log.clone();
    back[2].at -= TimeDelta::seconds(10);
    assert_eq!(replayed(&settled, &back), Some(Kind::ReplayDiffers));
}

#[test]
fn an_outcome_that_the_events_do_not_end_with_is_found() {
    let (settled, log) = played(Mode::LastLine, 5);
    let outcome = settled.outcome.clone().unwrap();
    let other = Outcome { winner: outcome.winner.map(Seat::other), ..outcome };
    let wrong = SettledMatch { outcome: Ok(other), ..settled.clone() };
    assert_eq!(replayed(&wrong, &log), Some(Kind::OutcomeDiffers));
    let unreadable = SettledMatch { outcome: Err("nonsense".into()), ..settled.clone() };
    assert_eq!(replayed(&unreadable, &log), Some(Kind::OutcomeDiffers));
    let late = SettledMatch { ended_at: settled.ended_at + TimeDelta::seconds(1), ..settled };
    assert_eq!(replayed(&late, &log), Some(Kind::OutcomeDiffers));
}

#[test]
fn a_match_with_two_ends_is_found() {
    let (mut settled, mut log) = played(Mode::Quickfire, 2);
    let mut again = log.last().unwrap().clone();
    again.seq += 1;
    log.push(again);
    settled.version += 1;
    assert_eq!(replayed(&settled, &log), Some(Kind::OutcomeDiffers));
    let without_end = &log[..log.len() - 2];
    settled.version -= 2;
    assert!(replayed(&settled, without_end).is_some());
}

#[test]
fn what_cannot_be_read_is_found() {
    let (settled, mut log) = played(Mode::TrueGrit, 2);
    log[1].event = Err("unknown variant".into());
    assert_eq!(replayed(&settled, &log), Some(Kind::EventsIncomplete));
    let (settled, log) = played(Mode::TrueGrit, 2);
    let stranger = log.iter().cloned().map(|mut stored| {
        stored.match_id = MatchId::from_uuid(uuid::Uuid::nil());
        stored
    });
    // Which match an event is of is the caller's business.
    assert_eq!(replayed(&settled, &stranger.collect::<Vec<_>>()), None);
}
