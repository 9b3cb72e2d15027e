//! Afterwards: does the platform's own log say what the players were told, and do the dice follow from the seed?

use futures::{StreamExt, TryStreamExt, stream};
use muster_client::{
    Session,
    core::wire::LoggedEvent,
    verify::{told_nonces, verify},
};

use super::table::Table;
use crate::progress;

/// How many logs are read at the same time.
const AT_ONCE: usize = 16;
/// The most logs that are read.
pub const MOST: usize = 500;

/// Each disagreement in words, of up to [`MOST`] matches; and how many were looked at.
///
/// # Errors
/// When the platform does not answer.
pub async fn disagreements(sessions: &[Session], tables: &[&Table]) -> anyhow::Result<(usize, Vec<String>)> {
    // Evenly among them: those that are over come first.
    let step = tables.len().div_ceil(MOST).max(1);
    let some: Vec<&Table> = tables.iter().copied().step_by(step).collect();
    progress(format_args!("reading the logs of {} matches", some.len()));
    let found: Vec<Option<String>> = stream::iter(&some)
        .map(|table| async move {
            let Some(session) = sessions.get(table.players[0] as usize) else { return Ok(None) };
            let log = session.match_log(table.view.match_id, 0).await?;
            anyhow::Ok(disagreement(table, &log))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    Ok((some.len(), found.into_iter().flatten().collect()))
}

fn disagreement(table: &Table, log: &[LoggedEvent]) -> Option<String> {
    let match_id = table.view.match_id;
    // A clock of a match that runs may have said something since.
    if log.get(..table.log.len()) != Some(&table.log[..]) {
        return Some(format!("the log of {match_id} is not what its players were told"));
    }
    let seed = table.seed.as_ref()?;
    if log.len() != table.log.len() {
        return Some(format!("the log of {match_id} goes on after its end"));
    }
    verify(&table.view.commitment, seed, told_nonces(log), log)
        .err()
        .map(|mismatch| format!("the dice of {match_id} are not as promised: {mismatch}"))
}

#[cfg(test)]
mod tests {
    use muster_client::core::id::{MatchId, PlayerId};
    use uuid::Uuid;

    use super::*;
    use crate::play::table::tests::{beginning, view};

    #[test]
    fn another_log_or_seed_is_seen() {
        let players = [1, 2].map(|number| PlayerId::from_uuid(Uuid::from_u128(number)));
        let mut table = Table::new(view(MatchId::from_uuid(Uuid::from_u128(7)), players), [0, 1]);
        table.log = beginning();
        let longer = [beginning(), beginning()].concat();
        assert_eq!(disagreement(&table, &longer), None, "it runs");
        assert!(disagreement(&table, &[]).unwrap().contains("not what its players"));
        table.seed = Some("05".repeat(32));
        assert_eq!(disagreement(&table, &beginning()), None);
        assert!(disagreement(&table, &longer).unwrap().contains("after its end"));
        table.seed = Some("06".repeat(32));
        assert!(disagreement(&table, &beginning()).unwrap().contains("not as promised"));
    }
}
