//! The WebSocket bridge.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use muster_dashboard::BridgeSettings;
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{ClientRequestBuilder, Error, Message},
};

use crate::{
    scripted::{Scripted, TOKEN},
    served::{Options, Served},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const WITHIN: Duration = Duration::from_secs(5);

fn request(served: &Served, origin: Option<&str>, cookie: Option<&str>, protocol: &str) -> ClientRequestBuilder {
    let mut request = ClientRequestBuilder::new(format!("ws://{}/graphql/ws", served.host).parse().unwrap())
        .with_sub_protocol(protocol);
    if let Some(origin) = origin {
        request = request.with_header("Origin", origin);
    }
    if let Some(cookie) = cookie {
        request = request.with_header("Cookie", cookie);
    }
    request
}

async fn refused(request: ClientRequestBuilder) -> (u16, String) {
    match connect_async(request).await {
        Err(Error::Http(response)) => {
            let body: Value = serde_json::from_slice(response.body().as_deref().unwrap_or_default()).unwrap();
            (response.status().as_u16(), body["code"].as_str().unwrap().to_owned())
        }
        other => panic!("not refused: {other:?}"),
    }
}

async fn open(served: &Served) -> Socket {
    let cookie = format!("theme=dark; muster_session={TOKEN}");
    let (socket, response) =
        connect_async(request(served, Some(&served.url), Some(&cookie), "graphql-transport-ws")).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
    socket
}

async fn say(socket: &mut Socket, frame: Value) {
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

async fn hear(socket: &mut Socket) -> Message {
    timeout(WITHIN, socket.next()).await.expect("a frame in time").expect("an open socket").unwrap()
}

async fn hear_json(socket: &mut Socket) -> Value {
    serde_json::from_str(hear(socket).await.to_text().unwrap()).unwrap()
}

/// The code of the close frame; None when the socket just broke off.
async fn closed(socket: &mut Socket) -> Option<u16> {
    loop {
        match timeout(WITHIN, socket.next()).await.expect("an end in time") {
            Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return None,
        }
    }
}

#[tokio::test]
async fn another_sites_page_is_refused() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let cookie = format!("muster_session={TOKEN}");
    for origin in [Some("https://evil.example"), Some("null"), None] {
        let answer = refused(request(&served, origin, Some(&cookie), "graphql-transport-ws")).await;
        assert_eq!(answer, (403, "foreign_origin".to_owned()), "{origin:?}");
    }
}

#[tokio::test]
async fn without_a_session_there_is_no_socket() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let unauthenticated = (401, "unauthenticated".to_owned());
    assert_eq!(refused(request(&served, Some(&served.url), None, "graphql-transport-ws")).await, unauthenticated);
    // One that the staff API does not know is as good as none.
    assert_eq!(
        refused(request(&served, Some(&served.url), Some("muster_session=old"), "graphql-transport-ws")).await,
        unauthenticated
    );
}

#[tokio::test]
async fn only_the_current_protocol_is_spoken() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let cookie = format!("muster_session={TOKEN}");
    assert_eq!(
        refused(request(&served, Some(&served.url), Some(&cookie), "graphql-ws")).await,
        (400, "wrong_protocol".to_owned())
    );
}

#[tokio::test]
async fn frames_go_both_ways() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let mut socket = open(&served).await;
    say(&mut socket, json!({ "type": "connection_init" })).await;
    assert_eq!(hear_json(&mut socket).await, json!({ "type": "connection_ack" }));
    say(&mut socket, json!({ "type": "subscribe", "id": "1", "payload": { "operationName": "Live", "query": "…" } }))
        .await;
    let first = hear_json(&mut socket).await["payload"]["data"]["live"]["matchesFinished"].as_i64().unwrap();
    let second = hear_json(&mut socket).await["payload"]["data"]["live"]["matchesFinished"].as_i64().unwrap();
    assert_eq!(second, first + 1);
}

#[tokio::test]
async fn a_lost_staff_api_ends_the_socket_with_a_code() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let mut socket = open(&served).await;
    graphql.stop();
    assert_eq!(closed(&mut socket).await, Some(1011));
    let cookie = format!("muster_session={TOKEN}");
    let answer = refused(request(&served, Some(&served.url), Some(&cookie), "graphql-transport-ws")).await;
    assert_eq!(answer, (502, "staff_api_unreachable".to_owned()));
}

#[tokio::test]
async fn messages_silence_and_sockets_are_bounded() {
    let graphql = Scripted::start().await;
    let bridge = BridgeSettings { connections: 1, idle: Duration::from_millis(400), ..BridgeSettings::default() };
    let served = Served::over(&graphql, Options { bridge, ..Options::default() }).await;

    let mut silent = open(&served).await;
    let cookie = format!("muster_session={TOKEN}");
    let answer = refused(request(&served, Some(&served.url), Some(&cookie), "graphql-transport-ws")).await;
    assert_eq!(answer, (503, "too_many_sockets".to_owned()));
    assert_eq!(closed(&mut silent).await, Some(1001), "silence ends a socket");
    drop(silent);

    let mut loud = loop {
        // The place is free a moment after the socket has closed.
        match connect_async(request(&served, Some(&served.url), Some(&cookie), "graphql-transport-ws")).await {
            Ok((socket, _)) => break socket,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    let _ = loud.send(Message::text("x".repeat(17 * 1024))).await;
    closed(&mut loud).await;
}

#[tokio::test]
async fn a_drain_closes_sockets_so_that_browsers_come_back() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let mut socket = open(&served).await;
    served.drain.cancel();
    assert_eq!(closed(&mut socket).await, Some(1012));
}
