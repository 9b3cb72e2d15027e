//! Servers of a game over their whole life: register, be given matches, let players in, report, drain; and what goes wrong.

use std::time::Duration;

use muster_client::core::id::{MatchId, PlayerId};
use muster_client::core::wire::{
    RegisterServer, ReportPlayers, ReportResult, ServerMatchView, ServerReport, ServerState, TeamResult,
};
use muster_client::{GameServer, JoinError};
use muster_core::matchmaking::QueueDefinition;
use muster_testkit::{Platform, eventually, run};
use serde_json::{Value, json};

use crate::queue;
use crate::raw::{Http, Socket, problem};

const SOON: Duration = Duration::from_secs(10);

/// One against one, ranked, on servers of the game.
fn arena(name: &str) -> QueueDefinition {
    queue(json!({"name": name, "version": 1, "ranked": true, "regions": [{"name": "eu-west"}]}))
}

fn registered(capacity: u16) -> RegisterServer {
    RegisterServer {
        address: "203.0.113.7:7777".to_owned(),
        region: Some("eu-west".to_owned()),
        build: Some("1.4".to_owned()),
        labels: Default::default(),
        queues: Vec::new(),
        capacity,
    }
}

async fn ready(platform: &Platform, capacity: u16) -> GameServer {
    let trusted = platform.trusted_server(&format!("game-{:08x}", rand::random::<u32>())).await;
    let game = trusted.register_server(&registered(capacity)).await.unwrap();
    assert_eq!(game.heartbeat(ServerReport::Ready, None).await.unwrap().server.state, ServerState::Ready);
    game
}

/// Somebody who plays: their id, their token, and their socket.
struct Player {
    id: PlayerId,
    token: String,
    socket: Socket,
}

impl Player {
    async fn new(platform: &Platform, http: &Http, name: &str) -> Self {
        let (id, token) = http.sign_in(name).await;
        let socket = Socket::signed_in(platform, &token).await;
        Self { id: id.parse().unwrap(), token, socket }
    }

    async fn wait_in(&mut self, queue: &str) {
        let id = format!("wish-{:08x}", rand::random::<u32>());
        self.socket.send(&json!({"type": "ticket.create", "id": id, "queue": queue})).await;
        self.socket.expect("ack").await;
    }
}

async fn two(platform: &Platform, http: &Http, queue: &str) -> [Player; 2] {
    let mut players = [Player::new(platform, http, "Ada").await, Player::new(platform, http, "Grace").await];
    for player in &mut players {
        player.wait_in(queue).await;
    }
    players
}

/// The one match that the server was given and has not started.
async fn given(game: &GameServer) -> ServerMatchView {
    eventually(SOON, "a match for the server", async || {
        game.heartbeat(ServerReport::Ready, None).await.unwrap().matches.pop()
    })
    .await
}

/// The first team has won.
fn won(view: &ServerMatchView) -> ReportResult {
    let players = |team: usize| view.teams[team].iter().map(|player| player.player_id).collect();
    let team = |index: usize, rank| TeamResult { players: players(index), rank, score: Some(7) };
    ReportResult::Finished { teams: vec![team(0, 1), team(1, 2)] }
}

fn code(refused: &muster_client::ClientError) -> &str {
    refused.code().unwrap_or_else(|| panic!("{refused}"))
}

/// How many events of a kind telemetry has of a match.
async fn facts(platform: &Platform, match_id: MatchId, kind: &str) -> i64 {
    let pool = platform.scratch.sql().await;
    let count = sqlx::query_scalar("SELECT count(*) FROM telemetry.events WHERE match_id = $1 AND kind = $2")
        .bind(match_id.uuid())
        .bind(kind)
        .fetch_one(&pool)
        .await
        .unwrap();
    pool.close().await;
    count
}

#[tokio::test]
async fn a_server_lives_its_whole_life() {
    let platform = Platform::builder().queue(arena("arena")).start().await;
    let http = Http::of(&platform);
    let game = ready(&platform, 2).await;
    let check = game.join_check().await.unwrap();
    let mut players = two(&platform, &http, "arena").await;

    // Each is told where to connect, with a token that the server checks without asking anybody.
    let mut told = Vec::new();
    for player in &mut players {
        let push = player.socket.expect_push("match.assigned").await;
        assert_eq!((&push["connection"], &push["region"]), (&json!("203.0.113.7:7777"), &json!("eu-west")), "{push}");
        assert_eq!(push["server_id"], game.server_id().to_string());
        let claims = check.check(push["join_token"].as_str().unwrap()).unwrap();
        assert_eq!((claims.sub, claims.aud, claims.queue.as_str()), (player.id, game.server_id(), "arena"));
        assert_eq!((json!(claims.team), json!(claims.mid)), (push["team"].clone(), push["match_id"].clone()));
        assert!((50..=60).contains(&(claims.exp - claims.iat)), "{claims:?}");
        told.push(push);
    }
    let view = given(&game).await;
    assert_eq!(told[0]["match_id"], view.match_id.to_string());
    assert_eq!(view.teams.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
    let token = told[0]["join_token"].as_str().unwrap();
    assert!(check.check_for(token, view.match_id).is_ok());
    let elsewhere = ready(&platform, 1).await.join_check().await.unwrap();
    assert_eq!(elsewhere.check(token).unwrap_err(), JoinError::OtherServer);
    assert_eq!(check.check(&players[0].token).unwrap_err(), JoinError::Invalid, "a session opens no server");
    let as_session = http.get("/v1/me").bearer_auth(token).send().await.unwrap();
    problem(as_session, 401, "token_invalid").await;

    // It runs; its players are in it, and get new tokens as often as they need.
    let started = game.start(view.match_id, view.roster).await.unwrap();
    assert!(started.started_at.is_some());
    let orders = game.heartbeat(ServerReport::Ready, Some(30)).await.unwrap();
    assert!(orders.matches.is_empty() && orders.server.state == ServerState::Allocated, "{orders:?}");
    let path = format!("/v1/matches/{}/join-token", view.match_id);
    let pass: Value = http.post(&path).bearer_auth(&players[0].token).send().await.unwrap().json().await.unwrap();
    assert_eq!(check.check(pass["join_token"].as_str().unwrap()).unwrap().sub, players[0].id);
    assert_eq!(pass["connection"], "203.0.113.7:7777");
    let me: Value = http.get("/v1/me").bearer_auth(&players[0].token).send().await.unwrap().json().await.unwrap();
    assert_eq!(me["server_match_id"], view.match_id.to_string());
    let again = http.wish(&players[0].token, &json!({"queue": "arena"})).header("idempotency-key", "again");
    problem(again.send().await.unwrap(), 409, "in_match").await;
    let (_, stranger) = http.sign_in("Eve").await;
    problem(http.post(&path).bearer_auth(&stranger).send().await.unwrap(), 403, "not_in_match").await;

    let both: Vec<_> = players.iter().map(|player| player.id).collect();
    game.players(view.match_id, &ReportPlayers { joined: both, left: Vec::new() }).await.unwrap();
    let over = game.report(view.match_id, &won(&view)).await.unwrap();
    assert!(over.ended_at.is_some());
    game.report(view.match_id, &won(&view)).await.expect("the same again is as good");

    // Ratings, players, history and telemetry, each once.
    for player in &mut players {
        let closed = player.socket.expect_push("match.closed").await;
        assert_eq!(closed["end"]["reason"], "finished", "{closed}");
        assert_eq!(closed["rating"]["before"], 1500.0);
        let first = view.teams[0][0].player_id == player.id;
        assert_eq!(closed["rating"]["after"].as_f64().unwrap() > 1500.0, first, "{closed}");
        let me: Value = http.get("/v1/me").bearer_auth(&player.token).send().await.unwrap().json().await.unwrap();
        assert_eq!(me["queue_ratings"][0]["matches"], 1, "{me}");
        assert_eq!(me["queue_ratings"][0]["points"], closed["rating"]["after"]);
        assert_eq!(me["server_match_id"], Value::Null);
    }
    problem(http.post(&path).bearer_auth(&players[0].token).send().await.unwrap(), 409, "match_over").await;
    let history = http.get(&format!("/v1/server-matches/{}", view.match_id)).bearer_auth(&stranger).send().await;
    let history: Value = history.unwrap().json().await.unwrap();
    assert_eq!((&history["state"], &history["end"]["teams"][0]["score"]), (&json!("ended"), &json!(7)), "{history}");
    eventually(SOON, "telemetry of both players", async || {
        (facts(&platform, view.match_id, "match.ended").await == 2).then_some(())
    })
    .await;
    assert_eq!(facts(&platform, view.match_id, "match.started").await, 2);

    // It drains, and is gone; the next match has to look elsewhere.
    assert_eq!(game.drain().await.unwrap().state, ServerState::Gone);
    assert_eq!(game.view().await.unwrap().state, ServerState::Gone);
    platform.finish().await;
}

#[tokio::test]
async fn a_lost_servers_match_is_over_and_its_players_are_free() {
    let platform = Platform::builder()
        .env_of("muster-server", "MUSTER__DIRECTOR__LEASE", "2s")
        .queue(arena("arena"))
        .start()
        .await;
    let http = Http::of(&platform);
    let game = ready(&platform, 2).await;
    let mut players = two(&platform, &http, "arena").await;
    let view = given(&game).await;
    game.start(view.match_id, view.roster).await.unwrap();
    // From here on it says nothing any more.
    for player in &mut players {
        let closed = player.socket.expect_push("match.closed").await;
        assert_eq!((&closed["match_id"], &closed["end"]["reason"]), (&json!(view.match_id), &json!("server_lost")));
        assert_eq!(closed["rating"], Value::Null, "{closed}");
    }
    let late = game.heartbeat(ServerReport::Ready, None).await.unwrap_err();
    assert_eq!(code(&late), "server_lost");
    assert_eq!(code(&game.report(view.match_id, &won(&view)).await.unwrap_err()), "match_over");
    assert_eq!(game.view().await.unwrap().state, ServerState::Lost);

    // It starts anew under another id, and the two meet there again.
    let game = ready(&platform, 1).await;
    for player in &mut players {
        player.wait_in("arena").await;
    }
    let again = given(&game).await;
    assert_ne!(again.match_id, view.match_id);
    for player in &mut players {
        assert_eq!(player.socket.expect_push("match.assigned").await["match_id"], again.match_id.to_string());
    }
    platform.finish().await;
}

#[tokio::test]
async fn two_directors_give_no_server_more_than_it_can_take() {
    let platform = Platform::builder()
        .server(2)
        .env_of("muster-server", "MUSTER__DIRECTOR__PATIENCE", "1s")
        .queue(arena("arena"))
        .queue(arena("pit"))
        .start()
        .await;
    let http = Http::of(&platform);
    let game = ready(&platform, 3).await;
    let mut players = Vec::new();
    for queue in ["arena", "pit"] {
        for n in 0..8 {
            let mut player = Player::new(&platform, &http, &format!("Player {n}")).await;
            player.wait_in(queue).await;
            players.push(player);
        }
    }
    // Three matches find a place; the others go back to the head of their queue and wait there.
    let three = eventually(SOON, "three matches for the server", async || {
        let orders = game.heartbeat(ServerReport::Ready, None).await.unwrap();
        assert!(orders.server.matches <= 3, "{orders:?}");
        (orders.matches.len() == 3).then_some(orders.matches)
    })
    .await;
    let refused = "muster_assignments_ended_total";
    eventually(SOON, "a match that finds no place to be given up", async || {
        for index in 0..2 {
            let metrics = platform.metrics(platform.server_ops_url(index)).await;
            if metrics.lines().any(|line| line.starts_with(refused) && line.contains("outcome=\"refused\"")) {
                return Some(());
            }
        }
        None
    })
    .await;
    assert_eq!(game.view().await.unwrap().matches, 3);

    // A place that becomes free is taken by somebody who waited.
    game.start(three[0].match_id, 1).await.unwrap();
    game.report(three[0].match_id, &won(&three[0])).await.unwrap();
    let next = eventually(SOON, "the next match", async || {
        let orders = game.heartbeat(ServerReport::Ready, None).await.unwrap();
        assert!(orders.server.matches <= 3, "{orders:?}");
        orders.matches.into_iter().find(|given| three.iter().all(|known| known.match_id != given.match_id))
    })
    .await;
    assert_eq!(next.state, muster_core::wire::ServerMatchState::Allocated);
    platform.finish().await;
}

#[tokio::test]
async fn a_report_that_does_not_fit_is_refused_with_its_reason() {
    let platform = Platform::builder().queue(arena("arena")).start().await;
    let http = Http::of(&platform);
    let game = ready(&platform, 2).await;
    let other = ready(&platform, 1).await;
    let mut players = two(&platform, &http, "arena").await;
    let view = eventually(SOON, "a match for one of the servers", async || {
        for game in [&game, &other] {
            if let Some(view) = game.heartbeat(ServerReport::Ready, None).await.unwrap().matches.pop() {
                return Some(view);
            }
        }
        None
    })
    .await;
    let (game, other) = if view.server_id == game.server_id() { (game, other) } else { (other, game) };
    let match_id = view.match_id;

    let report = async |result: ReportResult| game.report(match_id, &result).await.unwrap_err();
    let ReportResult::Finished { teams } = won(&view) else { unreachable!("it is finished") };
    let with = |change: &dyn Fn(&mut Vec<TeamResult>)| {
        let mut teams = teams.clone();
        change(&mut teams);
        ReportResult::Finished { teams }
    };
    let stranger: PlayerId = muster_store::fresh_id();
    for (wrong, expected) in [
        (with(&|teams| teams[0].players = vec![stranger]), "result_unfit"),
        (with(&|teams| teams.swap(0, 1)), "result_unfit"),
        (with(&|teams| teams.truncate(1)), "result_unfit"),
        (with(&|teams| teams[0].rank = 0), "invalid_field"),
        (with(&|teams| teams.clear()), "invalid_field"),
        (ReportResult::Abandoned { reason: "Because!".to_owned() }, "invalid_field"),
    ] {
        let refused = report(wrong.clone()).await;
        assert_eq!(code(&refused), expected, "{wrong:?}");
        let muster_client::ClientError::Problem(problem) = refused else { panic!("{refused}") };
        assert!(!problem.errors.is_empty(), "{problem:?}");
    }
    assert_eq!(code(&other.report(match_id, &won(&view)).await.unwrap_err()), "not_on_server");
    assert_eq!(code(&other.start(match_id, 1).await.unwrap_err()), "not_on_server");
    let nowhere = muster_store::fresh_id();
    assert_eq!(code(&game.report(nowhere, &won(&view)).await.unwrap_err()), "not_on_server");
    assert_eq!(code(&game.start(match_id, 2).await.unwrap_err()), "invalid_field");
    let gone = ReportPlayers { joined: vec![stranger], left: Vec::new() };
    assert_eq!(code(&game.players(match_id, &gone).await.unwrap_err()), "not_in_match");
    let (_, token) = http.sign_in("Eve").await;
    let path = format!("/v1/servers/{}/matches/{match_id}/result", game.server_id());
    let by_player = http.put(&path).bearer_auth(&token).body(serde_json::to_string(&won(&view)).unwrap());
    problem(by_player.send().await.unwrap(), 403, "trusted_only").await;

    // None of that has changed anything.
    game.report(match_id, &won(&view)).await.unwrap();
    let other_end = with(&|teams| teams[0].rank = 3);
    assert_eq!(code(&report(other_end).await), "result_differs");
    for player in &mut players {
        assert_eq!(player.socket.expect_push("match.closed").await["end"]["reason"], "finished");
    }
    platform.finish().await;
}

#[tokio::test]
async fn a_registration_is_checked_and_belongs_to_its_key() {
    let platform = Platform::builder().server_roles(0, "gateway").start().await;
    let http = Http::of(&platform);
    let trusted = platform.trusted_server("game").await;
    let wrong = RegisterServer { capacity: 0, region: Some("EU".to_owned()), ..registered(1) };
    let refused = trusted.register_server(&wrong).await.unwrap_err();
    let muster_client::ClientError::Problem(refused) = refused else { panic!("{refused}") };
    let paths: Vec<_> = refused.errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!((refused.code.as_str(), paths), ("invalid_field", vec!["region", "capacity"]));

    let game = trusted.register_server(&registered(1)).await.unwrap();
    let path = format!("/v1/servers/{}", game.server_id());
    let key = platform
        .scratch
        .store
        .service_keys
        .create("thief", muster_store::KeyPurpose::Game, muster_store::now())
        .await
        .unwrap()
        .1;
    problem(http.get(&path).bearer_auth(&key).send().await.unwrap(), 404, "not_found").await;
    problem(http.delete(&path).bearer_auth(&key).send().await.unwrap(), 404, "not_found").await;
    let body = serde_json::to_string(&registered(1)).unwrap();
    problem(http.put(&path).bearer_auth(&key).body(body).send().await.unwrap(), 409, "server_exists").await;
    let beat = http.post(&format!("{path}/heartbeat")).bearer_auth(&key).body(r#"{"state":"ready"}"#);
    problem(beat.send().await.unwrap(), 404, "not_found").await;
    for (body, code, status) in [
        (r#"{"state":"lost"}"#, "invalid_field", 422),
        (r#"{"state":"ready","load_percent":101}"#, "invalid_field", 422),
        ("{", "malformed_request", 400),
    ] {
        let beat = http.post(&format!("{path}/heartbeat")).bearer_auth(&key).body(body);
        problem(beat.send().await.unwrap(), status, code).await;
    }
    let nonsense = http.get("/v1/servers/mch_0").bearer_auth(&key).send().await.unwrap();
    problem(nonsense, 422, "invalid_field").await;
    assert_eq!(game.view().await.unwrap().state, ServerState::Starting);
    platform.finish().await;
}

#[tokio::test]
async fn both_generations_of_keys_are_published_and_honoured() {
    let key = async || run("muster-server", &["keygen"], &[], "").await.stdout;
    let (old, new) = (key().await, key().await);
    let platform = async |first: &str, second: &str| {
        Platform::builder()
            .server_roles(0, "gateway")
            .env_of("muster-server", "MUSTER__AUTH__SIGNING_KEY", first)
            .env_of("muster-server", "MUSTER__AUTH__SECOND_SIGNING_KEY", second)
            .start()
            .await
    };
    let key_ids = async |platform: &Platform| {
        let set = Http::of(platform).get("/.well-known/jwks.json").send().await.unwrap();
        let set: Value = set.json().await.unwrap();
        let mut ids: Vec<_> = set["keys"].as_array().unwrap().iter().map(|key| key["kid"].to_string()).collect();
        ids.sort();
        assert!(!set.to_string().contains("\"d\""), "nothing private");
        ids
    };
    let (before, after) = (platform(&old, &new).await, platform(&new, &old).await);
    assert_eq!(key_ids(&before).await.len(), 2);
    assert_eq!(key_ids(&before).await, key_ids(&after).await);
    before.finish().await;
    after.finish().await;
}
