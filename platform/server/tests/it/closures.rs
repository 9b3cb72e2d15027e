//! Regions that are closed: who is let in, who has to leave, and where matches begin.

use std::time::{Duration, Instant};

use muster_core::matchmaking::QueueDefinition;
use muster_core::wire::{Push, TicketState};
use muster_store::{Actor, KeyPurpose, NewClosure, Opening, Store};
use muster_testkit::{Platform, eventually};
use reqwest::Response;
use serde_json::{Value, json};

use crate::matchmaking_given::{SOON, becomes, create, doorless, matches_told, member, placed, player, told};
use crate::queue;
use crate::raw::{Http, Socket, problem};

/// Two regions, each with a pool of its own.
fn apart() -> QueueDefinition {
    queue(json!({
        "name": "apart", "version": 1, "ranked": false, "backfill": true,
        "regions": [{"name": "eu-west", "group": "eu"}, {"name": "asia", "group": "far"}],
    }))
}

/// Two regions that share a pool.
fn together() -> QueueDefinition {
    queue(json!({
        "name": "together", "version": 1, "mode": "classic", "ranked": false, "rating_window": {"start": 50},
        "regions": [{"name": "eu-west"}, {"name": "asia"}],
    }))
}

/// A door, and who comes with keys.
struct Door {
    platform: Platform,
    http: Http,
    /// The program's.
    key: String,
    /// One of the game's own servers.
    game: String,
}

impl Door {
    async fn open() -> Self {
        let platform = Platform::builder().server_roles(0, "gateway").queue(apart()).start().await;
        let keys = &platform.scratch.store.service_keys;
        let key = async |name, purpose| keys.create(name, purpose, muster_store::now()).await.unwrap().1;
        let (key, game) = (key("operator", KeyPurpose::Operations).await, key("game", KeyPurpose::Game).await);
        Self { http: Http::of(&platform), key, game, platform }
    }

    async fn close(&self, path: &str) -> Response {
        let body = json!({"reason": "maintenance until noon."}).to_string();
        self.http.put(path).bearer_auth(&self.key).body(body).send().await.unwrap()
    }

    async fn reopen(&self, path: &str) -> Response {
        self.http.delete(path).bearer_auth(&self.key).send().await.unwrap()
    }

    /// Asks for a ticket.
    async fn wish(&self, token: &str, latencies: Value) -> Response {
        let wish = json!({"queue": "apart", "latencies_ms": latencies});
        self.http.wish(token, &wish).send().await.unwrap()
    }

    /// Waits until the gateway lists these regions as closed.
    async fn wait_closed(&self, closed: &[&str]) {
        eventually(Duration::from_secs(5), &format!("{closed:?} to be closed"), async || {
            let queues: Value = self.http.get("/v1/queues").send().await.unwrap().json().await.unwrap();
            let queue = queues.as_array().unwrap().iter().find(|queue| queue["name"] == "apart").unwrap().clone();
            let listed = queue["closed_regions"].as_array().cloned().unwrap_or_default();
            (listed == closed).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn nobody_is_let_into_a_closed_region_whichever_way_they_come() {
    let door = Door::open().await;
    let (player_id, token) = door.http.sign_in("Ada").await;
    let began = Instant::now();
    let closed = door.close("/v1/regions/eu-west/closure").await;
    assert_eq!(closed.status(), 200);
    let closure: Value = closed.json().await.unwrap();
    assert_eq!((&closure["region"], &closure["by_staff"]), (&json!("eu-west"), &json!(false)), "{closure}");
    door.wait_closed(&["eu-west"]).await;
    assert!(began.elapsed() < Duration::from_secs(1), "it took {:?}", began.elapsed());

    // A player over HTTP, on the socket; a trusted server for a player; a running match that wants players.
    let refused = door.wish(&token, json!({"eu-west": 20})).await;
    assert_eq!(refused.headers()["retry-after"], "30");
    let body = problem(refused, 409, "queue_closed").await;
    assert_eq!(body["detail"], "apart is closed in eu-west: maintenance until noon.");
    let mut socket = Socket::signed_in(&door.platform, &token).await;
    let wish = json!({"type": "ticket.create", "id": "w", "queue": "apart", "latencies_ms": {"eu-west": 20}});
    socket.send(&wish).await;
    let error = socket.expect("error").await;
    assert_eq!((&error["code"], &error["re"]), (&json!("queue_closed"), &json!("w")), "{error}");
    let party = json!({"queue": "apart", "latencies_ms": {"eu-west": 20}, "players": [{"player_id": player_id}]});
    let trusted = door.http.wish(&door.game, &party).header("idempotency-key", "p").send().await.unwrap();
    problem(trusted, 409, "queue_closed").await;
    let wanted = json!({"queue": "apart", "region": "eu-west", "teams": [{"players": [], "open": 1}, {"players": [], "open": 0}]});
    let running: muster_core::id::MatchId = muster_store::fresh_id();
    let path = format!("/v1/matches/{running}/backfill");
    let backfill = async |region: &str| {
        let mut wanted = wanted.clone();
        wanted["region"] = json!(region);
        door.http.post(&path).bearer_auth(&door.game).body(wanted.to_string()).send().await.unwrap()
    };
    problem(backfill("eu-west").await, 409, "queue_closed").await;
    assert!(backfill("asia").await.status().is_success());

    // Who could also play elsewhere waits there.
    let both: Value = door.wish(&token, json!({"eu-west": 20, "asia": 150})).await.json().await.unwrap();
    let ticket = both["ticket_id"].as_str().unwrap().parse().unwrap();
    let record = door.platform.scratch.store.tickets.get(ticket).await.unwrap().unwrap();
    assert_eq!((record.shard.group.as_str(), record.ticket.latencies_ms.len()), ("far", 2));
    assert_eq!(
        door.http.delete(&format!("/v1/tickets/{ticket}")).bearer_auth(&token).send().await.unwrap().status(),
        200
    );

    // Opened, and opened again.
    assert_eq!(door.reopen("/v1/regions/eu-west/closure").await.status(), 204);
    assert_eq!(door.reopen("/v1/regions/eu-west/closure").await.status(), 204);
    door.wait_closed(&[]).await;
    assert_eq!(door.wish(&token, json!({"eu-west": 20})).await.status(), 201);
    door.platform.finish().await;
}

#[tokio::test]
async fn only_a_program_with_a_key_closes_what_there_is_and_opens_what_is_not_the_staffs() {
    let door = Door::open().await;
    let (_, token) = door.http.sign_in("Ada").await;
    let body = || json!({"reason": "mischief"}).to_string();
    let path = "/v1/regions/eu-west/closure";
    for other in [&token, &door.game] {
        problem(door.http.put(path).bearer_auth(other).body(body()).send().await.unwrap(), 403, "operations_only")
            .await;
    }
    problem(door.http.get("/v1/assignments").bearer_auth(&door.key).send().await.unwrap(), 403, "trusted_only").await;
    problem(door.http.put(path).bearer_auth("msk_0000").body(body()).send().await.unwrap(), 401, "key_invalid").await;
    problem(door.http.put(path).body(body()).send().await.unwrap(), 401, "token_missing").await;
    for (path, body, field) in [
        ("/v1/regions/mars/closure", body(), "region"),
        ("/v1/queues/chess/regions/eu-west/closure", body(), "queue"),
        (path, json!({"reason": " "}).to_string(), "reason"),
        (path, json!({"reason": "x".repeat(501)}).to_string(), "reason"),
    ] {
        let refused = door.http.put(path).bearer_auth(&door.key).body(body).send().await.unwrap();
        let body = problem(refused, 422, "invalid_field").await;
        assert_eq!(body["errors"][0]["path"], field, "{body}");
    }

    let one = "/v1/queues/apart/regions/asia/closure";
    assert_eq!(door.close(one).await.status(), 200);
    door.wait_closed(&["asia"]).await;
    let staff = Actor::Staff(muster_store::fresh_id());
    let queue = Some("apart".to_owned());
    let closure = NewClosure { queue, region: "asia".to_owned(), author: staff, reason: "a bug".to_owned() };
    door.platform.scratch.store.closures.close(&closure, muster_store::now()).await.unwrap();
    let held = problem(door.reopen(one).await, 409, "closed_by_staff").await;
    assert!(held["detail"].as_str().unwrap().contains("a bug"), "{held}");

    // Nobody fills the audit log by opening and closing all day.
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(door.reopen(path).await.status().as_u16());
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    door.platform.finish().await;
}

async fn close(store: &Store, region: &str) {
    let author = Actor::System("test".to_owned());
    let new = NewClosure { queue: None, region: region.to_owned(), author, reason: "a drain".to_owned() };
    store.closures.close(&new, muster_store::now()).await.unwrap();
}

async fn reopen(store: &Store, region: &str) {
    let author = Actor::System("test".to_owned());
    let opening = Opening { queue: None, region: region.to_owned(), author, reason: None };
    assert!(store.closures.open(&opening, muster_store::now()).await.unwrap());
}

#[tokio::test]
async fn who_waits_for_a_closed_region_alone_has_to_leave_and_the_others_play_elsewhere() {
    let platform = doorless().queue(together()).start().await;
    let store = &platform.scratch.store;
    let here = placed(&together(), vec![member(1500.0)], &[("eu-west", 20)]);
    let both = placed(&together(), vec![member(9000.0)], &[("eu-west", 20), ("asia", 150)]);
    create(store, &[here.clone(), both.clone()]).await;
    close(store, "eu-west").await;
    let closed = Instant::now();
    let gone = becomes(store, &here, TicketState::Failed).await;
    assert_eq!(gone.reason.as_deref(), Some("region_closed"));
    assert!(closed.elapsed() < Duration::from_secs(6), "it took {:?}", closed.elapsed());
    let news = eventually(SOON, "the player to be told", async || told(store, player(&here)).await.pop()).await;
    assert!(matches!(news, Push::TicketUpdated { ticket } if ticket.reason.as_deref() == Some("region_closed")));
    assert_eq!(store.tickets.get(both.ticket.ticket_id).await.unwrap().unwrap().state, TicketState::Waiting);

    // One who was let in by a gateway that had not heard of it leaves as well; the other finds somebody in the open region.
    let late = placed(&together(), vec![member(9000.0)], &[("eu-west", 20)]);
    let friend = placed(&together(), vec![member(9000.0)], &[("eu-west", 20), ("asia", 150)]);
    create(store, &[late.clone(), friend.clone()]).await;
    for ticket in [&both, &friend] {
        becomes(store, ticket, TicketState::Matched).await;
    }
    let match_id = matches_told(store, player(&both)).await[0];
    assert_eq!(becomes(store, &late, TicketState::Failed).await.reason.as_deref(), Some("region_closed"));

    // A running match goes on when its own region is closed too.
    close(store, "asia").await;
    let nowhere = placed(&together(), vec![member(1500.0)], &[]);
    create(store, std::slice::from_ref(&nowhere)).await;
    assert_eq!(becomes(store, &nowhere, TicketState::Failed).await.reason.as_deref(), Some("region_closed"));
    let running = store.matches.running_of(player(&both)).await.unwrap();
    assert_eq!(running, Some(match_id));

    reopen(store, "eu-west").await;
    let again = [1500.0, 1510.0].map(|points| placed(&together(), vec![member(points)], &[("eu-west", 20)]));
    create(store, &again).await;
    for ticket in &again {
        becomes(store, ticket, TicketState::Matched).await;
    }
    platform.finish().await;
}

#[tokio::test]
async fn an_accepted_match_does_not_begin_in_a_region_that_was_closed_meanwhile() {
    let mut asking = together();
    asking.acceptance = serde_json::from_value(json!({"within_secs": 60})).unwrap();
    let platform = doorless().queue(asking.clone()).start().await;
    let store = &platform.scratch.store;
    let pair = [1500.0, 1510.0].map(|points| placed(&asking, vec![member(points)], &[("eu-west", 20)]));
    create(store, &pair).await;
    becomes(store, &pair[0], TicketState::Proposed).await;
    close(store, "eu-west").await;
    // Heard by the leader: somebody else who wanted to play there had to leave.
    let other = placed(&asking, vec![member(1500.0)], &[("eu-west", 20)]);
    create(store, std::slice::from_ref(&other)).await;
    becomes(store, &other, TicketState::Failed).await;
    for ticket in &pair {
        let accepted = store.tickets.answer(ticket.ticket.ticket_id, player(ticket), true, muster_store::now()).await;
        assert!(matches!(accepted.unwrap(), muster_store::Answered::Recorded(_)));
    }
    for ticket in &pair {
        assert_eq!(becomes(store, ticket, TicketState::Failed).await.reason.as_deref(), Some("region_closed"));
        assert!(matches_told(store, player(ticket)).await.is_empty());
    }
    platform.finish().await;
}
