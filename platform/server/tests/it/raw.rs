//! Clients without manners: raw HTTP and raw frames, so that the SDK cannot hide what the server does.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use muster_testkit::Platform;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const PATIENCE: Duration = Duration::from_secs(15);

/// HTTP without the SDK.
pub struct Http {
    pub base: String,
    client: reqwest::Client,
}

impl Http {
    pub fn of(platform: &Platform) -> Self {
        Self::at(platform.server_url(0))
    }

    pub fn at(base: &str) -> Self {
        muster_runtime::install_crypto();
        Self { base: base.to_owned(), client: reqwest::Client::new() }
    }

    pub fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(format!("{}{path}", self.base)).header("content-type", "application/json")
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    pub fn put(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.put(format!("{}{path}", self.base)).header("content-type", "application/json")
    }

    pub fn delete(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.delete(format!("{}{path}", self.base))
    }

    /// A wish for a ticket.
    pub fn wish(&self, token: &str, ticket: &Value) -> reqwest::RequestBuilder {
        self.post("/v1/tickets").bearer_auth(token).body(ticket.to_string())
    }

    /// A fresh device, signed in: (player id, token).
    pub async fn sign_in(&self, name: &str) -> (String, String) {
        let device: String = (0..4).map(|_| format!("{:08x}", rand::random::<u32>())).collect();
        let body = json!({ "device_id": device, "display_name": name }).to_string();
        let answer = self.post("/v1/auth/device").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        (answer["player_id"].as_str().unwrap().to_owned(), answer["token"].as_str().unwrap().to_owned())
    }
}

/// Checks that an answer is the problem it should be, and gives it.
pub async fn problem(answer: reqwest::Response, status: u16, code: &str) -> Value {
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let got = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert_eq!((got, body["code"].as_str().unwrap()), (status, code), "{body}");
    assert_eq!(body["status"], status);
    assert_eq!(body["type"], format!("urn:muster:error:{code}"));
    assert!(!body["detail"].as_str().unwrap().is_empty());
    assert_eq!(body["trace_id"].as_str().unwrap().len(), 32, "{body}");
    body
}

/// A request whose body is promised and does not come, but for a beginning.
pub async fn silent(base: &str, path: &str, token: &str, length: usize) -> TcpStream {
    let host = base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n["
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// One that is in hand: the server has taken it, and asks for its body.
pub async fn in_hand(base: &str, path: &str, token: &str, length: usize) -> TcpStream {
    const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut stream = silent(base, path, token, length).await;
    let mut words = [0; GO_ON.len()];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut words)).await.unwrap().unwrap();
    assert_eq!(words, GO_ON, "{}", String::from_utf8_lossy(&words));
    stream
}

/// All that a server says until it closes the connection.
pub async fn last_words(mut stream: TcpStream) -> String {
    let mut words = String::new();
    tokio::time::timeout(Duration::from_secs(40), stream.read_to_string(&mut words)).await.unwrap().unwrap();
    words
}

/// A socket that sends whatever it is told.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn open(platform: &Platform) -> Self {
        Self::open_at(platform.server_url(0)).await
    }

    /// Opens at one server of several.
    pub async fn open_at(base: &str) -> Self {
        let url = format!("{}/v1/socket", base.replacen("http", "ws", 1));
        Self(connect_async(url).await.unwrap().0)
    }

    /// Opens at one server of several and says hello.
    pub async fn signed_in_at(base: &str, token: &str) -> Self {
        let mut socket = Self::open_at(base).await;
        socket.send(&json!({ "type": "hello", "token": token })).await;
        socket.expect("welcome").await;
        socket
    }

    /// Opens and says hello with the last number that was seen: the socket and its welcome.
    pub async fn resumed(platform: &Platform, token: &str, last_seq: u64) -> (Self, Value) {
        let mut socket = Self::open(platform).await;
        socket.send(&json!({ "type": "hello", "token": token, "last_seq": last_seq })).await;
        let welcome = socket.expect("welcome").await;
        (socket, welcome)
    }

    /// Opens and says hello.
    pub async fn signed_in(platform: &Platform, token: &str) -> Self {
        let mut socket = Self::open(platform).await;
        socket.send(&json!({ "type": "hello", "token": token })).await;
        socket.expect("welcome").await;
        socket
    }

    pub async fn send(&mut self, message: &Value) {
        self.send_raw(Message::Text(message.to_string().into())).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.send_raw(Message::Text(Utf8Bytes::from(text))).await;
    }

    pub async fn send_raw(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    /// The next frame, whatever it is; none when the socket is over.
    pub async fn next_frame(&mut self) -> Option<Message> {
        let frame = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("the server says something in time");
        frame.and_then(Result::ok)
    }

    /// The next JSON message, or `None` when the server has closed.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("the server says something in time");
            match frame {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next message of this type; others are passed over.
    pub async fn expect(&mut self, kind: &str) -> Value {
        let mut passed_over = Vec::new();
        loop {
            let Some(message) = self.next().await else {
                panic!("closed before a `{kind}` came, after {passed_over:?}")
            };
            if message["type"] == kind {
                return message;
            }
            passed_over.push(message);
        }
    }

    /// The next push of this type.
    pub async fn expect_push(&mut self, kind: &str) -> Value {
        loop {
            let message = self.expect("push").await;
            if message["push"]["type"] == kind {
                return message["push"].clone();
            }
        }
    }

    /// The close code that ends the socket.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.expect("the server closes in time") {
                Some(Ok(Message::Close(Some(frame)))) => return Some(frame.code.into()),
                Some(Ok(Message::Close(None)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }
}

/// Two sockets in a match: (its id, the socket whose turn it is, the other).
pub async fn matched(platform: &Platform, http: &Http) -> (String, Socket, Socket) {
    let (first_id, first_token) = http.sign_in("Ada").await;
    let (_, second_token) = http.sign_in("Grace").await;
    let mut first = Socket::signed_in(platform, &first_token).await;
    let mut second = Socket::signed_in(platform, &second_token).await;
    for socket in [&mut first, &mut second] {
        socket.send(&json!({ "type": "ticket.create", "id": "queue-1", "queue": "classic-ranked" })).await;
        assert_eq!(socket.expect("ack").await["re"], "queue-1");
    }
    let found = first.expect_push("match.found").await["match"].clone();
    second.expect_push("match.found").await;
    let seat_of_first = found["players"]
        .as_array()
        .unwrap()
        .iter()
        .find(|player| player["player_id"] == first_id.as_str())
        .unwrap()["seat"]
        .clone();
    let match_id = found["match_id"].as_str().unwrap().to_owned();
    if found["turn"] == seat_of_first { (match_id, first, second) } else { (match_id, second, first) }
}
