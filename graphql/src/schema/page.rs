//! Pages, as Relay's connections: edges, opaque cursors, and whether there is more. The pages of matches are here; other lists
//! have theirs beside them.

use std::{fmt::Display, str::FromStr};

use async_graphql::{ComplexObject, Context, SimpleObject};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use muster_store::{MatchFilter, MatchPage, Store};

use super::{errors::ApiError, matches::Match, of_schema};
use crate::auth::{Needs, Permission};

/// One page of matches, newest first.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct MatchConnection {
    /// The matches of this page.
    edges: Vec<MatchEdge>,
    /// Whether and where it goes on.
    page_info: PageInfo,
    #[graphql(skip)]
    filter: MatchFilter,
}

#[ComplexObject]
impl MatchConnection {
    /// All matches that fit, on every page together.
    #[graphql(guard = "Needs(Permission::ReadMatches)")]
    async fn total_count(&self, context: &Context<'_>) -> Result<u64, ApiError> {
        of_schema::<Store>(context)?.matches.count(&self.filter).await.map_err(ApiError::internal("count_matches"))
    }
}

impl MatchConnection {
    pub(super) fn new(page: MatchPage, filter: MatchFilter) -> Self {
        let edge = |record: muster_store::MatchRecord| MatchEdge {
            cursor: encode(&record.cursor()),
            node: Match::from(record),
        };
        let edges: Vec<MatchEdge> = page.matches.into_iter().map(edge).collect();
        let end_cursor = edges.last().map(|edge| edge.cursor.clone());
        Self { page_info: PageInfo::new(page.has_next, end_cursor), edges, filter }
    }
}

/// A match and where it stands in the list.
#[derive(SimpleObject)]
pub struct MatchEdge {
    /// For `after`.
    cursor: String,
    /// The match.
    node: Match,
}

/// Whether and where a list goes on.
#[derive(SimpleObject)]
pub struct PageInfo {
    /// Whether there is another page.
    has_next_page: bool,
    /// For `after` of the next page.
    end_cursor: Option<String>,
}

impl PageInfo {
    pub(super) fn new(has_next_page: bool, end_cursor: Option<String>) -> Self {
        Self { has_next_page, end_cursor }
    }
}

/// A cursor as clients see it.
pub(super) fn encode(cursor: &impl Display) -> String {
    URL_SAFE_NO_PAD.encode(cursor.to_string())
}

/// Reads a cursor that [`encode`] gave.
pub(super) fn decode<T: FromStr>(after: &str) -> Result<T, ApiError> {
    URL_SAFE_NO_PAD
        .decode(after)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| ApiError::bad_input("after is not a cursor: use an endCursor or cursor of an earlier page"))
}

/// An argument of 1 to `most`.
pub(super) fn within(argument: &str, value: i32, most: i32) -> Result<u32, ApiError> {
    match u32::try_from(value) {
        Ok(number) if (1..=most).contains(&value) => Ok(number),
        _ => Err(ApiError::bad_input(format!("{argument} must be 1 to {most}, not {value}"))),
    }
}
