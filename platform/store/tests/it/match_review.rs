//! What an audit reads is what was stored, all of it, in pages.

use futures::TryStreamExt;
use muster_core::game::Seat;
use muster_core::id::{MatchId, PlayerId};
use muster_store::{LiveState, MatchLogEntry, fresh_id, now};
use muster_testkit::Scratch;
use uuid::Uuid;

use crate::given;

fn nil() -> MatchId {
    MatchId::from_uuid(Uuid::nil())
}

#[tokio::test]
async fn settled_matches_come_in_pages_with_their_events() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let mut made = Vec::new();
    for _ in 0..5 {
        let new = given::new_match([fresh_id(), fresh_id()]);
        store.matches.create(&new).await.unwrap();
        store.matches.settle(&given::settlement(new.match_id, given::won_by(Seat::First))).await.unwrap();
        made.push(new.match_id);
    }
    let running = given::new_match([fresh_id(), fresh_id()]);
    store.matches.create(&running).await.unwrap();

    let mut seen = Vec::new();
    let mut after = nil();
    loop {
        let page = store.matches.settled_page(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        let events: Vec<_> = store.matches.stored_events(after, last.match_id).try_collect().await.unwrap();
        let numbers: Vec<_> = events.iter().map(|event| (event.match_id, event.seq)).collect();
        let expected: Vec<_> = page.iter().flat_map(|of| [(of.match_id, 1), (of.match_id, 2)]).collect();
        assert_eq!(numbers, expected);
        assert!(events.iter().all(|event| event.event.is_ok()));
        assert!(page.iter().all(|of| of.seats.len() == 2 && of.seats[0].after.is_some() && of.version == 2));
        after = last.match_id;
        seen.extend(page.iter().map(|of| of.match_id));
    }
    assert_eq!(seen, made);
    let rows = store.matches.settled_of(&[made[0], running.match_id, fresh_id()]).await.unwrap();
    assert_eq!(rows, [(made[0], true), (running.match_id, false)].into());
    assert_eq!(store.matches.total_mismatches().await.unwrap(), []);
    assert_eq!(store.matches.open_seats(10).await.unwrap(), []);
    scratch.finish().await;
}

#[tokio::test]
async fn histories_hold_every_match_and_the_rating_of_the_same_moment() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let [ada, bo]: [PlayerId; 2] = [fresh_id(), fresh_id()];
    for winner in [Seat::First, Seat::Second, Seat::First] {
        let new = given::new_match([ada, bo]);
        store.matches.create(&new).await.unwrap();
        store.matches.settle(&given::settlement(new.match_id, given::won_by(winner))).await.unwrap();
    }
    let nobody = PlayerId::from_uuid(Uuid::nil());
    let mut players = store.matches.players_page(nobody, nil(), 10).await.unwrap();
    let mut expected = vec![ada, bo];
    expected.sort();
    assert_eq!(players, expected);
    assert_eq!(store.matches.players_page(expected[0], nil(), 10).await.unwrap(), [expected[1]]);
    assert_eq!(store.matches.players_page(nobody, fresh_id(), 10).await.unwrap(), []);

    players.push(fresh_id());
    let histories = store.matches.histories(&players).await.unwrap();
    assert_eq!(histories.len(), 2);
    for history in histories {
        assert_eq!((history.matches.len(), history.ratings.len()), (3, 1));
        let wins = if history.player_id == ada { 2 } else { 1 };
        assert_eq!((history.ratings[0].matches, history.ratings[0].wins), (3, wins));
        assert_eq!(history.matches.last().unwrap().after.unwrap(), history.ratings[0].rating);
    }
    assert_eq!(store.matches.ratings_without_history(10).await.unwrap(), []);
    scratch.finish().await;
}

#[tokio::test]
async fn logs_are_counted_and_their_end_is_seen() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    assert!(store.match_log.census().await.unwrap().is_empty());
    let new = given::new_match([fresh_id(), fresh_id()]);
    let before = now();
    let seq = store.match_log.append(new.match_id, 0, &given::created(&new, Vec::new())).await.unwrap();
    store.match_log.append(new.match_id, seq, &given::decided(Vec::new())).await.unwrap();
    let called_off: MatchId = fresh_id();
    store.match_log.append(called_off, 0, &MatchLogEntry::Settled { at: now() }).await.unwrap();
    assert_eq!(store.match_log.census().await.unwrap(), [(new.match_id, 2), (called_off, 1)].into());
    let written = store.match_log.last_written(new.match_id).await.unwrap().unwrap();
    assert!(written >= before - chrono::TimeDelta::seconds(1) && written <= now() + chrono::TimeDelta::seconds(1));
    assert_eq!(store.match_log.last_written(fresh_id()).await.unwrap(), None);
    scratch.finish().await;
}

#[tokio::test]
async fn live_tickets_are_told_with_how_they_stand() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let waiting = given::waiting(store, 2).await;
    let claimed = given::waiting(store, 1).await;
    given::claimed(store, &[&claimed]).await;
    let lost: PlayerId = fresh_id();
    let key = format!("{}{{mm}}:player:{lost}", scratch.prefix());
    let mut redis = given::redis(&scratch).await;
    let ticket: muster_core::id::TicketId = fresh_id();
    let () = redis::cmd("SET").arg(key).arg(ticket.to_string()).query_async(&mut redis).await.unwrap();

    let (mut live, mut cursor) = (Vec::new(), 0);
    loop {
        let (next, some) = store.tickets.live_page(cursor).await.unwrap();
        live.extend(some);
        if next == 0 {
            break;
        }
        cursor = next;
    }
    assert_eq!(live.len(), 4);
    let of = |player: PlayerId| live.iter().find(|live| live.player_id == player).unwrap().state.clone();
    for player in waiting.ticket.players() {
        assert_eq!(of(player), LiveState::Waiting { in_pool: true });
    }
    let player = claimed.ticket.players().next().unwrap();
    assert!(matches!(of(player), LiveState::Claimed { match_id: Some(_), since: Some(_) }));
    assert_eq!(of(lost), LiveState::Missing);
    scratch.finish().await;
}
