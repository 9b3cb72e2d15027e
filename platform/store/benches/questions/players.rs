//! Players who could be real: they join, come less and less often, play in the evening of their region, and now and then something
//! breaks. The same for the same seed.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use muster_core::game::Mode;
use muster_core::id::{MatchId, SessionId, SubjectId};
use muster_store::{SeenEvent, TelemetrySource};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

/// Events of a player in a month, on average over all who ever come.
const EVENTS_A_PLAYER: u64 = 625;

const REGIONS: [(&str, u32); 5] = [("asia", 3), ("eu-central", 13), ("eu-west", 12), ("us-east", 19), ("us-west", 22)];
const PLATFORMS: [&str; 4] = ["pc", "console", "android", "ios"];
const BUILDS: [&str; 6] = ["1.4.0", "1.4.1", "1.5.0", "1.5.1", "1.5.2", "1.6.0"];
const QUEUES: [(&str, Mode, bool); 4] = [
    ("classic-ranked", Mode::Classic, true),
    ("classic-casual", Mode::Classic, false),
    ("quickfire-ranked", Mode::Quickfire, true),
    ("quickfire-casual", Mode::Quickfire, false),
];

/// What clients tell, the most frequent first; each about half as often as the one before.
const KINDS: [&str; 18] = [
    "ui.clicked",
    "game.rolled",
    "ui.screen_shown",
    "game.banked",
    "chat.sent",
    "shop.item_viewed",
    "shop.opened",
    "friend.viewed",
    "profile.viewed",
    "settings.changed",
    "emote.used",
    "shop.bought",
    "news.read",
    "replay.watched",
    "friend.added",
    "report.sent",
    "tutorial.done",
    "code.redeemed",
];

struct Player {
    subject: SubjectId,
    joined: i64,
    eager: f64,
    region: usize,
    platform: usize,
}

/// All of them.
pub struct Players {
    random: StdRng,
    players: Vec<Player>,
    first_day: NaiveDate,
    days: i64,
    left: u64,
}

impl Players {
    /// As many as make about so many events in so many days.
    pub fn new(seed: u64, events: u64, first_day: NaiveDate, days: i64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let count = (events / EVENTS_A_PLAYER).max(50);
        let player = |_| Player {
            subject: SubjectId::from_uuid(Uuid::from_u128(random.random())),
            // Half were there before.
            joined: random.random_range(-days..days),
            eager: 0.03 + 0.95 * random.random::<f64>().powi(2),
            region: random.random_range(0..REGIONS.len()),
            platform: random.random_range(0..PLATFORMS.len()),
        };
        let players = (0..count).map(player).collect();
        Self { random, players, first_day, days, left: events }
    }

    /// The events of a day, from 0 on, one session after the other.
    pub fn day(&mut self, day: i64) -> Vec<SeenEvent<'static>> {
        let quota = self.left / u64::try_from((self.days - day).max(1)).unwrap_or(1);
        let mut events = Vec::with_capacity(usize::try_from(quota).unwrap_or(0) + 500);
        let mut order: Vec<usize> = (0..self.players.len()).filter(|it| self.players[*it].joined <= day).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, self.random.random_range(0..=last));
        }
        let mut places = order.iter().cycle();
        // Whoever is asked often enough comes: days of few players are days of long sessions.
        while (events.len() as u64) < quota {
            let Some(place) = places.next() else { break };
            let player = &self.players[*place];
            let age = (day - player.joined) as f64;
            let comes = if age == 0.0 { 1.0 } else { player.eager * (1.0 + age).powf(-0.25) };
            if self.random.random_bool(comes) {
                for _ in 0..self.random.random_range(1..=2) {
                    self.session(*place, day, &mut events);
                }
            }
        }
        events.truncate(usize::try_from(quota).unwrap_or(usize::MAX));
        self.left -= events.len() as u64;
        events
    }

    fn session(&mut self, place: usize, day: i64, events: &mut Vec<SeenEvent<'static>>) {
        let Player { subject, region, platform, .. } = self.players[place];
        let random = &mut self.random;
        let (region, noon) =
            REGIONS[if random.random_bool(0.03) { random.random_range(0..REGIONS.len()) } else { region }];
        // The sum of two dice is most often in the middle: 20 hours after their morning.
        let hour = (noon + 4 + random.random_range(0..8_u32) + random.random_range(0..8_u32)) % 24;
        let begin = self.first_day.and_time(chrono::NaiveTime::MIN).and_utc()
            + TimeDelta::days(day)
            + TimeDelta::hours(hour.into())
            + TimeDelta::milliseconds(random.random_range(0..3_600_000));
        let newest = (day * BUILDS.len() as i64 / self.days) as usize;
        let build = BUILDS[newest.saturating_sub(random.random_range(0..3_usize)).min(BUILDS.len() - 1)];
        let session = SessionId::new(begin, random.random());
        let event = |kind, at| SeenEvent {
            at,
            source: TelemetrySource::Client,
            kind,
            subject_id: Some(subject),
            session_id: Some(session),
            match_id: None,
            mode: None,
            queue: None,
            region: Some(region),
            platform: Some(PLATFORMS[platform]),
            build: Some(build),
            properties: "{}".into(),
        };
        let mut at = begin;
        events.push(event("session.started", at));
        let long = 10 + random.random_range(0..40_u32) + random.random_range(0..60_u32);
        for _ in 0..long {
            at += TimeDelta::milliseconds(random.random_range(200..40_000));
            let kind = (random.random::<u32>().trailing_zeros() as usize).min(KINDS.len() - 1);
            events.push(event(KINDS[kind], at));
            if random.random_ratio(1, 900) {
                events.push(event("client.error", at));
            }
            if random.random_ratio(1, 40) {
                let rival = &self.players[random.random_range(0..self.players.len())];
                let theirs = BUILDS[newest.saturating_sub(random.random_range(0..3_usize)).min(BUILDS.len() - 1)];
                let on = [(PLATFORMS[platform], build), (PLATFORMS[rival.platform], theirs)];
                let ended = play(random, region, [subject, rival.subject], on, at, events);
                at = at.max(ended);
            }
        }
        if random.random_ratio(1, 60) {
            events.push(event("net.disconnected", at));
        } else {
            events.push(event("session.ended", at));
        }
    }
}

/// A ticket and its match, as the platform tells of them; when it was over.
fn play(
    random: &mut StdRng,
    region: &'static str,
    subjects: [SubjectId; 2],
    on: [(&'static str, &'static str); 2],
    at: DateTime<Utc>,
    events: &mut Vec<SeenEvent<'static>>,
) -> DateTime<Utc> {
    let (queue, mode, ranked) = QUEUES[random.random_range(0..QUEUES.len())];
    let wait_ms = random.random_range(200..3_000_u32) * random.random_range(1..=12) / if ranked { 1 } else { 2 };
    let matched = at + TimeDelta::milliseconds(wait_ms.into());
    let server = |kind, at, properties: String| SeenEvent {
        at,
        source: TelemetrySource::Server,
        kind,
        subject_id: None,
        session_id: None,
        match_id: None,
        mode: Some(mode),
        queue: Some(queue),
        region: Some(region),
        platform: Some(on[0].0),
        build: Some(on[0].1),
        properties: properties.into(),
    };
    if random.random_ratio(1, 12) {
        let properties = format!(r#"{{"outcome":"cancelled","wait_ms":{wait_ms},"party_size":1}}"#);
        events.push(server("ticket.ended", matched, properties));
        return matched;
    }
    let quality = 1.0 - random.random::<f64>().powi(3);
    let properties = format!(r#"{{"outcome":"matched","wait_ms":{wait_ms},"quality":{quality:.3},"party_size":1}}"#);
    events.push(server("ticket.ended", matched, properties));
    let duration = random.random_range(60_000..240_000_i64) + random.random_range(0..300_000);
    let ended = matched + TimeDelta::milliseconds(duration);
    let outcome = match random.random_range(0..20) {
        0 => "abandoned",
        1 => "resigned",
        _ => "won",
    };
    let first = random.random_bool(0.53);
    let match_id = MatchId::new(matched, random.random());
    let common = |one, other| if one == other { one } else { muster_store::MIXED };
    let (platform, build) = (common(on[0].0, on[1].0), common(on[0].1, on[1].1));
    for (seat, (subject, won)) in [("first", (subjects[0], first)), ("second", (subjects[1], !first))] {
        let told = |kind, at, properties: String| SeenEvent {
            subject_id: Some(subject),
            match_id: Some(match_id),
            ..server(kind, at, properties)
        };
        events.push(told("match.started", matched, format!(r#"{{"seat":"{seat}","quality":{quality:.3}}}"#)));
        let won = won && outcome != "abandoned";
        let properties = format!(
            r#"{{"seat":"{seat}","outcome":"{outcome}","won":{won},"duration_ms":{duration},"match_platform":"{platform}","match_build":"{build}"}}"#
        );
        events.push(told("match.ended", ended, properties));
    }
    ended
}
