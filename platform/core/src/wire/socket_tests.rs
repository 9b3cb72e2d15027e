use serde_json::{Value, json};

use super::*;
use crate::game::{Outcome, OutcomeKind, Seat};
use crate::wire::WatchEnd;

const TICKET: &str = "tkt_0192f0c1e1c07b2cb4b1a7d1c2e3f405";
const MATCH: &str = "mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405";

fn read(value: Value) -> Result<ClientMessage, serde_json::Error> {
    serde_json::from_value(value)
}

#[test]
fn client_messages_are_written_as_the_contract_says() {
    for (kind, id, value) in [
        ("hello", None, json!({"type": "hello", "token": "t"})),
        ("hello", None, json!({"type": "hello", "token": "t", "last_seq": 7})),
        ("ticket.create", Some("a"), json!({"type": "ticket.create", "id": "a", "queue": "classic-ranked"})),
        (
            "ticket.create",
            Some("a"),
            json!({"type": "ticket.create", "id": "a", "queue": "fives", "roles": ["tank"], "latencies_ms": {"eu-west": 30},
                "properties": {"build": "1.2", "level": 7.5}}),
        ),
        ("ticket.accept", Some("b"), json!({"type": "ticket.accept", "id": "b", "ticket_id": TICKET})),
        ("ticket.decline", Some("b"), json!({"type": "ticket.decline", "id": "b", "ticket_id": TICKET})),
        ("ticket.cancel", Some("b"), json!({"type": "ticket.cancel", "id": "b", "ticket_id": TICKET})),
        ("match.command", Some("c"), json!({"type": "match.command", "id": "c", "match_id": MATCH, "command": "roll"})),
        ("match.command", Some("c"), json!({"type": "match.command", "id": "c", "match_id": MATCH, "command": "bank"})),
        (
            "match.command",
            Some("c"),
            json!({"type": "match.command", "id": "c", "match_id": MATCH, "command": "resign"}),
        ),
        (
            "ticket.create",
            Some("a"),
            json!({"type": "ticket.create", "id": "a", "queue": "classic-ranked", "nonce": "ab".repeat(32)}),
        ),
        ("match.watch", Some("e"), json!({"type": "match.watch", "id": "e", "match_id": MATCH})),
        ("match.watch", Some("e"), json!({"type": "match.watch", "id": "e", "match_id": MATCH, "after": 12})),
        ("match.unwatch", Some("f"), json!({"type": "match.unwatch", "id": "f", "match_id": MATCH})),
        ("ping", None, json!({"type": "ping"})),
        ("ping", Some("d"), json!({"type": "ping", "id": "d"})),
    ] {
        let message = read(value.clone()).unwrap();
        assert_eq!((message.kind(), message.id()), (kind, id));
        assert_eq!(message.validate(), Ok(()));
        assert_eq!(serde_json::to_value(&message).unwrap(), value);
    }
}

#[test]
fn what_a_client_may_not_say_is_refused() {
    for wrong in [
        json!({"type": "ticket.create", "id": "a", "queue": "classic-ranked", "mode": "classic"}),
        json!({"type": "ticket.create", "id": "a", "queue": "classic-ranked", "players": []}),
        json!({"type": "ticket.create", "id": "a", "queue": "classic-ranked", "latencies_ms": {"mars": -1}}),
        json!({"type": "ping", "re": "a"}),
        json!({"type": "hello"}),
        json!({"type": "match.command", "id": "c", "match_id": TICKET, "command": "roll"}),
        json!({"type": "match.command", "id": "c", "match_id": MATCH, "command": "reroll"}),
        json!({"type": "ticket.create", "id": "a", "queue": "classic-ranked", "nonce": "ab".repeat(31)}),
        json!({"type": "match.watch", "id": "e", "match_id": MATCH, "after": -1}),
        json!({"type": "match.unwatch", "match_id": MATCH}),
        json!({"type": "goodbye"}),
        json!({"token": "t"}),
        json!([]),
    ] {
        assert!(read(wrong.clone()).is_err(), "{wrong} was taken");
    }
}

#[test]
fn request_ids_have_1_to_64_characters() {
    let ping = |id: String| ClientMessage::Ping { id: Some(id) }.validate();
    assert_eq!(ping("ü".repeat(64)), Ok(()));
    assert_eq!(ping(String::new()).unwrap_err().path, "id");
    assert!(ping("x".repeat(65)).is_err());
}

#[test]
fn server_messages_leave_out_what_is_not_there() {
    let error = ServerMessage::Error { code: "match_over".into(), message: "m".into(), re: None };
    assert_eq!(serde_json::to_value(&error).unwrap(), json!({"type": "error", "code": "match_over", "message": "m"}));
    let ack = ServerMessage::Ack { re: "a".into(), ticket: None };
    assert_eq!(serde_json::to_value(&ack).unwrap(), json!({"type": "ack", "re": "a"}));
}

#[test]
fn pushes_travel_inside_a_numbered_message() {
    let push = Push::MatchEnded {
        match_id: MATCH.parse().unwrap(),
        result: MatchResult {
            outcome: Outcome { kind: OutcomeKind::Won, winner: Some(Seat::Second), totals: [40, 101] },
            seed: "00".into(),
            ratings: Vec::new(),
        },
    };
    let message = ServerMessage::Push { seq: 9, push };
    let value = json!({"type": "push", "seq": 9, "push": {"type": "match.ended", "match_id": MATCH, "result": {
        "outcome": {"kind": "won", "winner": "second", "totals": [40, 101]}, "seed": "00", "ratings": []
    }}});
    assert_eq!(serde_json::to_value(&message).unwrap(), value);
    assert_eq!(serde_json::from_value::<ServerMessage>(value).unwrap(), message);
}

#[test]
fn what_is_watched_travels_without_a_number() {
    let ended = WatchEnded { match_id: MATCH.parse().unwrap(), reason: WatchEnd::TooSlow, r#match: None };
    let message = ServerMessage::WatchEnded(ended);
    let value = json!({"type": "watch.ended", "match_id": MATCH, "reason": "too_slow"});
    assert_eq!(serde_json::to_value(&message).unwrap(), value);
    assert_eq!(serde_json::from_value::<ServerMessage>(value).unwrap(), message);
}

#[test]
fn clients_ignore_what_a_later_server_adds() {
    let message: ServerMessage = serde_json::from_value(json!({"type": "pong", "re": "a", "load": 0.5})).unwrap();
    assert_eq!(message, ServerMessage::Pong { re: Some("a".into()) });
}

#[test]
fn the_schema_has_every_message_and_only_definitions_that_are_there() {
    let schema = socket_schema();
    let text = schema.to_string();
    for kind in [
        "hello",
        "ticket.create",
        "ticket.cancel",
        "match.command",
        "welcome",
        "ack",
        "goodbye",
        "ticket.accept",
        "ticket.decline",
        "match.found",
        "match.assigned",
        "match.watch",
        "watch.began",
        "watch.events",
        "watch.ended",
        "ticket.updated",
    ] {
        assert!(text.contains(&format!("\"{kind}\"")), "{kind} is not in the schema");
    }
    for reference in text.split("\"#/$defs/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(schema["$defs"].get(reference).is_some(), "{reference} is not defined");
    }
    assert_eq!(schema["oneOf"], json!([{"$ref": "#/$defs/ClientMessage"}, {"$ref": "#/$defs/ServerMessage"}]));
}
