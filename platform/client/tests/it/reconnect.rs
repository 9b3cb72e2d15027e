//! Losing the line and coming back.

use muster_client::{
    ClientError, ClientEvent, DisconnectReason,
    core::{
        game::Command,
        wire::{ClientMessage, ServerMessage},
    },
};

use crate::scripted::{Line, ScriptedPlatform, hasty, match_id, next, pushes};

#[tokio::test]
async fn the_first_hello_has_nothing_to_resume() {
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    let (_line, last_seq) = platform.welcomed(41, false).await;
    assert_eq!(last_seq, None);
    assert!(matches!(next(&mut connection).await, ClientEvent::Connected { resumed: false, .. }));
}

#[tokio::test]
async fn a_cut_line_is_resumed_with_nothing_lost_and_nothing_twice() {
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    let (line, _) = platform.welcomed(0, false).await;
    line.push(1);
    line.push(2);
    assert_eq!(pushes(&mut connection, 2).await, [1, 2]);

    drop(line);
    assert!(matches!(
        next(&mut connection).await,
        ClientEvent::Disconnected { reason: DisconnectReason::Broken(_), retrying: true }
    ));

    let (line, last_seq) = platform.welcomed(4, true).await;
    assert_eq!(last_seq, Some(2));
    for seq in [2, 3, 4, 4, 5] {
        line.push(seq);
    }
    assert!(matches!(next(&mut connection).await, ClientEvent::Connected { resumed: true, .. }));
    assert_eq!(pushes(&mut connection, 3).await, [3, 4, 5]);

    drop(line);
    let (_line, last_seq) = platform.welcomed(5, true).await;
    assert_eq!(last_seq, Some(5));
}

#[tokio::test]
async fn what_cannot_be_resumed_starts_at_the_welcome() {
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    let (line, _) = platform.welcomed(0, false).await;
    line.push(1);
    assert_eq!(pushes(&mut connection, 1).await, [1]);
    drop(line);

    let (line, last_seq) = platform.welcomed(90, false).await;
    assert_eq!(last_seq, Some(1));
    line.push(90);
    line.push(91);
    assert_eq!(pushes(&mut connection, 1).await, [91]);
}

async fn command_id(line: &mut Line) -> String {
    match line.hear().await {
        ClientMessage::MatchCommand { id, match_id: of, command: Command::Bank } if of == match_id() => id,
        other => panic!("expected the command, not {other:?}"),
    }
}

#[tokio::test]
async fn an_unanswered_command_is_sent_again_under_its_id() {
    let mut platform = ScriptedPlatform::start().await;
    let connection = platform.sign_in().await.connect_with(hasty());
    let caller = connection.caller();
    let commanding = tokio::spawn(async move { caller.command(match_id(), Command::Bank).await });

    let (mut line, _) = platform.welcomed(0, false).await;
    let id = command_id(&mut line).await;
    drop(line);

    let (mut line, _) = platform.welcomed(0, true).await;
    assert_eq!(command_id(&mut line).await, id);
    line.say(ServerMessage::Ack { re: id, ticket: None });
    commanding.await.unwrap().unwrap();

    drop(line);
    let (mut line, _) = platform.welcomed(0, true).await;
    assert!(
        matches!(line.hear_anything().await, Some(ClientMessage::Ping { .. })),
        "what was answered is not sent again"
    );
}

#[tokio::test]
async fn a_command_that_could_not_be_taken_is_sent_again_on_the_same_line() {
    let mut platform = ScriptedPlatform::start().await;
    let connection = platform.sign_in().await.connect_with(hasty());
    let caller = connection.caller();
    let commanding = tokio::spawn(async move { caller.command(match_id(), Command::Bank).await });
    let refuse = |line: &Line, id: &str, code: &str| {
        line.say(ServerMessage::Error { code: code.to_owned(), message: "No.".to_owned(), re: Some(id.to_owned()) });
    };

    let (mut line, _) = platform.welcomed(0, false).await;
    let id = command_id(&mut line).await;
    refuse(&line, &id, "match_unavailable");
    assert_eq!(command_id(&mut line).await, id);
    refuse(&line, &id, "not_your_turn");

    let refused = commanding.await.unwrap().unwrap_err();
    assert_eq!(refused.code(), Some("not_your_turn"));
    assert!(matches!(refused, ClientError::Refused { .. }));
}

#[tokio::test]
async fn a_silent_platform_is_pinged_then_left_and_tried_again() {
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    let (mut line, _) = platform.welcomed(0, false).await;
    assert!(matches!(next(&mut connection).await, ClientEvent::Connected { .. }));
    assert!(matches!(line.hear_anything().await, Some(ClientMessage::Ping { .. })));

    assert!(matches!(
        next(&mut connection).await,
        ClientEvent::Disconnected { reason: DisconnectReason::Silent, retrying: true }
    ));
    platform.welcomed(0, true).await;
    assert!(matches!(next(&mut connection).await, ClientEvent::Connected { resumed: true, .. }));
}

#[tokio::test]
async fn a_draining_platform_is_come_back_to_and_a_replacing_one_is_not() {
    let goodbye = |code: &str| ServerMessage::Goodbye { code: code.to_owned(), message: "Go.".to_owned() };
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    let (line, _) = platform.welcomed(0, false).await;
    line.say(goodbye("draining"));
    let (line, _) = platform.welcomed(0, true).await;
    line.say(goodbye("replaced"));

    let mut last = None;
    while let Some(event) = connection.next().await {
        last = Some(event);
    }
    assert!(matches!(
        last,
        Some(ClientEvent::Disconnected { reason: DisconnectReason::Goodbye { code, .. }, retrying: false }) if code == "replaced"
    ));
    assert!(matches!(connection.queue("classic-ranked").await, Err(ClientError::Closed)));
}

#[tokio::test]
async fn closing_says_goodbye() {
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    let (mut line, _) = platform.welcomed(0, false).await;
    assert!(matches!(next(&mut connection).await, ClientEvent::Connected { .. }));
    connection.close().await;
    while line.hear_anything().await.is_some() {}
}
