use std::collections::HashMap;

use chrono::TimeDelta;
use muster_core::id::PlayerId;
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
