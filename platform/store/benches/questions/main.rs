//! What the questions of staff cost, over a month of players who could be real.
//!
//! `cargo xtask bench questions` starts services and runs it. The database it is given has to be empty, or with `MUSTER_BENCH_REUSE=1` that of
//! a run before with the same events: then nothing is loaded.
//! Facts are made of all events, by the same code that a writer calls. The first `MUSTER_BENCH_RAW` of the events are also loaded
//! into `telemetry.events`, by `COPY`, to see what an event takes; no question reads them.

mod ask;
mod load;
mod players;

use std::time::Instant;

use chrono::{NaiveDate, TimeDelta};
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
    let loaded = if std::env::var("MUSTER_BENCH_REUSE").is_ok_and(|reuse| reuse == "1") {
        store.insights.pack(first_day + TimeDelta::days(DAYS - 2)).await?;
        Loaded { events, ..Loaded::default() }
    } else {
        load(&store, &sql, Players::new(seed, events, first_day, DAYS), first_day, raw).await?
    };
    load::measures(&sql, first_day, DAYS).await?;
    for statement in ["VACUUM ANALYZE", "CHECKPOINT"] {
        sqlx::raw_sql(statement).execute(&sql).await?;
    }

    let days = muster_store::Days::new(first_day, first_day + TimeDelta::days(DAYS - 1))?;
    // The last sessions go on after midnight.
    let all = muster_store::Days::new(first_day, first_day + TimeDelta::days(DAYS + 1))?;
    let counted = store.insights.top_kinds(all, &Slice::default(), None, 100).await?;
    let counted: u64 = counted.iter().map(|count| count.events).sum();
    let questions = ask::all(&store.insights, days, rounds).await?;
    let tables = load::sizes(&sql).await?;
    let object = json!({
        "seed": seed,
        "days": DAYS,
        "events": loaded.events,
        "events_counted": counted,
        "raw_events": loaded.raw,
        "loading_s": loaded.seconds,
        "recording_s": loaded.recording,
        "folding_s": loaded.folding,
        "packing_s": loaded.packing,
        "rounds": rounds,
        "tables": tables,
        "questions": questions,
    });
    std::fs::write(report, serde_json::to_vec_pretty(&object)?)?;
    sql.close().await;
    store.close().await;
    Ok(())
}

/// What was brought into the facts, and how many seconds it took: in all, and of them to record, to fold and to pack, one after the other.
#[derive(Default)]
struct Loaded {
    events: u64,
    raw: u64,
    seconds: f64,
    recording: f64,
    folding: f64,
    packing: f64,
}

/// Adds how long something took.
async fn timed<T>(seconds: &mut f64, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = work.await;
    *seconds += began.elapsed().as_secs_f64();
    done
}

/// Brings a month into the facts, as a platform does: it packs as it goes, and of the last day what came after the last time is loose.
async fn load(
    store: &Store,
    sql: &sqlx::PgPool,
    mut players: Players,
    first_day: NaiveDate,
    raw: u64,
) -> Outcome<Loaded> {
    let began = Instant::now();
    let mut loaded = Loaded::default();
    for day in 0..DAYS {
        let events = players.day(day);
        // An eighth is the most that stays loose for long.
        let (earlier, later) = events.split_at(events.len() - events.len() / 8);
        for (part, last) in [(earlier, false), (later, day == DAYS - 1)] {
            for batch in part.chunks(BATCH) {
                timed(&mut loaded.recording, store.insights.backfill(batch)).await?;
                if loaded.raw < raw {
                    let some = usize::try_from(raw - loaded.raw)?.min(batch.len());
                    loaded.raw += load::copy(sql, &batch[..some], loaded.raw).await?;
                }
            }
            timed(&mut loaded.folding, store.insights.fold_all()).await?;
            if !last {
                // Yesterday still gets events.
                timed(&mut loaded.packing, store.insights.pack(first_day + TimeDelta::days(day - 1))).await?;
            }
        }
        loaded.events += events.len() as u64;
        loaded.seconds = began.elapsed().as_secs_f64();
        eprintln!("day {} of {DAYS}: {} events, {:.0} s", day + 1, loaded.events, loaded.seconds);
    }
    Ok(loaded)
}
