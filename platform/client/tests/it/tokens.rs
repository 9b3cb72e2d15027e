//! A token that has run out is replaced, and the player does not notice.

use muster_client::{ClientEvent, DisconnectReason, core::wire::ServerMessage};

use crate::scripted::{ScriptedPlatform, hasty, next, welcome};

fn expired() -> ServerMessage {
    ServerMessage::Error { code: "token_expired".to_owned(), message: "Sign in again.".to_owned(), re: None }
}

#[tokio::test]
async fn a_hello_that_is_refused_for_its_token_is_said_again_with_a_new_one() {
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    let mut line = platform.line().await;
    assert_eq!(line.hello().await.0, "token-1");
    line.say(expired());

    let mut line = platform.line().await;
    assert_eq!(line.hello().await.0, "token-2");
    line.say(welcome(0, false));
    assert!(matches!(
        next(&mut connection).await,
        ClientEvent::Disconnected { reason: DisconnectReason::TokenExpired, retrying: true }
    ));
    assert!(matches!(next(&mut connection).await, ClientEvent::Connected { .. }));
    assert_eq!(platform.sign_ins(), 2);
}

#[tokio::test]
async fn a_token_that_runs_out_on_the_line_is_replaced_and_the_line_resumed() {
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    let (line, _) = platform.welcomed(7, false).await;
    line.say(ServerMessage::Goodbye { code: "token_expired".to_owned(), message: "Sign in again.".to_owned() });

    let mut line = platform.line().await;
    assert_eq!(line.hello().await, ("token-2".to_owned(), Some(7)));
    line.say(welcome(7, true));
    assert!(matches!(next(&mut connection).await, ClientEvent::Connected { resumed: false, .. }));
    assert!(matches!(next(&mut connection).await, ClientEvent::Disconnected { .. }));
    assert!(matches!(next(&mut connection).await, ClientEvent::Connected { resumed: true, .. }));
}

#[tokio::test]
async fn a_platform_that_takes_no_token_at_all_is_given_up() {
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    for _ in 0..4 {
        let mut line = platform.line().await;
        line.hello().await;
        line.say(expired());
        while line.hear_anything().await.is_some() {}
    }
    let mut last = None;
    while let Some(event) = connection.next().await {
        last = Some(event);
    }
    assert!(matches!(last, Some(ClientEvent::Disconnected { retrying: false, .. })), "{last:?}");
}
