//! From wanting a match to having one.

use std::time::Duration;

use muster_core::{
    id::MatchId,
    wire::{MatchStatus, MatchView, TicketState, TicketView},
};
use tokio::time::{Instant, sleep, timeout};

use super::Bot;
use crate::{
    connection::{ClientEvent, Connection},
    error::ClientError,
    session::Session,
};

/// After so long without news the platform is asked, in case the news was lost.
const ASK_AFTER: Duration = Duration::from_secs(15);
/// Between two looks for a match that the platform says is there.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Between two tries to queue that the platform could not take.
const TRY_AGAIN: Duration = Duration::from_secs(1);

impl Bot {
    /// The running match, or the next one of the queue. Whatever was left from an earlier run (a ticket, a match) is taken up.
    ///
    /// # Errors
    /// As [`Bot::play_one`].
    pub async fn find_match(
        &mut self,
        session: &Session,
        connection: &mut Connection,
    ) -> Result<MatchView, ClientError> {
        let wanted = Instant::now();
        let view = self.next_match(session, connection).await?;
        self.waited = wanted.elapsed();
        Ok(view)
    }

    async fn next_match(&mut self, session: &Session, connection: &mut Connection) -> Result<MatchView, ClientError> {
        loop {
            if let Some(view) = running_match(session, self.last_match).await? {
                return Ok(view);
            }
            match connection.queue(&self.queue).await {
                Ok(_) => {}
                // Left from an earlier run, or asked for twice: it is as good as a new one.
                Err(error) if error.code() == Some("ticket_exists") => {}
                // The last match is over for us, and not for the platform yet; or there is one to be found.
                Err(error) if error.code() == Some("in_match") => {
                    sleep(LOOK_AGAIN).await;
                    continue;
                }
                Err(error) if error.is_transient() => {
                    tracing::debug!(%error, "could not queue; trying again");
                    sleep(TRY_AGAIN).await;
                    continue;
                }
                Err(error) => return Err(error),
            }
            if let Some(view) = await_match(connection, self.last_match).await? {
                return Ok(view);
            }
        }
    }
}

/// The match that the player is in, unless it is the one that was just played: its end may not have reached the profile yet.
async fn running_match(session: &Session, last: Option<MatchId>) -> Result<Option<MatchView>, ClientError> {
    let profile = patiently(|| session.me()).await?;
    let Some(match_id) = profile.match_id.filter(|id| Some(*id) != last) else {
        return Ok(None);
    };
    let view = patiently(|| session.match_view(match_id)).await?;
    Ok(Some(view).filter(|view| view.state == MatchStatus::Running))
}

/// Waits for a match; none when it is time to look and queue again.
async fn await_match(connection: &mut Connection, last: Option<MatchId>) -> Result<Option<MatchView>, ClientError> {
    let ask_at = Instant::now() + ASK_AFTER;
    loop {
        let left = ask_at.saturating_duration_since(Instant::now());
        let Ok(event) = timeout(left, connection.next()).await else {
            return Ok(None);
        };
        match event.ok_or(ClientError::Closed)? {
            ClientEvent::MatchFound(view) if Some(view.match_id) != last => return Ok(Some(view)),
            ClientEvent::Connected { current_match: Some(view), .. }
                if view.state == MatchStatus::Running && Some(view.match_id) != last =>
            {
                return Ok(Some(view));
            }
            // Neither waiting nor playing, and nothing will follow: the ticket is lost.
            ClientEvent::Connected { resumed: false, ticket: None, current_match: None } => return Ok(None),
            ClientEvent::TicketUpdated(ticket)
                if matches!(ticket.state, TicketState::Expired | TicketState::Cancelled | TicketState::Failed) =>
            {
                return Ok(None);
            }
            ClientEvent::TicketUpdated(ticket) if ticket.state == TicketState::Proposed => {
                accept(connection, &ticket).await?;
            }
            ClientEvent::Disconnected { reason, retrying: false } => {
                return Err(ClientError::Refused { code: "disconnected".to_owned(), message: reason.to_string() });
            }
            _ => {}
        }
    }
}

/// A bot takes every match; one that has come to nothing meanwhile is no fault of its.
async fn accept(connection: &Connection, ticket: &TicketView) -> Result<(), ClientError> {
    match connection.accept(ticket.ticket_id).await {
        Err(error) if error.code().is_none() && !error.is_transient() => Err(error),
        _ => Ok(()),
    }
}

/// Asks until the platform is there to answer: a bot outlives its restarts.
pub(super) async fn patiently<T, A>(mut ask: impl FnMut() -> A) -> Result<T, ClientError>
where
    A: Future<Output = Result<T, ClientError>>,
{
    loop {
        match ask().await {
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "asking again");
                sleep(TRY_AGAIN).await;
            }
            answer => return answer,
        }
    }
}
