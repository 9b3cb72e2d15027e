//! How tickets ended, by hour and by day, queue and place.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveTime, Utc};
use sqlx::PgConnection;

use super::names::Numbers;
use super::{Grain, place_of};
use crate::Result;
use crate::insights::facts::{Facts, TicketFact};
use crate::insights::sketch::{Sketch, bucket_of_ms, bucket_of_share};

/// An hour, or the day that it is in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Time {
    begins_at: DateTime<Utc>,
    hours: i16,
}

/// When, queue, place.
type Key<'a> = (Time, &'a str, i32);

impl Time {
    fn both(hour: DateTime<Utc>) -> [Self; 2] {
        let day = hour.date_naive().and_time(NaiveTime::MIN).and_utc();
        [Self { begins_at: hour, hours: 1 }, Self { begins_at: day, hours: 24 }]
    }
}

#[derive(Default)]
struct Sums {
    tickets: i64,
    players: i64,
    matched: i64,
    cancelled: i64,
    expired: i64,
    failed: i64,
    wait_total_ms: i64,
    quality_total: f64,
    waits: Sketch,
    qualities: Sketch,
}

pub(super) async fn add(tx: &mut PgConnection, facts: &Facts, numbers: &mut Numbers) -> Result<()> {
    let (mut regions, mut places): (BTreeMap<Key<'_>, Sums>, BTreeMap<Key<'_>, Sums>) = Default::default();
    for ticket in &facts.tickets {
        let region = numbers.region_of(tx, &facts.places[ticket.place]).await?;
        for (sums, place) in [(&mut regions, region), (&mut places, numbers.places[ticket.place])] {
            for time in Time::both(ticket.hour) {
                sums.entry((time, &*ticket.queue, place)).or_default().count(ticket);
            }
        }
    }
    write(tx, Grain::Region, regions.into_iter().collect()).await?;
    write(tx, Grain::Place, places.into_iter().collect()).await
}

impl Sums {
    fn count(&mut self, ticket: &TicketFact) {
        let sums = self;
        sums.tickets += 1;
        sums.players += ticket.players;
        match &*ticket.outcome {
            "matched" => {
                sums.matched += 1;
                if let Some(ms) = ticket.wait_ms {
                    sums.wait_total_ms += ms.max(0);
                    sums.waits.count(bucket_of_ms(ms), 1);
                }
                if let Some(quality) = ticket.quality {
                    sums.quality_total += quality;
                    sums.qualities.count(bucket_of_share(quality), 1);
                }
            }
            "cancelled" => sums.cancelled += 1,
            "expired" => sums.expired += 1,
            _ => sums.failed += 1,
        }
    }
}

/// Adds to the hours and days of one grain. Only whoever has the lock writes there, so what is read stays.
async fn write(tx: &mut PgConnection, grain: Grain, mut all: Vec<(Key<'_>, Sums)>) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    let begins: Vec<DateTime<Utc>> = all.iter().map(|(key, _)| key.0.begins_at).collect();
    let hours: Vec<i16> = all.iter().map(|(key, _)| key.0.hours).collect();
    let queues: Vec<&str> = all.iter().map(|(key, _)| key.1).collect();
    let places: Vec<i32> = all.iter().map(|(key, _)| key.2).collect();
    macro_rules! write_into {
        ($table:literal) => {{
            // The bounds leave out all chunks but theirs.
            let kept = sqlx::query!(
                r#"
                SELECT wanted.at AS "at!", q.waits AS "waits!", q.waits_packed AS "waits_packed!", q.qualities AS "qualities!",
                       q.qualities_packed AS "qualities_packed!"
                FROM unnest($1::timestamptz[], $2::smallint[], $3::text[], $4::int[])
                     WITH ORDINALITY AS wanted (begins_at, hours, queue, place, at)
                JOIN "# + $table + r#" q ON q.begins_at = wanted.begins_at AND q.hours = wanted.hours AND q.queue = wanted.queue
                     AND q.place = wanted.place
                WHERE q.begins_at >= $5 AND q.begins_at <= $6
                "#,
                &begins,
                &hours,
                &queues as &[&str],
                &places,
                begins.iter().min().copied().unwrap_or_default(),
                begins.iter().max().copied().unwrap_or_default(),
            )
            .fetch_all(&mut *tx)
            .await?;
            for row in kept {
                let sums = &mut all[place_of(row.at)].1;
                sums.waits.add(&Sketch::kept(row.waits));
                sums.waits.add_packed(&row.waits_packed)?;
                sums.qualities.add(&Sketch::kept(row.qualities));
                sums.qualities.add_packed(&row.qualities_packed)?;
            }
            let column = |of: fn(&Sums) -> i64| all.iter().map(|(_, sums)| of(sums)).collect::<Vec<i64>>();
            let quality_totals: Vec<f64> = all.iter().map(|(_, sums)| sums.quality_total).collect();
            let waits: Vec<Vec<u8>> = all.iter().map(|(_, sums)| sums.waits.packed()).collect();
            let qualities: Vec<Vec<u8>> = all.iter().map(|(_, sums)| sums.qualities.packed()).collect();
            sqlx::query!(
                "INSERT INTO " + $table + r#" AS q
                    (begins_at, hours, queue, place, tickets, players, matched, cancelled, expired, failed, wait_total_ms, quality_total,
                     waits, waits_packed, qualities, qualities_packed)
                SELECT begins_at, hours, queue, place, tickets, players, matched, cancelled, expired, failed, wait_total_ms, quality_total,
                       '{}', waits, '{}', qualities
                FROM unnest($1::timestamptz[], $2::smallint[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[],
                            $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::float8[], $13::bytea[], $14::bytea[])
                     AS new (begins_at, hours, queue, place, tickets, players, matched, cancelled, expired, failed, wait_total_ms,
                             quality_total, waits, qualities)
                ON CONFLICT (hours, begins_at, queue, place) DO UPDATE
                SET tickets = q.tickets + excluded.tickets, players = q.players + excluded.players,
                    matched = q.matched + excluded.matched, cancelled = q.cancelled + excluded.cancelled,
                    expired = q.expired + excluded.expired, failed = q.failed + excluded.failed,
                    wait_total_ms = q.wait_total_ms + excluded.wait_total_ms,
                    quality_total = q.quality_total + excluded.quality_total,
                    waits = excluded.waits, waits_packed = excluded.waits_packed,
                    qualities = excluded.qualities, qualities_packed = excluded.qualities_packed
                "#,
                &begins,
                &hours,
                &queues as &[&str],
                &places,
                &column(|sums| sums.tickets),
                &column(|sums| sums.players),
                &column(|sums| sums.matched),
                &column(|sums| sums.cancelled),
                &column(|sums| sums.expired),
                &column(|sums| sums.failed),
                &column(|sums| sums.wait_total_ms),
                &quality_totals,
                &waits,
                &qualities,
            )
            .execute(tx)
            .await?;
        }};
    }
    // Indexes queue_facts_once and queue_slices_once.
    match grain {
        Grain::Region => write_into!("insights.queue_facts"),
        Grain::Place => write_into!("insights.queue_slices"),
    }
    Ok(())
}
