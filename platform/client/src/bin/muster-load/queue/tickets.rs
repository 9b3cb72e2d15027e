//! Afterwards: does the platform say of every player's last ticket what the player was told?

use std::time::Duration;

use futures::{StreamExt, stream};
use muster_client::{ClientError, Session, core::wire::TicketState};
use tokio::time::{Instant, sleep};

use super::book::LastTicket;
use crate::progress;

/// How many tickets are asked for at the same time.
const AT_ONCE: usize = 16;
/// Rows and records may come after the message: they are given so long.
const AGREE_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// The most tickets that are asked for.
const MOST: usize = 5_000;

/// Each disagreement in words.
///
/// # Errors
/// When the platform does not answer.
pub async fn disagreements(sessions: &[Session], mut tickets: Vec<LastTicket>) -> anyhow::Result<Vec<String>> {
    tickets.truncate(MOST);
    progress(format_args!("asking for {} tickets", tickets.len()));
    let deadline = Instant::now() + AGREE_WITHIN;
    loop {
        let asked = stream::iter(tickets)
            .map(|ticket| async move { (ticket, disagreement(sessions, ticket).await) })
            .buffer_unordered(AT_ONCE);
        let answers: Vec<_> = asked.collect().await;
        let mut left = Vec::new();
        for (ticket, answer) in answers {
            if let Some(text) = answer? {
                left.push((ticket, text));
            }
        }
        if left.is_empty() || Instant::now() >= deadline {
            return Ok(left.into_iter().map(|(_, text)| text).collect());
        }
        tickets = left.into_iter().map(|(ticket, _)| ticket).collect();
        sleep(LOOK_AGAIN).await;
    }
}

async fn disagreement(sessions: &[Session], last: LastTicket) -> Result<Option<String>, ClientError> {
    let LastTicket { player, ticket, match_id } = last;
    let Some(session) = usize::try_from(player).ok().and_then(|player| sessions.get(player)) else {
        return Ok(None);
    };
    let view = match session.ticket(ticket).await {
        Ok(view) => view,
        // Ended tickets are kept for a while, not for ever.
        Err(error) if error.code() == Some("not_found") => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(match match_id {
        Some(match_id) if view.state == TicketState::Matched && view.match_id == Some(match_id) => None,
        Some(match_id) => Some(format!(
            "{ticket} is {} with {:?}, and its player was told of {match_id}",
            view.state.as_str(),
            view.match_id
        )),
        None if view.state == TicketState::Matched => {
            Some(format!("{ticket} has {:?}, of which its player was never told", view.match_id))
        }
        None => None,
    })
}
