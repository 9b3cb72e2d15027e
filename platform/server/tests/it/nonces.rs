//! What players add to the dice: told with the ticket, mixed in, told again, and checked.

use std::time::Duration;

use muster_client::verify::{Mismatch, VerifyError, told_nonces, verify_match, verify_match_with};
use muster_client::{ClientEvent, Connection, TicketOptions};
use muster_core::game::{Command, Nonce};
use muster_core::wire::{CreateTicket, MatchView};
use muster_testkit::Platform;
use serde_json::json;
use tokio::time::timeout;

use crate::raw::{Http, Socket, problem};

async fn found(connection: &mut Connection) -> MatchView {
    let found = async {
        loop {
            match connection.next().await.expect("the connection stays") {
                ClientEvent::MatchFound(view) | ClientEvent::Connected { current_match: Some(view), .. } => {
                    return view;
                }
                _ => {}
            }
        }
    };
    timeout(Duration::from_secs(15), found).await.expect("a match is found")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nonces_of_both_players_are_in_the_dice_and_in_the_log() {
    let platform = Platform::builder().start().await;
    let (ada, grace) = (platform.player("Ada").await, platform.player("Grace").await);
    let (adas, graces) = (Nonce::new([0xad; 32]), Nonce::new([0x9c; 32]));
    let mut ada_line = ada.connect();
    let mut grace_line = grace.connect();
    // One over HTTP, one over the socket.
    let wish = CreateTicket { nonce: Some(adas), ..CreateTicket::plain("classic-casual") };
    ada.request_ticket(&wish, "wish").await.unwrap();
    grace_line.queue_with("classic-casual", TicketOptions { nonce: Some(graces), ..Default::default() }).await.unwrap();
    let view = found(&mut ada_line).await;
    found(&mut grace_line).await;

    let seat = |session: &muster_client::Session| {
        view.players.iter().find(|seated| seated.player_id == session.player_id()).unwrap().seat
    };
    let mover = if view.turn == Some(seat(&ada)) { &ada_line } else { &grace_line };
    mover.command(view.match_id, Command::Roll).await.unwrap();
    grace_line.command(view.match_id, Command::Resign).await.unwrap();
    let ended = async {
        while !matches!(ada_line.next().await.expect("the connection stays"), ClientEvent::MatchEnded { .. }) {}
    };
    timeout(Duration::from_secs(15), ended).await.expect("the match is settled");

    let log = ada.match_log(view.match_id, 0).await.unwrap();
    let told = told_nonces(&log);
    assert_eq!(told[seat(&ada).index()], Some(adas.bytes()));
    assert_eq!(told[seat(&grace).index()], Some(graces.bytes()));
    assert_eq!(verify_match(&ada, view.match_id).await.unwrap().rolls, 1);
    assert_eq!(verify_match_with(&grace, view.match_id, graces).await.unwrap().rolls, 1);
    let other = verify_match_with(&grace, view.match_id, adas).await.unwrap_err();
    assert!(matches!(other, VerifyError::Mismatch(Mismatch::Nonce { .. })), "{other}");
    platform.finish().await;
}

#[tokio::test]
async fn a_nonce_is_32_bytes_and_a_players_own() {
    let platform = Platform::builder().start().await;
    let http = Http::of(&platform);
    let (ada, token) = http.sign_in("Ada").await;
    for wrong in ["ab", &"ab".repeat(33), &"xy".repeat(32)] {
        let wish = json!({ "queue": "classic-ranked", "nonce": wrong });
        let body = problem(http.wish(&token, &wish).send().await.unwrap(), 422, "invalid_field").await;
        assert_eq!(body["errors"][0]["path"], "nonce", "{body}");
    }
    let mut socket = Socket::signed_in(&platform, &token).await;
    socket.send(&json!({ "type": "ticket.create", "id": "q", "queue": "classic-ranked", "nonce": "ab" })).await;
    let error = socket.expect("error").await;
    assert_eq!((error["code"].as_str(), error["re"].as_str()), (Some("unknown_message"), Some("q")));

    // A trusted server says each player's own.
    let server = platform.trusted_server("the-game").await;
    let wish = CreateTicket {
        nonce: Some(Nonce::new([1; 32])),
        players: vec![muster_core::wire::TicketPlayer {
            player_id: ada.parse().unwrap(),
            rating: None,
            roles: Vec::new(),
            nonce: Some(Nonce::new([2; 32])),
        }],
        ..CreateTicket::plain("classic-ranked")
    };
    let refused = server.create_ticket(&wish, "one").await.unwrap_err();
    assert_eq!(refused.code(), Some("invalid_field"));
    server.create_ticket(&CreateTicket { nonce: None, ..wish }, "two").await.unwrap();
    platform.finish().await;
}
