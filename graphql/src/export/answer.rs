//! Answers as tables.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use muster_store::{InsightError, Insights, Measure, QueueHour, SessionFacts};

use super::{question::Question, table::Table};

/// The answer of a question, a row for each entry.
pub(super) async fn table(question: &Question, insights: &Insights, now: DateTime<Utc>) -> Result<Table, InsightError> {
    Ok(match question {
        Question::ActivePlayers(range) => {
            let (days, slice, by) = range.read(insights).await?;
            let rows = insights.active(days, &slice, by).await?;
            Table::new()
                .text("group", &rows, |row| row.group.clone())
                .day("day", &rows, |row| Some(row.day))
                .whole("daily", &rows, |row| Some(row.daily))
                .whole("weekly", &rows, |row| Some(row.weekly))
                .whole("monthly", &rows, |row| Some(row.monthly))
                .number("stickiness", &rows, |row| Some(row.stickiness))
        }
        Question::Retention { range, after } => {
            let (days, slice, by) = range.read(insights).await?;
            let cohorts = insights.retention(days, after, &slice, by, now.date_naive()).await?;
            let rows: Vec<_> =
                cohorts.iter().flat_map(|cohort| cohort.returned.iter().map(move |back| (cohort, back))).collect();
            Table::new()
                .text("group", &rows, |(cohort, _)| cohort.group.clone())
                .day("day", &rows, |(cohort, _)| Some(cohort.day))
                .whole("players", &rows, |(cohort, _)| Some(cohort.players))
                .whole("days_after", &rows, |(_, back)| Some(back.0.into()))
                .whole("returned", &rows, |(_, back)| back.1)
        }
        Question::SessionFacts(range) => {
            let (days, slice, by) = range.read(insights).await?;
            let series = insights.sessions(days, &slice, by).await?;
            let rows: Vec<(Option<String>, NaiveDate, SessionFacts)> = series
                .into_iter()
                .flat_map(|series| {
                    let group = series.group;
                    series.days.into_iter().map(move |(day, facts)| (group.clone(), day, facts))
                })
                .collect();
            Table::new()
                .text("group", &rows, |row| row.0.clone())
                .day("day", &rows, |row| Some(row.1))
                .whole("sessions", &rows, |row| Some(row.2.sessions))
                .number("mean_ms", &rows, |row| row.2.mean_ms)
                .number("p50_ms", &rows, |row| row.2.p50_ms)
                .number("p90_ms", &rows, |row| row.2.p90_ms)
                .number("p99_ms", &rows, |row| row.2.p99_ms)
                .whole("errors", &rows, |row| Some(row.2.errors))
                .whole("disconnects", &rows, |row| Some(row.2.disconnects))
                .number("error_rate", &rows, |row| Some(row.2.error_rate))
                .number("disconnect_rate", &rows, |row| Some(row.2.disconnect_rate))
        }
        Question::Funnel { range, kinds, within_hours } => {
            let (days, slice, by) = range.read(insights).await?;
            let within = TimeDelta::hours((*within_hours).into());
            let rows = insights.funnel(days, kinds, within, &slice, by).await?;
            Table::new()
                .text("group", &rows, |row| row.group.clone())
                .text("kind", &rows, |row| Some(row.kind.clone()))
                .whole("players", &rows, |row| Some(row.players))
                .number("of_first", &rows, |row| Some(row.of_first))
                .number("of_previous", &rows, |row| Some(row.of_previous))
                .whole("median_ms", &rows, |row| row.median_ms)
        }
        Question::QueueSeries { range, queue, step } => {
            let (days, slice, by) = range.read(insights).await?;
            let series = insights.queues(days, queue.as_deref(), (*step).into(), &slice, by).await?;
            let rows: Vec<(&str, Option<String>, DateTime<Utc>, &QueueHour)> = series
                .iter()
                .flat_map(|series| {
                    let point = |(at, hour)| (&*series.queue, series.group.clone(), at, hour);
                    series.points.iter().map(|(at, hour)| (*at, hour)).map(point)
                })
                .collect();
            Table::new()
                .text("queue", &rows, |row| Some(row.0.to_owned()))
                .text("group", &rows, |row| row.1.clone())
                .time("at", &rows, |row| Some(row.2))
                .whole("tickets", &rows, |row| Some(row.3.tickets))
                .whole("players", &rows, |row| Some(row.3.players))
                .whole("matched", &rows, |row| Some(row.3.matched))
                .whole("cancelled", &rows, |row| Some(row.3.cancelled))
                .whole("expired", &rows, |row| Some(row.3.expired))
                .whole("failed", &rows, |row| Some(row.3.failed))
                .number("mean_wait_ms", &rows, |row| row.3.mean_wait_ms)
                .number("p50_wait_ms", &rows, |row| row.3.p50_wait_ms)
                .number("p95_wait_ms", &rows, |row| row.3.p95_wait_ms)
                .number("p99_wait_ms", &rows, |row| row.3.p99_wait_ms)
                .number("mean_quality", &rows, |row| row.3.mean_quality)
                .number("p10_quality", &rows, |row| row.3.p10_quality)
        }
        Question::MatchFacts { range, queue } => {
            let (days, slice, by) = range.read(insights).await?;
            let facts = insights.matches(days, queue.as_deref(), &slice, by).await?;
            let rows: Vec<_> =
                facts.iter().flat_map(|facts| facts.outcomes.iter().map(move |outcome| (facts, outcome))).collect();
            Table::new()
                .text("group", &rows, |(facts, _)| facts.group.clone())
                .text("mode", &rows, |(facts, _)| facts.mode.clone())
                .text("outcome", &rows, |(_, outcome)| Some(outcome.0.clone()))
                .whole("matches", &rows, |(_, outcome)| Some(outcome.1))
                .number("mode_mean_ms", &rows, |(facts, _)| facts.mean_ms)
                .number("mode_p50_ms", &rows, |(facts, _)| facts.p50_ms)
                .number("mode_p95_ms", &rows, |(facts, _)| facts.p95_ms)
                .whole("mode_first_wins", &rows, |(facts, _)| Some(facts.first_wins))
                .whole("mode_second_wins", &rows, |(facts, _)| Some(facts.second_wins))
        }
        Question::Churn { range, horizon_days } => {
            let (days, slice, _) = range.read(insights).await?;
            let rows = insights.churn(days, *horizon_days, &slice).await?;
            Table::new()
                .whole("days_away", &rows, |row| Some(row.days_away.into()))
                .whole("times", &rows, |row| Some(row.times))
                .whole("gone", &rows, |row| Some(row.gone))
                .number("risk", &rows, |row| row.risk)
                .whole("players_now", &rows, |row| Some(row.players_now))
        }
        Question::EventKinds { range, first } => {
            let (days, slice, by) = range.read(insights).await?;
            let rows = insights.top_kinds(days, &slice, by, (*first).into()).await?;
            Table::new()
                .text("group", &rows, |row| row.group.clone())
                .text("kind", &rows, |row| Some(row.kind.clone()))
                .text("source", &rows, |row| Some(row.source.clone()))
                .whole("events", &rows, |row| Some(row.events))
                .number("share", &rows, |row| Some(row.share))
        }
        Question::Concurrency { range, step } => {
            let (days, slice, by) = range.read(insights).await?;
            let rows = insights.concurrency(days.span(), (*step).into(), &slice, by).await?;
            Table::new().text("group", &rows, |row| row.group.clone()).time("at", &rows, |row| Some(row.at)).number(
                "sessions",
                &rows,
                |row| Some(row.sessions),
            )
        }
        Question::Measures { range, kind, measure, source, step } => {
            let (days, by) = range.read_of_measures(insights).await?;
            let measure = Measure { kind: kind.clone(), name: measure.clone(), source: *source };
            let series = insights.measures(days, &measure, (*step).into(), by).await?;
            let rows: Vec<_> = series
                .iter()
                .flat_map(|series| series.points.iter().map(move |(at, facts)| (&series.group, *at, facts)))
                .collect();
            Table::new()
                .text("group", &rows, |row| row.0.clone())
                .time("at", &rows, |row| Some(row.1))
                .whole("samples", &rows, |row| Some(row.2.samples))
                .number("sum", &rows, |row| Some(row.2.sum))
                .number("mean", &rows, |row| row.2.mean)
                .number("min", &rows, |row| row.2.min)
                .number("max", &rows, |row| row.2.max)
                .number("p50", &rows, |row| row.2.p50)
                .number("p95", &rows, |row| row.2.p95)
                .number("p99", &rows, |row| row.2.p99)
        }
        Question::PlayersPlaying(range) => {
            let (slice, by) = range.read_of_now()?;
            let rows = insights.playing(now, &slice, by).await?;
            Table::new().time("at", &rows, |_| Some(now)).text("group", &rows, |row| row.group.clone()).whole(
                "players",
                &rows,
                |row| Some(row.players),
            )
        }
        Question::PlatformSamples { range, step_minutes } => {
            let span = range.read_of_all(insights).await?.span();
            let rows = insights.samples(span, TimeDelta::minutes((*step_minutes).into())).await?;
            Table::new()
                .time("at", &rows, |row| Some(row.at))
                .number("players_online", &rows, |row| Some(row.players_online))
                .whole("players_peak", &rows, |row| Some(row.players_peak))
                .number("tickets_waiting", &rows, |row| Some(row.tickets_waiting))
                .number("matches_running", &rows, |row| Some(row.matches_running))
        }
    })
}
