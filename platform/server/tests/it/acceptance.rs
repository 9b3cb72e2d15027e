//! A match that all have to accept, as the players see it.

use muster_testkit::{Platform, PlatformBuilder};
use serde_json::{Value, json};

use crate::queue;
use crate::raw::{Http, Socket, problem};

/// A queue of the built-in game that asks, and gives a minute to answer.
fn asking() -> PlatformBuilder {
    Platform::builder().queue(queue(json!({
        "name": "asking", "version": 1, "mode": "classic", "ranked": false, "acceptance": {"within_secs": 60},
    })))
}

/// A player who waits in the queue.
struct Asked {
    token: String,
    socket: Socket,
    ticket: String,
}

impl Asked {
    async fn waits(platform: &Platform, http: &Http, name: &str) -> Self {
        let (_, token) = http.sign_in(name).await;
        let mut socket = Socket::signed_in(platform, &token).await;
        socket.send(&json!({"type": "ticket.create", "id": "wish", "queue": "asking"})).await;
        let ack = socket.expect("ack").await;
        let ticket = ack["ticket"]["ticket_id"].as_str().unwrap().to_owned();
        Self { token, socket, ticket }
    }

    /// The ticket, once it is in a state.
    async fn becomes(&mut self, state: &str) -> Value {
        loop {
            let push = self.socket.expect_push("ticket.updated").await;
            if push["ticket"]["state"] == state {
                return push["ticket"].clone();
            }
        }
    }
}

#[tokio::test]
async fn a_match_is_made_when_all_have_accepted() {
    let platform = asking().start().await;
    let http = Http::of(&platform);
    let mut ada = Asked::waits(&platform, &http, "Ada").await;
    let mut grace = Asked::waits(&platform, &http, "Grace").await;

    let asked = ada.becomes("proposed").await["proposal"].clone();
    assert_eq!((&asked["accepted"], &asked["players"]), (&json!(0), &json!(2)), "{asked}");
    grace.becomes("proposed").await;

    // One says yes over the socket, the other over HTTP; saying it twice is saying it once.
    for id in ["yes", "yes-again"] {
        ada.socket.send(&json!({"type": "ticket.accept", "id": id, "ticket_id": ada.ticket})).await;
        let ticket = ada.socket.expect("ack").await["ticket"].clone();
        assert_eq!((&ticket["state"], &ticket["proposal"]["accepted"]), (&json!("accepted"), &json!(1)), "{ticket}");
    }
    let path = format!("/v1/tickets/{}/accept", grace.ticket);
    let answer = http.post(&path).bearer_auth(&grace.token).send().await.unwrap();
    assert_eq!(answer.status(), 200);

    let found = ada.socket.expect_push("match.found").await;
    assert_eq!(found["match"]["match_id"], asked["match_id"], "the match that was proposed");
    grace.socket.expect_push("match.found").await;
    let late = http.post(&path).bearer_auth(&grace.token).send().await.unwrap();
    problem(late, 409, "ticket_not_proposed").await;
    platform.finish().await;
}

#[tokio::test]
async fn who_declines_leaves_and_the_other_waits_on() {
    let platform = asking().start().await;
    let http = Http::of(&platform);
    let mut ada = Asked::waits(&platform, &http, "Ada").await;
    let mut grace = Asked::waits(&platform, &http, "Grace").await;
    ada.becomes("proposed").await;
    grace.becomes("proposed").await;

    // Somebody else cannot answer for her.
    let (_, stranger) = http.sign_in("Mallory").await;
    let path = format!("/v1/tickets/{}/decline", grace.ticket);
    problem(http.post(&path).bearer_auth(&stranger).send().await.unwrap(), 404, "not_found").await;

    ada.socket.send(&json!({"type": "ticket.accept", "id": "yes", "ticket_id": ada.ticket})).await;
    ada.socket.expect("ack").await;
    grace.socket.send(&json!({"type": "ticket.decline", "id": "no", "ticket_id": grace.ticket})).await;
    grace.socket.expect("ack").await;

    let gone = grace.becomes("failed").await;
    assert_eq!(gone["reason"], "declined", "{gone}");
    let back = ada.becomes("waiting").await;
    assert_eq!(back["ticket_id"], ada.ticket.as_str(), "{back}");

    // Who declined is free to ask again, and the two meet.
    grace.socket.send(&json!({"type": "ticket.create", "id": "wish-2", "queue": "asking"})).await;
    grace.socket.expect("ack").await;
    ada.becomes("proposed").await;
    platform.finish().await;
}
