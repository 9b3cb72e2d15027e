//! What happens most.

use std::collections::BTreeMap;

use super::ratio;
use crate::codec;
use crate::insights::Insights;
use crate::insights::places::Places;
use crate::insights::range::{AskError, Days, Dimension, Slice};

/// How often a kind of event happened.
#[derive(Debug, Clone, PartialEq)]
pub struct KindCount {
    /// The value of what it is told apart by.
    pub group: Option<String>,
    /// The kind.
    pub kind: String,
    /// Who saw it: `client`, `server` or `trusted`.
    pub source: String,
    /// How many events.
    pub events: u64,
    /// Of all events of the group, 0 to 1.
    pub share: f64,
}

/// The most kinds of a group.
const MAX_KINDS: usize = 100;

impl Insights {
    /// The kinds of events that happened most often, by their own time; the first `most` (1 to 100) of each group. Exact.
    pub async fn top_kinds(
        &self,
        days: Days,
        slice: &Slice,
        by: Option<Dimension>,
        most: usize,
    ) -> Result<Vec<KindCount>, AskError> {
        match by {
            Some(Dimension::Season) => self.by_season(days, |days| self.top_kinds_of(days, slice, None, most)).await,
            by => self.top_kinds_of(days, slice, by, most).await,
        }
    }

    async fn top_kinds_of(
        &self,
        days: Days,
        slice: &Slice,
        by: Option<Dimension>,
        most: usize,
    ) -> Result<Vec<KindCount>, AskError> {
        if !(1..=MAX_KINDS).contains(&most) {
            return AskError::invalid(format!("ask for 1 to {MAX_KINDS} kinds, not {most}"));
        }
        let mut postgres = self.postgres.acquire().await?;
        let places = Places::of(&mut postgres, slice, by, (days.from(), days.to())).await?;
        // Primary key of kind_days.
        let rows = sqlx::query!(
            r#"
            SELECT d.place, k.kind, d.source, d.events AS "events!"
            FROM (
                SELECT place, kind_no, source, sum(events)::bigint AS events
                FROM insights.kind_days
                WHERE day BETWEEN $1 AND $2 AND ($3::int[] IS NULL OR place = ANY($3))
                GROUP BY place, kind_no, source
            ) d
            JOIN insights.kinds k USING (kind_no)
            "#,
            days.from(),
            days.to(),
            places.numbers(),
        )
        .fetch_all(&mut *postgres)
        .await?;
        drop(postgres);
        let mut groups: Vec<BTreeMap<(String, String), u64>> = vec![BTreeMap::new(); places.groups()];
        for row in rows {
            *groups[places.group_of(row.place)].entry((row.kind, row.source)).or_default() += codec::count(row.events);
        }
        let mut counts = Vec::new();
        for (group, kinds) in groups.into_iter().enumerate() {
            let all: u64 = kinds.values().sum();
            let mut kinds: Vec<_> = kinds.into_iter().collect();
            kinds.sort_by_key(|(_, events)| std::cmp::Reverse(*events));
            counts.extend(kinds.into_iter().take(most).map(|((kind, source), events)| KindCount {
                group: places.name(group),
                kind,
                source,
                events,
                share: ratio(events, all),
            }));
        }
        Ok(counts)
    }
}
