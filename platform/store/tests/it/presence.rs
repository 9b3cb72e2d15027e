use chrono::TimeDelta;
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
