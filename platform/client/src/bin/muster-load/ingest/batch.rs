//! The events of one request.

use std::io::Write;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use muster_client::core::id::{EventId, SessionId};
use rand::{Rng, RngExt, rngs::SmallRng};

use super::tally::Tally;

/// What tells of events: one player's run of the game.
#[derive(Debug, Clone)]
pub struct Teller {
    /// Its sign-in.
    pub token: String,
    session: SessionId,
    sequence: u64,
}

impl Teller {
    /// A new run.
    pub fn new(token: String, now: DateTime<Utc>, random: &mut SmallRng) -> Self {
        Self { token, session: SessionId::new(now, random.random()), sequence: 0 }
    }
}

/// A body that is ready to go, as often as it takes.
pub struct Batch {
    pub body: Bytes,
    pub tally: Tally,
}

const REGIONS: [&str; 4] = ["eu-west", "us-east", "ap-south", "sa-east"];
const PLATFORMS: [&str; 3] = ["windows", "linux", "android"];

/// Makes so many events of about so many bytes each, one a line.
pub fn make(
    teller: &mut Teller,
    kind: &str,
    count: u16,
    bytes: u16,
    now: DateTime<Utc>,
    random: &mut SmallRng,
) -> Batch {
    let mut body = Vec::with_capacity(usize::from(count) * (usize::from(bytes) + 1));
    let mut tally = Tally::default();
    let at = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    for _ in 0..count {
        let mut chance = [0; 10];
        random.fill_bytes(&mut chance);
        let id = EventId::new(now, chance);
        tally.add(id);
        teller.sequence += 1;
        let numbers: u32 = random.random();
        let begin = body.len();
        // Writing into memory does not fail.
        let _ = write!(
            body,
            r#"{{"event_id":"{id}","kind":"{kind}","at":"{at}","session_id":"{}","sequence":{},"region":"{}","platform":"{}","build":"1.{}.0","properties":{{"level":{},"wait_ms":{},"x":{:.3},"item":"sword_of_{}","note":""#,
            teller.session,
            teller.sequence,
            REGIONS[numbers as usize % REGIONS.len()],
            PLATFORMS[numbers as usize % PLATFORMS.len()],
            numbers % 7,
            numbers % 100,
            numbers % 9_973,
            f64::from(numbers % 100_000) / 7.0,
            numbers % 997,
        );
        let filled = body.len() - begin + "\"}}".len();
        body.resize(body.len() + usize::from(bytes).saturating_sub(filled), b'x');
        body.extend_from_slice(b"\"}}\n");
    }
    Batch { body: body.into(), tally }
}

#[cfg(test)]
mod tests {
    use muster_client::core::wire::ClientEvent;
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn events_are_as_long_as_asked_and_as_the_platform_wants_them() {
        let mut random = SmallRng::seed_from_u64(1);
        let now = "2026-01-31T09:30:00Z".parse().unwrap();
        let mut teller = Teller::new(String::new(), now, &mut random);
        let mut sequences = Vec::new();
        for _ in 0..2 {
            let batch = make(&mut teller, "load.step", 3, 512, now, &mut random);
            let text = String::from_utf8(batch.body.to_vec()).unwrap();
            let mut tally = Tally::default();
            for line in text.lines() {
                assert_eq!(line.len(), 512);
                let event = ClientEvent::read(line).unwrap();
                tally.add(event.event_id);
                sequences.extend(event.sequence);
            }
            assert_eq!(tally, batch.tally);
        }
        assert_eq!(sequences, [1, 2, 3, 4, 5, 6]);
    }
}
