//! Events by day, place, kind and source.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::names::Numbers;
use crate::insights::facts::{Facts, day_of};
use crate::{Result, codec};

pub(super) async fn add(tx: &mut PgConnection, facts: &Facts, numbers: &Numbers) -> Result<()> {
    // Different names may have one number, so they are added up before.
    let mut sums: BTreeMap<(NaiveDate, i32, i32, &'static str), i64> = BTreeMap::new();
    for ((day, kind, place, source), events) in &facts.counts {
        let key = (day_of(*day), numbers.places[*place], numbers.kinds[*kind], source.as_str());
        *sums.entry(key).or_default() += codec::signed(*events);
    }
    let days: Vec<NaiveDate> = sums.keys().map(|key| key.0).collect();
    let places: Vec<i32> = sums.keys().map(|key| key.1).collect();
    let kinds: Vec<i32> = sums.keys().map(|key| key.2).collect();
    let sources: Vec<&str> = sums.keys().map(|key| key.3).collect();
    let events: Vec<i64> = sums.values().copied().collect();
    // Primary key of kind_days.
    sqlx::query!(
        r#"
        INSERT INTO insights.kind_days AS k (day, place, kind_no, source, events)
        SELECT * FROM unnest($1::date[], $2::int[], $3::int[], $4::text[], $5::bigint[])
        ON CONFLICT (day, place, kind_no, source) DO UPDATE SET events = k.events + excluded.events
        "#,
        &days,
        &places,
        &kinds,
        &sources as &[&str],
        &events,
    )
    .execute(tx)
    .await?;
    Ok(())
}
