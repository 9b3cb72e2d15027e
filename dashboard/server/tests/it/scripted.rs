//! A staff API that plays by a script: one account, counts that move, a match that goes on while it is watched. It
//! speaks the schema's shapes and graphql-transport-ws, and can be made to drop its sockets.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::AbortHandle};

pub const EMAIL: &str = "ada@studio.example";
pub const PASSWORD: &str = "correct horse";
pub const TOKEN: &str = "scripted-t0ken";
/// The match that runs until its log is out.
pub const RUNNING: &str = "mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405";
/// A match that is over.
pub const FINISHED: &str = "mch_0192f0c1e1c07b2cb4b1a7d1c2e3f406";
const SEED: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const COMMITMENT: &str = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
/// How often the script goes on.
const BEAT: Duration = Duration::from_millis(150);

/// What happened so far.
#[derive(Debug, Default)]
struct Script {
    /// Matches that have ended.
    finished: i64,
    /// Lines of the running match's log that have happened.
    told: i64,
    /// `after` of every subscription to a log.
    resumed_from: Vec<i64>,
}

/// A running one; dropping it stops it.
pub struct Scripted {
    pub url: String,
    script: Arc<Mutex<Script>>,
    cut: watch::Sender<u32>,
    task: AbortHandle,
}

#[derive(Clone)]
struct Shared {
    script: Arc<Mutex<Script>>,
    cut: watch::Receiver<u32>,
}

impl Scripted {
    pub async fn start() -> Self {
        let script = Arc::new(Mutex::new(Script { finished: 1_204, told: 6, resumed_from: Vec::new() }));
        let (cut, cuts) = watch::channel(0);
        let shared = Shared { script: Arc::clone(&script), cut: cuts };
        let router = Router::new().route("/graphql", post(answer)).route("/graphql/ws", get(socket)).with_state(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/graphql", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }).abort_handle();
        Self { url, script, cut, task }
    }

    /// Breaks every open socket off, as a restart would.
    pub fn cut_sockets(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Where subscriptions to a log began, in the order they came.
    pub fn resumed_from(&self) -> Vec<i64> {
        self.script.lock().unwrap().resumed_from.clone()
    }

    pub fn stop(&self) {
        self.cut_sockets();
        self.task.abort();
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.stop();
    }
}

fn is_signed_in(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| value == format!("Bearer {TOKEN}").as_str())
}

fn refusal(code: &str) -> Value {
    json!({ "data": null, "errors": [{ "message": code, "extensions": { "code": code } }] })
}

async fn answer(State(shared): State<Shared>, headers: HeaderMap, Json(request): Json<Value>) -> Json<Value> {
    let operation = request["operationName"].as_str().unwrap_or_default();
    let variables = &request["variables"];
    if operation == "SignIn" {
        return Json(match (variables["email"].as_str(), variables["password"].as_str()) {
            (Some(EMAIL), Some(PASSWORD)) => {
                json!({ "data": { "signIn": { "token": TOKEN, "expiresAt": "2099-01-01T00:00:00.000Z" } } })
            }
            (Some("locked@studio.example"), _) => refusal("too_many_attempts"),
            _ => refusal("unauthenticated"),
        });
    }
    if !is_signed_in(&headers) {
        return Json(refusal("unauthenticated"));
    }
    let script = shared.script.lock().unwrap();
    let data = match operation {
        "SignOut" => json!({ "signOut": true }),
        "Me" => json!({ "me": { "email": EMAIL, "displayName": "Ada Lovelace", "role": "ADMIN" } }),
        "Overview" => json!({ "live": live(&script), "activity": activity(&script) }),
        "Activity" => json!({ "activity": activity(&script) }),
        "Matches" => json!({ "matches": matches(variables) }),
        "MatchDetail" => json!({ "match": full_match(&script, variables["id"].as_str().unwrap_or_default()) }),
        _ => return Json(refusal("bad_input")),
    };
    Json(json!({ "data": data }))
}

fn live(script: &Script) -> Value {
    json!({
        "at": now(0), "playersOnline": 48, "ticketsWaiting": 7, "matchesRunning": 21,
        "matchesFinished": script.finished, "eventsStored": 1_482_377 + script.finished, "eventsPerMinute": 5_120,
    })
}

/// RFC 3339 of now, so many seconds ago.
fn now(seconds_ago: i64) -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64
        - seconds_ago * 1_000;
    let (days, rest) = (since.div_euclid(86_400_000), since.rem_euclid(86_400_000));
    // Howard Hinnant's civil_from_days.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        rest / 3_600_000,
        rest / 60_000 % 60,
        rest / 1_000 % 60,
        rest % 1_000
    )
}

fn activity(script: &Script) -> Value {
    (0..60)
        .rev()
        .map(|minutes_ago: i64| {
            let wave = 14.0 + 9.0 * (minutes_ago as f64 / 7.0).sin() + 4.0 * (minutes_ago as f64 / 2.3).cos();
            let mut minute = now(minutes_ago * 60);
            minute.replace_range(17..23, "00.000");
            let moving = if minutes_ago == 0 { script.finished % 20 } else { 0 };
            json!({ "minute": minute, "matchesFinished": wave as i64 + moving, "events": (wave * 230.0) as i64 })
        })
        .collect()
}

fn player(seat: &str, name: &str, total: i64, ratings: Option<(f64, f64)>) -> Value {
    json!({
        "id": format!("ply_0192f0c1e1c07b2cb4b1a7d1c2e3f4{}", if seat == "first" { "aa" } else { "bb" }), "displayName": name, "seat": seat,
        "total": total, "ratingBefore": ratings.map(|(before, _)| before), "ratingAfter": ratings.map(|(_, after)| after),
    })
}

fn matches(variables: &Value) -> Value {
    let page: i64 = variables["after"].as_str().map_or(0, |after| after.parse().unwrap());
    let state = variables["state"].as_str();
    let mode = variables["mode"].as_str().unwrap_or("classic");
    let modes = ["quickfire", "classic", "zero-hour", "last-line", "true-grit"];
    let names =
        ["Brave Otter", "Quiet Falcon", "Lucky Heron", "Swift Badger", "Calm Lynx", "Bold Marten", "Kind Raven"];
    let edges: Vec<Value> = (0..25)
        .filter(|_| mode != "true-grit")
        .map(|row: i64| {
            let number = page * 25 + row;
            let running = match state {
                Some(state) => state == "RUNNING",
                None => number < 3,
            };
            let id = if running { RUNNING.to_owned() } else { format!("{}{number:03}", &FINISHED[..FINISHED.len() - 3]) };
            let id = if !running && number == 3 { FINISHED.to_owned() } else { id };
            let mode = if variables["mode"].is_null() { modes[number as usize % 5] } else { mode };
            json!({ "node": {
                "id": id, "queue": format!("{mode}-ranked"), "mode": mode, "state": if running { "RUNNING" } else { "FINISHED" },
                "createdAt": now(30 + number * 47), "endedAt": if running { Value::Null } else { json!(now(30 + number * 47 - 25)) },
                "players": [
                    player("first", names[number as usize % 7], 104 - number % 3, None),
                    player("second", names[(number as usize + 3) % 7], 61 + number % 9, None),
                ],
                "outcome": if running { Value::Null } else { json!({ "kind": "won", "winnerId": "ply_0192f0c1e1c07b2cb4b1a7d1c2e3f4aa" }) },
            } })
        })
        .collect();
    let total = if edges.is_empty() { 0 } else { 1_225 };
    json!({ "edges": edges, "pageInfo": { "hasNextPage": total > 0 && page < 2, "endCursor": (page + 1).to_string() }, "totalCount": total })
}

fn full_match(script: &Script, id: &str) -> Value {
    let finished = match id {
        RUNNING => script.told >= lines().len() as i64,
        _ if id.starts_with(&FINISHED[..20]) => true,
        _ => return Value::Null,
    };
    let told = if id == RUNNING { script.told as usize } else { lines().len() };
    let ratings = |before: f64, after: f64| Some((before, after)).filter(|_| finished);
    json!({
        "id": id, "queue": "classic-ranked", "mode": "classic", "state": if finished { "FINISHED" } else { "RUNNING" },
        "createdAt": now(42), "endedAt": if finished { json!(now(2)) } else { Value::Null }, "quality": 0.87,
        "players": [
            player("first", "Brave Otter", 24, ratings(1_500.0, 1_512.0)),
            player("second", "Quiet Falcon", 0, ratings(1_483.0, 1_471.0)),
        ],
        "outcome": if finished { json!({ "kind": "won", "winnerId": "ply_0192f0c1e1c07b2cb4b1a7d1c2e3f4aa" }) } else { Value::Null },
        "commitment": COMMITMENT, "seed": if finished { json!(SEED) } else { Value::Null },
        "events": lines()[..told],
    })
}

/// The whole log of the script's match.
fn lines() -> Vec<Value> {
    let roll = |seat: &str, dice: [i64; 2], effect: &str, turn: i64, multiplier: i64, totals: [i64; 2]| {
        let name = if seat == "first" { "Brave Otter" } else { "Quiet Falcon" };
        json!({ "kind": "rolled", "seat": seat, "dice": dice, "effect": effect, "turnScore": turn, "multiplier": multiplier, "totals": totals,
            "summary": format!("{name} rolls {} and {}: {turn} in the turn.", dice[0], dice[1]) })
    };
    let say = |kind: &str, seat: Option<&str>, totals: [i64; 2], summary: &str| json!({ "kind": kind, "seat": seat, "dice": null, "effect": null, "turnScore": null, "multiplier": null, "totals": totals, "summary": summary });
    let log = vec![
        say("started", Some("first"), [0, 0], "A match of classic begins; Brave Otter rolls first."),
        say("turn_began", Some("first"), [0, 0], "It is Brave Otter's turn."),
        roll("first", [3, 5], "scored", 8, 1, [0, 0]),
        roll("first", [4, 4], "doubled", 16, 2, [0, 0]),
        say("banked", Some("first"), [16, 0], "Brave Otter banks 16 (Brave Otter 16 to 0 Quiet Falcon)."),
        say("turn_began", Some("second"), [16, 0], "It is Quiet Falcon's turn."),
        roll("second", [6, 3], "scored", 9, 1, [16, 0]),
        say("banked", Some("second"), [16, 9], "Quiet Falcon banks 9 (Brave Otter 16 to 9 Quiet Falcon)."),
        say("turn_began", Some("first"), [16, 9], "It is Brave Otter's turn."),
        roll("first", [1, 1], "snake_eyes", 20, 1, [16, 9]),
        roll("first", [2, 6], "scored", 28, 1, [16, 9]),
        roll("first", [1, 5], "bust", 0, 1, [16, 9]),
        say("turn_began", Some("second"), [16, 9], "It is Quiet Falcon's turn."),
        roll("second", [6, 6], "boxcars", 0, 1, [16, 0]),
        say("turn_began", Some("first"), [16, 0], "It is Brave Otter's turn."),
        roll("first", [5, 3], "scored", 8, 1, [16, 0]),
        say("banked", Some("first"), [24, 0], "Brave Otter banks 8 (Brave Otter 24 to 0 Quiet Falcon)."),
        say("ended", None, [24, 0], "Brave Otter wins, 24 to 0."),
    ];
    let count = log.len() as i64;
    log.into_iter()
        .enumerate()
        .map(|(index, mut line)| {
            line["seq"] = json!(index + 1);
            line["at"] = json!(now(2 * (count - index as i64)));
            line
        })
        .collect()
}

async fn socket(State(shared): State<Shared>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    if !is_signed_in(&headers) {
        return axum::http::StatusCode::UNAUTHORIZED.into_response();
    }
    upgrade.protocols(["graphql-transport-ws"]).on_upgrade(move |socket| converse(socket, shared))
}

async fn converse(mut socket: WebSocket, mut shared: Shared) {
    shared.cut.mark_unchanged();
    let (mut counts, mut log) = (None::<String>, None::<(String, i64)>);
    let mut beat = tokio::time::interval(BEAT);
    loop {
        let frames = tokio::select! {
            _ = shared.cut.changed() => return,
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    hear(&frame, &shared.script, &mut counts, &mut log)
                }
                Some(Ok(_)) => Vec::new(),
                _ => return,
            },
            _ = beat.tick() => go_on(&shared.script, &counts, &mut log),
        };
        for frame in frames {
            if socket.send(Message::Text(frame.to_string().into())).await.is_err() {
                return;
            }
        }
    }
}

fn hear(
    frame: &Value,
    script: &Mutex<Script>,
    counts: &mut Option<String>,
    log: &mut Option<(String, i64)>,
) -> Vec<Value> {
    let id = || frame["id"].as_str().unwrap().to_owned();
    match (frame["type"].as_str(), frame["payload"]["operationName"].as_str()) {
        (Some("connection_init"), _) => return vec![json!({ "type": "connection_ack" })],
        (Some("ping"), _) => return vec![json!({ "type": "pong" })],
        (Some("subscribe"), Some("Live")) => *counts = Some(id()),
        (Some("subscribe"), Some("MatchEvents")) => {
            let after = frame["payload"]["variables"]["after"].as_i64().unwrap();
            script.lock().unwrap().resumed_from.push(after);
            *log = Some((id(), after));
        }
        (Some("complete"), _) => {
            if counts.as_deref() == frame["id"].as_str() {
                *counts = None;
            }
            if log.as_ref().is_some_and(|(of, _)| frame["id"] == json!(of)) {
                *log = None;
            }
        }
        _ => {}
    }
    Vec::new()
}

fn go_on(script: &Mutex<Script>, counts: &Option<String>, log: &mut Option<(String, i64)>) -> Vec<Value> {
    let mut script = script.lock().unwrap();
    let mut frames = Vec::new();
    if let Some(id) = counts {
        script.finished += 1;
        frames.push(json!({ "type": "next", "id": id, "payload": { "data": { "live": live(&script) } } }));
    }
    if let Some((id, after)) = log {
        let lines = lines();
        script.told = (script.told + 1).min(lines.len() as i64);
        let fresh = &lines[*after as usize..script.told as usize];
        if !fresh.is_empty() {
            *after = script.told;
            frames.push(json!({ "type": "next", "id": id, "payload": { "data": { "matchEvents": fresh } } }));
        }
    }
    frames
}
