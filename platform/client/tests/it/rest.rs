//! Calls over HTTP: the token is renewed, what may be repeated is, and a refusal is typed.

use muster_client::{Client, ClientError};

use crate::scripted::ScriptedPlatform;

#[tokio::test]
async fn a_token_that_has_run_out_is_renewed_in_passing() {
    let platform = ScriptedPlatform::start().await;
    let session = platform.sign_in().await;
    assert_eq!(session.token(), "token-1");
    assert_eq!(session.queues().await.unwrap(), []);
    assert_eq!(session.token(), "token-2");
    session.queues().await.unwrap();
    assert_eq!(platform.sign_ins(), 2, "a good token is kept");
}

#[tokio::test]
async fn many_calls_at_once_renew_the_token_once() {
    let platform = ScriptedPlatform::start().await;
    let session = platform.sign_in().await;
    let (one, two, three) = tokio::join!(session.queues(), session.queues(), session.queues());
    one.and(two).and(three).unwrap();
    assert_eq!(platform.sign_ins(), 2);
}

#[tokio::test]
async fn a_ticket_is_asked_for_again_under_its_key() {
    let platform = ScriptedPlatform::start().await;
    let session = platform.sign_in().await;
    session.create_ticket("classic-ranked", "wish-1").await.unwrap();
    assert_eq!(platform.ticket_keys(), ["wish-1", "wish-1"]);
}

#[tokio::test]
async fn a_refusal_has_its_code() {
    let platform = ScriptedPlatform::start().await;
    let session = platform.sign_in().await;
    // The scripted platform has no such page, and says so without a document.
    let refused = session.me().await.unwrap_err();
    assert_eq!(refused.code(), Some("not_found"));
    assert!(!refused.is_transient());
}

#[tokio::test]
async fn a_platform_that_is_not_there_is_told_as_such() {
    let client = Client::new("http://127.0.0.1:1").unwrap();
    let error = client.sign_in_device("a-device-of-the-tests", None).await.unwrap_err();
    assert!(matches!(error, ClientError::Transport(_)));
    assert!(error.is_transient());
}
