//! What the questions of staff cost, over a month of players who could be real.
//!
//! `cargo xtask bench questions` starts services and runs it. The database it is given has to be empty.
//! Facts are made of all events, by the same code that a writer calls. The first `MUSTER_BENCH_RAW` of the events are also loaded
//! into `telemetry.events`, by `COPY`, to see what an event takes; no question reads them.

mod ask;
mod load;
mod players;

use std::time::Instant;

use chrono::NaiveDate;
use muster_store::{Slice, Store, StoreSettings};
use serde_json::json;

use players::Players;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const DAYS: i64 = 30;
/// Events of a batch, as a writer that is busy takes them.
const BATCH: usize = 50_000;

fn number(name: &str, otherwise: u64) -> Outcome<u64> {
    std::env::var(name).map_or(Ok(otherwise), |text| Ok(text.parse()?))
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let Ok(report) = std::env::var("MUSTER_BENCH_REPORT") else {
        // `cargo test --benches` runs it too, without anything to run against.
        eprintln!("run `cargo xtask bench questions`");
        return Ok(());
    };
    let events = number("MUSTER_BENCH_EVENTS", 1_000_000)?;
    let raw = number("MUSTER_BENCH_RAW", 0)?.min(events);
    let rounds = number("MUSTER_BENCH_ROUNDS", 40)?;
    let seed = number("MUSTER_BENCH_SEED", 1)?;
    let settings = StoreSettings {
        postgres_url: std::env::var("MUSTER_BENCH_POSTGRES")?,
        redis_url: std::env::var("MUSTER_BENCH_REDIS")?,
        nats_url: std::env::var("MUSTER_BENCH_NATS")?,
        prefix: "bench_".to_owned(),
        ..StoreSettings::default()
    };
    let first_day = NaiveDate::from_ymd_opt(2026, 1, 1).ok_or("it is a day")?;

    let store = Store::connect(&settings).await?;
    store.migrate().await?;
    let sql = sqlx::PgPool::connect(&settings.postgres_url).await?;
    let began = Instant::now();
    let mut players = Players::new(seed, events, first_day, DAYS);
    let (mut made, mut loaded) = (0_u64, 0_u64);
    for day in 0..DAYS {
        let events = players.day(day);
        for batch in events.chunks(BATCH) {
            store.insights.backfill(batch).await?;
            if loaded < raw {
                loaded += load::copy(&sql, &batch[..batch.len().min(usize::try_from(raw - loaded)?)], loaded).await?;
            }
        }
        store.insights.fold_all().await?;
        // As a platform does: yesterday and today are not packed.
        store.insights.pack(first_day + chrono::TimeDelta::days(day - 1)).await?;
        made += events.len() as u64;
        eprintln!("day {} of {DAYS}: {made} events, {:.0} s", day + 1, began.elapsed().as_secs_f64());
    }
    let loading = began.elapsed().as_secs_f64();
    for statement in ["VACUUM ANALYZE", "CHECKPOINT"] {
        sqlx::raw_sql(statement).execute(&sql).await?;
    }

    let days = muster_store::Days::new(first_day, first_day + chrono::TimeDelta::days(DAYS - 1))?;
    // The last sessions go on after midnight.
    let all = muster_store::Days::new(first_day, first_day + chrono::TimeDelta::days(DAYS + 1))?;
    let counted = store.insights.top_kinds(all, &Slice::default(), None, 100).await?;
    let counted: u64 = counted.iter().map(|count| count.events).sum();
    let questions = ask::all(&store.insights, days, rounds).await?;
    let tables = load::sizes(&sql).await?;
    let object = json!({
        "seed": seed,
        "days": DAYS,
        "events": made,
        "events_counted": counted,
        "raw_events": loaded,
        "loading_s": loading,
        "rounds": rounds,
        "tables": tables,
        "questions": questions,
    });
    std::fs::write(report, serde_json::to_vec_pretty(&object)?)?;
    sql.close().await;
    store.close().await;
    Ok(())
}
