//! One pass over all players: some at a time, with all that they have played.

use muster_core::id::{MatchId, PlayerId};
use muster_store::{Store, StoreError};

use super::history;
use crate::findings::{Kind, Report, Violation};

/// Players whose histories are held at the same time.
const AT_ONCE: u32 = 32;

/// Recomputes the ratings of everybody who plays in a match whose id is above `since`.
pub async fn check(store: &Store, since: MatchId, most: u32, report: &mut Report) -> Result<(), StoreError> {
    let mut after = PlayerId::from_uuid(uuid::Uuid::nil());
    loop {
        let players = store.matches.players_page(after, since, AT_ONCE).await?;
        let Some(last) = players.last() else { break };
        after = *last;
        for player in store.matches.histories(&players).await? {
            report.players += 1;
            report.extend(history::review(&player));
        }
    }
    for key in store.matches.ratings_without_history(most).await? {
        let detail = format!("a rating in {} without a ranked match", key.mode);
        report.add(Violation::new(Kind::RatingDiffers, detail).of_player(key.player_id));
    }
    Ok(())
}
