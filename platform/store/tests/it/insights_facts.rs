//! Questions about sessions, queues, matches and kinds, each answered a second time here; and room, samples and folding itself.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::game::Mode;
use muster_core::id::SessionId;
use muster_store::{
    Compressed, Days, Dimension, Folded, LiveCounts, Slice, Span, Step, TelemetryEvent, TelemetrySource,
};
use muster_testkit::Scratch;
use serde_json::json;

use crate::given;
use crate::insights_given::{day, first_day, match_ended, population, shuffled, ticket_ended, told};

type Ends = (DateTime<Utc>, DateTime<Utc>);

fn sessions(events: &[TelemetryEvent]) -> BTreeMap<SessionId, (Ends, u64, u64, String)> {
    let mut sessions: BTreeMap<SessionId, (Ends, u64, u64, String)> = BTreeMap::new();
    for event in events {
        let Some(id) = event.session_id else { continue };
        let fresh = || ((event.at, event.at), 0, 0, event.build.clone().unwrap_or_default());
        let session = sessions.entry(id).or_insert_with(fresh);
        session.0 = (session.0.0.min(event.at), session.0.1.max(event.at));
        session.1 += u64::from(event.kind == "client.error");
        session.2 += u64::from(event.kind == "net.disconnected");
    }
    sessions
}

fn near(told: Option<f64>, exact: f64) {
    let told = told.unwrap();
    assert!((told - exact).abs() <= exact * 0.0251 + 1.0, "{told} is not {exact}");
}

#[tokio::test]
async fn sessions_are_as_long_and_as_broken_as_they_were() {
    let scratch = Scratch::new().await;
    let events = shuffled(population(21, 120, 20), 22);
    told(&scratch, &events, 23).await;
    let days = Days::new(day("2026-01-03"), day("2026-01-15")).unwrap();
    let (from, to) = (days.span().from, days.span().to);
    let all = sessions(&events);
    let told = scratch.store.insights.sessions(days, &Slice::default(), Some(Dimension::Build)).await.unwrap();
    assert_eq!(told.len(), 3);
    for series in told {
        let build = series.group.unwrap();
        let mine: Vec<_> =
            all.values().filter(|(ends, _, _, of)| ends.0 >= from && ends.0 < to && *of == build).collect();
        let mut lengths: Vec<i64> = mine.iter().map(|session| (session.0.1 - session.0.0).num_milliseconds()).collect();
        lengths.sort_unstable();
        let facts = series.whole;
        assert_eq!(facts.sessions, mine.len() as u64, "{build}");
        let errors: u64 = mine.iter().map(|session| session.1).sum();
        let broken = mine.iter().filter(|session| session.2 > 0).count();
        assert_eq!(facts.errors, errors);
        assert!((facts.disconnect_rate - broken as f64 / mine.len() as f64).abs() < 1e-12);
        let mean = lengths.iter().sum::<i64>() as f64 / lengths.len() as f64;
        assert!((facts.mean_ms.unwrap() - mean).abs() < 1e-6);
        let rank = |quantile: f64| lengths[((lengths.len() as f64 * quantile).ceil() as usize).max(1) - 1] as f64;
        near(facts.p50_ms, rank(0.5));
        near(facts.p90_ms, rank(0.9));
        near(facts.p99_ms, rank(0.99));
        let counted: u64 = series.days.iter().map(|(_, facts)| facts.sessions).sum();
        assert_eq!(counted, facts.sessions);
    }
    scratch.finish().await;
}

#[tokio::test]
async fn concurrency_is_what_ran_at_each_minute_and_how_long_in_each_hour() {
    let scratch = Scratch::new().await;
    let events = shuffled(population(24, 150, 6), 25);
    told(&scratch, &events, 26).await;
    let insights = &scratch.store.insights;
    let all = sessions(&events);
    let from = given::time("2026-01-03T05:00:30Z");
    let span = Span { from, to: from + TimeDelta::hours(10) };
    let points = insights.concurrency(span, Step::Minute, &Slice::default(), None).await.unwrap();
    assert_eq!(points.len(), 601);
    assert_eq!(points[0].at, given::time("2026-01-03T05:00:00Z"));
    for point in &points {
        let running = all.values().filter(|session| session.0.0 <= point.at && session.0.1 >= point.at).count();
        assert_eq!(point.sessions, running as f64, "{}", point.at);
    }
    assert!(points.iter().any(|point| point.sessions > 0.0));

    let span = Days::new(first_day(), day("2026-01-07")).unwrap().span();
    for (step, length) in [(Step::Hour, TimeDelta::hours(1)), (Step::Day, TimeDelta::days(1))] {
        for point in insights.concurrency(span, step, &Slice::default(), None).await.unwrap() {
            let end = point.at + length;
            let ran: i64 = all
                .values()
                .map(|session| (session.0.1.min(end) - session.0.0.max(point.at)).num_milliseconds().max(0))
                .sum();
            let average = ran as f64 / length.num_milliseconds() as f64;
            assert!((point.sessions - average).abs() < 1e-9, "{} {} {average}", point.at, point.sessions);
        }
    }
    let moment = events[events.len() / 2].at;
    let playing = insights.playing(moment, &Slice::default(), None).await.unwrap();
    let expected: std::collections::BTreeSet<_> = events
        .iter()
        .filter(|event| {
            let ends = all[&event.session_id.unwrap()].0;
            ends.0 <= moment && ends.1 > moment - TimeDelta::minutes(2)
        })
        .map(|event| event.subject_id)
        .collect();
    assert_eq!(playing[0].players, expected.len() as u64);
    let long = Span { from: span.from, to: span.from + TimeDelta::hours(25) };
    let refused = insights.concurrency(long, Step::Minute, &Slice::default(), None).await.unwrap_err();
    assert!(refused.to_string().contains("24 hours"), "{refused}");
    scratch.finish().await;
}

#[tokio::test]
async fn the_most_frequent_kinds_are_counted_exactly() {
    let scratch = Scratch::new().await;
    let events = population(27, 80, 12);
    told(&scratch, &events, 28).await;
    let days = Days::new(day("2026-01-02"), day("2026-01-09")).unwrap();
    let asked = Slice { region: Some("eu".to_owned()), ..Slice::default() };
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    let span = days.span();
    for event in events.iter().filter(|event| event.at >= span.from && event.at < span.to) {
        if event.region.as_deref() == Some("eu") {
            *expected.entry(&event.kind).or_default() += 1;
        }
    }
    let all: u64 = expected.values().sum();
    let mut expected: Vec<_> = expected.into_iter().collect();
    expected.sort_by_key(|(_, events)| std::cmp::Reverse(*events));
    let counts = scratch.store.insights.top_kinds(days, &asked, None, 3).await.unwrap();
    let told: Vec<(&str, u64)> = counts.iter().map(|count| (&*count.kind, count.events)).collect();
    assert_eq!(told, expected[..3]);
    assert!((counts[0].share - expected[0].1 as f64 / all as f64).abs() < 1e-12);
    assert!(scratch.store.insights.top_kinds(days, &asked, None, 101).await.is_err());
    scratch.finish().await;
}

#[tokio::test]
async fn queues_tell_waits_and_quality_by_region() {
    let scratch = Scratch::new().await;
    let start = given::time("2026-01-02T10:00:00Z");
    let mut events = Vec::new();
    for n in 1..=200_i64 {
        let region = if n % 2 == 0 { "eu" } else { "us" };
        let properties =
            json!({ "outcome": "matched", "wait_ms": n * 100, "quality": n as f64 / 200.0, "party_size": 2 });
        events.push(ticket_ended("a", region, start + TimeDelta::minutes(n), properties));
    }
    events.push(ticket_ended("a", "eu", start, json!({ "outcome": "cancelled", "wait_ms": 5, "party_size": "many" })));
    events.push(ticket_ended("a", "eu", start, json!({ "outcome": "expired" })));
    events.push(ticket_ended("b", "eu", start, json!({ "outcome": 7 })));
    // A client's word for it is not the platform's.
    let lie = ticket_ended("a", "eu", start, json!({ "outcome": "matched", "wait_ms": 1 }));
    events.push(TelemetryEvent { source: TelemetrySource::Client, ..lie });
    told(&scratch, &shuffled(events, 30), 31).await;
    let days = Days::new(first_day(), day("2026-01-03")).unwrap();
    let insights = &scratch.store.insights;
    let told = insights.queues(days, Some("a"), Step::Hour, &Slice::default(), Some(Dimension::Region)).await.unwrap();
    let groups: Vec<_> = told.iter().map(|series| series.group.as_deref().unwrap()).collect();
    assert_eq!(groups, ["eu", "us"]);
    let eu = &told[0].whole;
    assert_eq!((eu.tickets, eu.players, eu.matched, eu.cancelled, eu.expired, eu.failed), (102, 202, 100, 1, 1, 0));
    near(eu.p50_wait_ms, 10_000.0);
    near(eu.p95_wait_ms, 19_000.0);
    assert!((eu.mean_wait_ms.unwrap() - 10_100.0).abs() < 1e-6);
    assert!((eu.mean_quality.unwrap() - 0.505).abs() < 1e-9 && (eu.p10_quality.unwrap() - 0.1).abs() <= 0.005 + 1e-9);
    assert!((eu.abandonment - 1.0 / 102.0).abs() < 1e-12);
    assert_eq!(told[0].points.len(), 4);
    let all = insights.queues(days, None, Step::Day, &Slice::default(), None).await.unwrap();
    let counted: Vec<_> =
        all.iter().map(|series| (&*series.queue, series.whole.tickets, series.points.len())).collect();
    assert_eq!(counted, [("a", 202, 1), ("b", 1, 1)]);
    let month = Days::new(first_day(), day("2026-01-20")).unwrap();
    assert!(insights.queues(month, None, Step::Hour, &Slice::default(), None).await.is_err());
    scratch.finish().await;
}

#[tokio::test]
async fn matches_count_once_and_tell_who_began() {
    let scratch = Scratch::new().await;
    let start = given::time("2026-01-02T10:00:00Z");
    let mut events = Vec::new();
    for n in 0..60_i64 {
        let at = start + TimeDelta::minutes(n);
        events.extend(match_ended(Mode::Classic, "q", at, "won", n % 3 != 0, 60_000 + n * 1_000));
    }
    events.extend(match_ended(Mode::Classic, "q", start, "abandoned", true, 5_000));
    // A server of somebody's own tells each player, and knows of no seats.
    let own =
        TelemetryEvent { mode: None, ..match_ended(Mode::Classic, "own", start, "finished", true, 1_000).remove(1) };
    for player in 0..5 {
        let properties = json!({ "team": player, "outcome": "finished", "won": player == 0, "duration_ms": 9_000 });
        let properties = properties.as_object().unwrap().clone();
        events.push(TelemetryEvent { properties, event_id: muster_store::fresh_id(), ..own.clone() });
    }
    told(&scratch, &shuffled(events.clone(), 33), 34).await;
    // The other seat's word comes again in another batch: nothing changes.
    told(&scratch, &events[..2], 35).await;
    let days = Days::new(first_day(), day("2026-01-03")).unwrap();
    let told = scratch.store.insights.matches(days, None, &Slice::default(), None).await.unwrap();
    assert_eq!(told.len(), 2);
    let (own, classic) = (&told[0], &told[1]);
    assert_eq!((own.mode.as_deref(), own.matches, own.first_wins + own.second_wins), (None, 1, 0));
    assert_eq!(own.first_share, None);
    assert_eq!((classic.mode.as_deref(), classic.matches), (Some("classic"), 61));
    assert_eq!(classic.outcomes, [("won".to_owned(), 60), ("abandoned".to_owned(), 1)]);
    assert_eq!((classic.first_wins, classic.second_wins), (40, 20));
    let (low, high) = classic.first_share_between.unwrap();
    assert!(low < 40.0 / 60.0 && high > 40.0 / 60.0 && low > 0.5);
    near(classic.p50_ms, 89_000.0);
    let only = scratch.store.insights.matches(days, Some("own"), &Slice::default(), None).await.unwrap();
    assert_eq!(only.len(), 1);

    // Histograms in arrays, as versions before wrote them, count as before, and go on from there.
    let sql = scratch.sql().await;
    let dense = "UPDATE insights.match_days SET durations_packed = '', durations = (
        SELECT array_agg((
            SELECT coalesce(sum((get_byte(durations_packed, at + 4) << 8) + get_byte(durations_packed, at + 5)), 0)::bigint
            FROM generate_series(0, octet_length(durations_packed) - 6, 6) AS at
            WHERE (get_byte(durations_packed, at) << 8) + get_byte(durations_packed, at + 1) = bucket
        ) ORDER BY bucket) FROM generate_series(0, 430) AS bucket)";
    assert!(sqlx::query(dense).execute(&sql).await.unwrap().rows_affected() > 0);
    let ask = async || scratch.store.insights.matches(days, None, &Slice::default(), None).await.unwrap();
    assert_eq!(ask().await, told);
    let later = match_ended(Mode::Classic, "q", start, "won", true, 240_000);
    crate::insights_given::told(&scratch, &later, 36).await;
    let counted: i64 = sqlx::query_scalar(
        "SELECT sum(octet_length(durations_packed) / 6)::bigint FROM insights.match_days WHERE durations = '{}'",
    )
    .fetch_one(&sql)
    .await
    .unwrap();
    assert!(counted > 10, "{counted}");
    let after = ask().await;
    assert_eq!((after[1].matches, after[1].p50_ms), (62, told[1].p50_ms));
    near(after[1].mean_ms, (told[1].mean_ms.unwrap() * 61.0 + 240_000.0) / 62.0);
    scratch.finish().await;
}

#[tokio::test]
async fn two_who_fold_at_once_count_everything_once() {
    let scratch = Scratch::new().await;
    let events = population(36, 60, 8);
    let other = scratch.reconnect().await;
    for batch in events.chunks(97) {
        let seen: Vec<_> = batch.iter().map(muster_store::SeenEvent::from).collect();
        scratch.store.insights.backfill(&seen).await.unwrap();
    }
    let fold = async |insights: &muster_store::Insights| {
        loop {
            match insights.fold().await.unwrap() {
                Folded::Batches(0) => return,
                Folded::Batches(_) => {}
                Folded::Busy => tokio::task::yield_now().await,
            }
        }
    };
    tokio::join!(fold(&scratch.store.insights), fold(&other.insights));
    let days = Days::new(first_day(), day("2026-01-10")).unwrap();
    let counts = scratch.store.insights.top_kinds(days, &Slice::default(), None, 100).await.unwrap();
    assert_eq!(counts.iter().map(|count| count.events).sum::<u64>(), events.len() as u64);
    let sessions_told = scratch.store.insights.sessions(days, &Slice::default(), None).await.unwrap();
    assert_eq!(sessions_told[0].whole.sessions, sessions(&events).len() as u64);
    scratch.finish().await;
}

#[tokio::test]
async fn samples_are_kept_once_a_minute_and_averaged() {
    let scratch = Scratch::new().await;
    let insights = &scratch.store.insights;
    let start = given::time("2026-01-02T10:00:10Z");
    let counts = |minute: i64, online: u64| LiveCounts {
        at: start + TimeDelta::minutes(minute),
        players_online: online,
        tickets_waiting: 2,
        matches_running: 3,
        matches_finished: 0,
        events_stored: 0,
        events_per_minute: 0,
    };
    for minute in 0..120_i64 {
        assert!(insights.sample(&counts(minute, minute as u64)).await.unwrap());
        assert!(!insights.sample(&counts(minute, 9_999)).await.unwrap());
    }
    let span = Span { from: start, to: start + TimeDelta::hours(3) };
    let samples = insights.samples(span, TimeDelta::hours(1)).await.unwrap();
    let told: Vec<_> = samples.iter().map(|sample| (sample.players_online, sample.players_peak)).collect();
    assert_eq!(told, [(30.0, 59), (89.5, 119)]);
    assert!(insights.samples(span, TimeDelta::seconds(1)).await.is_err());
    scratch.finish().await;
}

#[tokio::test]
async fn hypertables_tell_their_room_and_are_compressed_only_with_a_licence() {
    let scratch = Scratch::new().await;
    told(&scratch, &population(37, 40, 10), 38).await;
    let space = scratch.store.insights.space().await.unwrap();
    let sessions = space.iter().find(|table| table.table == "insights.sessions").unwrap();
    assert!(sessions.chunks >= 10 && sessions.bytes > 0 && sessions.compressed == 0);
    assert_eq!(sessions.oldest, Some(given::time("2026-01-01T00:00:00Z")));
    assert!(space.iter().any(|table| table.table == "telemetry.events" && table.chunks == 0));
    let sql = scratch.sql().await;
    let license: Option<String> =
        sqlx::query_scalar("SELECT current_setting('timescaledb.license', true)").fetch_one(&sql).await.unwrap();
    let done = scratch.store.insights.compress(given::time("2026-01-05T00:00:00Z")).await.unwrap();
    match license.as_deref() {
        Some("timescale") => assert!(matches!(done, Compressed::Chunks(3..)), "{done:?}"),
        _ => assert_eq!(done, Compressed::NotLicensed),
    }
    scratch.finish().await;
}

#[tokio::test]
async fn what_is_stored_twice_is_a_fact_once() {
    let scratch = Scratch::new().await;
    let events = population(39, 30, 4);
    let telemetry = &scratch.store.telemetry;
    // Some twice in one batch, some again in a later one, some again in a batch in which nothing is new.
    let (first, rest) = events.split_at(events.len() / 2);
    let twice: Vec<TelemetryEvent> = first.iter().chain(&first[..20]).cloned().collect();
    assert_eq!(telemetry.write_batch(&twice).await.unwrap().duplicates, 20);
    let mixed: Vec<TelemetryEvent> = first[first.len() - 50..].iter().chain(rest).cloned().collect();
    assert_eq!(telemetry.write_batch(&mixed).await.unwrap().duplicates, 50);
    assert_eq!(telemetry.write_batch(first).await.unwrap().new, 0);
    scratch.store.insights.fold_all().await.unwrap();
    let days = Days::new(first_day(), day("2026-01-08")).unwrap();
    let counts = scratch.store.insights.top_kinds(days, &Slice::default(), None, 100).await.unwrap();
    assert_eq!(counts.iter().map(|count| count.events).sum::<u64>(), events.len() as u64);
    let sql = scratch.sql().await;
    let kept: i64 =
        sqlx::query_scalar("SELECT sum(events)::bigint FROM insights.sessions").fetch_one(&sql).await.unwrap();
    assert_eq!(kept, events.len() as i64);
    scratch.finish().await;
}
