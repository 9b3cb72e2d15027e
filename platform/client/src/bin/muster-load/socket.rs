//! One player's socket, whatever the player does with it: orders go out, frames come in with the moment they came.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    time::Duration,
};

use anyhow::{Context, bail};
use futures::{SinkExt, StreamExt};
use muster_client::{Client, Session, core::wire::ClientMessage};
use serde::Deserialize;
use tokio::{
    net::TcpStream,
    sync::mpsc::UnboundedReceiver,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// How long a connection may take from its first byte to its welcome.
const WELCOME_WITHIN: Duration = Duration::from_secs(20);
/// Sockets are many and their frames short.
const BUFFER_BYTES: usize = 4 * 1024;

/// Where to connect to.
#[derive(Debug, Clone)]
pub struct Door {
    address: SocketAddr,
    /// `ws://…/v1/socket`.
    url: String,
}

impl Door {
    /// The platform's, found once for all sockets.
    ///
    /// # Errors
    /// The address has no host, or one that this machine does not know.
    pub fn of(client: &Client) -> anyhow::Result<Self> {
        let base = client.base_url();
        let host = base.host_str().context("--url names no host")?;
        let port = base.port_or_known_default().unwrap_or(80);
        let address = (host.trim_matches(['[', ']']), port)
            .to_socket_addrs()
            .with_context(|| format!("{host} is a host this machine does not know"))?
            .next()
            .with_context(|| format!("{host} has no address"))?;
        Ok(Self { address, url: format!("ws://{host}:{port}{}/v1/socket", base.path().trim_end_matches('/')) })
    }
}

/// What a player says and hears. Neither may take long: all players share a thread.
pub trait Talk {
    /// What the player can be told to do.
    type Order;

    /// The message of an order; called in the moment before it is sent.
    fn say(&mut self, order: Self::Order) -> String;

    /// A message came at that moment.
    ///
    /// # Errors
    /// It cannot be read; the socket is given up.
    fn hear(&mut self, at: Instant, text: &str) -> Result<(), serde_json::Error>;

    /// The socket is gone, and why.
    fn lost(&mut self, reason: String);
}

/// A connected and welcomed socket.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    heartbeat: Duration,
    /// The number of the player's newest push when the socket was welcomed.
    pub seq: u64,
}

impl Socket {
    /// Connects, says hello, and waits for the welcome.
    ///
    /// # Errors
    /// Nobody listens, the platform refuses, or it takes longer than 20 s.
    pub async fn open(session: &Session, door: &Door) -> anyhow::Result<Self> {
        timeout(WELCOME_WITHIN, greet(session, door))
            .await
            .with_context(|| format!("there was no welcome within {WELCOME_WITHIN:?}"))?
    }

    /// Does what it is ordered to and tells what comes, until nobody gives orders.
    pub async fn live<T: Talk>(mut self, mut talk: T, mut orders: UnboundedReceiver<T::Order>) {
        // Silent players look alive only if they say something; the others do so anyway.
        let mut ping = Box::pin(sleep(self.until_ping()));
        loop {
            let text = tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => talk.say(order),
                    None => {
                        // Best effort: the platform notices by itself.
                        let _ = timeout(Duration::from_secs(1), self.stream.close(None)).await;
                        return;
                    }
                },
                frame = self.stream.next() => {
                    let at = Instant::now();
                    let reason = match frame {
                        Some(Ok(Message::Text(text))) => match talk.hear(at, &text) {
                            Ok(()) => continue,
                            Err(error) => format!("a frame that is none of the platform's: {error}"),
                        },
                        Some(Ok(Message::Close(Some(frame)))) => format!("closed with {}", u16::from(frame.code)),
                        Some(Ok(Message::Close(None))) | None => "closed".to_owned(),
                        Some(Ok(_)) => continue,
                        Some(Err(error)) => error.to_string(),
                    };
                    talk.lost(reason);
                    return;
                }
                () = &mut ping => r#"{"type":"ping"}"#.to_owned(),
            };
            if let Err(error) = self.stream.send(Message::text(text)).await {
                talk.lost(error.to_string());
                return;
            }
            ping.as_mut().reset(Instant::now() + self.until_ping());
        }
    }

    /// Drawn anew each time, as the SDK does: who was opened together should not ping together.
    fn until_ping(&self) -> Duration {
        self.heartbeat.mul_f64(rand::random_range(0.5..1.0))
    }
}

async fn greet(session: &Session, door: &Door) -> anyhow::Result<Socket> {
    let stream =
        TcpStream::connect(door.address).await.with_context(|| format!("nobody listens on {}", door.address))?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(0);
    let (mut stream, _response) = client_async_with_config(&door.url, stream, Some(config)).await?;
    let hello = ClientMessage::Hello { token: session.token(), last_seq: None };
    stream.send(Message::text(serde_json::to_string(&hello)?)).await?;
    while let Some(frame) = stream.next().await {
        let Message::Text(text) = frame? else { continue };
        match serde_json::from_str(&text)? {
            Greeting::Welcome { seq, heartbeat_secs } => {
                let heartbeat = Duration::from_secs(u64::from(heartbeat_secs.max(1)));
                return Ok(Socket { stream, heartbeat, seq });
            }
            Greeting::Goodbye { code } => bail!("the platform does not let us in: {code}"),
            Greeting::Other => {}
        }
    }
    bail!("the platform closed the socket before its welcome")
}

/// What may come before anything else.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Greeting {
    Welcome {
        seq: u64,
        heartbeat_secs: u32,
    },
    Goodbye {
        code: String,
    },
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_welcome_is_known_among_other_messages() {
        let read = |text: &str| serde_json::from_str::<Greeting>(text);
        let welcome = r#"{"type":"welcome","player_id":"x","seq":41,"resumed":false,"heartbeat_secs":15}"#;
        assert!(matches!(read(welcome), Ok(Greeting::Welcome { seq: 41, heartbeat_secs: 15 })));
        assert!(matches!(read(r#"{"type":"pong"}"#), Ok(Greeting::Other)));
        assert!(matches!(read(r#"{"type":"goodbye","code":"draining","message":"m"}"#), Ok(Greeting::Goodbye { .. })));
        assert!(read("nonsense").is_err());
    }
}
