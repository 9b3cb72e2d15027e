//! The client's side of graphql-transport-ws as a state machine: what happened goes in, what to do comes out.

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use super::{
    Connection, backoff,
    protocol::{self, Head, Kind},
};

/// Close codes of graphql-transport-ws for a session that is over, or never was.
const REFUSALS: [u16; 2] = [4401, 4403];

/// What is asked for, and who gets the answers.
#[derive(Clone)]
pub(crate) struct Subscription {
    /// The `subscribe` frame for an id; asked anew at every (re)connect.
    pub request: Rc<dyn Fn(u64) -> String>,
    /// Takes each `next` frame.
    pub deliver: Rc<dyn Fn(&str)>,
}

/// What the socket has to do next.
pub(crate) enum Step {
    Send(String),
    /// Give the frame that came in to its subscriber.
    Deliver(Rc<dyn Fn(&str)>),
    Report(Connection),
    /// Close the socket; `closed` will be told.
    Drop,
    /// Open a new one after this long.
    RetryAfter(Duration),
}

/// How far the handshake has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Down,
    Greeting,
    Ready,
}

/// One connection after the other, and the subscriptions that outlive them.
pub(crate) struct Session {
    phase: Phase,
    /// Attempts since the last connection stood.
    attempt: u32,
    awaits_pong: bool,
    last_id: u64,
    subscriptions: BTreeMap<u64, Subscription>,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self { phase: Phase::Down, attempt: 0, awaits_pong: false, last_id: 0, subscriptions: BTreeMap::new() }
    }

    /// The WebSocket is open.
    pub(crate) fn opened(&mut self) -> Vec<Step> {
        self.phase = Phase::Greeting;
        self.awaits_pong = false;
        vec![Step::Send(protocol::bare(Kind::ConnectionInit))]
    }

    /// The WebSocket is gone, or never came. `code` is the close frame's, `chance` is drawn from 0 to 1.
    pub(crate) fn closed(&mut self, code: Option<u16>, chance: f64) -> Vec<Step> {
        self.phase = Phase::Down;
        self.attempt = self.attempt.saturating_add(1);
        let refused = code.is_some_and(|code| REFUSALS.contains(&code));
        let report = Step::Report(Connection::Reconnecting { attempt: self.attempt, refused });
        vec![report, Step::RetryAfter(backoff::delay(self.attempt, chance))]
    }

    /// A text frame came in.
    pub(crate) fn received(&mut self, text: &str) -> Vec<Step> {
        self.awaits_pong = false;
        let Some(head) = Head::read(text) else { return vec![Step::Drop] };
        match head.kind {
            Kind::ConnectionAck => {
                self.phase = Phase::Ready;
                self.attempt = 0;
                let resumed = self.subscriptions.iter().map(|(id, wanted)| Step::Send((wanted.request)(*id)));
                std::iter::once(Step::Report(Connection::Connected)).chain(resumed).collect()
            }
            Kind::Ping => vec![Step::Send(protocol::bare(Kind::Pong))],
            Kind::Pong => Vec::new(),
            Kind::Next => {
                let wanted = head.subscription().and_then(|id| self.subscriptions.get(&id));
                wanted.map(|wanted| Step::Deliver(Rc::clone(&wanted.deliver))).into_iter().collect()
            }
            // Over, one way or the other: asking again would only get the same answer.
            Kind::Error | Kind::Complete => {
                if let Some(id) = head.subscription() {
                    self.subscriptions.remove(&id);
                }
                Vec::new()
            }
            Kind::ConnectionInit | Kind::Subscribe => vec![Step::Drop],
        }
    }

    /// Adds a subscription; its id is for [`Session::unsubscribe`].
    pub(crate) fn subscribe(&mut self, subscription: Subscription) -> (u64, Vec<Step>) {
        self.last_id += 1;
        let steps = match self.phase {
            Phase::Ready => vec![Step::Send((subscription.request)(self.last_id))],
            Phase::Down | Phase::Greeting => Vec::new(),
        };
        self.subscriptions.insert(self.last_id, subscription);
        (self.last_id, steps)
    }

    pub(crate) fn unsubscribe(&mut self, id: u64) -> Vec<Step> {
        match (self.subscriptions.remove(&id), self.phase) {
            (Some(_), Phase::Ready) => vec![Step::Send(protocol::complete(id))],
            _ => Vec::new(),
        }
    }

    /// Called at regular intervals: asks for a sign of life, and gives the connection up when the last one is missing.
    pub(crate) fn heartbeat(&mut self) -> Vec<Step> {
        match (self.phase, self.awaits_pong) {
            (Phase::Down, _) => Vec::new(),
            (Phase::Greeting | Phase::Ready, true) => vec![Step::Drop],
            (Phase::Greeting, false) => {
                self.awaits_pong = true;
                Vec::new()
            }
            (Phase::Ready, false) => {
                self.awaits_pong = true;
                vec![Step::Send(protocol::bare(Kind::Ping))]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde_json::{Value, json};

    use super::*;

    const ACK: &str = r#"{"type":"connection_ack"}"#;

    fn sent(steps: &[Step]) -> Vec<Value> {
        steps
            .iter()
            .filter_map(|step| match step {
                Step::Send(text) => Some(serde_json::from_str(text).expect("frames are JSON")),
                _ => None,
            })
            .collect()
    }

    fn fixed(payload: Value) -> Subscription {
        Subscription { request: Rc::new(move |id| protocol::subscribe(id, &payload)), deliver: Rc::new(|_| ()) }
    }

    #[test]
    fn it_greets_then_subscribes_what_waited() {
        let mut session = Session::new();
        let (_, steps) = session.subscribe(fixed(json!({"query": "a"})));
        assert!(steps.is_empty(), "nothing may be sent before the server has greeted back");
        assert_eq!(sent(&session.opened()), [json!({"type": "connection_init"})]);
        let steps = session.received(ACK);
        assert!(matches!(steps[0], Step::Report(Connection::Connected)));
        assert_eq!(sent(&steps), [json!({"type": "subscribe", "id": "1", "payload": {"query": "a"}})]);
        let (_, steps) = session.subscribe(fixed(json!({"query": "b"})));
        assert_eq!(sent(&steps), [json!({"type": "subscribe", "id": "2", "payload": {"query": "b"}})]);
    }

    #[test]
    fn a_reconnect_asks_from_the_last_event_seen() {
        let seen = Rc::new(Cell::new(0));
        let (asks, hears) = (Rc::clone(&seen), Rc::clone(&seen));
        let mut session = Session::new();
        session.subscribe(Subscription {
            request: Rc::new(move |id| protocol::subscribe(id, json!({"variables": {"after": asks.get()}}))),
            deliver: Rc::new(move |frame| {
                let data: Value = protocol::data(frame).expect("data");
                hears.set(data["seq"].as_i64().expect("a number"));
            }),
        });
        session.opened();
        session.received(ACK);
        let frame = r#"{"type":"next","id":"1","payload":{"data":{"seq":7}}}"#;
        for step in session.received(frame) {
            if let Step::Deliver(deliver) = step {
                deliver(frame);
            }
        }
        session.closed(None, 0.0);
        session.opened();
        assert_eq!(sent(&session.received(ACK))[0]["payload"]["variables"]["after"], 7);
    }

    #[test]
    fn waiting_grows_until_a_connection_stands() {
        let mut session = Session::new();
        let wait = |session: &mut Session| match session.closed(None, 1.0)[..] {
            [Step::Report(Connection::Reconnecting { attempt, refused: false }), Step::RetryAfter(delay)] => {
                (attempt, delay.as_millis())
            }
            _ => panic!("a lost connection is reported and tried again"),
        };
        assert_eq!([wait(&mut session), wait(&mut session)], [(1, 500), (2, 1_000)]);
        session.opened();
        session.received(ACK);
        assert_eq!(wait(&mut session), (1, 500));
    }

    #[test]
    fn a_session_that_is_over_is_told_apart_from_a_lost_line() {
        for (code, expected) in [(Some(4401), true), (Some(4403), true), (Some(1011), false), (None, false)] {
            let steps = Session::new().closed(code, 0.0);
            assert!(
                matches!(steps[0], Step::Report(Connection::Reconnecting { attempt: 1, refused }) if refused == expected),
                "{code:?}"
            );
        }
    }

    #[test]
    fn what_is_over_is_not_asked_again() {
        let mut session = Session::new();
        session.subscribe(fixed(json!({})));
        session.opened();
        session.received(ACK);
        session.received(r#"{"type":"complete","id":"1"}"#);
        assert!(session.received(r#"{"type":"next","id":"1","payload":{"data":{}}}"#).is_empty());
        session.closed(None, 0.0);
        session.opened();
        assert!(sent(&session.received(ACK)).is_empty());
        assert!(session.unsubscribe(1).is_empty());
    }

    #[test]
    fn silence_drops_the_connection() {
        let mut session = Session::new();
        assert!(session.heartbeat().is_empty());
        session.opened();
        session.received(ACK);
        assert_eq!(sent(&session.heartbeat()), [json!({"type": "ping"})]);
        session.received(r#"{"type":"pong"}"#);
        assert_eq!(sent(&session.heartbeat()), [json!({"type": "ping"})]);
        assert!(matches!(session.heartbeat()[..], [Step::Drop]));
    }

    #[test]
    fn it_answers_pings_and_leaves_who_does_not_speak_the_protocol() {
        let mut session = Session::new();
        session.opened();
        assert_eq!(sent(&session.received(r#"{"type":"ping"}"#)), [json!({"type": "pong"})]);
        assert!(matches!(session.received("hello")[..], [Step::Drop]));
    }
}
