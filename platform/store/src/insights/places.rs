//! Which places a question means, and how their answers are told apart.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::facts::OTHER;
use super::range::{Dimension, Slice};
use crate::Result;

/// The most groups of an answer: those with the most players in the days that are asked for. The others are one, called [`OTHER`].
const MAX_GROUPS: usize = 50;

/// The places that are meant.
pub(super) struct Places {
    /// Their numbers; None when all are meant.
    numbers: Option<Vec<i32>>,
    /// The name of each group; the first is for what has no value of the dimension.
    names: Vec<Option<String>>,
    groups: HashMap<i32, usize>,
    beyond_regions: bool,
}

impl Places {
    /// Those of a slice, told apart by a dimension or not at all; for a question about these days, both included.
    pub async fn of(
        postgres: &mut PgConnection,
        slice: &Slice,
        by: Option<Dimension>,
        days: (NaiveDate, NaiveDate),
    ) -> Result<Self> {
        if by.is_none() && *slice == Slice::default() {
            return Ok(Self { numbers: None, names: vec![None], groups: HashMap::new(), beyond_regions: false });
        }
        let rows = sqlx::query!(
            r#"
            SELECT place, region, platform, build
            FROM insights.places
            WHERE ($1::text IS NULL OR region = $1) AND ($2::text IS NULL OR platform = $2) AND ($3::text IS NULL OR build = $3)
            "#,
            slice.region,
            slice.platform,
            slice.build,
        )
        .fetch_all(&mut *postgres)
        .await?;
        let numbers: Vec<i32> = rows.iter().map(|row| row.place).collect();
        let value = |row: (i32, Option<String>, Option<String>, Option<String>)| {
            let value = match by {
                // Seasons are times, and asked one by one.
                None | Some(Dimension::Season) => None,
                Some(Dimension::Region) => row.1,
                Some(Dimension::Platform) => row.2,
                Some(Dimension::Build) => row.3,
            };
            (row.0, value)
        };
        let values: Vec<_> =
            rows.into_iter().map(|row| value((row.place, row.region, row.platform, row.build))).collect();
        let mut told: BTreeSet<&str> = values.iter().filter_map(|(_, value)| value.as_deref()).collect();
        told.remove(OTHER);
        if told.len() > MAX_GROUPS {
            told = most_played(&values, &players(postgres, &numbers, days).await?);
        }
        let mut names: Vec<Option<String>> = vec![None];
        names.extend(told.into_iter().map(|name| Some(name.to_owned())));
        let group = |value: &Option<String>| match names.iter().position(|name| name == value) {
            Some(group) => group,
            None => names.len(),
        };
        let groups: HashMap<i32, usize> = values.iter().map(|(place, value)| (*place, group(value))).collect();
        if groups.values().any(|group| *group == names.len()) {
            names.push(Some(OTHER.to_owned()));
        }
        let beyond_regions = slice.platform.is_some()
            || slice.build.is_some()
            || matches!(by, Some(Dimension::Platform | Dimension::Build));
        Ok(Self { numbers: Some(numbers), names, groups, beyond_regions })
    }

    /// For `$n::int[] IS NULL OR place = ANY($n)`.
    pub fn numbers(&self) -> Option<&[i32]> {
        self.numbers.as_deref()
    }

    /// Whether platforms or builds are asked for: sums by region are not enough then.
    pub fn beyond_regions(&self) -> bool {
        self.beyond_regions
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.names.len()
    }

    /// Which group a place is of.
    pub fn group_of(&self, place: i32) -> usize {
        self.groups.get(&place).copied().unwrap_or_default()
    }

    /// The same, if the place is meant.
    pub fn group_if_meant(&self, place: i32) -> Option<usize> {
        if self.numbers.is_none() { Some(0) } else { self.groups.get(&place).copied() }
    }

    /// What a group is called.
    pub fn name(&self, group: usize) -> Option<String> {
        self.names.get(group).cloned().flatten()
    }
}

/// How many players there were at these places, each counted once a day; places without any are absent.
async fn players(
    postgres: &mut PgConnection,
    places: &[i32],
    (from, to): (NaiveDate, NaiveDate),
) -> Result<HashMap<i32, i64>> {
    // Primary keys of both, day by day. The length of a pack is known without reading it: 4 bytes a player.
    let rows = sqlx::query!(
        r#"
        SELECT place AS "place!", sum(players)::bigint AS "players!"
        FROM generate_series($2::date, $3::date, INTERVAL '1 day') AS asked (day)
        CROSS JOIN LATERAL (
            SELECT place, (octet_length(players) / 4)::bigint AS players FROM insights.day_packs
            WHERE day = asked.day::date AND kind_no = 0
            UNION ALL
            SELECT place, count(*) FROM insights.day_marks WHERE day = asked.day::date AND kind_no = 0 GROUP BY place
        ) AS there
        WHERE place = ANY($1)
        GROUP BY place
        "#,
        places,
        from,
        to,
    )
    .fetch_all(postgres)
    .await?;
    Ok(rows.into_iter().map(|row| (row.place, row.players)).collect())
}

/// The values with the most players; of those with as many, the ones that were first heard of last.
fn most_played<'a>(values: &'a [(i32, Option<String>)], players: &HashMap<i32, i64>) -> BTreeSet<&'a str> {
    let mut sums: HashMap<&str, (i64, i32)> = HashMap::new();
    for (place, value) in values {
        let Some(value) = value.as_deref().filter(|value| *value != OTHER) else { continue };
        let sum = sums.entry(value).or_insert((0, i32::MAX));
        *sum = (sum.0 + players.get(place).copied().unwrap_or_default(), sum.1.min(*place));
    }
    let mut ranked: Vec<_> = sums.into_iter().map(|(value, sum)| (Reverse(sum), value)).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(MAX_GROUPS).map(|(_, value)| value).collect()
}
