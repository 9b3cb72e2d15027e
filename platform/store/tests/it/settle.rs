use futures::future::join_all;
use muster_core::game::{Mode, Outcome, OutcomeKind, Seat};
use muster_core::id::PlayerId;
use muster_core::rating::{Rating, Score, rate};
use muster_core::wire::MatchStatus;
use muster_store::{MatchFilter, SettleError, Store, fresh_id};
use muster_testkit::Scratch;

use crate::given;

async fn made(store: &Store, players: [PlayerId; 2], ranked: bool) -> muster_store::NewMatch {
    let mut new = given::new_match(players);
    new.ranked = ranked;
    store.matches.create(&new).await.unwrap();
    new
}

#[tokio::test]
async fn settling_many_times_at_once_settles_once() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let players: [PlayerId; 2] = [fresh_id(), fresh_id()];
    let new = made(store, players, true).await;
    let settlement = given::settlement(new.match_id, given::won_by(Seat::Second));

    let settled: Vec<_> =
        join_all((0..6).map(|_| store.matches.settle(&settlement))).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(settled.iter().filter(|settled| !settled.already).count(), 1);
    assert!(settled.iter().all(|other| other.ratings == settled[0].ratings));

    let start = Rating::default();
    let (loser, winner) = rate(start, start, Score::Second);
    let changes = &settled[0].ratings;
    assert_eq!(changes.iter().map(|change| change.player_id).collect::<Vec<_>>(), players);
    assert_eq!((changes[0].before, changes[0].after), (1500.0, loser.points));
    assert_eq!((changes[1].before, changes[1].after), (1500.0, winner.points));

    let of = async |player| store.ratings.of(player, Mode::Classic).await.unwrap();
    let (first, second) = (of(players[0]).await, of(players[1]).await);
    assert_eq!((first.rating, first.matches, first.wins), (loser, 1, 0));
    assert_eq!((second.rating, second.matches, second.wins), (winner, 1, 1));
    assert_eq!(store.ratings.all(players[1]).await.unwrap(), [second]);

    let record = store.matches.get(new.match_id).await.unwrap().unwrap();
    assert_eq!((record.seed, record.version), (Some([2; 32]), 2));
    assert_eq!(record.players[1].rating_after, Some(winner.points));
    assert_eq!((record.view().state, record.view().totals), (MatchStatus::Finished, [100, 40]));
    assert_eq!(store.matches.events(new.match_id, 0, 10).await.unwrap().unwrap().events, settlement.events);
    assert_eq!(store.matches.count(&MatchFilter::default()).await.unwrap(), 1);
    assert!(store.matches.unfinished().await.unwrap().is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn two_matches_of_the_same_players_settle_at_once_one_after_the_other() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let (ada, bo) = (fresh_id(), fresh_id());
    for _ in 0..10 {
        // Seats crossed: without an order of locks these would wait for each other.
        let matches = [made(store, [ada, bo], true).await, made(store, [bo, ada], true).await];
        let settlements = matches.map(|new| given::settlement(new.match_id, given::won_by(Seat::First)));
        for settled in join_all(settlements.iter().map(|settlement| store.matches.settle(settlement))).await {
            assert!(!settled.unwrap().already);
        }
    }
    for player in [ada, bo] {
        let rating = store.ratings.of(player, Mode::Classic).await.unwrap();
        assert_eq!((rating.matches, rating.wins), (20, 10));
    }
    scratch.finish().await;
}

#[tokio::test]
async fn abandoned_and_casual_matches_move_nobodys_rating() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let abandoned = Outcome { kind: OutcomeKind::Abandoned, winner: None, totals: [10, 20] };
    for (outcome, ranked) in [(abandoned, true), (given::won_by(Seat::First), false)] {
        let players = [fresh_id(), fresh_id()];
        let new = made(store, players, ranked).await;
        let settled = store.matches.settle(&given::settlement(new.match_id, outcome)).await.unwrap();
        assert!(settled.ratings.iter().all(|change| change.before == change.after));
        assert!(store.ratings.all(players[0]).await.unwrap().is_empty());
        assert_eq!(store.matches.get(new.match_id).await.unwrap().unwrap().outcome, Some(outcome));
    }
    assert_eq!(store.matches.count(&MatchFilter { finished: Some(true), ..MatchFilter::default() }).await.unwrap(), 2);
    scratch.finish().await;
}

#[tokio::test]
async fn a_match_nobody_made_is_not_settled() {
    let scratch = Scratch::new().await;
    let settlement = given::settlement(fresh_id(), given::won_by(Seat::First));
    let error = scratch.store.matches.settle(&settlement).await.unwrap_err();
    assert!(matches!(error, SettleError::UnknownMatch(id) if id == settlement.match_id));
    scratch.finish().await;
}

#[tokio::test]
async fn many_settle_together_as_they_would_one_by_one() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let (ada, bo, cy): (PlayerId, PlayerId, PlayerId) = (fresh_id(), fresh_id(), fresh_id());
    let all = [ada, bo, cy];
    let (mut settlements, mut played) = (Vec::new(), Vec::new());
    for (first, second, winner) in [(0, 1, Seat::First), (1, 0, Seat::First), (0, 2, Seat::Second), (2, 1, Seat::First)]
    {
        let new = made(store, [all[first], all[second]], true).await;
        settlements.push(given::settlement(new.match_id, given::won_by(winner)));
        let score = if winner == Seat::First { Score::First } else { Score::Second };
        played.push((new.match_id, first, second, score));
    }
    let before = given::settlement(made(store, [ada, bo], false).await.match_id, given::won_by(Seat::First));
    store.matches.settle(&before).await.unwrap();
    settlements.push(before);
    settlements.push(given::settlement(fresh_id(), given::won_by(Seat::First)));
    settlements.push(settlements[0].clone());

    let settled = store.matches.settle_many(&settlements).await.unwrap();
    let already: Vec<_> = settled.iter().map(|settled| settled.as_ref().map(|settled| settled.already)).collect();
    let (new, old) = (Some(false), Some(true));
    assert_eq!(already, [new, new, new, new, old, None, old]);

    // Matches are taken in the order of their ids: of those made in the same millisecond, any may come first.
    played.sort_by_key(|(match_id, ..)| *match_id);
    let mut expected = [Rating::default(); 3];
    for (_, first, second, score) in played {
        (expected[first], expected[second]) = rate(expected[first], expected[second], score);
    }
    for (player, expected, matches, wins) in
        [(ada, expected[0], 3, 1), (bo, expected[1], 3, 1), (cy, expected[2], 2, 2)]
    {
        let of = store.ratings.of(player, Mode::Classic).await.unwrap();
        assert_eq!((of.rating, of.matches, of.wins), (expected, matches, wins));
    }
    assert_eq!(store.matches.settle_many(&[]).await.unwrap(), []);
    assert_eq!(store.matches.count(&MatchFilter::default()).await.unwrap(), 5);
    scratch.finish().await;
}
