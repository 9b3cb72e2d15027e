use futures::future::join_all;
use muster_core::game::{GameEvent, MatchState, Seat};
use muster_store::{
    AppendError, LastSnapshot, MatchBeginning, MatchLogEntry, MatchSnapshot, NewMatch, fresh_id, now, number_events,
};
use muster_testkit::Scratch;

use crate::given;

#[tokio::test]
async fn a_log_is_read_as_it_was_written() {
    let scratch = Scratch::new().await;
    let log = &scratch.store.match_log;
    let new = given::new_match([fresh_id(), fresh_id()]);
    let entries = [
        given::created(&new, vec![GameEvent::TurnBegan { seat: Seat::First }]),
        given::decided(vec![GameEvent::Passed { seat: Seat::First }, GameEvent::TurnBegan { seat: Seat::Second }]),
        MatchLogEntry::Settled { at: now() },
    ];
    assert!(log.read(new.match_id).await.unwrap().is_empty());
    let mut last = 0;
    for entry in &entries {
        // Another match's entries in between must not matter.
        log.append(fresh_id(), 0, entry).await.unwrap();
        last = log.append(new.match_id, last, entry).await.unwrap();
    }
    let read = log.read(new.match_id).await.unwrap();
    assert_eq!(read.iter().map(|(_, entry)| entry.clone()).collect::<Vec<_>>(), entries);
    assert_eq!(read.last().unwrap().0, last);
    assert_eq!(number_events(read.iter().map(|(_, entry)| entry)).last().unwrap().seq, 3);

    log.purge(new.match_id).await.unwrap();
    assert!(log.read(new.match_id).await.unwrap().is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn of_many_writers_who_know_the_same_end_one_gets_through() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let logs = [&scratch.store.match_log, &other.match_log];
    let match_id = fresh_id();
    let entry = given::decided(vec![]);
    let first = logs[0].append(match_id, 0, &entry).await.unwrap();

    let appends = join_all((0..8).map(|n| logs[n % 2].append(match_id, first, &entry))).await;
    let (won, lost): (Vec<_>, Vec<_>) = appends.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 7));
    assert!(lost.into_iter().all(|lost| matches!(lost, Err(AppendError::Fenced))));
    assert_eq!(logs[1].read(match_id).await.unwrap().len(), 2);

    // A log that exists is not begun twice.
    assert!(matches!(logs[0].append(match_id, 0, &entry).await, Err(AppendError::Fenced)));
    let second = won.into_iter().next().unwrap().unwrap();
    logs[1].append(match_id, second, &entry).await.unwrap();
    scratch.finish().await;
}

#[tokio::test]
async fn a_long_log_is_read_whole() {
    let scratch = Scratch::new().await;
    let match_id = fresh_id();
    let mut last = 0;
    for _ in 0..600 {
        last = scratch.store.match_log.append(match_id, last, &given::decided(vec![])).await.unwrap();
    }
    let read = scratch.store.match_log.read(match_id).await.unwrap();
    assert_eq!(read.len(), 600);
    assert!(read.windows(2).all(|pair| pair[0].0 < pair[1].0));
    scratch.finish().await;
}

fn snapshot(new: &NewMatch, version: u64) -> MatchSnapshot {
    let beginning = MatchBeginning {
        match_id: new.match_id,
        queue: new.queue.clone(),
        mode: new.mode,
        ranked: new.ranked,
        players: new.players.clone().map(|player| player.player_id),
        names: new.players.clone().map(|player| player.display_name),
        ratings: new.players.clone().map(|player| player.rating),
        seed: [2; 32],
        nonces: [None, Some([3; 32])],
        quality: new.quality,
        region: None,
        created_at: new.created_at,
    };
    let state = MatchState { version, ..MatchState::start(new.mode, Seat::First, new.created_at) };
    MatchSnapshot { beginning, state, answered: [vec!["roll 1".to_owned()], Vec::new()] }
}

fn entry_with(snapshot: Option<LastSnapshot>) -> MatchLogEntry {
    let events = vec![GameEvent::Passed { seat: Seat::First }];
    MatchLogEntry::Decided { by: None, command_id: None, events, at: now(), snapshot }
}

#[tokio::test]
async fn the_end_of_a_log_begins_at_its_last_snapshot() {
    let scratch = Scratch::new().await;
    let log = &scratch.store.match_log;
    let new = given::new_match([fresh_id(), fresh_id()]);
    let match_id = new.match_id;
    assert!(log.read_recent(match_id).await.unwrap().is_empty());
    assert_eq!(log.last_seq(match_id).await.unwrap(), 0);

    let mut written = Vec::new();
    let append = async |written: &mut Vec<(u64, MatchLogEntry)>, entry: MatchLogEntry| {
        // Other matches' entries in between must not matter.
        log.append(fresh_id(), 0, &entry).await.unwrap();
        let last = written.last().map_or(0, |(seq, _)| *seq);
        let seq = log.append(match_id, last, &entry).await.unwrap();
        written.push((seq, entry));
        seq
    };
    append(&mut written, given::created(&new, vec![GameEvent::TurnBegan { seat: Seat::First }])).await;
    assert_eq!(log.read_recent(match_id).await.unwrap(), written);
    for _ in 0..3 {
        append(&mut written, entry_with(None)).await;
    }
    assert_eq!(log.read_recent(match_id).await.unwrap(), written, "without a snapshot all of it tells");

    for round in 0..2 {
        let here = append(&mut written, entry_with(Some(LastSnapshot::Here(Box::new(snapshot(&new, 4)))))).await;
        let from = written.len() - 1;
        assert_eq!(log.read_recent(match_id).await.unwrap(), written[from..], "round {round}");
        for _ in 0..5 {
            append(&mut written, entry_with(Some(LastSnapshot::At(here)))).await;
        }
        assert_eq!(log.read_recent(match_id).await.unwrap(), written[from..], "round {round}");
    }
    assert_eq!(log.last_seq(match_id).await.unwrap(), written.last().unwrap().0);
    assert_eq!(log.read(match_id).await.unwrap(), written, "the whole log is still there");

    // What points to no snapshot is no reason to lose a match.
    let nowhere = written[1].0;
    append(&mut written, entry_with(Some(LastSnapshot::At(nowhere)))).await;
    assert_eq!(log.read_recent(match_id).await.unwrap(), written);
    scratch.finish().await;
}
