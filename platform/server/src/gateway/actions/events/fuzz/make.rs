//! Bodies from somebody who has seen our events: whole, cut, mixed up, packed and half packed.

use std::fmt::Write;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::gateway::actions::events::tests::packed;

/// A good event, field by field.
const EVENT: [(&str, &str); 12] = [
    ("event_id", r#""evt_0192f0c1e1c07b2cb4b1a7d1c2e3f405""#),
    ("kind", r#""level.done""#),
    ("at", r#""2026-01-31T09:30:00Z""#),
    ("session_id", r#""ses_0192f0c1e1c07b2cb4b1a7d1c2e3f406""#),
    ("sequence", "17"),
    ("player_id", r#""ply_0192f0c1e1c07b2cb4b1a7d1c2e3f407""#),
    ("match_id", r#""mch_0192f0c1e1c07b2cb4b1a7d1c2e3f408""#),
    ("queue", r#""classic-ranked""#),
    ("region", r#""eu-west""#),
    ("platform", r#""pc""#),
    ("build", r#""1.4.0+77""#),
    ("properties", r#"{"level":7,"took_ms":1234.5,"name":"Ünal \"x\"","deep":[{"a":null},[]]}"#),
];

/// How many fields every event has: the first ones.
const NEEDED: usize = 3;

const VALUES: [&str; 36] = [
    "null",
    "true",
    "{}",
    "[]",
    "0",
    "-0",
    "-0.0",
    "-1",
    "1e999",
    "1e-999",
    "1E+5",
    "9007199254740991",
    "9007199254740992",
    "18446744073709551616",
    "-9223372036854775809",
    "123456789012345678901234567890.5",
    r#""""#,
    r#"" ""#,
    r#""\u0000""#,
    r#""\ud800""#,
    r#""\udc00\ud800""#,
    r#""\uD83D\uDE00""#,
    "\"\u{feff}\"",
    "\"\u{202e}abc\u{2028}\"",
    "\"\u{1}\"",
    r#""evt_""#,
    r#""evt_0192F0C1-E1C0-7B2C-B4B1-A7D1C2E3F405""#,
    r#""evt_0192f0c1e1c04b2cb4b1a7d1c2e3f405""#,
    r#""tkt_0192f0c1e1c07b2cb4b1a7d1c2e3f405""#,
    r#""2026-02-30T25:61:61Z""#,
    r#""9999-12-31T23:59:60Z""#,
    r#""-262143-01-01T00:00:00Z""#,
    r#""2026-01-31T09:30:00+23:59""#,
    r#""0000-00-00""#,
    r#""../../etc/passwd""#,
    r#"{"a":1,"a":2}"#,
];

const TOKENS: [&str; 24] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "\\u",
    "\\u0000",
    "\0",
    "\n",
    "\r\n",
    "\t",
    " ",
    "1e",
    "-",
    ".",
    "//",
    "null",
    "\u{feff}",
    "\"events\":",
    "\"event_id\":\"",
    "é",
];

/// Body `number` of a seed, with what its sender says of its packing.
pub fn body(seed: u64, number: u64) -> (&'static str, Vec<u8>) {
    let mut random = StdRng::seed_from_u64(seed.rotate_left(32) ^ number);
    let random = &mut random;
    let mut bytes = text(random).into_bytes();
    if random.random_ratio(2, 5) {
        for _ in 0..random.random_range(1..5) {
            harm(random, &mut bytes);
        }
    }
    let encoding = *["identity", "identity", "identity", "identity", "gzip", "zstd", "br", ""].choose(random).unwrap();
    let mut bytes = packed(encoding, &bytes);
    if encoding != "identity" && random.random_ratio(1, 4) {
        harm(random, &mut bytes);
    }
    (encoding, bytes)
}

fn text(random: &mut StdRng) -> String {
    if random.random_ratio(1, 1_000) {
        return bomb(random);
    }
    let count = if random.random_ratio(1, 200) { 510 } else { 6 };
    let events: Vec<String> = (0..random.random_range(0..count)).map(|_| event(random)).collect();
    match random.random_range(0..10) {
        0..3 => format!("[{}]", events.join(",")),
        3..6 => format!("{{\"events\":[{}]}}", events.join(", ")),
        6..9 => events.join(if random.random() { "\n" } else { "\r\n" }),
        _ => events.join(","),
    }
}

/// Much from little.
fn bomb(random: &mut StdRng) -> String {
    let piece = *[" ", "[", "{\"a\":", "0,", "\"", "\n", "[0],"].choose(random).unwrap();
    piece.repeat(random.random_range(1..400_000) / piece.len())
}

fn event(random: &mut StdRng) -> String {
    let mut fields: Vec<(String, String)> = EVENT
        .iter()
        .enumerate()
        .filter(|(place, _)| *place < NEEDED || random.random_ratio(1, 3))
        .map(|(_, (name, value))| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    // Half of them are good.
    for _ in 0..[0, 0, 0, 1, 1, 3][random.random_range(0..6)] {
        let place = random.random_range(0..fields.len());
        match random.random_range(0..8) {
            0..3 => fields[place].1 = value(random),
            3 => fields[place].1 = format!("{{\"{}\":{}}}", name(random), value(random)),
            4 => fields.push((name(random), value(random))),
            5 => fields.push(fields[place].clone()),
            6 => fields[place].0 = name(random),
            _ => drop((fields.len() > 1).then(|| fields.remove(place))),
        }
    }
    let space = if random.random_ratio(1, 4) { " " } else { "" };
    let mut text = String::from("{");
    for (place, (name, value)) in fields.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let _ = write!(text, "{comma}{space}\"{name}\"{space}:{space}{value}");
    }
    text + "}"
}

fn name(random: &mut StdRng) -> String {
    match random.random_range(0..4) {
        0 => "\\u0000".to_owned(),
        1 => "x".repeat(random.random_range(0..300)),
        _ => EVENT.choose(random).unwrap().0.to_owned(),
    }
}

fn value(random: &mut StdRng) -> String {
    match random.random_range(0..12) {
        // serde_json goes 128 deep.
        0 => {
            let depth = random.random_range(0..300);
            let (open, close) = if random.random() { ("[", "]") } else { ("{\"a\":", "}") };
            format!("{}0{}", open.repeat(depth), close.repeat(depth))
        }
        1 => {
            let piece = *["a", "é", "\\n", "\\u0000", "\u{10ffff}"].choose(random).unwrap();
            format!("\"{}\"", piece.repeat(random.random_range(0..9_000)))
        }
        2 => random.random::<i64>().to_string(),
        3 => random.random::<f64>().to_string(),
        4 => format!("\"{}\"", (0..random.random_range(0..40)).map(|_| random.random::<char>()).collect::<String>()),
        5 => EVENT.choose(random).unwrap().1.to_owned(),
        _ => (*VALUES.choose(random).unwrap()).to_owned(),
    }
}

fn harm(random: &mut StdRng, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let place = random.random_range(0..bytes.len());
    let end = (place + random.random_range(1..64)).min(bytes.len());
    match random.random_range(0..7) {
        0 => bytes[place] ^= 1 << random.random_range(0..8),
        1 => bytes[place] = random.random(),
        2 => bytes.truncate(place),
        3 => drop(bytes.drain(place..end)),
        4 => {
            let piece = bytes[place..end].to_vec();
            let at = random.random_range(0..=bytes.len());
            drop(bytes.splice(at..at, piece));
        }
        _ => drop(bytes.splice(place..place, TOKENS.choose(random).unwrap().bytes())),
    }
}
