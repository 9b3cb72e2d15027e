use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;
use muster_core::id::{MatchId, PlayerId};
use muster_store::{fresh_id, now};
use muster_testkit::Scratch;

use crate::given;

#[tokio::test]
async fn opponents_are_remembered_newest_first_and_team_mates_are_not() {
    let scratch = Scratch::new().await;
    let recents = &scratch.store.recents;
    let [a, b, c, d]: [PlayerId; 4] = std::array::from_fn(|_| fresh_id());
    let start = now();
    recents.met(&[vec![a, b], vec![c]], start).await.unwrap();
    recents.met(&[vec![a], vec![d]], start + TimeDelta::seconds(10)).await.unwrap();
    let found = recents.of(&[a, b, c, fresh_id()], start).await.unwrap();
    assert_eq!((found.len(), &found[&a], &found[&b]), (3, &vec![d, c], &vec![c]));
    assert!(found[&c].len() == 2 && found[&c].contains(&a) && found[&c].contains(&b));

    // Whoever asks about less time hears of fewer.
    let since = start + TimeDelta::seconds(5);
    assert_eq!(recents.of(&[a, b], since).await.unwrap(), HashMap::from([(a, vec![d])]));
    // To meet again is to have met later.
    recents.met_many(&[vec![vec![a], vec![c]], vec![vec![b], vec![d]]], start + TimeDelta::seconds(20)).await.unwrap();
    assert_eq!(recents.of(&[a], start).await.unwrap()[&a], [c, d]);
    scratch.finish().await;
}

#[tokio::test]
async fn in_a_single_team_everybody_plays_everybody_and_nobody_plays_nobody() {
    let scratch = Scratch::new().await;
    let recents = &scratch.store.recents;
    let [a, b, c]: [PlayerId; 3] = std::array::from_fn(|_| fresh_id());
    recents.met(&[vec![a, b, c]], now()).await.unwrap();
    assert_eq!(recents.of(&[b], now() - TimeDelta::hours(1)).await.unwrap()[&b].len(), 2);
    recents.met(&[vec![fresh_id()]], now()).await.unwrap();
    recents.met(&[], now()).await.unwrap();
    scratch.finish().await;
}

#[tokio::test]
async fn the_newest_64_are_kept_for_a_day() {
    let scratch = Scratch::new().await;
    let recents = &scratch.store.recents;
    let player: PlayerId = fresh_id();
    let start = now() - TimeDelta::minutes(10);
    let others: Vec<PlayerId> = (0..70).map(|_| fresh_id()).collect();
    for (n, other) in (0..).zip(&others) {
        recents.met(&[vec![player], vec![*other]], start + TimeDelta::seconds(n)).await.unwrap();
    }
    let mut newest = others[6..].to_vec();
    newest.reverse();
    assert_eq!(recents.of(&[player], start).await.unwrap()[&player], newest);
    let mut redis = given::redis(&scratch).await;
    let key = format!("{}recent:{player}", scratch.prefix());
    let ttl: i64 = redis::cmd("TTL").arg(&key).query_async(&mut redis).await.unwrap();
    assert!((86_000..=86_400).contains(&ttl), "{ttl}");
    scratch.finish().await;
}

#[tokio::test]
async fn newcomers_meet_each_other_and_who_is_there() {
    let scratch = Scratch::new().await;
    let recents = &scratch.store.recents;
    let [a, b, c, new, also]: [PlayerId; 5] = std::array::from_fn(|_| fresh_id());
    let start = now();
    let join: MatchId = fresh_id();
    let key = format!("{}recent:{join}", scratch.prefix());
    recents.keep_present(&[(join, vec![vec![a, b], vec![c]])], start).await.unwrap();
    let mut redis = given::redis(&scratch).await;
    let ttl: i64 = redis::cmd("TTL").arg(&key).query_async(&mut redis).await.unwrap();
    assert!((3_500..=3_600).contains(&ttl), "{ttl}");
    assert!(recents.of(&[a, new], start).await.unwrap().is_empty(), "nobody has met yet");

    recents.joined(join, &[vec![], vec![new]], start).await.unwrap();
    let found = recents.of(&[a, b, c, new], start).await.unwrap();
    let met = |player: PlayerId| found[&player].iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(met(new), [a, b].into(), "not the one of the same team");
    assert_eq!((met(a), met(b), met(c)), ([c, new].into(), [c, new].into(), [a, b].into()));
    let kept: bool = redis::cmd("EXISTS").arg(&key).query_async(&mut redis).await.unwrap();
    assert!(!kept);

    // Of a joining that nothing was kept for, only the newcomers are known.
    recents.joined(fresh_id(), &[vec![new], vec![also]], start).await.unwrap();
    assert_eq!(recents.of(&[also], start).await.unwrap()[&also], [new]);
    scratch.finish().await;
}
