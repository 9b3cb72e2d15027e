//! A graphql-transport-ws client.

use std::{net::SocketAddr, time::Duration};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

const PATIENCE: Duration = Duration::from_secs(10);

pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Upgraded, and nothing said yet.
    pub async fn open(address: SocketAddr, protocol: &str) -> Result<Self, Error> {
        let mut request = format!("ws://{address}/graphql/ws").into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        let (stream, _) = connect_async(request).await?;
        Ok(Self { stream })
    }

    /// Upgraded and initialised with a token.
    pub async fn signed_in(address: SocketAddr, token: &str) -> Self {
        let mut socket = Self::open(address, "graphql-transport-ws").await.unwrap();
        socket
            .send(json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } }))
            .await;
        assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
        socket
    }

    pub async fn send(&mut self, message: Value) {
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "id": id, "type": "subscribe", "payload": { "query": query } })).await;
    }

    /// The next message, or the code that the server closed with as `{"close": …}`.
    pub async fn next(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.stream.next()).await.expect("the socket stays silent");
            match message.expect("the socket ended without a close").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => return json!({ "close": frame.map(|frame| u16::from(frame.code)) }),
                _ => {}
            }
        }
    }
}

impl Socket {
    /// Waits until the server has ended the connection, with a close or without.
    pub async fn closed(mut self) {
        while let Some(Ok(message)) = self.stream.next().await {
            if message.is_close() {
                return;
            }
        }
    }
}
