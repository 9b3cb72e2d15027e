//! The platform's frames, read only as far as needed: most bytes of a match are skipped, nothing is copied that is not kept.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use muster_client::core::id::{MatchId, PlayerId, TicketId};
use serde::Deserialize;

/// What a frame means to the run.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// The ticket of a wish waits.
    Acked {
        /// Which wish.
        wish: u32,
        /// Its ticket.
        ticket: TicketId,
        /// Since when it waits, by the platform's clock.
        created_at: DateTime<Utc>,
    },
    /// A wish was refused with this code.
    Refused(u32, String),
    /// Leaving a match was refused with this code.
    LeaveRefused(MatchId, String),
    /// A match.
    Found(Found),
    /// A match is settled.
    Ended(MatchId),
    /// A ticket came to nothing; its state.
    Gone(TicketId, String),
    /// The platform ends the socket with this code.
    Goodbye(String),
}

/// A match as `match.found` tells it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Found {
    /// Which match.
    pub match_id: MatchId,
    /// From which queue.
    pub queue: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who plays, in seat order.
    pub players: Vec<FoundPlayer>,
}

/// A player of it.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct FoundPlayer {
    /// Who.
    pub player_id: PlayerId,
    /// How strong, in points.
    pub rating: f64,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    re: Cow<'a, str>,
    #[serde(borrow, default)]
    code: Cow<'a, str>,
    #[serde(borrow, default)]
    ticket: Option<Ticket<'a>>,
    #[serde(borrow, default)]
    push: Option<Push<'a>>,
}

#[derive(Deserialize)]
struct Push<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    r#match: Option<Found>,
    #[serde(default)]
    match_id: Option<MatchId>,
    #[serde(borrow, default)]
    ticket: Option<Ticket<'a>>,
}

#[derive(Deserialize)]
struct Ticket<'a> {
    ticket_id: TicketId,
    #[serde(borrow)]
    state: Cow<'a, str>,
    created_at: DateTime<Utc>,
}

/// What a frame means; none when it does not matter here.
///
/// # Errors
/// When it is not a frame of the platform.
pub fn read(text: &str) -> Result<Option<Heard>, serde_json::Error> {
    let frame: Frame<'_> = serde_json::from_str(text)?;
    Ok(match &*frame.kind {
        "ack" => match (wish_of(&frame.re), frame.ticket) {
            (Some(wish), Some(ticket)) => {
                Some(Heard::Acked { wish, ticket: ticket.ticket_id, created_at: ticket.created_at })
            }
            _ => None,
        },
        "error" => {
            let code = frame.code.into_owned();
            match (wish_of(&frame.re), frame.re.parse()) {
                (Some(wish), _) => Some(Heard::Refused(wish, code)),
                (None, Ok(match_id)) => Some(Heard::LeaveRefused(match_id, code)),
                // Not about a request: a goodbye follows.
                (None, Err(_)) => None,
            }
        }
        "push" => frame.push.and_then(of_push),
        "goodbye" => Some(Heard::Goodbye(frame.code.into_owned())),
        _ => None,
    })
}

fn of_push(push: Push<'_>) -> Option<Heard> {
    match &*push.kind {
        "match.found" => push.r#match.map(Heard::Found),
        "match.ended" => push.match_id.map(Heard::Ended),
        "ticket.updated" => push
            .ticket
            .filter(|ticket| matches!(&*ticket.state, "cancelled" | "expired" | "failed"))
            .map(|ticket| Heard::Gone(ticket.ticket_id, ticket.state.into_owned())),
        _ => None,
    }
}

/// The request id of a wish. `run` tells runs apart, since a repeated id is a repeated wish.
pub fn wish_id(run: u32, wish: u32) -> String {
    format!("w{run:08x}-{wish}")
}

fn wish_of(re: &str) -> Option<u32> {
    re.strip_prefix('w')?.split_once('-')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use muster_client::core::{
        game::{Mode, Seat},
        wire::{self, MatchPlayer, MatchStatus, MatchView, ServerMessage},
    };
    use uuid::Uuid;

    use super::*;

    fn text(message: &ServerMessage) -> String {
        serde_json::to_string(message).unwrap()
    }

    fn uuid(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn reads_a_match_as_the_platform_writes_it() {
        let at = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap();
        let player = |number, seat| MatchPlayer {
            player_id: PlayerId::from_uuid(uuid(number)),
            display_name: "A \"quoted\" name".to_owned(),
            seat,
            rating: 1512.5,
        };
        let view = MatchView {
            match_id: MatchId::from_uuid(uuid(7)),
            queue: "classic-casual".to_owned(),
            mode: Mode::Classic,
            state: MatchStatus::Running,
            players: vec![player(1, Seat::First), player(2, Seat::Second)],
            commitment: "00".repeat(32),
            seed: None,
            created_at: at,
            ended_at: None,
            outcome: None,
            version: 1,
            totals: [0, 0],
            turn: Some(Seat::First),
        };
        let push = ServerMessage::Push { seq: 3, push: wire::Push::MatchFound { r#match: view } };
        let found = Found {
            match_id: MatchId::from_uuid(uuid(7)),
            queue: "classic-casual".to_owned(),
            created_at: at,
            players: [1, 2]
                .map(|number| FoundPlayer { player_id: PlayerId::from_uuid(uuid(number)), rating: 1512.5 })
                .to_vec(),
        };
        assert_eq!(read(&text(&push)).unwrap(), Some(Heard::Found(found)));
    }

    #[test]
    fn answers_find_their_wish_or_match() {
        let ticket = TicketId::from_uuid(uuid(9));
        let acked = format!(
            r#"{{"type":"ack","re":"{}","ticket":{{"ticket_id":"{ticket}","queue":"q","state":"waiting","created_at":"2026-01-31T09:30:00.000Z","later":[1]}}}}"#,
            wish_id(0xabc, 41)
        );
        let created_at = "2026-01-31T09:30:00Z".parse().unwrap();
        assert_eq!(read(&acked).unwrap(), Some(Heard::Acked { wish: 41, ticket, created_at }));
        let refused = |re: String| {
            text(&ServerMessage::Error { code: "in_match".to_owned(), message: "no".to_owned(), re: Some(re) })
        };
        assert_eq!(read(&refused(wish_id(1, 2))).unwrap(), Some(Heard::Refused(2, "in_match".to_owned())));
        let match_id = MatchId::from_uuid(uuid(7));
        let left = read(&refused(match_id.to_string())).unwrap();
        assert_eq!(left, Some(Heard::LeaveRefused(match_id, "in_match".to_owned())));
    }

    #[test]
    fn what_does_not_matter_is_nothing_and_nonsense_is_an_error() {
        assert_eq!(read(r#"{"type":"pong"}"#).unwrap(), None);
        assert_eq!(read(r#"{"type":"push","seq":1,"push":{"type":"party.invited","by":"x"}}"#).unwrap(), None);
        assert!(read("nonsense").is_err());
    }
}
