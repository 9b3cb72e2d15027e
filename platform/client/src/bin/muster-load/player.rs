//! One player's socket: orders in, news with the moment they came out.

use std::{fmt::Write, net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use futures::{SinkExt, StreamExt};
use muster_client::{
    Session,
    core::{game::Command, id::MatchId, wire::ClientMessage},
};
use tokio::{
    net::TcpStream,
    sync::mpsc::{UnboundedReceiver, UnboundedSender},
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::wire::{self, Heard};

/// How long a connection may take from its first byte to its welcome.
const WELCOME_WITHIN: Duration = Duration::from_secs(20);
/// Sockets are many and their frames short.
const BUFFER_BYTES: usize = 4 * 1024;

/// What a player is told to do.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    /// Ask for a match.
    Queue {
        /// Which wish this is.
        wish: u32,
        /// When it should have been asked for; now, when absent.
        since: Option<Instant>,
    },
    /// Give a match up.
    Leave(MatchId),
}

/// What a player tells.
#[derive(Debug)]
pub struct News {
    /// Who.
    pub player: u32,
    /// When.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What a player tells.
#[derive(Debug)]
pub enum What {
    /// A wish was asked for; its clock runs since `News::at`.
    Asked(u32),
    /// A frame came.
    Heard(Heard),
    /// The socket is gone, and why.
    Lost(String),
}

/// A connected and welcomed player.
pub struct Player {
    index: u32,
    stream: WebSocketStream<TcpStream>,
    heartbeat: Duration,
    /// What comes before and after the request id in this player's `ticket.create`.
    wish: (String, String),
    run: u32,
}

/// Where to connect to.
#[derive(Debug, Clone)]
pub struct Door {
    /// Host and port.
    pub address: SocketAddr,
    /// `ws://…/v1/socket`.
    pub url: String,
}

impl Player {
    /// Connects, says hello, and waits for the welcome.
    ///
    /// `latencies` are regions with their distance in milliseconds, to be told with every wish.
    pub async fn connect(
        index: u32,
        session: &Session,
        door: &Door,
        run: u32,
        queue: &str,
        latencies: &[(String, u16)],
    ) -> anyhow::Result<Self> {
        let greeted = timeout(WELCOME_WITHIN, greet(session, door)).await;
        let (stream, heartbeat) =
            greeted.with_context(|| format!("player {index} was not welcomed within {WELCOME_WITHIN:?}"))??;
        Ok(Self { index, stream, heartbeat, wish: wish_text(queue, latencies)?, run })
    }

    /// Does what it is ordered to and tells what comes, until nobody gives orders.
    pub async fn live(mut self, mut orders: UnboundedReceiver<Order>, news: UnboundedSender<News>) {
        let tell = |at, what| news.send(News { player: self.index, at, what }).is_ok();
        // Silent players look alive only if they say something; those that queue do so anyway.
        let mut ping = Box::pin(sleep(self.heartbeat));
        loop {
            let sent = tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Queue { wish, since }) => {
                        let text = format!("{}{}{}", self.wish.0, wire::wish_id(self.run, wish), self.wish.1);
                        if !tell(since.unwrap_or_else(Instant::now), What::Asked(wish)) {
                            return;
                        }
                        self.stream.send(Message::text(text)).await
                    }
                    Some(Order::Leave(match_id)) => self.stream.send(Message::text(resign(match_id))).await,
                    None => {
                        // Best effort: the platform notices by itself.
                        let _ = timeout(Duration::from_secs(1), self.stream.close(None)).await;
                        return;
                    }
                },
                frame = self.stream.next() => {
                    let at = Instant::now();
                    let what = match frame {
                        Some(Ok(Message::Text(text))) => match wire::read(&text) {
                            Ok(Some(heard)) => What::Heard(heard),
                            Ok(None) => continue,
                            Err(error) => What::Lost(format!("a frame that is none of the platform's: {error}")),
                        },
                        Some(Ok(Message::Close(_))) | None => What::Lost("closed".to_owned()),
                        Some(Ok(_)) => continue,
                        Some(Err(error)) => What::Lost(error.to_string()),
                    };
                    let over = matches!(what, What::Lost(_));
                    if !tell(at, what) || over {
                        return;
                    }
                    continue;
                }
                () = &mut ping => self.stream.send(Message::text(r#"{"type":"ping"}"#)).await,
            };
            if let Err(error) = sent {
                tell(Instant::now(), What::Lost(error.to_string()));
                return;
            }
            ping.as_mut().reset(Instant::now() + self.heartbeat);
        }
    }
}

async fn greet(session: &Session, door: &Door) -> anyhow::Result<(WebSocketStream<TcpStream>, Duration)> {
    let stream =
        TcpStream::connect(door.address).await.with_context(|| format!("nobody listens on {}", door.address))?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(0);
    let (mut stream, _response) = client_async_with_config(&door.url, stream, Some(config)).await?;
    let hello = ClientMessage::Hello { token: session.token(), last_seq: None };
    stream.send(Message::text(serde_json::to_string(&hello)?)).await?;
    while let Some(frame) = stream.next().await {
        let Message::Text(text) = frame? else { continue };
        match wire::read(&text)? {
            Some(Heard::Welcome(secs)) => return Ok((stream, Duration::from_secs(u64::from(secs.max(1))))),
            Some(Heard::Goodbye(code)) => bail!("the platform does not let us in: {code}"),
            _ => {}
        }
    }
    bail!("the platform closed the socket before its welcome")
}

/// `ticket.create` with a hole for the request id, so that each wish is only put together.
fn wish_text(queue: &str, latencies: &[(String, u16)]) -> anyhow::Result<(String, String)> {
    let mut after = format!(r#"","queue":{}"#, serde_json::to_string(queue)?);
    if !latencies.is_empty() {
        after.push_str(r#","latencies_ms":{"#);
        for (index, (region, latency)) in latencies.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(after, "{comma}{}:{latency}", serde_json::to_string(region)?)?;
        }
        after.push('}');
    }
    after.push('}');
    Ok((r#"{"type":"ticket.create","id":""#.to_owned(), after))
}

/// The request id is the match's, so that the answer tells which match it was about.
fn resign(match_id: MatchId) -> String {
    let message = ClientMessage::MatchCommand { id: match_id.to_string(), match_id, command: Command::Resign };
    serde_json::to_string(&message).expect("ids and commands are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_messages_of_the_schema() {
        let (before, after) = wish_text("classic-casual", &[]).unwrap();
        let text = format!("{before}{}{after}", wire::wish_id(5, 6));
        let message: ClientMessage = serde_json::from_str(&text).unwrap();
        assert_eq!((message.kind(), message.id()), ("ticket.create", Some("w00000005-6")));
        message.validate().unwrap();

        let (before, after) = wish_text("q", &[("eu-west".to_owned(), 30), ("asia".to_owned(), 200)]).unwrap();
        let value: serde_json::Value = serde_json::from_str(&format!("{before}x{after}")).unwrap();
        assert_eq!(value["latencies_ms"]["asia"], 200);
    }

    #[test]
    fn leaving_is_told_by_the_match() {
        let match_id: MatchId = "mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405".parse().unwrap();
        let message: ClientMessage = serde_json::from_str(&resign(match_id)).unwrap();
        assert_eq!(message.id(), Some("mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405"));
    }
}
