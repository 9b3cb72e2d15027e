use muster_core::game::{Action, Command, Mode, decide, opening};
use muster_core::rating::Rating;
use muster_store::{fresh_id, now};

use super::*;

/// A log as a referee would write it, and the match at its end.
struct Played {
    log: Vec<(u64, MatchLogEntry)>,
    record: MatchRecord,
}

/// Rolls and never banks, so that the match goes on for as long as it is wanted to.
fn played(entries: usize) -> Played {
    let (seed, nonces) = ([7; 32], [Some([8; 32]), None]);
    let created = MatchLogEntry::Created {
        match_id: fresh_id(),
        queue: "classic-ranked".to_owned(),
        mode: Mode::Classic,
        ranked: true,
        players: [fresh_id(), fresh_id()],
        names: ["Ada".to_owned(), "Bo".to_owned()],
        ratings: [Rating::default(); 2],
        seed,
        nonces,
        quality: 1.0,
        region: None,
        created_at: now(),
        events: opening(Mode::Classic, &Dice::new(seed, nonces)),
    };
    // Sequences of a stream in which other matches write too.
    let mut log = vec![(10, created)];
    let mut record = MatchRecord::replay(log.clone()).unwrap();
    for n in 0..entries {
        let seat = record.state.turn;
        let by = record.created.players[seat.index()];
        let action = Action::Command { seat, command: Command::Roll };
        let events = decide(&record.state, &action, &record.dice, record.last_at).unwrap();
        let entry = record.entry(Some(by), Some(format!("roll {n}")), events, record.last_at);
        let seq = record.last_seq + 3;
        log.push((seq, entry.clone()));
        record.apply(seq, entry).unwrap();
    }
    Played { log, record }
}

/// What `MatchLog::read_recent` would give.
fn recent(log: &[(u64, MatchLogEntry)]) -> &[(u64, MatchLogEntry)] {
    let from = match log.last().unwrap().1.snapshot() {
        Some(LastSnapshot::Here(_)) => log.len() - 1,
        Some(LastSnapshot::At(seq)) => log.iter().position(|(at, _)| at == seq).unwrap(),
        None => 0,
    };
    &log[from..]
}

#[test]
fn the_end_of_a_log_makes_the_same_match_as_the_whole_of_it() {
    for entries in [0, 1, 60, 90, 150, 400] {
        let Played { log, record } = played(entries);
        let whole = MatchRecord::replay(log.clone()).unwrap();
        let short = MatchRecord::replay(recent(&log).to_vec()).unwrap();
        for replayed in [&whole, &short] {
            assert_eq!(replayed.state, record.state);
            assert_eq!(replayed.created, record.created);
            assert_eq!(replayed.dice, record.dice);
            assert_eq!((replayed.last_seq, replayed.last_at), (record.last_seq, record.last_at));
            assert_eq!(replayed.answered.to_vecs(), record.answered.to_vecs());
            assert_eq!(replayed.snapshot_seq, record.snapshot_seq);
            assert_eq!(replayed.since_snapshot, record.since_snapshot);
            assert_eq!(replayed.view(), record.view());
            assert_eq!(replayed.version_before_last_entry(), record.version_before_last_entry());
        }
        assert!(short.events.len() as u64 <= SNAPSHOT_EVERY, "{} of {}", short.events.len(), record.version());
        assert_eq!(short.events_after(record.version() - 1), record.events_after(record.version() - 1));
    }
}

#[test]
fn a_long_match_takes_bounded_memory_and_is_made_whole_from_its_log() {
    let Played { log, mut record } = played(1_000);
    assert!(record.version() > 1_000 && !record.is_whole());
    assert!(record.events.len() <= KEPT_EVENTS);
    let kept = record.events.clone();
    record.complete(&log).unwrap();
    assert!(record.is_whole());
    assert!(record.events.iter().zip(1..).all(|(event, seq)| event.seq == seq));
    assert!(record.events.ends_with(&kept));
    assert!(record.complete(&log[..log.len() - 1]).is_err(), "a log that ends too early is not this match's");
}

#[test]
fn only_a_whole_log_or_one_from_a_snapshot_on_makes_a_match() {
    let Played { log, .. } = played(150);
    let settled = MatchLogEntry::Settled { at: now() };
    assert!(matches!(MatchRecord::replay(Vec::new()), Err(ReplayError::Empty)));
    assert!(matches!(MatchRecord::replay(vec![(1, settled)]), Err(ReplayError::CalledOff)));
    assert!(matches!(MatchRecord::replay(log[1..].to_vec()), Err(ReplayError::Corrupt(_))));
    let twice = vec![log[0].clone(), log[0].clone()];
    assert!(matches!(MatchRecord::replay(twice), Err(ReplayError::Corrupt(_))));
}
