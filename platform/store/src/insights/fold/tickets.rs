//! How tickets ended, by hour and by day, queue and place.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveTime, Utc};
use sqlx::PgConnection;

use super::Grain;
use super::names::Numbers;
use crate::Result;
use crate::insights::facts::{Facts, TicketFact};
use crate::insights::sketch::{Sketch, bucket_of_ms, bucket_of_share};

/// An hour, or the day that it is in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Time {
    begins_at: DateTime<Utc>,
    hours: i16,
}

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
    let mut times: BTreeMap<(Grain, Time, &str, i32), Sums> = BTreeMap::new();
    for ticket in &facts.tickets {
        let region = numbers.region_of(tx, &facts.places[ticket.place]).await?;
        for (grain, place) in [(Grain::Region, region), (Grain::Place, numbers.places[ticket.place])] {
            for time in Time::both(ticket.hour) {
                times.entry((grain, time, &ticket.queue, place)).or_default().count(ticket);
            }
        }
    }
    for ((grain, time, queue, place), sums) in times {
        write(tx, grain, time, queue, place, sums).await?;
    }
    Ok(())
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

async fn write(tx: &mut PgConnection, grain: Grain, time: Time, queue: &str, place: i32, mut sums: Sums) -> Result<()> {
    macro_rules! write_into {
        ($table:literal) => {{
            let kept = sqlx::query!(
                "SELECT waits, qualities FROM " + $table + " WHERE begins_at = $1 AND hours = $2 AND queue = $3 AND place = $4",
                time.begins_at,
                time.hours,
                queue,
                place,
            )
            .fetch_optional(&mut *tx)
            .await?;
            if let Some(kept) = kept {
                sums.waits.add(&Sketch::kept(kept.waits));
                sums.qualities.add(&Sketch::kept(kept.qualities));
            }
            sqlx::query!(
                "INSERT INTO " + $table + r#" AS q
                    (begins_at, hours, queue, place, tickets, players, matched, cancelled, expired, failed, wait_total_ms, quality_total, waits, qualities)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
                ON CONFLICT (hours, begins_at, queue, place) DO UPDATE
                SET tickets = q.tickets + excluded.tickets, players = q.players + excluded.players,
                    matched = q.matched + excluded.matched, cancelled = q.cancelled + excluded.cancelled,
                    expired = q.expired + excluded.expired, failed = q.failed + excluded.failed,
                    wait_total_ms = q.wait_total_ms + excluded.wait_total_ms,
                    quality_total = q.quality_total + excluded.quality_total, waits = excluded.waits, qualities = excluded.qualities
                "#,
                time.begins_at,
                time.hours,
                queue,
                place,
                sums.tickets,
                sums.players,
                sums.matched,
                sums.cancelled,
                sums.expired,
                sums.failed,
                sums.wait_total_ms,
                sums.quality_total,
                sums.waits.counts(),
                sums.qualities.counts(),
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
