//! Coming back: what was missed is told, once and in order, or the client is told to start from the state.

use muster_core::game::{GameEvent, Seat};
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{LoggedEvent, Push};
use muster_testkit::Platform;
use serde_json::Value;

use crate::raw::{Http, Socket};

/// A push that changes nothing for who gets it, with a number of its own in it.
fn push(number: u64) -> Push {
    let event = GameEvent::TurnBegan { seat: Seat::First };
    let events = vec![LoggedEvent { seq: number, at: muster_store::now(), event }];
    Push::MatchEvents { match_id: MatchId::new(muster_store::now(), [9; 10]), events }
}

async fn send(platform: &Platform, player: &str, count: u64) -> u64 {
    let player: PlayerId = player.parse().unwrap();
    let mut last = 0;
    for number in 0..count {
        last = platform.scratch.store.pushes.send(player, &push(number)).await.unwrap();
    }
    last
}

async fn next_seqs(socket: &mut Socket, count: u64) -> Vec<u64> {
    let mut seqs = Vec::new();
    for _ in 0..count {
        seqs.push(socket.expect("push").await["seq"].as_u64().unwrap());
    }
    seqs
}

fn said(welcome: &Value) -> (bool, u64) {
    (welcome["resumed"].as_bool().unwrap(), welcome["seq"].as_u64().unwrap())
}

#[tokio::test]
async fn what_was_missed_is_told_once_and_in_order() {
    let platform = Platform::builder().start().await;
    let (ada, token) = Http::of(&platform).sign_in("Ada").await;
    let last = send(&platform, &ada, 10).await;

    let (mut socket, welcome) = Socket::resumed(&platform, &token, last - 4).await;
    assert_eq!(said(&welcome), (true, last - 4));
    let newer = send(&platform, &ada, 3).await;
    assert_eq!(next_seqs(&mut socket, 7).await, (last - 3..=newer).collect::<Vec<_>>());

    let (mut socket, welcome) = Socket::resumed(&platform, &token, newer).await;
    assert_eq!(said(&welcome), (true, newer), "nothing was missed");
    send(&platform, &ada, 1).await;
    assert_eq!(next_seqs(&mut socket, 1).await, [newer + 1]);
    platform.finish().await;
}

#[tokio::test]
async fn a_number_that_cannot_be_resumed_starts_at_the_newest() {
    let platform = Platform::builder().start().await;
    let http = Http::of(&platform);
    let (ada, token) = http.sign_in("Ada").await;
    let (bo, _) = http.sign_in("Bo").await;
    // Bo's numbers are other than Ada's: they begin at another moment.
    let of_another = send(&platform, &bo, 3).await;
    let last = send(&platform, &ada, 300).await;
    for (number, what) in [
        (last + 1, "a number that was never given"),
        (u64::MAX, "no number at all"),
        (of_another, "another player's number"),
        (last - 299, "a number that the buffer does not reach back to"),
        (1, "a number from long ago"),
    ] {
        let (mut socket, welcome) = Socket::resumed(&platform, &token, number).await;
        let (resumed, seq) = said(&welcome);
        assert!(!resumed, "{what}");
        send(&platform, &ada, 1).await;
        assert_eq!(next_seqs(&mut socket, 1).await, [seq + 1], "{what}");
    }
    platform.finish().await;
}

#[tokio::test]
async fn who_was_never_told_anything_misses_nothing_either() {
    let platform = Platform::builder().start().await;
    let (ada, token) = Http::of(&platform).sign_in("Ada").await;
    let (mut socket, welcome) = Socket::resumed(&platform, &token, 0).await;
    let (resumed, seq) = said(&welcome);
    assert!(!resumed);
    send(&platform, &ada, 2).await;
    assert_eq!(next_seqs(&mut socket, 2).await, [seq + 1, seq + 2]);
    platform.finish().await;
}
