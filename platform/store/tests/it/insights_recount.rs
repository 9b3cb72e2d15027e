//! Facts are what a recount of the events gives; and a recount finds what is not.

use chrono::TimeDelta;
use muster_core::game::Mode;
use muster_core::id::SessionId;
use muster_store::{FactsRecount, TelemetryEvent};
use muster_testkit::Scratch;
use serde_json::json;

use crate::given;
use crate::insights_given::{match_ended, population, shuffled, ticket_ended};

/// Players of eight days, tickets and matches; some at the seams of days.
fn events() -> Vec<TelemetryEvent> {
    let mut events = population(61, 60, 8);
    let start = given::time("2026-01-02T23:30:00Z");
    for n in 0..90_i64 {
        let at = start + TimeDelta::minutes(n);
        let outcome = ["matched", "cancelled", "expired"][(n % 3) as usize];
        let properties = json!({ "outcome": outcome, "wait_ms": n * 100, "quality": 0.5, "party_size": 1 });
        events.push(ticket_ended(["a", "b"][(n % 2) as usize], ["eu", "us"][(n % 4 / 2) as usize], at, properties));
        events.extend(match_ended(Mode::Classic, "a", at, "won", n % 2 == 0, 60_000));
    }
    // A client's word, and a session that goes on for days under an id without a time.
    let lie = ticket_ended("a", "eu", start, json!({ "outcome": "matched" }));
    events.push(TelemetryEvent { source: muster_store::TelemetrySource::Client, ..lie });
    let odd = SessionId::from_uuid(uuid::Uuid::from_u128(7));
    let day = |n| start + TimeDelta::days(n);
    events.extend((0..4).map(|n| TelemetryEvent { session_id: Some(odd), ..given::event("level.up", day(n)) }));
    shuffled(events, 62)
}

#[tokio::test]
async fn facts_are_what_a_recount_gives_however_much_waits_to_be_folded() {
    let scratch = Scratch::new().await;
    let insights = &scratch.store.insights;
    let start = given::time("2026-01-01T00:00:00Z");
    let recount = async || insights.recount(start, start + TimeDelta::days(12)).await.unwrap();
    let events = events();
    for (n, batch) in events.chunks(events.len() / 5 + 1).enumerate() {
        scratch.store.telemetry.write_batch(batch).await.unwrap();
        // Late events of sessions take back what they counted for.
        if n == 1 || n == 3 {
            insights.fold_all().await.unwrap();
        }
        assert_eq!(recount().await, FactsRecount::default(), "after batch {n}");
    }
    let sql = scratch.sql().await;
    let waiting = "SELECT count(*) FROM insights.pending";
    let waiting = async || sqlx::query_scalar::<_, i64>(waiting).fetch_one(&sql).await.unwrap();
    assert!(waiting().await > 0, "a recount leaves what waits to be folded");
    insights.fold_all().await.unwrap();
    insights.pack(start.date_naive() + TimeDelta::days(6)).await.unwrap();
    assert!(recount().await.is_exact());

    for (wrong, right, found) in [
        (
            "UPDATE insights.kind_days SET events = events + 1 WHERE day = '2026-01-03' AND source = 'server'",
            "UPDATE insights.kind_days SET events = events - 1 WHERE day = '2026-01-03' AND source = 'server'",
            (|found| found.kinds) as fn(&FactsRecount) -> u64,
        ),
        (
            "UPDATE insights.queue_facts SET matched = matched - 1 WHERE hours = 24 AND queue = 'a' AND begins_at = '2026-01-03T00:00:00Z'",
            "UPDATE insights.queue_facts SET matched = matched + 1 WHERE hours = 24 AND queue = 'a' AND begins_at = '2026-01-03T00:00:00Z'",
            |found| found.tickets,
        ),
        (
            "UPDATE insights.queue_slices SET tickets = tickets + 1 WHERE hours = 1 AND queue = 'b'",
            "UPDATE insights.queue_slices SET tickets = tickets - 1 WHERE hours = 1 AND queue = 'b'",
            |found| found.tickets,
        ),
        (
            "UPDATE insights.match_days SET day = day + 1 WHERE day = '2026-01-03'",
            "UPDATE insights.match_days SET day = day - 1 WHERE day = '2026-01-04'",
            |found| found.matches,
        ),
        (
            "UPDATE insights.session_days SET total_ms = total_ms + 1 WHERE day = '2026-01-05'",
            "UPDATE insights.session_days SET total_ms = total_ms - 1 WHERE day = '2026-01-05'",
            |found| found.sessions,
        ),
    ] {
        assert!(sqlx::query(wrong).execute(&sql).await.unwrap().rows_affected() > 0, "{wrong}");
        let told = recount().await;
        assert!(found(&told) > 0 && !told.is_exact(), "{wrong}: {told:?}");
        sqlx::query(right).execute(&sql).await.unwrap();
        assert!(recount().await.is_exact(), "{right}");
    }
    scratch.finish().await;
}
