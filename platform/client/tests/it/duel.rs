//! Bots on the real platform: every mode is played to its end, also through the death of the server.

use std::time::Duration;

use muster_client::{
    bot::{Bot, PlayedMatch},
    core::game::Mode,
    verify::verify_match,
};
use muster_testkit::Platform;
use tokio::time::timeout;

const A_MATCH: Duration = Duration::from_secs(120);

fn bots(queue: &str) -> (Bot, Bot) {
    let bot = |seed| Bot::new(queue, seed).move_delay(Duration::from_millis(60));
    (bot(1), bot(2))
}

fn same_match(one: &PlayedMatch, other: &PlayedMatch) {
    assert_eq!(one.view.match_id, other.view.match_id);
    assert_eq!(one.result.outcome, other.result.outcome);
    assert_eq!(one.log, other.log, "both players saw the same log");
    assert_ne!(one.won(), other.won());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mode_is_played_and_its_dice_are_fair() {
    let platform = Platform::builder().start().await;
    let plays = Mode::ALL.map(async |mode| {
        let (ada, bo) = (platform.player("Ada").await, platform.player("Bo").await);
        let (mut one, mut other) = bots(&format!("{mode}-ranked"));
        let (one, other) = timeout(A_MATCH, async { tokio::join!(one.play_one(&ada), other.play_one(&bo)) })
            .await
            .unwrap_or_else(|_| panic!("a match of {mode} ends within {A_MATCH:?}"));
        let (one, other) = (one.unwrap(), other.unwrap());
        same_match(&one, &other);
        let verified = verify_match(&ada, one.view.match_id).await.unwrap();
        assert!(verified.rolls > 0, "{mode}");
        assert_eq!(one.result.ratings.len(), 2, "a ranked match moves ratings");
    });
    futures::future::join_all(plays).await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_survives_the_death_of_the_server() {
    let mut platform = Platform::builder().start().await;
    let (ada, bo) = (platform.player("Ada").await, platform.player("Bo").await);
    let (mut one, mut other) = bots("classic-casual");
    let (moved, first_rolls) = tokio::sync::oneshot::channel();
    let mut moved = Some(moved);
    one = one.watcher(Box::new(move |mirror, _| {
        if mirror.state().rolls == 5
            && let Some(moved) = moved.take()
        {
            let _ = moved.send(());
        }
    }));
    let session = ada.clone();
    let playing = tokio::spawn(async move { tokio::join!(one.play_one(&session), other.play_one(&bo)) });

    timeout(A_MATCH, first_rolls).await.expect("the match begins").unwrap();
    platform.server(0).kill9().await;
    platform.restart_server(0).await;

    let (one, other) = timeout(A_MATCH, playing).await.expect("the match ends").unwrap();
    let (one, other) = (one.unwrap(), other.unwrap());
    same_match(&one, &other);
    verify_match(&ada, one.view.match_id).await.unwrap();
    platform.finish().await;
}
