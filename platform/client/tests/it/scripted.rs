//! A platform whose every word the test says: it signs in anybody and hands each socket to the test.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use muster_client::{
    Client, ClientEvent, ConnectOptions, Connection, Session,
    core::{
        id::{MatchId, PlayerId, TicketId},
        wire::{ClientMessage, Problem, Push, ServerMessage, SignedIn, TicketState, TicketView},
    },
};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use uuid::Uuid;

/// Longer than anything here takes, shorter than a person waits.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct ScriptedPlatform {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    lines: mpsc::UnboundedReceiver<Line>,
}

struct Shared {
    sign_ins: AtomicU32,
    tickets: Mutex<Vec<String>>,
    lines: mpsc::UnboundedSender<Line>,
}

/// One socket, at the platform's end. Dropping it cuts the line without a goodbye.
pub struct Line {
    heard: mpsc::UnboundedReceiver<ClientMessage>,
    say: mpsc::UnboundedSender<ServerMessage>,
}

impl ScriptedPlatform {
    pub async fn start() -> Self {
        let (hand_over, lines) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { sign_ins: AtomicU32::new(0), tickets: Mutex::default(), lines: hand_over });
        let router = Router::new()
            .route("/v1/auth/device", post(sign_in))
            .route("/v1/queues", get(queues))
            .route("/v1/tickets", post(create_ticket))
            .route("/v1/socket", get(socket))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared, lines }
    }

    pub async fn sign_in(&self) -> Session {
        let client = Client::new(&format!("http://{}", self.address)).unwrap();
        client.sign_in_device("a-device-of-the-tests", Some("Ada")).await.unwrap()
    }

    pub fn sign_ins(&self) -> u32 {
        self.shared.sign_ins.load(Ordering::SeqCst)
    }

    /// The idempotency keys that tickets were asked for with.
    pub fn ticket_keys(&self) -> Vec<String> {
        self.shared.tickets.lock().unwrap().clone()
    }

    /// The next socket that the client opens.
    pub async fn line(&mut self) -> Line {
        timeout(PATIENCE, self.lines.recv()).await.expect("the client connects").unwrap()
    }

    /// The next socket, with its hello answered by a welcome.
    pub async fn welcomed(&mut self, seq: u64, resumed: bool) -> (Line, Option<u64>) {
        let mut line = self.line().await;
        let (_token, last_seq) = line.hello().await;
        line.say(welcome(seq, resumed));
        (line, last_seq)
    }
}

impl Line {
    /// The next message that is not a ping; pings are answered.
    pub async fn hear(&mut self) -> ClientMessage {
        let other_than_pings = async {
            loop {
                match self.heard.recv().await.expect("the line holds") {
                    ClientMessage::Ping { id } => self.say(ServerMessage::Pong { re: id }),
                    message => return message,
                }
            }
        };
        timeout(PATIENCE, other_than_pings).await.expect("the client says something")
    }

    /// The next message, pings too; none when the client hung up.
    pub async fn hear_anything(&mut self) -> Option<ClientMessage> {
        timeout(PATIENCE, self.heard.recv()).await.expect("the client says something or hangs up")
    }

    /// Token and last sequence number of the hello, which must come now.
    pub async fn hello(&mut self) -> (String, Option<u64>) {
        match self.hear().await {
            ClientMessage::Hello { token, last_seq } => (token, last_seq),
            other => panic!("expected a hello, not {other:?}"),
        }
    }

    pub fn say(&self, message: ServerMessage) {
        let _ = self.say.send(message);
    }

    /// A push that can be told from others: its number is in the ticket's id.
    pub fn push(&self, seq: u64) {
        let ticket = waiting_ticket(u128::from(seq));
        self.say(ServerMessage::Push { seq, push: Push::TicketUpdated { ticket } });
    }
}

pub fn welcome(seq: u64, resumed: bool) -> ServerMessage {
    ServerMessage::Welcome { player_id: player(), seq, resumed, heartbeat_secs: 1, ticket: None, current_match: None }
}

fn waiting_ticket(id: u128) -> TicketView {
    TicketView {
        ticket_id: TicketId::from_uuid(Uuid::from_u128(id)),
        queue: "classic-ranked".to_owned(),
        state: TicketState::Waiting,
        reason: None,
        created_at: chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        players: vec![player()],
        estimated_wait_ms: None,
        proposal: None,
        match_id: None,
    }
}

pub fn player() -> PlayerId {
    PlayerId::from_uuid(Uuid::from_u128(1))
}

pub fn match_id() -> MatchId {
    MatchId::from_uuid(Uuid::from_u128(2))
}

/// Waits short enough for a test.
pub fn hasty() -> ConnectOptions {
    ConnectOptions {
        min_delay: Duration::from_millis(5),
        max_delay: Duration::from_millis(50),
        ..ConnectOptions::default()
    }
}

pub async fn next(connection: &mut Connection) -> ClientEvent {
    timeout(PATIENCE, connection.next()).await.expect("an event comes").expect("the connection is open")
}

/// Which push this event was, told by [`Line::push`].
pub fn push_of(event: &ClientEvent) -> Option<u64> {
    match event {
        ClientEvent::TicketUpdated(ticket) => u64::try_from(ticket.ticket_id.uuid().as_u128()).ok(),
        _ => None,
    }
}

/// The next so many pushes; what comes between is left out.
pub async fn pushes(connection: &mut Connection, count: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.len() < count {
        seen.extend(push_of(&next(connection).await));
    }
    seen
}

async fn sign_in(State(shared): State<Arc<Shared>>) -> Json<SignedIn> {
    let count = shared.sign_ins.fetch_add(1, Ordering::SeqCst) + 1;
    Json(SignedIn {
        player_id: player(),
        display_name: "Ada".to_owned(),
        token: format!("token-{count}"),
        expires_at: chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        new_account: count == 1,
    })
}

/// Takes the newest token only.
async fn queues(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let newest = format!("Bearer token-{}", shared.sign_ins.load(Ordering::SeqCst).max(2));
    match headers.get("authorization") {
        Some(token) if *token == *newest => Json(serde_json::json!([])).into_response(),
        _ => problem(StatusCode::UNAUTHORIZED, "token_expired"),
    }
}

/// Is busy at the first try of each ticket.
async fn create_ticket(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    let mut tickets = shared.tickets.lock().unwrap();
    let first = !tickets.contains(&key);
    tickets.push(key);
    if first {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "draining");
    }
    (StatusCode::CREATED, Json(waiting_ticket(9))).into_response()
}

fn problem(status: StatusCode, code: &str) -> Response {
    let problem = Problem {
        r#type: format!("urn:muster:error:{code}"),
        title: code.to_owned(),
        status: status.as_u16(),
        code: code.to_owned(),
        detail: "Do something else.".to_owned(),
        trace_id: None,
        errors: Vec::new(),
    };
    (status, Json(problem)).into_response()
}

async fn socket(State(shared): State<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |socket| pump(socket, &shared).await)
}

/// Carries words between the socket and the test until one of them lets go.
async fn pump(mut socket: WebSocket, shared: &Shared) {
    let (heard, hear) = mpsc::unbounded_channel();
    let (say, mut said) = mpsc::unbounded_channel();
    if shared.lines.send(Line { heard: hear, say }).is_err() {
        return;
    }
    loop {
        tokio::select! {
            word = said.recv() => {
                let Some(word) = word else { return };
                let text = serde_json::to_string(&word).unwrap();
                if socket.send(Message::Text(text.into())).await.is_err() {
                    return;
                }
            }
            frame = socket.recv() => match frame {
                Some(Ok(Message::Text(text))) => {
                    // A line that the test has dropped is noticed at `said`.
                    let _ = heard.send(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}
