//! How events travel: many in a message, since each message costs a write of the stream, an answer and an acknowledgement.
//!
//! A message is lines of JSON: first the schema version, then an event a line. Lines, so that one that cannot be read does not
//! take its neighbours along. It travels on `telemetry.<source>.batch.<how many>`, so that the stream itself knows how many
//! events it holds. Version 1 was one event a message; a dead letter still is, and so it can be published again as it is.

use bytes::Bytes;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{TelemetryEvent, TelemetrySource};
use crate::codec;

/// The most events of one message.
pub const MAX_MESSAGE_EVENTS: usize = 500;

/// The most bytes of one message. A single event may be larger, up to what NATS takes (1 MiB as it is shipped).
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

const VERSION: u32 = 2;
const VERSION_OF_ONE: u32 = 1;
const HEAD: &[u8] = b"{\"v\":2}\n";

/// A message that is ready to go.
#[derive(Debug)]
pub(super) struct Packed {
    pub source: TelemetrySource,
    /// Which events it holds: their places in what was packed, ascending.
    pub places: Vec<usize>,
    pub payload: Bytes,
    /// The same for the same events: their ids and times make it. So JetStream drops a message that was sent twice.
    pub id: String,
}

/// Packs events into as few messages as their sources and the bounds allow; in their order, each source for itself.
pub(super) fn pack(events: &[TelemetryEvent]) -> Vec<Packed> {
    let mut packed = Vec::new();
    let mut open = TelemetrySource::ALL.map(Packing::new);
    let mut line = Vec::new();
    for (place, event) in events.iter().enumerate() {
        line.clear();
        codec::write_json(&mut line, event);
        line.push(b'\n');
        let packing = &mut open[event.source as usize];
        if !packing.has_room_for(&line) {
            packed.extend(packing.seal());
        }
        packing.add(place, event, &line);
    }
    packed.extend(open.iter_mut().filter_map(Packing::seal));
    packed
}

struct Packing {
    source: TelemetrySource,
    places: Vec<usize>,
    payload: Vec<u8>,
    identity: Sha256,
}

impl Packing {
    fn new(source: TelemetrySource) -> Self {
        Self { source, places: Vec::new(), payload: HEAD.to_vec(), identity: Sha256::new() }
    }

    fn has_room_for(&self, line: &[u8]) -> bool {
        let fits = self.places.len() < MAX_MESSAGE_EVENTS && self.payload.len() + line.len() <= MAX_MESSAGE_BYTES;
        fits || self.places.is_empty()
    }

    fn add(&mut self, place: usize, event: &TelemetryEvent, line: &[u8]) {
        self.places.push(place);
        self.payload.extend_from_slice(line);
        self.identity.update(event.event_id.uuid().as_bytes());
        self.identity.update(event.at.timestamp_millis().to_be_bytes());
    }

    /// What was packed, if anything; the next event begins a new message.
    fn seal(&mut self) -> Option<Packed> {
        let Self { source, places, payload, identity } = std::mem::replace(self, Self::new(self.source));
        // 128 bits are plenty: two minutes' worth of messages are told apart by it.
        let id = hex::encode(&identity.finalize()[..16]);
        (!places.is_empty()).then(|| Packed { source, places, payload: payload.into(), id })
    }
}

/// The events of a message, one a slice, none of them looked at yet; or why it is not a message of events.
pub(super) fn unpack(payload: &Bytes) -> Result<Vec<Bytes>, String> {
    #[derive(Deserialize)]
    struct Head {
        v: u32,
    }
    let mut values = serde_json::Deserializer::from_slice(payload).into_iter::<Head>();
    let head = values.next().unwrap_or_else(|| Err(serde::de::Error::custom("it is empty")));
    let Head { v } = head.map_err(|error| format!("a telemetry message cannot be read: {error}"))?;
    match v {
        VERSION_OF_ONE => Ok(vec![payload.clone()]),
        VERSION => {
            let rest = payload.slice(values.byte_offset()..);
            let lines: Vec<Bytes> = rest
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(|line| rest.slice_ref(line))
                .collect();
            // Each of them may become a dead letter: a message of a million lines is not taken apart.
            if lines.len() > MAX_MESSAGE_EVENTS {
                return Err(format!("{} events in one message; at most {MAX_MESSAGE_EVENTS}", lines.len()));
            }
            Ok(lines)
        }
        other => Err(format!(
            "a telemetry message cannot be read: schema version {other}; this version reads {VERSION_OF_ONE} and {VERSION}"
        )),
    }
}

/// One event as a message of its own, if it looks like one at all.
pub(super) fn alone(line: &Bytes) -> Bytes {
    match line.strip_prefix(b"{") {
        Some(fields) if fields.starts_with(b"\"") && !fields.starts_with(b"\"v\":") => {
            [br#"{"v":1,"#, fields].concat().into()
        }
        _ => line.clone(),
    }
}

/// What stands after `telemetry.` in the subject of a message.
pub(super) fn subject(source: TelemetrySource, events: usize) -> String {
    format!("{source}.batch.{events}")
}

/// How many events a message holds, by what stands after `telemetry.` in its subject. One, if it does not say so.
pub(super) fn events_by_subject(subject: &str) -> u64 {
    let mut parts = subject.split('.').skip(1);
    match (parts.next(), parts.next(), parts.next()) {
        (Some("batch"), Some(events), None) => events.parse().unwrap_or(1),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use muster_core::id::EventId;

    use super::*;

    fn events(count: u32, text: usize) -> Vec<TelemetryEvent> {
        let start: DateTime<Utc> = "2026-01-31T09:30:00Z".parse().unwrap();
        let event = |n: u32| {
            let at = start + TimeDelta::seconds(i64::from(n));
            let id = EventId::new(at, [0; 10]);
            let mut event = TelemetryEvent::new(id, TelemetrySource::Client, "level.up", at, at);
            event.properties.insert("text".to_owned(), "x\n".repeat(text / 2).into());
            event
        };
        (0..count).map(event).collect()
    }

    fn read(packed: &Packed) -> Vec<TelemetryEvent> {
        let lines = unpack(&packed.payload).unwrap();
        lines.iter().map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    #[test]
    fn packs_as_few_as_the_bounds_allow_and_unpacks_the_same() {
        let events = events(1_201, 100);
        let packed = pack(&events);
        assert_eq!(packed.iter().map(|packed| packed.places.len()).collect::<Vec<_>>(), [500, 500, 201]);
        assert!(packed.iter().flat_map(|packed| &packed.places).copied().eq(0..1_201));
        assert!(packed.iter().flat_map(read).eq(events));
    }

    #[test]
    fn keeps_to_the_bytes_but_takes_an_event_that_is_larger_by_itself() {
        let mut events = events(8, 60_000);
        events[5].properties.insert("more".to_owned(), "y".repeat(300_000).into());
        let packed = pack(&events);
        assert!(packed.iter().all(|packed| packed.payload.len() <= MAX_MESSAGE_BYTES || packed.places == [5]));
        assert_eq!(packed.iter().map(|packed| packed.places.len()).collect::<Vec<_>>(), [2, 2, 1, 1, 2]);
        assert!(pack(&[]).is_empty());
    }

    #[test]
    fn keeps_sources_apart() {
        let mut events = events(4, 0);
        events[1].source = TelemetrySource::Server;
        events[3].source = TelemetrySource::Server;
        let packed = pack(&events);
        assert_eq!(packed.len(), 2);
        assert_eq!((packed[0].source, &packed[0].places[..]), (TelemetrySource::Client, &[0, 2][..]));
        assert_eq!((packed[1].source, &packed[1].places[..]), (TelemetrySource::Server, &[1, 3][..]));
    }

    #[test]
    fn a_message_is_the_same_by_its_events_ids_and_times() {
        let first = events(3, 10);
        let mut later = first.clone();
        later.iter_mut().for_each(|event| event.received_at += TimeDelta::seconds(5));
        assert_eq!(pack(&first)[0].id, pack(&later)[0].id);
        later[2].at += TimeDelta::milliseconds(1);
        assert_ne!(pack(&first)[0].id, pack(&later)[0].id);
        assert_ne!(pack(&first)[0].id, pack(&first[..2])[0].id);
    }

    #[test]
    fn reads_messages_of_the_first_version_and_says_what_it_cannot_read() {
        let one = codec::to_message(&events(1, 10)[0]);
        assert_eq!(unpack(&one).unwrap(), std::slice::from_ref(&one));
        for (payload, reason) in [
            ("", "it is empty"),
            ("not json", "expected ident"),
            (r#"{"v":99}"#, "schema version 99; this version reads 1 and 2"),
            (r#"{"kind":"a"}"#, "missing field `v`"),
        ] {
            let error = unpack(&payload.into()).unwrap_err();
            assert!(error.contains(reason), "{error:?} should say {reason:?}");
        }
        let bomb = format!("{{\"v\":2}}\n{}", "1\n".repeat(MAX_MESSAGE_EVENTS + 1));
        assert!(unpack(&bomb.into()).unwrap_err().starts_with("501 events"));
        assert!(unpack(&"{\"v\":2}".into()).unwrap().is_empty());
    }

    #[test]
    fn an_event_alone_is_a_message_of_the_first_version() {
        let event = &events(1, 10)[0];
        let line = Bytes::from(codec::to_json(event));
        let alone = alone(&line);
        assert_eq!(alone, codec::to_message(event));
        assert_eq!(super::alone(&alone), alone);
        for odd in ["garbage", "{}", "{", ""] {
            assert_eq!(super::alone(&odd.into()), odd);
        }
    }

    #[test]
    fn the_subject_tells_how_many() {
        assert_eq!(subject(TelemetrySource::Server, 17), "server.batch.17");
        for (subject, events) in [
            ("server.batch.17", 17),
            ("client.level_up", 1),
            ("client.batch", 1),
            ("client.17", 1),
            ("client.batch.x", 1),
        ] {
            assert_eq!(events_by_subject(subject), events, "{subject}");
        }
    }
}
