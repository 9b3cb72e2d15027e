//! A referee of a closed region lets its matches come to their end: new ones go to others, as long as there are any.

use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;
use muster_store::{Actor, AdoptReply, NewClosure, Opening, now};
use muster_testkit::{Platform, eventually};

use crate::take_over::{metric, orphan};

const SOON: Duration = Duration::from_secs(10);
/// So many that each of two referees gets some, if both get any.
const MANY: usize = 40;

async fn close(platform: &Platform, region: &str) {
    let closure = NewClosure {
        queue: None,
        region: region.to_owned(),
        author: Actor::System("operator".to_owned()),
        reason: "It drains.".to_owned(),
    };
    platform.scratch.store.closures.close(&closure, now()).await.unwrap();
}

async fn open(platform: &Platform, region: &str) {
    let author = Actor::System("operator".to_owned());
    let opening = Opening { queue: None, region: region.to_owned(), author, reason: None };
    platform.scratch.store.closures.open(&opening, now()).await.unwrap();
}

/// Has matches taken over by whichever referees do; how many each took.
async fn offer(platform: &Platform) -> [usize; 2] {
    let store = &platform.scratch.store;
    let before = owned(platform).await;
    let offered = join_all((0..MANY).map(async |_| {
        let (match_id, _) = orphan(store).await;
        store.match_calls.adopt(match_id, SOON).await.unwrap()
    }));
    assert!(offered.await.iter().all(|reply| *reply == AdoptReply::Adopted));
    let after = owned(platform).await;
    [after[0] - before[0], after[1] - before[1]]
}

async fn owned(platform: &Platform) -> [usize; 2] {
    [
        metric(platform, 0, "muster_referee_matches").await as usize,
        metric(platform, 1, "muster_referee_matches").await as usize,
    ]
}

async fn wait_willing(platform: &Platform, server: usize, willing: f64) {
    eventually(SOON, &format!("server {server} to be willing: {willing}"), async || {
        (metric(platform, server, "muster_referee_willing").await == willing).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_regions_referees_take_only_what_no_other_takes() {
    let platform = Platform::builder()
        .server(2)
        // Longer than anything here takes.
        .env_of("muster-server", "MUSTER__REFEREE__ORPHANED_AFTER", "15s")
        .env_of("muster-server", "MUSTER__REFEREE__ABSENT_AFTER", "60s")
        .server_roles(0, "referee")
        .server_env(0, "MUSTER__REFEREE__REGION", "eu-west")
        .server_roles(1, "referee")
        .server_env(1, "MUSTER__REFEREE__REGION", "asia")
        .unaudited()
        .start()
        .await;
    let share = offer(&platform).await;
    assert!(share.iter().all(|taken| *taken > 0), "{share:?}");

    close(&platform, "eu-west").await;
    wait_willing(&platform, 0, 0.0).await;
    assert_eq!(offer(&platform).await, [0, MANY]);
    // Nor does it look for those that nobody owns.
    let store = &platform.scratch.store;
    let orphans = join_all((0..MANY).map(async |_| orphan(store).await.0)).await;
    let before = owned(&platform).await;
    store.match_owners.beat(&orphans, now() - TimeDelta::seconds(15)).await.unwrap();
    let after = eventually(SOON, "the orphans to be taken over", async || {
        let after = owned(&platform).await;
        (after.iter().sum::<usize>() == before.iter().sum::<usize>() + MANY).then_some(after)
    });
    assert_eq!(after.await, [before[0], before[1] + MANY]);

    // Where every region is closed, no match is without a referee.
    close(&platform, "asia").await;
    wait_willing(&platform, 1, 0.0).await;
    let share = offer(&platform).await;
    assert!(share.iter().all(|taken| *taken > 0), "{share:?}");
    open(&platform, "eu-west").await;
    wait_willing(&platform, 0, 1.0).await;
    assert_eq!(offer(&platform).await, [MANY, 0]);
    platform.finish().await;
}
