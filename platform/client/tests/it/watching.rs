//! Watching goes on through the loss of the line, without a hole and without a word twice.

use muster_client::{
    ClientEvent, Connection,
    core::{
        game::{GameEvent, Mode, Seat},
        id::MatchId,
        wire::{
            ClientMessage, LoggedEvent, MatchStatus, MatchView, ServerMessage, WatchBegan, WatchEnd, WatchEnded,
            WatchEvents,
        },
    },
};
use uuid::Uuid;

use crate::scripted::{Line, ScriptedPlatform, hasty, next};

fn match_id() -> MatchId {
    MatchId::from_uuid(Uuid::from_u128(7))
}

fn began(after: u64) -> ServerMessage {
    let view = MatchView {
        match_id: match_id(),
        queue: "classic-ranked".to_owned(),
        mode: Mode::Classic,
        state: MatchStatus::Running,
        players: Vec::new(),
        commitment: "00".repeat(32),
        seed: None,
        created_at: chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        ended_at: None,
        outcome: None,
        version: 0,
        totals: [0, 0],
        turn: None,
    };
    ServerMessage::WatchBegan(WatchBegan { r#match: view, delay_ms: 10_000, after })
}

fn happened(seqs: std::ops::RangeInclusive<u64>) -> ServerMessage {
    let at = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let event = |seq| LoggedEvent { seq, at, event: GameEvent::TurnBegan { seat: Seat::First } };
    ServerMessage::WatchEvents(WatchEvents { match_id: match_id(), events: seqs.map(event).collect() })
}

/// The next wish to watch: its id and where it goes on.
async fn asked(line: &mut Line) -> (String, Option<u64>) {
    match line.hear().await {
        ClientMessage::MatchWatch { id, match_id: of, after } if of == match_id() => (id, after),
        other => panic!("expected a wish to watch, not {other:?}"),
    }
}

async fn next_watched(connection: &mut Connection) -> ClientEvent {
    loop {
        match next(connection).await {
            ClientEvent::Connected { .. } | ClientEvent::Disconnected { .. } => {}
            event => return event,
        }
    }
}

async fn seqs(connection: &mut Connection) -> Vec<u64> {
    match next_watched(connection).await {
        ClientEvent::WatchEvents(happened) => happened.events.iter().map(|event| event.seq).collect(),
        other => panic!("expected events, not {other:?}"),
    }
}

#[tokio::test]
async fn a_lost_line_is_watched_on_after_what_was_told() {
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    let caller = connection.caller();
    let watching = tokio::spawn(async move { caller.watch(match_id()).await });
    let (mut line, _) = platform.welcomed(0, false).await;
    let (id, after) = asked(&mut line).await;
    assert_eq!(after, None);
    line.say(ServerMessage::Ack { re: id, ticket: None });
    line.say(began(0));
    line.say(happened(1..=3));
    watching.await.unwrap().unwrap();
    assert!(matches!(next_watched(&mut connection).await, ClientEvent::WatchBegan(_)));
    assert_eq!(seqs(&mut connection).await, [1, 2, 3]);

    drop(line);
    let (mut line, _) = platform.welcomed(0, true).await;
    let (id, after) = asked(&mut line).await;
    assert_eq!(after, Some(3));
    line.say(ServerMessage::Ack { re: id, ticket: None });
    line.say(began(3));
    line.say(happened(3..=5));
    assert!(matches!(next_watched(&mut connection).await, ClientEvent::WatchBegan(began) if began.after == 3));
    assert_eq!(seqs(&mut connection).await, [4, 5]);

    line.say(ServerMessage::WatchEnded(WatchEnded { match_id: match_id(), reason: WatchEnd::Over, r#match: None }));
    assert!(matches!(next_watched(&mut connection).await, ClientEvent::WatchEnded(_)));
    drop(line);
    let (mut line, _) = platform.welcomed(0, true).await;
    assert!(
        matches!(line.hear_anything().await, Some(ClientMessage::Ping { .. })),
        "what is over is not watched again"
    );
}

#[tokio::test]
async fn a_match_that_cannot_be_watched_again_is_told_as_ended() {
    let mut platform = ScriptedPlatform::start().await;
    let mut connection = platform.sign_in().await.connect_with(hasty());
    let caller = connection.caller();
    let watching = tokio::spawn(async move { caller.watch(match_id()).await });
    let (mut line, _) = platform.welcomed(0, false).await;
    let (id, _) = asked(&mut line).await;
    line.say(ServerMessage::Ack { re: id, ticket: None });
    line.say(began(0));
    watching.await.unwrap().unwrap();
    assert!(matches!(next_watched(&mut connection).await, ClientEvent::WatchBegan(_)));

    drop(line);
    let (mut line, _) = platform.welcomed(0, true).await;
    let (id, _) = asked(&mut line).await;
    line.say(ServerMessage::Error { code: "match_over".to_owned(), message: "Over.".to_owned(), re: Some(id) });
    match next_watched(&mut connection).await {
        ClientEvent::WatchEnded(ended) => assert_eq!((ended.match_id, ended.reason), (match_id(), WatchEnd::Over)),
        other => panic!("expected the end, not {other:?}"),
    }
}
