//! What servers report: once, and only what fits the match.

use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;
use muster_core::id::PlayerId;
use muster_core::wire::{ReportPlayers, ReportResult, ServerMatchReason, ServerMatchState, ServerState, TeamResult};
use muster_store::{Ladder, PlayersError, Reported, ResultError, StartError, fresh_id, now};
use muster_testkit::Scratch;

use crate::servers::{given, key, won};

/// How long whoever took an end has to tell it.
const HOLD: Duration = Duration::from_secs(5);

fn faults(result: Result<Reported, ResultError>) -> Vec<String> {
    match result {
        Err(ResultError::Unfit(faults)) => faults.into_iter().map(|fault| fault.path).collect(),
        other => panic!("it does not fit: {other:?}"),
    }
}

#[tokio::test]
async fn a_result_ends_the_match_moves_ratings_and_counts_once() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let key = key(store).await;
    let (server, match_id, teams) = given(store, key).await;
    store.servers.start(server, key, match_id, 1, now()).await.unwrap();
    let reports = join_all(
        (0..6).map(|_| async { store.servers.report(server, key, match_id, &won(&teams), now()).await.unwrap() }),
    )
    .await;
    assert_eq!(reports.iter().filter(|reported| **reported == Reported::Ended).count(), 1, "{reports:?}");

    let over = store.servers.match_of(match_id).await.unwrap().unwrap();
    assert_eq!((over.state, over.end.as_ref().unwrap().reason), (ServerMatchState::Ended, ServerMatchReason::Finished));
    assert_eq!(over.end.unwrap().teams.iter().map(|team| team.rank).collect::<Vec<_>>(), [1, 2]);
    for (team, won) in over.teams.iter().zip([true, false]) {
        for player in team {
            let (before, after) = (player.points_before.unwrap(), player.points_after.unwrap());
            assert_eq!((before, after > before), (1500.0, won));
            let ladders = store.servers.ratings_of(player.player_id).await.unwrap();
            assert_eq!((ladders.len(), ladders[0].queue.as_str()), (1, "pairs"));
            assert_eq!((ladders[0].matches, ladders[0].wins, ladders[0].rating.points), (1, u32::from(won), after));
        }
    }
    let view = store.servers.get(server, key).await.unwrap().unwrap();
    assert_eq!((view.state, view.matches), (ServerState::Ready, 0));

    let lost = ReportResult::Finished {
        teams: [2, 1]
            .into_iter()
            .zip(&teams)
            .map(|(rank, players)| TeamResult { players: players.clone(), rank, score: None })
            .collect(),
    };
    let differs = store.servers.report(server, key, match_id, &lost, now()).await;
    assert!(matches!(differs, Err(ResultError::Different)), "{differs:?}");
    scratch.finish().await;
}

#[tokio::test]
async fn what_does_not_fit_the_match_is_refused_and_changes_nothing() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let (key, other_key) = (key(store).await, key(store).await);
    let (server, match_id, teams) = given(store, key).await;
    let (elsewhere, _, _) = given(store, key).await;
    let report = async |teams: &[Vec<PlayerId>]| store.servers.report(server, key, match_id, &won(teams), now()).await;

    let stranger = vec![teams[0].clone(), vec![teams[1][0], fresh_id()]];
    assert_eq!(faults(report(&stranger).await), ["teams[1].players[1]"]);
    let exchanged = vec![teams[1].clone(), teams[0].clone()];
    assert_eq!(faults(report(&exchanged).await).len(), 4);
    assert_eq!(faults(report(&teams[..1]).await), ["teams"]);
    assert_eq!(faults(report(&[teams.clone(), vec![vec![]]].concat()).await), ["teams"]);

    for (server, key, match_id) in [
        (elsewhere, key, match_id),
        (server, other_key, match_id),
        (server, key, fresh_id()),
        (fresh_id(), key, match_id),
    ] {
        let result = store.servers.report(server, key, match_id, &won(&teams), now()).await;
        assert!(matches!(result, Err(ResultError::NotHere)), "{result:?}");
        let started = store.servers.start(server, key, match_id, 1, now()).await;
        assert!(matches!(started, Err(StartError::NotHere)), "{started:?}");
        let players = store.servers.players(server, key, match_id, &ReportPlayers::default(), now()).await;
        assert!(matches!(players, Err(PlayersError::NotHere)), "{players:?}");
    }
    assert_eq!(store.servers.match_of(match_id).await.unwrap().unwrap().state, ServerMatchState::Allocated);
    assert_eq!(report(&teams).await.unwrap(), Reported::Ended);
    scratch.finish().await;
}

#[tokio::test]
async fn who_left_for_good_is_free_and_who_did_not_play_is_not_rated() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let key = key(store).await;
    let (server, match_id, teams) = given(store, key).await;
    store.servers.start(server, key, match_id, 1, now()).await.unwrap();
    let quitter = teams[0][1];
    let say = async |joined: &[PlayerId], left: &[PlayerId]| {
        let report = ReportPlayers { joined: joined.to_vec(), left: left.to_vec() };
        store.servers.players(server, key, match_id, &report, now()).await
    };
    say(&teams.concat(), &[]).await.unwrap();
    say(&[], &[quitter]).await.unwrap();
    say(&[], &[quitter]).await.expect("the same again is as good");
    let stranger = fresh_id();
    assert!(matches!(say(&[stranger], &[]).await, Err(PlayersError::UnknownPlayer(who)) if who == stranger));
    assert_eq!(store.servers.running_of(quitter).await.unwrap(), None);
    assert_eq!(store.servers.place_of(quitter, match_id).await.unwrap(), None);
    assert_eq!(store.servers.running_of(teams[0][0]).await.unwrap(), Some(match_id));

    let played = vec![vec![teams[0][0]], teams[1].clone()];
    let ended_at = now() + TimeDelta::seconds(60);
    store.servers.report(server, key, match_id, &won(&played), ended_at).await.unwrap();
    assert!(store.servers.ratings_of(quitter).await.unwrap().is_empty());
    assert_eq!(store.servers.ratings_of(teams[0][0]).await.unwrap()[0].wins, 1);
    let ended = store.servers.untold(Some(&[match_id]), 1, ended_at, HOLD).await.unwrap().remove(0);
    let stayed: Vec<_> = ended.players.iter().filter(|player| !player.stayed).map(|player| player.player_id).collect();
    assert_eq!(stayed, [quitter], "who left before is told no more");
    scratch.finish().await;
}

#[tokio::test]
async fn at_the_door_a_queues_own_ladder_and_a_match_on_a_server_count() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let key = key(store).await;
    let ada = store.accounts.sign_in(&[7; 32], Some("Ada"), now()).await.unwrap().account.player_id;
    let door = async |ladder| store.accounts.at_the_door(&[(ada, ladder)]).await.unwrap().remove(0).unwrap();
    let (server, match_id, teams) = crate::servers::given_with(store, key, ada).await;
    assert_eq!(door(Ladder::Queue("pairs")).await.running_match, Some(match_id));
    store.servers.report(server, key, match_id, &won(&teams), now()).await.unwrap();
    let free = door(Ladder::Queue("pairs")).await;
    assert_eq!(free.running_match, None);
    assert!(free.rating.points > 1500.0, "{:?}", free.rating);
    assert_eq!(door(Ladder::Queue("trios")).await.rating.points, 1500.0, "another queue is another ladder");
    scratch.finish().await;
}

#[tokio::test]
async fn a_match_that_is_called_off_moves_nobodys_rating() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let key = key(store).await;
    let (server, match_id, teams) = given(store, key).await;
    let off = ReportResult::Abandoned { reason: "crash".to_owned() };
    assert_eq!(store.servers.report(server, key, match_id, &off, now()).await.unwrap(), Reported::Ended);
    assert_eq!(store.servers.report(server, key, match_id, &off, now()).await.unwrap(), Reported::Already);
    let end = store.servers.match_of(match_id).await.unwrap().unwrap().end.unwrap();
    assert_eq!((end.reason, end.detail.as_deref()), (ServerMatchReason::Abandoned, Some("crash")));
    assert!(store.servers.ratings_of(teams[0][0]).await.unwrap().is_empty());
    let late = store.servers.start(server, key, match_id, 1, now()).await;
    assert!(matches!(late, Err(StartError::Over)), "{late:?}");
    scratch.finish().await;
}
