//! Bodies of every kind, hostile ones above all: whatever comes is refused or taken apart, within its bounds, and never panics.

use std::io::Write;
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use muster_core::wire::{ClientEvent, event_id_in};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::body::{self, Form};
use super::split::split;
use crate::error::Code;

const MAX: usize = 64 * 1024;

fn headers(encoding: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert("content-encoding", encoding.parse().unwrap());
    headers
}

fn packed(encoding: &str, text: &[u8]) -> Bytes {
    match encoding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap().into()
        }
        "zstd" => zstd::encode_all(text, 19).unwrap().into(),
        _ => Bytes::copy_from_slice(text),
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
            let unpacked = body::unpack(&headers(encoding), packed(encoding, text.as_bytes()), MAX).unwrap();
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
        assert!(small.len() < MAX / 8);
        let refusal = body::unpack(&headers(encoding), small, MAX).unwrap_err();
        assert_eq!(refusal.code(), Code::BodyTooLarge, "{encoding}");
        // Not packed at all.
        let refusal = body::unpack(&headers(encoding), Bytes::from_static(b"[1]"), MAX).unwrap_err();
        assert_eq!(refusal.code(), Code::MalformedRequest, "{encoding}");
        let half = packed(encoding, EVENT.as_bytes());
        let refusal = body::unpack(&headers(encoding), half.slice(..half.len() / 2), MAX).unwrap_err();
        assert_eq!(refusal.code(), Code::MalformedRequest, "{encoding}");
    }
    assert_eq!(body::unpack(&headers("br"), Bytes::new(), MAX).unwrap_err().code(), Code::UnsupportedMedia);
    assert_eq!(
        body::unpack(&headers(""), Bytes::from_static(b"\xff"), MAX).unwrap_err().code(),
        Code::MalformedRequest
    );
}

/// Bytes as they come from somebody who has seen our events: whole, cut, mixed up, packed and half packed.
fn hostile() -> impl Strategy<Value = (String, Vec<u8>)> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just(r#""\u0000""#.to_owned()),
        Just("1e999".to_owned()),
        Just("-0.0".to_owned()),
        Just(r#""\ud800""#.to_owned()),
        (0_usize..400).prop_map(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth))),
        any::<i128>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    let field = prop_oneof![
        Just("event_id"),
        Just("kind"),
        Just("at"),
        Just("session_id"),
        Just("sequence"),
        Just("properties"),
        Just("player_id"),
        Just("region"),
        Just("\\u0000"),
        Just("")
    ];
    let event = prop_oneof![
        3 => Just(EVENT.to_owned()),
        2 => (field, value.clone()).prop_map(|(field, value)| format!(r#"{},"{field}":{value}}}"#, &EVENT[..EVENT.len() - 1])),
        2 => value.clone().prop_map(|value| EVENT.replace(r#"{"n":1}"#, &format!(r#"{{"n":{value}}}"#))),
        1 => value,
        1 => any::<String>(),
    ];
    let text = (prop::collection::vec(event, 0..6), 0_usize..4).prop_map(|(events, form)| match form {
        0 => format!("[{}]", events.join(",")),
        1 => format!("{{\"events\":[{}]}}", events.join(",")),
        2 => events.join("\n"),
        _ => events.join(","),
    });
    let encoding = prop_oneof![Just("identity"), Just("gzip"), Just("zstd"), Just("br")];
    let harm = prop::option::of((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()));
    let ours = (text, encoding.clone(), harm).prop_map(|(text, encoding, harm)| {
        let mut bytes = packed(encoding, text.as_bytes()).to_vec();
        if let Some((place, byte, cut)) = harm.filter(|_| !bytes.is_empty()) {
            let place = place.index(bytes.len());
            if cut { bytes.truncate(place) } else { bytes[place] = byte }
        }
        (encoding.to_owned(), bytes)
    });
    let noise = (encoding, prop::collection::vec(any::<u8>(), 0..2_000))
        .prop_map(|(encoding, bytes)| (encoding.to_owned(), bytes));
    prop_oneof![6 => ours, 1 => noise]
}

/// What every body has to bear.
fn bears(encoding: &str, bytes: Vec<u8>) {
    let Ok(text) = body::unpack(&headers(encoding), bytes.into(), MAX) else { return };
    assert!(text.len() <= body::unpacked_bound(MAX));
    for form in [Form::Json, Form::Lines] {
        let Ok(lines) = split(form, &text) else { continue };
        assert!((1..=500).contains(&lines.len()));
        for line in lines {
            assert!(event_id_in(line).len() <= 64);
            match ClientEvent::read(line) {
                Ok(event) => {
                    // What was read can be written, on one line, and is read as the same.
                    let again = serde_json::to_string(&event).unwrap();
                    assert!(!again.contains('\n'));
                    assert_eq!(ClientEvent::read(&again).unwrap(), event);
                }
                Err(invalid) => {
                    let said = invalid.fault.message.chars().count() + invalid.fault.path.chars().count();
                    assert!(!invalid.fault.message.is_empty() && said <= 300 && invalid.event_id.len() <= 64);
                }
            }
        }
    }
}

/// For so many seconds as `MUSTER_FUZZ_SECONDS` says; a thousand bodies when it says nothing.
#[test]
fn whatever_comes_is_borne() {
    let seconds = std::env::var("MUSTER_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let began = Instant::now();
    let mut bodies = 0_u64;
    loop {
        let mut runner = TestRunner::new(Config { cases: 1_000, failure_persistence: None, ..Config::default() });
        runner
            .run(&hostile(), |(encoding, bytes)| {
                bears(&encoding, bytes);
                Ok(())
            })
            .unwrap();
        bodies += 1_000;
        if seconds.is_none_or(|seconds| began.elapsed() >= seconds) {
            break;
        }
    }
    if seconds.is_some() {
        eprintln!("{bodies} bodies in {:.0} s", began.elapsed().as_secs_f64());
    }
}
