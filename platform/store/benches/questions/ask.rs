//! Each question, asked again and again.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use muster_store::{Days, Dimension, InsightError, Insights, Measure, Slice, Span, Step};
use serde::Serialize;

use crate::{Outcome, load};

/// What a question cost.
#[derive(Serialize)]
pub struct Cost {
    question: &'static str,
    p50_ms: f64,
    p95_ms: f64,
    max_ms: f64,
    /// The most entries of an answer.
    entries: usize,
}

/// How often each is asked before it is measured.
const WARM_UP: u64 = 2;

async fn measure(
    question: &'static str,
    rounds: u64,
    ask: impl AsyncFn(u64) -> Result<usize, InsightError>,
) -> Outcome<Cost> {
    let mut times = Vec::new();
    let mut entries = 0;
    for round in 0..WARM_UP + rounds {
        let began = Instant::now();
        entries = entries.max(ask(round).await?);
        if round >= WARM_UP {
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    // Nearest rank.
    let at = |quantile: f64| times[((times.len() as f64 * quantile).ceil() as usize).clamp(1, times.len()) - 1];
    let cost = Cost { question, p50_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1.0), entries };
    eprintln!("{question}: p50 {:.1} ms, p95 {:.1} ms, {entries} entries", cost.p50_ms, cost.p95_ms);
    Ok(cost)
}

/// All questions, over all days; slices change from round to round where there is one.
pub async fn all(insights: &Insights, days: Days, rounds: u64) -> Outcome<Vec<Cost>> {
    const REGIONS: [&str; 5] = ["asia", "eu-central", "eu-west", "us-east", "us-west"];
    let whole = Slice::default();
    let some = |round: u64| Slice {
        region: Some(REGIONS[usize::try_from(round).unwrap_or(0) % REGIONS.len()].to_owned()),
        platform: Some(if round.is_multiple_of(2) { "pc" } else { "ios" }.to_owned()),
        build: None,
    };
    let by = [Dimension::Region, Dimension::Platform, Dimension::Build];
    let by = |round: u64| Some(by[usize::try_from(round).unwrap_or(0) % 3]);
    let (today, span) = (days.to() + TimeDelta::days(1), days.span());
    let after = [1, 3, 7, 14, 28];
    let kinds = ["session.started", "shop.opened", "shop.item_viewed", "shop.bought"].map(str::to_owned);
    let week = TimeDelta::days(7);
    let hours = |round: u64| -> Span {
        let from: DateTime<Utc> = span.from + TimeDelta::hours(i64::try_from(round).unwrap_or(0) * 13 % (28 * 24));
        Span { from, to: from + TimeDelta::hours(24) }
    };
    let late = span.to - TimeDelta::hours(4);
    let mut costs = Vec::new();
    macro_rules! question {
        ($name:literal, |$round:ident| $answer:expr) => {
            costs.push(measure($name, rounds, async |$round: u64| Ok($answer.await?.len())).await?)
        };
    }
    question!("playing now, by a dimension", |round| insights.playing(late, &whole, by(round)));
    question!("concurrency by the minute, 24 hours", |round| insights.concurrency(
        hours(round),
        Step::Minute,
        &some(round),
        None
    ));
    question!("concurrency by the hour", |_round| insights.concurrency(span, Step::Hour, &whole, None));
    question!("concurrency by the hour, by a dimension", |round| insights.concurrency(
        span,
        Step::Hour,
        &whole,
        by(round)
    ));
    question!("DAU, WAU, MAU, stickiness", |_round| insights.active(days, &whole, None));
    question!("DAU, WAU, MAU of a slice", |round| insights.active(days, &some(round), None));
    question!("DAU, WAU, MAU by a dimension", |round| insights.active(days, &whole, by(round)));
    question!("retention", |_round| insights.retention(days, &after, &whole, None, today));
    question!("retention by a dimension", |round| insights.retention(days, &after, &whole, by(round), today));
    question!("sessions: length, errors, disconnects", |_round| insights.sessions(days, &whole, None));
    question!("sessions by a dimension", |round| insights.sessions(days, &whole, by(round)));
    question!("funnel of four steps", |_round| insights.funnel(days, &kinds, week, &whole, None));
    question!("funnel by a dimension", |round| insights.funnel(days, &kinds, week, &whole, by(round)));
    question!("queues by the day", |_round| insights.queues(days, None, Step::Day, &whole, None));
    question!("queues by the day and region", |_round| insights.queues(
        days,
        None,
        Step::Day,
        &whole,
        Some(Dimension::Region)
    ));
    question!("queues by the day and platform", |_round| insights.queues(
        days,
        None,
        Step::Day,
        &whole,
        Some(Dimension::Platform)
    ));
    question!("queues by the day, of a slice", |round| insights.queues(days, None, Step::Day, &some(round), None));
    question!("matches: length, outcome, first player", |_round| insights.matches(days, None, &whole, None));
    question!("matches by a dimension", |round| insights.matches(days, None, &whole, by(round)));
    question!("churn risk", |_round| insights.churn(days, 7, &whole));
    question!("churn risk of a slice", |round| insights.churn(days, 7, &some(round)));
    question!("top event types", |_round| insights.top_kinds(days, &whole, None, 50));
    question!("top event types by a dimension", |round| insights.top_kinds(days, &whole, by(round), 50));
    let measure_of = |round: u64| Measure {
        kind: load::measured_kind(round % load::MEASURED_KINDS),
        name: load::MEASURE.to_owned(),
        source: None,
    };
    let fortnight = Days::new(days.to() - TimeDelta::days(13), days.to())?;
    question!("a measure by the day", |round| insights.measures(days, &measure_of(round), Step::Day, None));
    question!("a measure by the hour, 14 days", |round| insights.measures(
        fortnight,
        &measure_of(round),
        Step::Hour,
        None
    ));
    Ok(costs)
}
