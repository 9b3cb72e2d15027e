use leptos::{prelude::*, server_fn::codec::GetUrl};

use crate::{
    ApiError,
    model::{MatchPage, MatchState},
};

/// Rows of a page.
#[cfg(feature = "ssr")]
const PAGE: i64 = 25;

/// A page of matches, newest first.
#[server(endpoint = "matches", input = GetUrl)]
pub(crate) async fn fetch_matches(
    state: Option<MatchState>,
    mode: Option<String>,
    after: Option<String>,
) -> Result<MatchPage, ApiError> {
    use crate::{model::MatchRow, queries, upstream::ask};

    let variables = queries::matches::Variables { first: PAGE, after, state, mode };
    let found = ask::<queries::Matches>(variables).await?.matches;
    Ok(MatchPage {
        answered_at: chrono::Utc::now(),
        rows: found.edges.into_iter().map(|edge| MatchRow::from(edge.node)).collect(),
        total: found.total_count,
        next: found.page_info.end_cursor.filter(|_| found.page_info.has_next_page),
    })
}
