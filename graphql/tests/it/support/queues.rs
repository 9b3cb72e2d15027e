//! Queues, their tickets and their leaders, as the platform would have them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use muster_core::{
    id::TicketId,
    matchmaking::{Pool, QueueDefinition, RecordedMember, RecordedOutcome, RecordedTicket, Ticket},
    rating::Rating,
};
use muster_store::{
    Actor, Answer, Creation, NewTicket, Question, QueueChange, Shard, ShardLook, Store, TelemetryEvent, TelemetrySource,
};
use serde_json::{Value, json};

/// Two against two in two regions of a group each, within 100 points, for 60 s at most.
pub fn rules(name: &str) -> Value {
    json!({
        "name": name, "version": 1, "ranked": false,
        "teams": { "count": 2, "size": { "min": 1, "max": 1 } },
        "rating_window": { "start": 100 },
        "regions": [{ "name": "eu-west", "group": "west" }, { "name": "asia", "group": "east" }],
        "max_wait_secs": 60,
    })
}

pub fn definition(rules: &Value) -> QueueDefinition {
    QueueDefinition::from_json(rules).unwrap()
}

/// The queue, as somebody at the command line would have made it.
pub async fn add_queue(store: &Store, rules: &Value) -> QueueDefinition {
    let change = QueueChange {
        definition: definition(rules),
        expected_version: None,
        author: Actor::System("test".to_owned()),
        reason: "for a test".to_owned(),
    };
    store.queues.put(&change, muster_store::now()).await.unwrap()
}

/// A player's ticket that has waited for some seconds.
pub async fn wait_in(store: &Store, shard: &Shard, points: f64, seconds: i64) -> Ticket {
    let enqueued_at = muster_store::now() - TimeDelta::seconds(seconds);
    let rating = Rating { points, deviation: 100.0 };
    let ticket = Ticket::solo(muster_store::fresh_id(), muster_store::fresh_id(), rating, enqueued_at);
    let new =
        NewTicket { ticket: ticket.clone(), shard: shard.clone(), names: vec!["Ada".to_owned()], idempotency: None };
    let made = store.tickets.create_many(&[new]).await.unwrap();
    assert!(matches!(made.as_slice(), [Creation::Created(_)]), "{made:?}");
    ticket
}

/// Leads a shard from now on: questions are answered from a pool of these tickets.
pub async fn lead(store: &Store, shard: &Shard, definition: &QueueDefinition, tickets: &[Ticket]) {
    let mut pool = Pool::new(definition.clone(), &shard.group).unwrap();
    for ticket in tickets {
        pool.insert(ticket).unwrap();
    }
    let leader_since = muster_store::now();
    let mut questions = store.matchmaker_calls.serve(shard).await.unwrap();
    tokio::spawn(async move {
        while let Some((question, responder)) = questions.next().await {
            let answer = answer(&pool, &question, leader_since, muster_store::now());
            responder.reply(&answer).await.unwrap();
        }
    });
}

fn answer(pool: &Pool, question: &Question, leader_since: DateTime<Utc>, now: DateTime<Utc>) -> Answer {
    match question {
        Question::Explain(ticket) => Answer::Explanation(pool.explain(*ticket, now)),
        Question::Look => {
            let counts = pool.counts(now);
            Answer::Look(ShardLook {
                tickets: counts.tickets as u64,
                players: counts.players as u64,
                held_tickets: counts.held_tickets as u64,
                oldest_ms: counts.oldest.map(|oldest| oldest.as_millis() as u64),
                histogram: pool.histogram(now),
                leader_since,
                queue_version: pool.definition().version,
            })
        }
    }
}

/// How a ticket of one player ended, as the matchmaker records it.
pub struct Ended {
    pub region: Option<&'static str>,
    pub came_at: DateTime<Utc>,
    pub wait_ms: u64,
    pub points: f64,
    /// The quality of its match, or how and why there was none.
    pub fate: Result<f64, (&'static str, &'static str)>,
}

/// Writes tickets that ended to telemetry.
pub async fn record(store: &Store, queue: &str, ended: &[Ended]) {
    let events: Vec<TelemetryEvent> = ended.iter().map(|ended| ended.event(queue)).collect();
    let written = store.telemetry.write_batch(&events).await.unwrap();
    assert_eq!(written.new, ended.len() as u64);
}

impl Ended {
    fn event(&self, queue: &str) -> TelemetryEvent {
        let at = self.came_at + TimeDelta::milliseconds(self.wait_ms as i64);
        let (outcome, reason) = match self.fate {
            Ok(_) => ("matched", None),
            Err((outcome, reason)) => (outcome, Some(reason)),
        };
        let recorded = RecordedTicket {
            enqueued_at: self.came_at,
            left_at: (outcome == "cancelled").then_some(at),
            members: vec![RecordedMember {
                rating: Rating { points: self.points, deviation: 100.0 },
                roles: Vec::new(),
            }],
            latencies_ms: BTreeMap::new(),
            properties: BTreeMap::new(),
            outcome: RecordedOutcome { matched: self.fate.is_ok(), wait_ms: self.wait_ms, quality: self.fate.ok() },
        };
        let properties = json!({
            "outcome": outcome, "reason": reason, "wait_ms": self.wait_ms, "quality": self.fate.ok(),
            "party_size": 1, "recorded": recorded,
        });
        TelemetryEvent {
            match_id: self.fate.is_ok().then(muster_store::fresh_id),
            queue: Some(queue.to_owned()),
            region: self.region.map(str::to_owned),
            properties: properties.as_object().unwrap().clone(),
            ..TelemetryEvent::new(muster_store::fresh_id(), TelemetrySource::Server, "ticket.ended", at, at)
        }
    }
}

/// An id that no ticket has.
pub fn no_ticket() -> String {
    muster_store::fresh_id::<TicketId>().to_string()
}
