//! The platform's frames, read only as far as the run needs them.

use std::borrow::Cow;

use muster_client::core::{
    id::MatchId,
    wire::{LoggedEvent, MatchResult, MatchView},
};
use serde::Deserialize;

/// What a frame says.
#[derive(Debug, PartialEq)]
pub struct Frame {
    /// The number of a push.
    pub seq: Option<u64>,
    /// What it means to the run.
    pub heard: Heard,
}

/// What a frame means to the run.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// A match.
    Found(Box<MatchView>),
    /// What happened in a match.
    Events(MatchId, Vec<LoggedEvent>),
    /// A match is settled.
    Ended(MatchId, Box<MatchResult>),
    /// A request was done.
    Acked(Request),
    /// A request was refused with this code.
    Refused(Request, String),
    /// A ticket came to nothing; its state.
    Gone(String),
    /// The platform ends the socket with this code.
    Goodbye(String),
    /// Nothing that matters here.
    Other,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// A ticket.
    Ticket,
    /// A move, by its number.
    Move(u32),
}

/// Request ids. `run` tells runs apart, since a repeated id is a repeated request.
impl Request {
    /// As it is sent. Tickets of a player are told apart by `number` too.
    pub fn id(run: u32, kind: char, number: u32) -> String {
        format!("{kind}{run:08x}-{number}")
    }

    fn parse(re: &str) -> Option<Self> {
        let number = re.split_once('-')?.1.parse().ok()?;
        match re.chars().next()? {
            't' => Some(Self::Ticket),
            'm' => Some(Self::Move(number)),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    seq: Option<u64>,
    #[serde(borrow, default)]
    re: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    code: Cow<'a, str>,
    #[serde(borrow, default)]
    push: Option<Push<'a>>,
}

#[derive(Deserialize)]
struct Push<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    r#match: Option<Box<MatchView>>,
    #[serde(default)]
    match_id: Option<MatchId>,
    #[serde(default)]
    events: Option<Vec<LoggedEvent>>,
    #[serde(default)]
    result: Option<Box<MatchResult>>,
    #[serde(borrow, default)]
    ticket: Option<Ticket<'a>>,
}

#[derive(Deserialize)]
struct Ticket<'a> {
    #[serde(borrow)]
    state: Cow<'a, str>,
}

/// Reads a frame.
///
/// # Errors
/// It is not one of the platform's.
pub fn read(text: &str) -> Result<Frame, serde_json::Error> {
    let outer: Outer<'_> = serde_json::from_str(text)?;
    let request = outer.re.as_deref().and_then(Request::parse);
    let (seq, heard) = match (&*outer.kind, request) {
        ("push", _) => (outer.seq, outer.push.and_then(of_push)),
        ("ack", Some(request)) => (None, Some(Heard::Acked(request))),
        ("error", Some(request)) => (None, Some(Heard::Refused(request, outer.code.into_owned()))),
        ("goodbye", _) => (None, Some(Heard::Goodbye(outer.code.into_owned()))),
        _ => (None, None),
    };
    Ok(Frame { seq, heard: heard.unwrap_or(Heard::Other) })
}

fn of_push(push: Push<'_>) -> Option<Heard> {
    match &*push.kind {
        "match.found" => push.r#match.map(Heard::Found),
        "match.events" => Some(Heard::Events(push.match_id?, push.events?)),
        "match.ended" => Some(Heard::Ended(push.match_id?, push.result?)),
        "ticket.updated" => push
            .ticket
            .filter(|ticket| matches!(&*ticket.state, "cancelled" | "expired" | "failed"))
            .map(|ticket| Heard::Gone(ticket.state.into_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use muster_client::core::{
        game::{GameEvent, Outcome, OutcomeKind, Seat},
        wire::{self, ServerMessage},
    };
    use uuid::Uuid;

    use super::*;

    fn frame(message: &ServerMessage) -> Frame {
        read(&serde_json::to_string(message).unwrap()).unwrap()
    }

    fn push(push: wire::Push) -> Frame {
        frame(&ServerMessage::Push { seq: 7, push })
    }

    #[test]
    fn pushes_are_read_as_the_platform_writes_them() {
        let match_id = MatchId::from_uuid(Uuid::from_u128(7));
        let at = "2026-01-31T09:30:00.125Z".parse().unwrap();
        let events = vec![LoggedEvent { seq: 1, at, event: GameEvent::TurnBegan { seat: Seat::First } }];
        let told = push(wire::Push::MatchEvents { match_id, events: events.clone() });
        assert_eq!(told, Frame { seq: Some(7), heard: Heard::Events(match_id, events) });
        let outcome = Outcome { kind: OutcomeKind::Won, winner: Some(Seat::First), totals: [100, 7] };
        let result = MatchResult { outcome, seed: "00".repeat(32), ratings: Vec::new() };
        let ended = push(wire::Push::MatchEnded { match_id, result: result.clone() });
        assert_eq!(ended.heard, Heard::Ended(match_id, Box::new(result)));
    }

    #[test]
    fn answers_find_their_request() {
        let ack = |re: String| frame(&ServerMessage::Ack { re, ticket: None }).heard;
        assert_eq!(ack(Request::id(1, 'm', 41)), Heard::Acked(Request::Move(41)));
        assert_eq!(ack(Request::id(1, 't', 3)), Heard::Acked(Request::Ticket));
        assert_eq!(ack("somebody-else".to_owned()), Heard::Other);
        let refused = ServerMessage::Error {
            code: "not_your_turn".to_owned(),
            message: "no".to_owned(),
            re: Some(Request::id(9, 'm', 2)),
        };
        assert_eq!(frame(&refused).heard, Heard::Refused(Request::Move(2), "not_your_turn".to_owned()));
    }

    #[test]
    fn every_push_has_its_number_and_nonsense_is_an_error() {
        let other = read(r#"{"type":"push","seq":9,"push":{"type":"party.invited","by":"x"}}"#).unwrap();
        assert_eq!(other, Frame { seq: Some(9), heard: Heard::Other });
        assert_eq!(read(r#"{"type":"pong"}"#).unwrap().heard, Heard::Other);
        assert!(read("nonsense").is_err());
    }
}
