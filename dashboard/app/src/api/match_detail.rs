use leptos::{prelude::*, server_fn::codec::GetUrl};

use crate::{ApiError, model::MatchDetail};

/// Lines of the log that one query fetches; the API's own bound.
#[cfg(feature = "ssr")]
const LOG_PAGE: i64 = 500;
/// Lines of the log that a page shows at most. A match has tens to hundreds.
#[cfg(feature = "ssr")]
const LOG_MOST: usize = 3_000;

/// A match with its log so far; none when there is no such match.
#[server(endpoint = "match", input = GetUrl)]
pub(crate) async fn fetch_match(id: String) -> Result<Option<MatchDetail>, ApiError> {
    use crate::{model::MatchEvent, queries, upstream::ask};

    let variables = queries::match_detail::Variables { id: id.clone(), first: LOG_PAGE, after: 0 };
    let found = match ask::<queries::MatchDetail>(variables).await {
        Ok(data) => data.match_,
        // An id that is no id belongs to no match.
        Err(ApiError::BadInput) => None,
        Err(error) => return Err(error),
    };
    let Some(found) = found else {
        crate::respond::status(404);
        return Ok(None);
    };
    let mut detail = MatchDetail::from(found);
    let mut fetched = detail.events.len();
    while fetched == LOG_PAGE as usize && detail.events.len() < LOG_MOST {
        let after = detail.events.last().map_or(0, |event| event.seq);
        let variables = queries::match_log::Variables { id: id.clone(), first: LOG_PAGE, after };
        let Some(more) = ask::<queries::MatchLog>(variables).await?.match_ else { break };
        fetched = more.events.len();
        detail.events.extend(more.events.into_iter().map(MatchEvent::from));
    }
    detail.answered_at = chrono::Utc::now();
    detail.seed_matches = detail.seed.as_deref().map(|seed| is_committed(seed, &detail.commitment));
    Ok(Some(detail))
}

/// Whether the SHA-256 of the seed is the commitment (both in hex).
#[cfg(feature = "ssr")]
fn is_committed(seed: &str, commitment: &str) -> bool {
    use sha2::{Digest, Sha256};

    hex::decode(seed).is_ok_and(|seed| hex::encode(Sha256::digest(seed)).eq_ignore_ascii_case(commitment))
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_held_to_its_commitment() {
        let seed = "00".repeat(32);
        let commitment = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        assert!(is_committed(&seed, commitment));
        assert!(is_committed(&seed, &commitment.to_uppercase()));
        assert!(!is_committed(&"01".repeat(32), commitment));
        assert!(!is_committed("no hex", commitment));
    }
}
