//! The leaderboards have what the ratings say, and nobody else.
//!
//! A rating is in the database a moment before it is on its board, so what has just moved is not looked at, and what differs is
//! looked at once more later. Who stands on a board has had a rating before: a stranger is found at once.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_core::game::Mode;
use muster_core::id::PlayerId;
use muster_store::{BoardRating, BoardWalk, Standing, Store, StoreError};

use crate::args::Args;
use crate::findings::{Kind, Report, Violation};

/// Ratings that are held at the same time.
const AT_ONCE: u32 = 500;

/// Before what differs is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Standings that are looked at once more. A board that is further off than that is wrong in any case.
const SUSPECTS: usize = 5_000;

/// Compares every leaderboard with the ratings, both ways.
pub async fn check(store: &Store, args: &Args, report: &mut Report) -> Result<(), StoreError> {
    let still = muster_store::now() - args.patience();
    let suspects = suspects(store, still, report).await?;
    if !suspects.is_empty() {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    for some in suspects.chunks(AT_ONCE as usize) {
        let players: Vec<PlayerId> = some.iter().map(|standing| standing.player_id).collect();
        let keys: HashSet<(PlayerId, Mode)> = some.iter().map(key).collect();
        let again = store.leaderboards.ratings_of(&players).await?;
        let again =
            again.into_iter().filter(|rating| rating.updated_at <= still && keys.contains(&key(&rating.standing)));
        report.extend(differing(store, again).await?.iter().map(|(rating, stood)| difference(rating, stood.as_ref())));
    }
    for mode in Mode::ALL {
        strangers(store, mode, report).await?;
    }
    Ok(())
}

/// What ratings say that have not moved for a while, where the boards have it otherwise.
async fn suspects(store: &Store, still: DateTime<Utc>, report: &mut Report) -> Result<Vec<Standing>, StoreError> {
    let (mut suspects, mut after) = (Vec::new(), None);
    while suspects.len() < SUSPECTS {
        let page: Vec<BoardRating> = store.leaderboards.ratings(after.as_ref(), AT_ONCE).await?;
        let Some(last) = page.last() else { break };
        after = Some(*last);
        report.standings += page.len() as u64;
        let found = differing(store, page.into_iter().filter(|rating| rating.updated_at <= still)).await?;
        suspects.extend(found.into_iter().map(|(expected, _)| expected));
    }
    Ok(suspects)
}

fn key(standing: &Standing) -> (PlayerId, Mode) {
    (standing.player_id, standing.mode)
}

/// What the boards have otherwise: what they should have, and what they have.
async fn differing(
    store: &Store,
    ratings: impl Iterator<Item = BoardRating>,
) -> Result<Vec<(Standing, Option<Standing>)>, StoreError> {
    let expected: Vec<Standing> = ratings.map(|rating| rating.standing).collect();
    let stood = store.leaderboards.stood(&expected).await?;
    Ok(expected.into_iter().zip(stood).filter(|(expected, stood)| Some(*expected) != *stood).collect())
}

fn difference(expected: &Standing, stood: Option<&Standing>) -> Violation {
    let tell = |standing: &Standing| format!("{} after {} matches", standing.score, standing.version);
    let stood = stood.map_or_else(|| "nothing".to_owned(), tell);
    let detail = format!("the board of {} has {stood}, the rating gives {}", expected.mode, tell(expected));
    Violation::new(Kind::LeaderboardDiffers, detail).of_player(expected.player_id)
}

/// Those on a board who have no rating.
async fn strangers(store: &Store, mode: Mode, report: &mut Report) -> Result<(), StoreError> {
    let boards = &store.leaderboards;
    let mut walk = BoardWalk::of(mode);
    while let Some(met) = boards.walk(&mut walk).await? {
        let rated: HashSet<PlayerId> = boards
            .ratings_of(&met)
            .await?
            .into_iter()
            .filter(|rating| rating.standing.mode == mode)
            .map(|rating| rating.standing.player_id)
            .collect();
        let strangers = met.into_iter().filter(|player| !rated.contains(player));
        report.extend(strangers.map(|player| {
            let detail = format!("stands on the board of {mode} without a rating");
            Violation::new(Kind::LeaderboardDiffers, detail).of_player(player)
        }));
    }
    Ok(())
}
