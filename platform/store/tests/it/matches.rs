use chrono::TimeDelta;
use muster_core::game::{GameEvent, Mode, Seat};
use muster_core::wire::MatchStatus;
use muster_store::{MatchFilter, fresh_id, now};
use muster_testkit::Scratch;

use crate::given;

#[tokio::test]
async fn a_match_is_made_once_and_found_by_its_players() {
    let scratch = Scratch::new().await;
    let matches = &scratch.store.matches;
    let players = [fresh_id(), fresh_id()];
    let new = given::new_match(players);
    assert!(matches.create(&new).await.unwrap());
    assert!(!matches.create(&new).await.unwrap());

    let record = matches.get(new.match_id).await.unwrap().unwrap();
    assert_eq!(record.players.clone().map(|player| player.player_id), players);
    assert_eq!((record.finished, record.seed, record.outcome), (false, None, None));
    assert_eq!(record.created_at, new.created_at);
    let view = record.view();
    assert_eq!((view.state, view.seed, view.totals), (MatchStatus::Running, None, [0, 0]));
    for player in players {
        assert_eq!(matches.running_of(player).await.unwrap(), Some(new.match_id));
    }
    assert_eq!(matches.running_of(fresh_id()).await.unwrap(), None);
    assert_eq!(matches.unfinished().await.unwrap(), [new.match_id]);
    assert_eq!(matches.get(fresh_id()).await.unwrap(), None);
    scratch.finish().await;
}

#[tokio::test]
async fn the_list_goes_page_by_page_newest_first_without_holes() {
    let scratch = Scratch::new().await;
    let matches = &scratch.store.matches;
    let ada = fresh_id();
    let start = now();
    let mut made = Vec::new();
    for n in 0..7 {
        let mut new = given::new_match([if n % 2 == 0 { ada } else { fresh_id() }, fresh_id()]);
        // Two of each moment: the id decides.
        new.created_at = start + TimeDelta::seconds(n / 2);
        new.mode = if n < 4 { Mode::Classic } else { Mode::LastLine };
        matches.create(&new).await.unwrap();
        if n < 3 {
            matches.settle(&given::settlement(new.match_id, given::won_by(Seat::First))).await.unwrap();
        }
        made.push(new);
    }
    made.sort_by_key(|new| std::cmp::Reverse((new.created_at, new.match_id)));

    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = matches.list(&MatchFilter::default(), after.as_ref(), 3).await.unwrap();
        after = page.matches.last().map(|record| record.cursor().to_string().parse().unwrap());
        seen.extend(page.matches.into_iter().map(|record| record.match_id));
        if !page.has_next {
            break;
        }
    }
    assert_eq!(seen, made.iter().map(|new| new.match_id).collect::<Vec<_>>());

    let filters = [
        (MatchFilter { finished: Some(true), ..MatchFilter::default() }, 3),
        (MatchFilter { finished: Some(false), ..MatchFilter::default() }, 4),
        (MatchFilter { mode: Some(Mode::LastLine), ..MatchFilter::default() }, 3),
        (MatchFilter { player: Some(ada), ..MatchFilter::default() }, 4),
        (MatchFilter { player: Some(ada), finished: Some(true), mode: Some(Mode::Classic) }, 2),
        (MatchFilter { finished: Some(false), mode: Some(Mode::Classic), player: None }, 1),
        (MatchFilter::default(), 7),
    ];
    for (filter, expected) in filters {
        assert_eq!(matches.list(&filter, None, 50).await.unwrap().matches.len(), expected, "{filter:?}");
        assert_eq!(matches.count(&filter).await.unwrap(), expected as u64, "{filter:?}");
    }
    scratch.finish().await;
}

#[tokio::test]
async fn events_come_from_the_log_while_it_runs_and_from_the_database_afterwards() {
    let scratch = Scratch::new().await;
    let (matches, log) = (&scratch.store.matches, &scratch.store.match_log);
    let new = given::new_match([fresh_id(), fresh_id()]);
    let outcome = given::won_by(Seat::Second);
    let turn = |seat| GameEvent::TurnBegan { seat };
    matches.create(&new).await.unwrap();
    let last = log.append(new.match_id, 0, &given::created(&new, vec![turn(Seat::First)])).await.unwrap();
    log.append(new.match_id, last, &given::decided(vec![turn(Seat::Second), GameEvent::Ended { outcome }]))
        .await
        .unwrap();

    let running = matches.events(new.match_id, 0, 2).await.unwrap().unwrap();
    assert_eq!((running.events.len(), running.end_cursor, running.has_next), (2, 2, true));
    let rest = matches.events(new.match_id, 2, 2).await.unwrap().unwrap();
    assert_eq!((rest.events.len(), rest.end_cursor, rest.has_next), (1, 3, false));
    assert_eq!(rest.events[0].event, GameEvent::Ended { outcome });
    let until = async |last| matches.events_until(new.match_id, last).await.unwrap().unwrap();
    assert_eq!((until(2).await, until(0).await.len(), until(u64::MAX).await.len()), (running.events.clone(), 0, 3));
    // The seed is in the log; it must not be in anything that is read from it.
    assert!(!serde_json::to_string(&running).unwrap().contains(&"02".repeat(32)));

    let mut settlement = given::settlement(new.match_id, outcome);
    settlement.events = matches.events(new.match_id, 0, 100).await.unwrap().unwrap().events;
    matches.settle(&settlement).await.unwrap();
    log.purge(new.match_id).await.unwrap();
    let finished = matches.events(new.match_id, 0, 2).await.unwrap().unwrap();
    assert_eq!(finished, running);
    assert_eq!((until(2).await, until(0).await.len(), until(u64::MAX).await.len()), (running.events.clone(), 0, 3));
    assert_eq!(matches.events_until(fresh_id(), 9).await.unwrap(), None);
    let past_the_end = matches.events(new.match_id, 3, 2).await.unwrap().unwrap();
    assert_eq!((past_the_end.events.len(), past_the_end.end_cursor, past_the_end.has_next), (0, 3, false));
    assert_eq!(matches.events(fresh_id(), 0, 2).await.unwrap(), None);
    scratch.finish().await;
}

#[tokio::test]
async fn many_are_made_at_once_and_those_that_were_there_stay_as_they_were() {
    let scratch = Scratch::new().await;
    let matches = &scratch.store.matches;
    let there = given::new_match([fresh_id(), fresh_id()]);
    matches.create(&there).await.unwrap();
    let mut new: Vec<_> = (0..200).map(|_| given::new_match([fresh_id(), fresh_id()])).collect();
    let mut changed = there.clone();
    changed.quality = 0.1;
    new.push(changed);

    let mut made = matches.create_many(&new).await.unwrap();
    made.sort();
    let mut expected: Vec<_> = new[..200].iter().map(|new| new.match_id).collect();
    expected.sort();
    assert_eq!(made, expected);
    for (new, mode) in [(&new[7], Mode::Classic), (&there, Mode::Classic)] {
        let record = matches.get(new.match_id).await.unwrap().unwrap();
        assert_eq!((record.quality, record.mode, record.commitment), (0.75, mode, new.commitment));
        let names: Vec<_> =
            record.players.iter().map(|player| (player.player_id, player.display_name.as_str())).collect();
        assert_eq!(names, [(new.players[0].player_id, "Ada"), (new.players[1].player_id, "Bo")]);
    }
    assert!(matches.create_many(&new).await.unwrap().is_empty());
    assert!(matches.create_many(&[]).await.unwrap().is_empty());
    scratch.finish().await;
}
