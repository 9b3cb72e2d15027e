//! Bodies of every kind, hostile ones above all: whatever comes is refused or taken apart, within its bounds, and never panics.

use std::io::Write;
use std::sync::Arc;

use axum::http::HeaderMap;
use bytes::Bytes;
use chrono::TimeDelta;
use flate2::Compression;
use flate2::write::GzEncoder;
use muster_core::telemetry::EventSource;
use muster_core::wire::{ClientEvent, Verdict, event_id_in};

use super::body::{self, Form};
use super::judge::{Judge, Judged};
use super::split::split;
use crate::error::Code;

const MAX: usize = 64 * 1024;

fn headers(encoding: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert("content-encoding", encoding.parse().unwrap());
    headers
}

/// As senders pack in a hurry.
pub fn packed(encoding: &str, text: &[u8]) -> Vec<u8> {
    match encoding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        "zstd" => zstd::bulk::compress(text, 1).unwrap(),
        _ => text.to_vec(),
    }
}

const EVENT: &str = r#"{"event_id":"evt_0192f0c1e1c07b2cb4b1a7d1c2e3f405","kind":"level.done","at":"2026-01-31T09:30:00Z","properties":{"n":1}}"#;

#[test]
fn the_same_events_come_out_however_they_are_sent() {
    let one = EVENT.replace(':', ": ");
    for (form, text) in [
        (Form::Json, format!("[{EVENT}, {one}]")),
        (Form::Json, format!(" {{\"events\": [{EVENT},{one} ] }} ")),
        (Form::Lines, format!("{EVENT}\n{one}\n")),
        (Form::Lines, format!("\r\n {EVENT}\r\n\n{one}")),
    ] {
        for encoding in ["identity", "gzip", "zstd"] {
            let unpacked = body::unpack(&headers(encoding), packed(encoding, text.as_bytes()).into(), MAX).unwrap();
            assert_eq!(split(form, &unpacked).unwrap(), [EVENT, &one], "{text}");
        }
    }
}

#[test]
fn what_cannot_be_taken_apart_is_refused_by_its_name() {
    let many = format!("[{}]", vec!["0"; 501].join(","));
    for (form, text, code) in [
        (Form::Json, "", Code::MalformedRequest),
        (Form::Json, "[{]", Code::MalformedRequest),
        (Form::Json, "[] []", Code::MalformedRequest),
        (Form::Json, "7", Code::InvalidField),
        (Form::Json, "[]", Code::InvalidField),
        (Form::Json, r#"{"events": 1}"#, Code::InvalidField),
        (Form::Json, r#"{"events": [], "more": 1}"#, Code::InvalidField),
        (Form::Json, many.as_str(), Code::InvalidField),
        (Form::Lines, " \n\n", Code::InvalidField),
    ] {
        let refusal = split(form, text).unwrap_err();
        assert_eq!(refusal.code(), code, "{text}");
    }
    let lines = "x\n".repeat(501);
    assert_eq!(split(Form::Lines, &lines).unwrap_err().code(), Code::InvalidField);
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    let bomb = vec![b' '; 64 * MAX];
    for encoding in ["gzip", "zstd"] {
        let small = packed(encoding, &bomb);
        assert!(small.len() < MAX);
        let refusal = body::unpack(&headers(encoding), small.into(), MAX).unwrap_err();
        assert_eq!(refusal.code(), Code::BodyTooLarge, "{encoding}");
        // Not packed at all.
        let refusal = body::unpack(&headers(encoding), Bytes::from_static(b"[1]"), MAX).unwrap_err();
        assert_eq!(refusal.code(), Code::MalformedRequest, "{encoding}");
        let half = packed(encoding, EVENT.as_bytes());
        let refusal = body::unpack(&headers(encoding), half[..half.len() / 2].to_vec().into(), MAX).unwrap_err();
        assert_eq!(refusal.code(), Code::MalformedRequest, "{encoding}");
    }
    assert_eq!(body::unpack(&headers("br"), Bytes::new(), MAX).unwrap_err().code(), Code::UnsupportedMedia);
    assert_eq!(
        body::unpack(&headers(""), Bytes::from_static(b"\xff"), MAX).unwrap_err().code(),
        Code::MalformedRequest
    );
}

/// How far a body came.
#[derive(Default)]
pub struct Borne {
    /// Whether there were events in it.
    pub taken_apart: bool,
    /// Events that could be read.
    pub read: u64,
    /// Events that could not.
    pub invalid: u64,
}

/// What every body has to bear.
pub fn bears(encoding: &str, bytes: &[u8]) -> Borne {
    let mut borne = Borne::default();
    let Ok(text) = body::unpack(&headers(encoding), Bytes::copy_from_slice(bytes), MAX) else { return borne };
    assert!(encoding == "identity" || encoding.is_empty() || text.len() <= body::unpacked_bound(MAX));
    for form in [Form::Json, Form::Lines] {
        let Ok(lines) = split(form, &text) else { continue };
        assert!((1..=500).contains(&lines.len()));
        borne.taken_apart = true;
        for line in lines {
            assert!(event_id_in(line).len() <= 64);
            match ClientEvent::read(line) {
                Ok(event) => {
                    borne.read += 1;
                    // What was read can be written, on one line, and is read as the same.
                    let again = serde_json::to_string(&event).unwrap();
                    assert!(!again.contains('\n'));
                    assert_eq!(ClientEvent::read(&again).unwrap(), event);
                    is_judged(event);
                }
                Err(invalid) => {
                    borne.invalid += 1;
                    let said = invalid.fault.message.chars().count() + invalid.fault.path.chars().count();
                    assert!(!invalid.fault.message.is_empty() && said <= 300 && invalid.event_id.len() <= 64);
                }
            }
        }
    }
    borne
}

/// As an event of a trusted server that arrives a little later, by a platform that knows no type of it.
fn is_judged(event: ClientEvent) {
    let now = "2026-01-31T09:31:00Z".parse().unwrap();
    let subjects = event.player_id.map(|player| (player, muster_store::fresh_id())).into_iter().collect();
    let judge =
        Judge { catalogue: Arc::default(), source: EventSource::Trusted, own: None, subjects, now, skew_ms: None };
    let (id, at) = (event.event_id, event.at);
    match judge.judge(event) {
        Judged::Taken(kept, told) => {
            assert_eq!((kept.event_id, kept.at, told.verdict), (id, at, Verdict::Quarantined));
            assert!(kept.at >= now - TimeDelta::days(7) && kept.at <= now + TimeDelta::minutes(10));
            let properties = serde_json::to_string(&kept.properties).unwrap();
            // Without escaped backslashes, after which the letters of an escape are just letters.
            let holds_nul = properties.replace("\\\\", "").contains("\\u0000");
            assert!(properties.len() <= 16 * 1024 && !holds_nul, "{properties}");
        }
        Judged::Told(told) => assert_eq!(told.verdict, Verdict::Invalid),
    }
}
