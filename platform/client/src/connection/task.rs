//! The life of a connection: connect, say hello, talk, lose the line, wait, connect again.

use std::time::Duration;

use muster_core::wire::{ClientMessage, Push, ServerMessage};
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    ClientEvent, ConnectOptions, DisconnectReason,
    inbox::Inbox,
    outbox::{Outbox, Request},
    socket::{Broken, Heard, Socket},
    watched::Watched,
};
use crate::{
    error::{ClientError, is_token_code},
    session::Session,
};

/// How long an early push may wait for the one before it: two processes of the platform pushed at once.
const GAP_PATIENCE: Duration = Duration::from_millis(300);
/// Silence is never counted as death sooner than this, however short the heartbeat.
const MIN_SILENCE: Duration = Duration::from_secs(2);
/// A token that was fetched a moment ago and is refused again and again: signing in does not help.
const MAX_RENEWALS_IN_A_ROW: u32 = 3;

/// Everything that a connection is, apart from the line of the moment.
pub(super) struct Task {
    session: Session,
    options: ConnectOptions,
    requests: mpsc::Receiver<Request>,
    events: mpsc::Sender<ClientEvent>,
    inbox: Inbox,
    outbox: Outbox,
    watched: Watched,
    renewals_in_a_row: u32,
}

/// How a line ended.
enum Ended {
    /// The game closed it, or nobody reads its events any more.
    ByGame,
    /// It is lost; whether it had been up, and why.
    Lost { was_up: bool, reason: DisconnectReason },
    /// The platform does not want us back.
    ForGood(DisconnectReason),
}

impl Task {
    pub(super) fn new(
        session: Session,
        options: ConnectOptions,
        requests: mpsc::Receiver<Request>,
        events: mpsc::Sender<ClientEvent>,
    ) -> Self {
        Self {
            session,
            options,
            requests,
            events,
            inbox: Inbox::default(),
            outbox: Outbox::default(),
            watched: Watched::default(),
            renewals_in_a_row: 0,
        }
    }

    /// Until the game lets go or the platform bars it.
    pub(super) async fn run(mut self) {
        let unread = self.events.clone();
        tokio::select! {
            () = unread.closed() => {}
            () = self.keep_connected() => {}
        }
    }

    async fn keep_connected(&mut self) {
        let mut delays = self.options.delays();
        let mut told = false;
        loop {
            let since = Instant::now();
            let (was_up, reason) = match self.one_line().await {
                Ended::ByGame => return,
                Ended::Lost { was_up, reason } => (was_up, reason),
                Ended::ForGood(reason) => {
                    tracing::warn!(player_id = %self.session.player_id(), %reason, "the connection is closed for good");
                    let _ = self.events.send(ClientEvent::Disconnected { reason, retrying: false }).await;
                    return;
                }
            };
            tracing::debug!(player_id = %self.session.player_id(), %reason, was_up, "the line is down");
            if was_up && since.elapsed() >= self.options.steady_after {
                delays = self.options.delays();
            }
            // A new token is to be used at once; everything else is given time.
            let delay = match reason {
                DisconnectReason::TokenExpired if self.renewals_in_a_row <= 1 => Duration::ZERO,
                _ => delays.next().unwrap_or(self.options.max_delay),
            };
            if was_up || !told {
                told = true;
                // Waits for room when the game does not read: there is no use in coming back before it does.
                if self.events.send(ClientEvent::Disconnected { reason, retrying: true }).await.is_err() {
                    return;
                }
            }
            sleep(delay).await;
        }
    }

    /// One line from its first byte to its last.
    async fn one_line(&mut self) -> Ended {
        let lost = |reason| Ended::Lost { was_up: false, reason };
        let token = self.session.token();
        let greeting = timeout(self.options.connect_timeout, self.greet(&token)).await;
        let (mut socket, heartbeat) = match greeting {
            Ok(Ok(line)) => line,
            Ok(Err(Greeting::Broken(Broken(reason)))) => {
                return lost(DisconnectReason::Unreachable(reason));
            }
            Ok(Err(Greeting::Refused { code, message })) => {
                return self.refused(&token, code, message, false).await;
            }
            Err(_) => {
                return lost(DisconnectReason::Unreachable("no welcome in time".to_owned()));
            }
        };
        self.renewals_in_a_row = 0;
        self.outbox.resend_all();
        match self.talk(&mut socket, heartbeat).await {
            TalkEnded::ByGame => {
                socket.close().await;
                Ended::ByGame
            }
            TalkEnded::Goodbye { code, message } => self.refused(&token, code, message, true).await,
            TalkEnded::Lost(reason) => Ended::Lost { was_up: true, reason },
        }
    }

    /// Connects and says hello; the welcome is told to the game.
    async fn greet(&mut self, token: &str) -> Result<(Socket, Duration), Greeting> {
        let mut socket = Socket::connect(&self.session.client().socket_url()).await?;
        let hello = ClientMessage::Hello { token: token.to_owned(), last_seq: self.inbox.last() };
        socket.send(&hello).await?;
        self.inbox.forget_early();
        loop {
            match socket.next().await? {
                Heard::Message(ServerMessage::Welcome {
                    seq, resumed, heartbeat_secs, ticket, current_match, ..
                }) => {
                    if !resumed {
                        self.inbox.start_at(seq);
                    }
                    let connected = ClientEvent::Connected { resumed, ticket, current_match };
                    // Waits for room: without it there is nothing to be done with a line.
                    self.events.send(connected).await.map_err(|_| Broken("nobody reads".to_owned()))?;
                    return Ok((socket, Duration::from_secs(u64::from(heartbeat_secs.max(1)))));
                }
                Heard::Message(
                    ServerMessage::Error { code, message, .. } | ServerMessage::Goodbye { code, message },
                ) => return Err(Greeting::Refused { code, message }),
                _ => {}
            }
        }
    }

    /// The platform ended the line with a code: some are cured by a new token, some by nothing.
    async fn refused(&mut self, token: &str, code: String, message: String, was_up: bool) -> Ended {
        let goodbye = DisconnectReason::Goodbye { code: code.clone(), message };
        if is_token_code(&code) {
            self.renewals_in_a_row += 1;
            if self.renewals_in_a_row > MAX_RENEWALS_IN_A_ROW {
                return Ended::ForGood(goodbye);
            }
            return match self.session.renew(token).await {
                Ok(()) => Ended::Lost { was_up, reason: DisconnectReason::TokenExpired },
                Err(ClientError::Problem(problem)) if problem.status < 500 && problem.status != 429 => {
                    let reason = DisconnectReason::Goodbye { code: problem.code, message: problem.detail };
                    Ended::ForGood(reason)
                }
                Err(error) => {
                    // Not the token's fault: the next attempt shall fetch one again, without counting this.
                    self.renewals_in_a_row -= 1;
                    Ended::Lost { was_up, reason: DisconnectReason::Unreachable(error.to_string()) }
                }
            };
        }
        match code.as_str() {
            // Coming back would throw the other one out, and so on for ever.
            "replaced" | "banned" => Ended::ForGood(goodbye),
            _ => Ended::Lost { was_up, reason: goodbye },
        }
    }

    /// What a line is there for.
    async fn talk(&mut self, socket: &mut Socket, heartbeat: Duration) -> TalkEnded {
        let mut heard_at = Instant::now();
        let mut waiting_since = None;
        let mut next_ping = heard_at + until_ping(heartbeat);
        let silence = heartbeat.max(MIN_SILENCE);
        for message in self.watched.again() {
            if let Err(Broken(reason)) = socket.send(&message).await {
                return TalkEnded::Lost(DisconnectReason::Broken(reason));
            }
        }
        loop {
            for message in self.outbox.take_due(Instant::now()) {
                if let Err(Broken(reason)) = socket.send(&message).await {
                    return TalkEnded::Lost(DisconnectReason::Broken(reason));
                }
            }
            tokio::select! {
                heard = socket.next() => {
                    heard_at = Instant::now();
                    let outcome = match heard {
                        Ok(heard) => self.hear(heard),
                        Err(Broken(reason)) => Err(TalkEnded::Lost(DisconnectReason::Broken(reason))),
                    };
                    if let Err(ended) = outcome {
                        return ended;
                    }
                    waiting_since = self.inbox.is_waiting().then(|| waiting_since.unwrap_or(heard_at));
                }
                request = self.requests.recv() => match request {
                    Some(request) => {
                        self.watched.asked(&request.message);
                        self.outbox.push(request);
                    }
                    None => return TalkEnded::ByGame,
                },
                () = until(self.outbox.next_due()) => {}
                () = sleep_until(next_ping) => {
                    next_ping = Instant::now() + until_ping(heartbeat);
                    if let Err(Broken(reason)) = socket.send(&ClientMessage::Ping { id: None }).await {
                        return TalkEnded::Lost(DisconnectReason::Broken(reason));
                    }
                }
                () = sleep_until(heard_at + silence) => return TalkEnded::Lost(DisconnectReason::Silent),
                () = until(waiting_since.map(|since| since + GAP_PATIENCE)) => {
                    waiting_since = None;
                    if self.inbox.give_up() {
                        return TalkEnded::Lost(DisconnectReason::PushMissing);
                    }
                    if let Err(ended) = self.hand_on() {
                        return ended;
                    }
                }
            }
        }
    }

    fn hear(&mut self, heard: Heard) -> Result<(), TalkEnded> {
        let message = match heard.into_push() {
            Ok((seq, push)) => {
                self.inbox.take(seq, push);
                return self.hand_on();
            }
            Err(Heard::Message(message)) => message,
            Err(_) => return Ok(()),
        };
        match message {
            ServerMessage::Ack { re, ticket } => self.outbox.acknowledge(&re, ticket),
            ServerMessage::Goodbye { code, message } => {
                return Err(TalkEnded::Goodbye { code, message });
            }
            ServerMessage::Error { code, message, .. } if is_token_code(&code) => {
                return Err(TalkEnded::Goodbye { code, message });
            }
            ServerMessage::Error { code, message, re: Some(re) } => match self.watched.refused(&re, &code) {
                Some(ended) => self.tell(ClientEvent::WatchEnded(ended))?,
                None => {
                    self.outbox.refuse(&re, code, message);
                }
            },
            ServerMessage::WatchBegan(began) => {
                self.watched.began(&began);
                self.tell(ClientEvent::WatchBegan(began))?;
            }
            ServerMessage::WatchEvents(happened) => {
                if let Some(happened) = self.watched.happened(happened) {
                    self.tell(ClientEvent::WatchEvents(happened))?;
                }
            }
            ServerMessage::WatchEnded(ended) => {
                self.watched.forget(ended.match_id);
                self.tell(ClientEvent::WatchEnded(ended))?;
            }
            ServerMessage::Error { code, message, re: None } => self.tell(ClientEvent::Error { code, message })?,
            // A second welcome has nothing to say, and a pong has said it by coming.
            ServerMessage::Welcome { .. } | ServerMessage::Pong { .. } | ServerMessage::Push { .. } => {}
        }
        Ok(())
    }

    /// Hands on every push whose turn it is.
    fn hand_on(&mut self) -> Result<(), TalkEnded> {
        while let Some((seq, push)) = self.inbox.next() {
            if let Some(push) = push {
                self.tell(event_of(push))?;
            }
            // Only now: what the game had no room for is asked for again.
            self.inbox.handed_on(seq);
        }
        Ok(())
    }

    fn tell(&self, event: ClientEvent) -> Result<(), TalkEnded> {
        match self.events.try_send(event) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(TalkEnded::Lost(DisconnectReason::Unread)),
            Err(TrySendError::Closed(_)) => Err(TalkEnded::ByGame),
        }
    }
}

enum Greeting {
    Broken(Broken),
    Refused { code: String, message: String },
}

impl From<Broken> for Greeting {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

enum TalkEnded {
    ByGame,
    Goodbye { code: String, message: String },
    Lost(DisconnectReason),
}

fn event_of(push: Push) -> ClientEvent {
    match push {
        Push::MatchFound { r#match } => ClientEvent::MatchFound(r#match),
        Push::MatchAssigned { match_id, queue, team, role, region, connection, teams, server_id, join_token } => {
            ClientEvent::MatchAssigned { match_id, queue, team, role, region, connection, teams, server_id, join_token }
        }
        Push::MatchClosed { match_id, queue: _, end, rating } => ClientEvent::MatchClosed { match_id, end, rating },
        Push::MatchEvents { match_id, events } => ClientEvent::MatchEvents { match_id, events },
        Push::MatchEnded { match_id, result } => ClientEvent::MatchEnded { match_id, result },
        Push::TicketUpdated { ticket } => ClientEvent::TicketUpdated(ticket),
    }
}

/// Drawn anew each time, so that those who came together do not ping together.
fn until_ping(heartbeat: Duration) -> Duration {
    heartbeat.mul_f64(rand::random_range(1.0 / 3.0..0.5))
}

/// At that moment, or never.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
