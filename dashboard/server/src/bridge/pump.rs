//! Carries frames between a browser and the staff API until one of them ends it, or falls silent, or the process drains.
//!
//! One task a socket, one frame at a time: a side that does not take its frame holds back the other, so nothing piles
//! up here; and it may not hold back for long.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::{SinkExt, StreamExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, protocol::frame::coding::CloseCode},
};
use tokio_util::sync::CancellationToken;

use super::{Bounds, events::OpenSocket};

/// How long a side may take for one frame.
const SEND_WITHIN: Duration = Duration::from_secs(10);

const GOING_AWAY: u16 = 1001;
const UNSUPPORTED: u16 = 1003;
const UPSTREAM_LOST: u16 = 1011;
const RESTART: u16 = 1012;

/// Who or what ended a socket, and what the browser is told.
struct End {
    by: &'static str,
    code: u16,
    reason: String,
}

impl End {
    fn new(by: &'static str, code: u16, reason: &str) -> Self {
        Self { by, code, reason: reason.to_owned() }
    }
}

pub(super) async fn run<S>(
    mut browser: WebSocket,
    mut upstream: WebSocketStream<S>,
    bounds: Bounds,
    drain: CancellationToken,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let socket = OpenSocket::new();
    let end = carry(&mut browser, &mut upstream, bounds, drain).await;
    let farewell = Message::Close(Some(CloseFrame { code: end.code, reason: end.reason.into() }));
    // Either side may be gone already; then there is nobody to tell.
    let _ = timeout(SEND_WITHIN, browser.send(farewell)).await;
    let _ = timeout(SEND_WITHIN, upstream.close(None)).await;
    socket.end(end.by);
}

async fn carry<S>(
    browser: &mut WebSocket,
    upstream: &mut WebSocketStream<S>,
    bounds: Bounds,
    drain: CancellationToken,
) -> End
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            () = drain.cancelled() => return End::new("drain", RESTART, "the dashboard restarts"),
            () = sleep_until(heard + bounds.idle) => return End::new("idle", GOING_AWAY, "nothing was heard from the page"),
            frame = browser.recv() => {
                heard = Instant::now();
                match frame {
                    Some(Ok(Message::Text(text))) => {
                        let sent = timeout(SEND_WITHIN, upstream.send(tungstenite::Message::text(text.as_str()))).await;
                        if !matches!(sent, Ok(Ok(()))) {
                            return End::new("graphql", UPSTREAM_LOST, "the staff API is gone");
                        }
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Binary(_))) => return End::new("bounds", UNSUPPORTED, "text frames only"),
                    Some(Ok(Message::Close(_))) | None => return End::new("browser", GOING_AWAY, ""),
                    // Broken frames and ones over the bound; the WebSocket layer has told the browser already.
                    Some(Err(_)) => return End::new("bounds", GOING_AWAY, ""),
                }
            }
            frame = upstream.next() => match frame {
                Some(Ok(tungstenite::Message::Text(text))) => {
                    let sent = timeout(SEND_WITHIN, browser.send(Message::Text(text.as_str().into()))).await;
                    if !matches!(sent, Ok(Ok(()))) {
                        return End::new("browser", GOING_AWAY, "");
                    }
                }
                Some(Ok(tungstenite::Message::Close(Some(frame)))) if may_be_sent(frame.code) => {
                    return End::new("graphql", frame.code.into(), frame.reason.as_str());
                }
                Some(Ok(tungstenite::Message::Close(_)) | Err(_)) | None => return End::new("graphql", UPSTREAM_LOST, "the staff API is gone"),
                Some(Ok(_)) => {}
            },
        }
    }
}

/// Some codes only say how a connection broke and must not stand in a frame (RFC 6455, 7.4.1).
fn may_be_sent(code: CloseCode) -> bool {
    code.is_allowed()
}
