//! Which places a question means, and how their answers are told apart.

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;

use super::facts::OTHER;
use super::range::{Dimension, Slice};
use crate::Result;

/// The most groups of an answer; those beyond are one, called [`OTHER`].
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
    /// Those of a slice, told apart by a dimension or not at all.
    pub async fn of(postgres: &mut PgConnection, slice: &Slice, by: Option<Dimension>) -> Result<Self> {
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
        .fetch_all(postgres)
        .await?;
        let numbers = rows.iter().map(|row| row.place).collect();
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
        let told: BTreeSet<&str> = values.iter().filter_map(|(_, value)| value.as_deref()).collect();
        let mut names: Vec<Option<String>> = vec![None];
        names.extend(told.into_iter().take(MAX_GROUPS).map(|name| Some(name.to_owned())));
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
