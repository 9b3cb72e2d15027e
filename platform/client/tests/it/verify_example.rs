//! The example `verify`, as a person runs it: on a match of the real platform, and on one that a platform lies about.

use std::{
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};

use axum::{
    Json, Router,
    routing::{get, post},
};
use muster_client::{
    Session,
    bot::Bot,
    core::{
        game::GameEvent,
        id::MatchId,
        wire::{EventPage, LoggedEvent, MatchView, SignedIn},
    },
    verify::verify_match,
};
use muster_testkit::Platform;
use tokio::net::TcpListener;

/// `target/<profile>/examples/verify`: `cargo test` builds it too.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples/verify");
    assert!(path.is_file(), "{} is not built: run `cargo build -p muster-client --examples`", path.display());
    path
}

/// Exit code and everything that was printed.
async fn run(url: &str, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(example());
    command.args(["--url", url]).args(words);
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8([stdout, stderr].concat()).unwrap();
    (status.code().unwrap_or(-1), text)
}

/// A match that was played to its end, and who played first.
async fn played(platform: &Platform) -> (Session, MatchId) {
    let (ada, bo) = (platform.player("Ada").await, platform.player("Bo").await);
    let bot = |seed| Bot::new("quickfire-casual", seed).move_delay(Duration::from_millis(1));
    let (mut one, mut other) = (bot(1), bot(2));
    let (one, other) = tokio::join!(one.play_one(&ada), other.play_one(&bo));
    other.unwrap();
    (ada, one.unwrap().view.match_id)
}

/// A platform that tells this, whoever asks.
async fn liar(view: MatchView, log: Vec<LoggedEvent>) -> String {
    let player_id = view.players[0].player_id;
    let page = EventPage { end_cursor: log.len() as u64, events: log, has_next: false };
    let signed_in = SignedIn {
        player_id,
        display_name: "Anybody".to_owned(),
        token: "token".to_owned(),
        expires_at: "2100-01-01T00:00:00Z".parse().unwrap(),
        new_account: false,
    };
    let router = Router::new()
        .route("/v1/auth/device", post(|| async { Json(signed_in) }))
        .route("/v1/matches/{id}", get(|| async { Json(view) }))
        .route("/v1/matches/{id}/events", get(|| async { Json(page) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn count(text: &str, word: &str) -> usize {
    text.lines().filter(|line| line.split_whitespace().any(|other| other.trim_end_matches(':') == word)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_is_shown_roll_by_roll_and_lies_are_marked() {
    let platform = Platform::builder()
        .env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000")
        .env_of("muster-server", "MUSTER__GATEWAY__REQUESTS_PER_SECOND", "1000")
        .start()
        .await;
    let (ada, match_id) = played(&platform).await;
    let url = platform.server_url(0);
    let id = match_id.to_string();
    let rolls = verify_match(&ada, match_id).await.unwrap().rolls;

    let (code, text) = run(url, &[&id]).await;
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(&format!("RIGHT: all {rolls} rolls")), "{text}");
    // Each roll, the seed and who begins.
    assert_eq!(count(&text, "right") as u64, rolls + 2, "{text}");
    assert!(text.contains("Ada") && text.contains("Bo") && !text.contains("WRONG"), "{text}");

    let (code, text) = run(url, &[&id, "--all", "--nonce", &"ab".repeat(32)]).await;
    assert_eq!(code, 1, "a nonce that was never mixed in: {text}");
    assert!(text.contains("It is ") && count(&text, "WRONG") == 2, "{text}");

    for (words, expected) in [(["mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405"], 2), (["mch_nonsense"], 2)] {
        let (code, text) = run(url, &words).await;
        assert_eq!(code, expected, "{text}");
    }
    let (code, text) = run("http://127.0.0.1:1", &[&id]).await;
    assert!(code == 2 && text.contains("no platform"), "{text}");
    let (code, text) = run(url, &["--help"]).await;
    assert!(code == 0 && text.contains("Exit code"), "{text}");

    let view = ada.match_view(match_id).await.unwrap();
    let log = ada.match_log(match_id, 0).await.unwrap();
    let mut forged = log.clone();
    let second = forged.iter_mut().filter_map(|logged| match &mut logged.event {
        GameEvent::Rolled { dice, .. } => Some(dice),
        _ => None,
    });
    let dice = second.into_iter().nth(1).expect("a match has two rolls");
    dice[0] = if dice[0] == 6 { 5 } else { 6 };
    let (code, text) = run(&liar(view.clone(), forged).await, &[&id]).await;
    assert_eq!(code, 1, "{text}");
    assert_eq!(count(&text, "WRONG"), 2, "the roll and the verdict: {text}");
    assert_eq!(count(&text, "right") as u64, rolls + 1, "{text}");

    let other_seed = MatchView { seed: Some("00".repeat(32)), ..view.clone() };
    let (code, text) = run(&liar(other_seed, log.clone()).await, &[&id]).await;
    assert!(code == 1 && text.contains("SHA-256"), "{text}");
    let mut left_out = log;
    left_out.remove(1);
    let (code, text) = run(&liar(view.clone(), left_out).await, &[&id]).await;
    assert!(code == 1 && text.contains("missing or out of place"), "{text}");
    let secret = MatchView { seed: None, ..view };
    let (code, text) = run(&liar(secret, Vec::new()).await, &[&id]).await;
    assert!(code == 2 && text.contains("not over yet"), "{text}");
    platform.finish().await;
}
