//! Trusted servers: their keys, the parties they queue, and the matches they run.

use std::collections::BTreeSet;
use std::time::Duration;

use muster_client::TrustedServer;
use muster_core::id::{MatchId, PlayerId};
use muster_core::matchmaking::{QueueDefinition, SizeRange, Teams};
use muster_core::rating::Rating;
use muster_core::wire::{
    AssignmentView, CreateTicket, OpenTeam, PresentPlayer, RequestBackfill, TicketPlayer, TicketState,
};
use muster_testkit::{Platform, eventually, run};
use serde_json::{Value, json};

use crate::queue;
use crate::raw::{Http, Socket, problem};

/// Two against two, on somebody's own servers.
fn pairs() -> QueueDefinition {
    queue(json!({
        "name": "pairs", "version": 1, "ranked": false,
        "teams": {"count": 2, "size": {"min": 1, "max": 2}},
        "regions": [{"name": "eu-west"}],
        "backfill": true,
    }))
}

fn party(queue: &str, players: &[&str]) -> CreateTicket {
    let player =
        |id: &&str| TicketPlayer { player_id: id.parse().unwrap(), rating: None, roles: Vec::new(), nonce: None };
    CreateTicket { players: players.iter().map(player).collect(), ..CreateTicket::plain(queue) }
}

async fn assignment(server: &TrustedServer) -> AssignmentView {
    eventually(Duration::from_secs(10), "a match that wants a server", async || {
        let wanted = server.assignments(Some("pairs"), 10).await.unwrap();
        wanted.into_iter().find(|wanted| wanted.connection.is_none())
    })
    .await
}

#[tokio::test]
async fn a_key_is_made_listed_and_revoked_at_the_command_line() {
    let platform = Platform::builder().server_roles(0, "gateway").start().await;
    let http = Http::of(&platform);
    let command = async |args: &[&str]| {
        let args = [&["service-key"], args].concat();
        run("muster-server", &args, &platform.scratch.env(), "").await
    };
    let added = command(&["add", "game-backend"]).await;
    assert_eq!(added.code, 0, "{}", added.stderr);
    let secret = added.stdout.trim().to_owned();
    assert!(secret.starts_with("msk_") && !secret.contains(char::is_whitespace), "{secret}");
    assert_ne!(command(&["add", "game-backend"]).await.code, 0, "the name is in use");
    let listed = command(&["list"]).await.stdout;
    assert!(listed.contains("game-backend") && listed.contains("in force") && !listed.contains(&secret), "{listed}");

    let assignments = async |key: &str| http.get("/v1/assignments").bearer_auth(key).send().await.unwrap();
    assert_eq!(assignments(&secret).await.status(), 200);
    problem(assignments("msk_0000").await, 401, "key_invalid").await;
    let (_, token) = http.sign_in("Ada").await;
    problem(assignments(&token).await, 403, "trusted_only").await;
    problem(http.get("/v1/me").bearer_auth(&secret).send().await.unwrap(), 403, "players_only").await;

    assert_eq!(command(&["revoke", "game-backend"]).await.code, 0);
    assert_ne!(command(&["revoke", "game-backend"]).await.code, 0, "only once");
    eventually(Duration::from_secs(5), "the revoked key to open nothing", async || {
        (assignments(&secret).await.status() == 401).then_some(())
    })
    .await;
    platform.finish().await;
}

#[tokio::test]
async fn a_party_waits_as_one_and_hears_of_it() {
    let platform = Platform::builder().server_roles(0, "gateway").queue(pairs()).start().await;
    let http = Http::of(&platform);
    let server = platform.trusted_server("game").await;
    let (ada, ada_token) = http.sign_in("Ada").await;
    let (grace, grace_token) = http.sign_in("Grace").await;
    let mut socket = Socket::signed_in(&platform, &grace_token).await;

    let mut wish = party("pairs", &[&ada, &grace]);
    wish.players[0].rating = Some(Rating { points: 2100.0, deviation: 60.0 });
    let ticket = server.create_ticket(&wish, "party-1").await.unwrap();
    assert_eq!(ticket.players, [ada.parse::<PlayerId>().unwrap(), grace.parse().unwrap()]);
    let told = socket.expect_push("ticket.updated").await;
    assert_eq!(told["ticket"]["ticket_id"], ticket.ticket_id.to_string());

    let record = platform.scratch.store.tickets.get(ticket.ticket_id).await.unwrap().unwrap();
    assert_eq!(record.names, ["Ada", "Grace"]);
    let points: Vec<_> = record.ticket.members.iter().map(|member| member.rating.points).collect();
    assert_eq!(points, [2100.0, 1500.0], "given for one, the account's for the other");

    // The same wish is the same ticket; a member cannot have another; a player's own key is not the server's.
    assert_eq!(server.create_ticket(&wish, "party-1").await.unwrap().ticket_id, ticket.ticket_id);
    let taken =
        http.wish(&ada_token, &json!({"queue": "pairs"})).header("idempotency-key", "party-1").send().await.unwrap();
    let body = problem(taken, 409, "ticket_exists").await;
    assert!(body["detail"].as_str().unwrap().contains(&ticket.ticket_id.to_string()), "{body}");

    // Any member may read and give up; then it is over for all.
    let path = format!("/v1/tickets/{}", ticket.ticket_id);
    let seen: Value = http.get(&path).bearer_auth(&grace_token).send().await.unwrap().json().await.unwrap();
    assert_eq!(seen["state"], "waiting");
    assert_eq!(http.delete(&path).bearer_auth(&ada_token).send().await.unwrap().status(), 200);
    let told = socket.expect_push("ticket.updated").await;
    assert_eq!((&told["ticket"]["state"], &told["ticket"]["reason"]), (&json!("cancelled"), &json!("player")));
    assert_eq!(server.ticket(ticket.ticket_id).await.unwrap().state, TicketState::Cancelled);

    // And so may the server.
    let second = server.create_ticket(&wish, "party-2").await.unwrap();
    let over = server.cancel_ticket(second.ticket_id).await.unwrap();
    assert_eq!((over.state, over.reason.as_deref()), (TicketState::Cancelled, Some("server")));
    platform.finish().await;
}

#[tokio::test]
async fn a_party_that_cannot_be_is_refused_with_its_place() {
    let platform = Platform::builder().server_roles(0, "gateway").queue(pairs()).start().await;
    let http = Http::of(&platform);
    let server = platform.trusted_server("game").await;
    let (ada, _) = http.sign_in("Ada").await;
    let (grace, _) = http.sign_in("Grace").await;
    let (edsger, _) = http.sign_in("Edsger").await;
    let nobody = muster_store::fresh_id::<PlayerId>().to_string();
    let mut weak = party("pairs", &[&ada]);
    weak.players[0].rating = Some(Rating { points: 1500.0, deviation: -1.0 });
    let mut strong = party("pairs", &[&ada, &grace]);
    for player in &mut strong.players {
        player.rating = Some(Rating { points: 1e308, deviation: 80.0 });
    }
    let roles = CreateTicket { roles: vec!["tank".to_owned()], ..party("pairs", &[&ada]) };
    for (wish, path) in [
        (party("pairs", &[]), "players"),
        (party("pairs", &[&ada, &grace, &edsger]), "players"),
        (party("pairs", &[&ada, &ada]), "players[1].player_id"),
        (party("pairs", &[&ada, &nobody]), "players[1].player_id"),
        (weak, "players[0].rating.deviation"),
        (strong, "players[0].rating.points"),
        (roles, "roles"),
    ] {
        let refused = server.create_ticket(&wish, "wish").await.unwrap_err();
        let muster_client::ClientError::Problem(problem) = refused else { panic!("{refused}") };
        assert_eq!(problem.code, "invalid_field", "{problem:?}");
        assert!(problem.errors[0].path.starts_with(path), "{path}: {problem:?}");
    }
    platform.finish().await;
}

#[tokio::test]
async fn a_match_gets_a_server_and_its_players_are_told_where() {
    let platform = Platform::builder().queue(pairs()).start().await;
    let http = Http::of(&platform);
    let server = platform.trusted_server("game").await;
    let (ada, ada_token) = http.sign_in("Ada").await;
    let (grace, grace_token) = http.sign_in("Grace").await;
    let mut sockets =
        [Socket::signed_in(&platform, &ada_token).await, Socket::signed_in(&platform, &grace_token).await];
    for socket in &mut sockets {
        socket.send(&json!({"type": "ticket.create", "id": "w", "queue": "pairs"})).await;
        socket.expect("ack").await;
    }

    // The first match is refused: both go back to the head of the queue, and meet again.
    let refused = assignment(&server).await;
    server.refuse(refused.match_id, "no_capacity").await.unwrap();
    server.refuse(refused.match_id, "no_capacity").await.expect("the same answer again is as good");
    let late = server.assign(refused.match_id, "203.0.113.7:7777").await.unwrap_err();
    assert_eq!(late.code(), Some("not_found"));
    let wanted = eventually(Duration::from_secs(10), "another match of the two", async || {
        Some(assignment(&server).await).filter(|wanted| wanted.match_id != refused.match_id)
    })
    .await;
    assert_eq!((wanted.queue.as_str(), wanted.region.as_deref()), ("pairs", Some("eu-west")));
    let mut players: Vec<_> = wanted.teams.iter().flatten().map(|player| player.player_id.to_string()).collect();
    players.sort();
    let mut expected = [ada, grace];
    expected.sort();
    assert_eq!(players, expected);

    let assigned = server.assign(wanted.match_id, "203.0.113.7:7777").await.unwrap();
    assert_eq!(assigned.connection.as_deref(), Some("203.0.113.7:7777"));
    for socket in &mut sockets {
        let told = socket.expect_push("match.assigned").await;
        assert_eq!(told["match_id"], wanted.match_id.to_string(), "{told}");
        assert_eq!(told["connection"], "203.0.113.7:7777", "{told}");
        assert_eq!(told["teams"].as_array().unwrap().len(), 2, "{told}");
    }
    let other = server.assign(wanted.match_id, "203.0.113.8:7777").await.unwrap_err();
    assert_eq!(other.code(), Some("already_assigned"));
    let nowhere = server.assign(muster_store::fresh_id::<MatchId>(), "203.0.113.7:7777").await.unwrap_err();
    assert_eq!(nowhere.code(), Some("not_found"));
    let empty = server.assign(wanted.match_id, "").await.unwrap_err();
    assert_eq!(empty.code(), Some("invalid_field"));
    platform.finish().await;
}

#[tokio::test]
async fn a_running_match_gets_the_player_it_asks_for() {
    let platform = Platform::builder().queue(pairs()).start().await;
    let http = Http::of(&platform);
    let server = platform.trusted_server("game").await;
    let present = || PresentPlayer {
        player_id: muster_store::fresh_id(),
        rating: Some(Rating { points: 1500.0, deviation: 100.0 }),
        role: None,
    };
    let running: MatchId = muster_store::fresh_id();
    let wanted = RequestBackfill {
        queue: "pairs".to_owned(),
        region: Some("eu-west".to_owned()),
        properties: Default::default(),
        teams: vec![
            OpenTeam { players: vec![present(), present()], open: 0 },
            OpenTeam { players: vec![present()], open: 1 },
        ],
    };
    let crowded = RequestBackfill {
        teams: vec![OpenTeam { players: vec![present(), present()], open: 1 }, wanted.teams[1].clone()],
        ..wanted.clone()
    };
    assert_eq!(server.request_backfill(running, &crowded).await.unwrap_err().code(), Some("invalid_field"));
    assert_eq!(server.withdraw_backfill(running).await.unwrap_err().code(), Some("not_found"));
    let first = server.request_backfill(running, &wanted).await.unwrap();
    assert_eq!((first.open, first.match_id), (1, running));
    let again = server.request_backfill(running, &wanted).await.unwrap();
    assert_eq!(again.requested_at, first.requested_at, "what is asked anew has waited as long");

    let (ada, token) = http.sign_in("Ada").await;
    let mut socket = Socket::signed_in(&platform, &token).await;
    socket.send(&json!({"type": "ticket.create", "id": "w", "queue": "pairs"})).await;
    socket.expect("ack").await;
    let joins = assignment(&server).await;
    assert_eq!(joins.backfill_of, Some(running), "{joins:?}");
    let players: Vec<_> = joins.teams.iter().flatten().map(|player| player.player_id.to_string()).collect();
    assert_eq!(players, [ada]);
    server.assign(joins.match_id, "203.0.113.7:7777").await.unwrap();
    let told = socket.expect_push("match.assigned").await;
    assert_eq!(told["connection"], "203.0.113.7:7777", "{told}");
    platform.finish().await;
}

#[tokio::test]
async fn nobody_joins_a_running_match_against_a_player_who_is_there() {
    let pairs = QueueDefinition { avoid_recent_opponents_secs: Some(600), ..pairs() };
    let pairs = QueueDefinition { teams: Teams { count: 2, size: SizeRange { min: 2, max: 2 } }, ..pairs };
    let platform = Platform::builder().queue(pairs).start().await;
    let http = Http::of(&platform);
    let store = &platform.scratch.store;
    let server = platform.trusted_server("game").await;
    let (ada, ada_token) = http.sign_in("Ada").await;
    let (mallory, mallory_token) = http.sign_in("Mallory").await;
    let (edsger, edsger_token) = http.sign_in("Edsger").await;
    let (grace, grace_token) = http.sign_in("Grace").await;
    let [ada, mallory, edsger, grace]: [PlayerId; 4] = [ada, mallory, edsger, grace].map(|id| id.parse().unwrap());
    let [bo, stranger]: [PlayerId; 2] = std::array::from_fn(|_| muster_store::fresh_id());
    let blocked = http.put(&format!("/v1/blocks/{mallory}")).bearer_auth(&ada_token).send().await.unwrap();
    assert_eq!(blocked.status(), 204);
    let before = muster_store::now();
    store.recents.met(&[vec![bo], vec![edsger]], before).await.unwrap();

    // Ratings of their own, and yet the platform looks at whom they block.
    let present =
        |player_id| PresentPlayer { player_id, rating: Some(Rating { points: 1510.0, deviation: 100.0 }), role: None };
    let running: MatchId = muster_store::fresh_id();
    let wanted = RequestBackfill {
        queue: "pairs".to_owned(),
        region: Some("eu-west".to_owned()),
        properties: Default::default(),
        teams: vec![
            OpenTeam { players: vec![present(bo), present(stranger)], open: 0 },
            OpenTeam { players: vec![present(ada)], open: 1 },
        ],
    };
    server.request_backfill(running, &wanted).await.unwrap();
    let (_, wish) = store.tickets.backfill_of(running).await.unwrap().unwrap();
    let there: Vec<_> = wish.teams.iter().flat_map(|team| &team.players).collect();
    assert_eq!((there[0].recent.as_slice(), there[0].rating.points), (&[edsger][..], 1510.0));
    assert!(there[1].blocked.is_empty() && there[1].recent.is_empty());
    assert_eq!(there[2].blocked, [mallory]);

    // The two whom somebody there does not want have waited longer than the one who joins.
    let mut waiting = Vec::new();
    for token in [&mallory_token, &edsger_token] {
        let answer = http.wish(token, &json!({"queue": "pairs"})).send().await.unwrap();
        waiting.push(answer.json::<Value>().await.unwrap()["ticket_id"].as_str().unwrap().parse().unwrap());
    }
    http.wish(&grace_token, &json!({"queue": "pairs"})).send().await.unwrap();
    let joins = assignment(&server).await;
    assert_eq!(joins.backfill_of, Some(running), "{joins:?}");
    let players: Vec<_> = joins.teams.iter().flatten().map(|player| player.player_id).collect();
    assert_eq!(players, [grace]);
    for ticket in waiting {
        assert_eq!(server.ticket(ticket).await.unwrap().state, TicketState::Waiting);
    }

    // Whoever joins has met the other team, and nobody else.
    server.assign(joins.match_id, "203.0.113.7:7777").await.unwrap();
    let met = eventually(Duration::from_secs(10), "the newcomer to have met somebody", async || {
        store.recents.of(&[grace, bo, ada], before).await.unwrap().remove(&grace)
    })
    .await;
    assert_eq!(met.into_iter().collect::<BTreeSet<_>>(), [bo, stranger].into());
    let theirs = store.recents.of(&[bo, ada], before).await.unwrap();
    assert!(theirs[&bo].contains(&grace) && !theirs[&ada].contains(&grace), "{theirs:?}");
    platform.finish().await;
}
