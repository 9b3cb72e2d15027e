//! Pushes reach the game in order, each once, however they come and however slowly the game reads.

use muster_client::{ClientEvent, ConnectOptions, DisconnectReason};

use crate::scripted::{ScriptedPlatform, hasty, next, push_of, pushes};

#[tokio::test]
async fn an_early_push_waits_for_the_one_before_it() {
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    let (line, _) = platform.welcomed(0, false).await;
    for seq in [2, 1, 4, 3] {
        line.push(seq);
    }
    assert_eq!(pushes(&mut connection, 4).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_missing_push_is_fetched_by_coming_back() {
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    let (line, _) = platform.welcomed(0, false).await;
    line.push(1);
    line.push(3);
    assert!(matches!(next(&mut connection).await, ClientEvent::Connected { .. }));
    assert_eq!(push_of(&next(&mut connection).await), Some(1));
    assert!(matches!(
        next(&mut connection).await,
        ClientEvent::Disconnected { reason: DisconnectReason::PushMissing, retrying: true }
    ));

    let (line, last_seq) = platform.welcomed(3, true).await;
    assert_eq!(last_seq, Some(1));
    line.push(2);
    line.push(3);
    assert_eq!(pushes(&mut connection, 2).await, [2, 3]);
}

#[tokio::test]
async fn a_push_that_nobody_has_any_more_does_not_hold_up_the_rest() {
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    let (line, _) = platform.welcomed(0, false).await;
    line.push(2);
    let (line, last_seq) = platform.welcomed(2, true).await;
    assert_eq!(last_seq, Some(0));
    line.push(2);
    assert_eq!(pushes(&mut connection, 1).await, [2]);
}

#[tokio::test]
async fn a_game_that_does_not_read_loses_nothing_but_time() {
    let mut platform = ScriptedPlatform::start().await;
    let options = ConnectOptions { event_capacity: 3, ..hasty() };
    let mut connection = platform.sign_in().await.connect_with(options);
    let (mut line, _) = platform.welcomed(0, false).await;
    for seq in 1..=6 {
        line.push(seq);
    }
    // The client lets go of the line: its event queue has room for the welcome and two pushes.
    while line.hear_anything().await.is_some() {}

    let mut seen = Vec::new();
    let mut unread = false;
    while seen.len() < 2 {
        seen.extend(push_of(&next(&mut connection).await));
    }
    while !unread {
        unread = matches!(
            next(&mut connection).await,
            ClientEvent::Disconnected { reason: DisconnectReason::Unread, retrying: true }
        );
    }
    let (line, last_seq) = platform.welcomed(6, true).await;
    assert_eq!(last_seq, Some(2));
    assert!(matches!(next(&mut connection).await, ClientEvent::Connected { resumed: true, .. }));
    for seq in 3..=5 {
        line.push(seq);
        seen.extend(pushes(&mut connection, 1).await);
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
}
