//! Takes secrets out of text: those that are known, wherever they are, and what looks like one.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD};
use regex::Regex;
use url::{Url, form_urlencoded};

/// What stands where a secret was.
pub const REDACTED: &str = "[redacted]";
/// A known value shorter than this is not looked for: it would be found in half of all words.
const SHORTEST: usize = 6;
/// The same for a single line of a value of several.
const SHORTEST_LINE: usize = 16;

/// Patterns with what takes their place, in the order in which they are applied.
static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let pattern = |pattern: &str, to: &'static str| {
        // Each of them is compiled by a test.
        Regex::new(pattern).ok().map(|pattern| (pattern, to))
    };
    [
        pattern(r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)", REDACTED),
        pattern(r#"([A-Za-z][A-Za-z0-9+.-]*://)[^\s"'<>]*@"#, "${1}[redacted]@"),
        pattern(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?", REDACTED),
        pattern(r"(?i)\b(bearer)\s+[A-Za-z0-9._~+/=-]{6,}", "${1} [redacted]"),
        pattern(r"\b(?:hv[sbr]|[sbr])\.[A-Za-z0-9_-]{20,}", REDACTED),
        // Service keys of the platform, whole or cut off: what is behind the prefix is hexadecimal today.
        pattern(r"\bmsk_[A-Za-z0-9_-]{8,}", REDACTED),
        pattern(r"\bAKIA[0-9A-Z]{16}\b", REDACTED),
        pattern(
            r#"(?i)([A-Za-z0-9_.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key|credential|cookie|authorization|signature)[A-Za-z0-9_.-]*\\?["']?\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*"|\\"(?:[^"\\]|\\[^"])*\\"|'[^']*'|[^\s"',;&}\\]+)"#,
            "${1}[redacted]",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// What is known to be secret. It is kept for as long as a report is made, and never written.
#[derive(Default)]
pub struct Scrubber {
    known: Vec<String>,
}

impl Scrubber {
    /// Takes note of a secret value, in all the ways in which it may be written.
    pub fn learn(&mut self, value: &[u8]) {
        self.note(BASE64_STANDARD.encode(value));
        let Ok(text) = std::str::from_utf8(value) else { return };
        let text = text.trim();
        self.note(text.to_owned());
        self.note(BASE64_STANDARD.encode(text));
        self.note(form_urlencoded::byte_serialize(text.as_bytes()).collect());
        self.note(serde_json::Value::from(text).to_string().trim_matches('"').to_owned());
        if text.contains('\n') {
            text.lines()
                .map(str::trim)
                .filter(|line| line.len() >= SHORTEST_LINE)
                .for_each(|line| self.note(line.to_owned()));
        }
        if let Some(password) = Url::parse(text).ok().and_then(|url| url.password().map(str::to_owned)) {
            let pair = format!("p={}", password.replace('+', "%2B"));
            if let Some((_, decoded)) = form_urlencoded::parse(pair.as_bytes()).next() {
                self.note(decoded.into_owned());
            }
            self.note(password);
        }
    }

    fn note(&mut self, value: String) {
        if value.len() >= SHORTEST && !self.known.contains(&value) {
            self.known.push(value);
            // What contains another value goes first, or its rest would stay.
            self.known.sort_by_key(|value| std::cmp::Reverse(value.len()));
        }
    }

    /// The text without secrets.
    pub fn scrub(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for known in &self.known {
            if text.contains(known.as_str()) {
                text = text.replace(known.as_str(), REDACTED);
            }
        }
        for (pattern, to) in PATTERNS.iter() {
            text = pattern.replace_all(&text, *to).into_owned();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        assert_eq!(PATTERNS.len(), 8);
    }

    #[test]
    fn what_looks_like_a_secret_is_taken_out() {
        let scrubber = Scrubber::default();
        for (text, kept) in [
            ("postgres://muster:hunter2@db:5432/x", "db:5432/x"),
            ("postgres://muster:hun/ter2@@db/x", "db/x"),
            (r#"{"level":"info","password":"hunter2 and more","n":1}"#, r#""n":1"#),
            (r#"said \"token\":\"hunter2\" to it"#, "to it"),
            ("MUSTER__AUTH__SIGNING_KEY=hunter2 next", "next"),
            ("api-key: 'hunter2 x'; next", "next"),
            (r#"{"secret":"a\"hunter2","n":1}"#, r#""n":1"#),
            ("Authorization: Bearer hunter2hunter2 next", "next"),
            ("GET /x?access_token=hunter2&page=2", "page=2"),
            ("token eyJhunter2.eyJodW50ZXIy.c2ln next", "next"),
            ("vault said hvs.hunter2hunter2hunter2hunter2 next", "next"),
            ("no key msk_hunter2hunter2hunter2hunter2 here", "here"),
            ("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\nnext", "next"),
            ("-----BEGIN EC PRIVATE KEY-----\nhunter2 is cut off", REDACTED),
        ] {
            let clean = scrubber.scrub(text);
            assert!(!clean.contains("hunter2") && !clean.contains("ter2"), "{clean}");
            assert!(clean.contains(kept), "{clean}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let scrubber = Scrubber::default();
        for text in [
            "Failed to pull image \"registry.example.com/muster-server:1\": not found",
            "2 of 4 processes are ready; the tokens of 3 sessions were refreshed",
            "https://eu-west.play.example.com/v1/tickets?page=2",
            "only values that begin with msk_ are sent",
            "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503",
        ] {
            assert_eq!(scrubber.scrub(text), text);
        }
    }

    #[test]
    fn what_is_known_is_taken_out_however_it_is_written() {
        let mut scrubber = Scrubber::default();
        scrubber.learn(b"correct horse/battery");
        scrubber.learn(b"postgres://u:p%40ssw0rd-1@db/x");
        scrubber.learn(b"first line of several lines\nanother line of several\n");
        let spelled = [
            "correct horse/battery".to_owned(),
            BASE64_STANDARD.encode("correct horse/battery"),
            "correct+horse%2Fbattery".to_owned(),
            "p@ssw0rd-1".to_owned(),
            "p%40ssw0rd-1".to_owned(),
            "another line of several".to_owned(),
        ];
        for value in spelled {
            assert_eq!(scrubber.scrub(&format!("it was {value}, they say")), format!("it was {REDACTED}, they say"));
        }
    }
}
