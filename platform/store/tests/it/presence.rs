use chrono::TimeDelta;
use muster_core::id::PlayerId;
use muster_store::{PRESENCE_TTL, fresh_id, now};
use muster_testkit::Scratch;

#[tokio::test]
async fn a_player_is_online_until_they_leave_or_fall_silent() {
    let scratch = Scratch::new().await;
    let presence = &scratch.store.presence;
    let (ada, bo) = (fresh_id(), fresh_id());
    let start = now();
    presence.beat(&[ada, bo], start).await.unwrap();
    assert_eq!(presence.count(start).await.unwrap(), 2);
    presence.leave(bo).await.unwrap();
    assert!(!presence.online(bo, start).await.unwrap());
    assert!(presence.online(ada, start).await.unwrap());

    let later = start + PRESENCE_TTL;
    assert!(presence.online(ada, later - TimeDelta::milliseconds(1)).await.unwrap());
    assert!(!presence.online(ada, later).await.unwrap());
    assert_eq!(presence.count(later).await.unwrap(), 0);
    presence.beat(&[], later).await.unwrap();
    scratch.finish().await;
}

#[tokio::test]
async fn the_last_sign_of_life_of_many_players_is_read_at_once() {
    let scratch = Scratch::new().await;
    let presence = &scratch.store.presence;
    let players: Vec<PlayerId> = (0..2_500).map(|_| fresh_id()).collect();
    let start = now();
    let known: Vec<PlayerId> = players.iter().step_by(2).copied().collect();
    presence.beat(&known, start).await.unwrap();
    presence.beat(&players[..1], start + TimeDelta::seconds(1)).await.unwrap();

    let beats = presence.last_beats(&players).await.unwrap();
    assert_eq!(beats.len(), players.len());
    assert_eq!(beats[0], Some(start + TimeDelta::seconds(1)));
    assert!(beats.iter().skip(2).step_by(2).all(|beat| *beat == Some(start)));
    assert!(beats.iter().skip(1).step_by(2).all(Option::is_none));
    assert!(presence.last_beats(&[]).await.unwrap().is_empty());
    scratch.finish().await;
}
