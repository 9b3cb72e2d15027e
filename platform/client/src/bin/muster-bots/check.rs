//! Whether a bot was told the truth: each event once, in order, as it is stored, with the dice that were promised.

use muster_client::{
    ClientError, Session,
    bot::PlayedMatch,
    core::{id::MatchId, wire::LoggedEvent},
    verify::{VerifyError, verify_match},
};

/// What is wrong with a match that was played; none when nothing is, or when it could not be asked.
pub async fn difference(session: &Session, played: &PlayedMatch) -> Result<Option<String>, ClientError> {
    let match_id = played.view.match_id;
    let stored = session.match_log(match_id, 0).await?;
    if let Some(detail) = compare(&played.log, &stored) {
        return Ok(Some(detail));
    }
    dice(session, match_id).await
}

fn compare(told: &[LoggedEvent], stored: &[LoggedEvent]) -> Option<String> {
    if let Some((told, stored)) = told.iter().zip(stored).find(|(told, stored)| told != stored) {
        return Some(format!("event {} was told as {told:?}, and is stored as {stored:?}", told.seq));
    }
    (told.len() != stored.len()).then(|| format!("{} events were told of {}", told.len(), stored.len()))
}

async fn dice(session: &Session, match_id: MatchId) -> Result<Option<String>, ClientError> {
    match verify_match(session, match_id).await {
        Ok(_) => Ok(None),
        Err(VerifyError::Client(error)) => Err(error),
        Err(error) => Ok(Some(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use muster_client::core::game::{GameEvent, Seat};

    use super::*;

    fn log(length: u64) -> Vec<LoggedEvent> {
        let turn = |seq| LoggedEvent {
            seq,
            at: DateTime::<Utc>::UNIX_EPOCH,
            event: GameEvent::TurnBegan { seat: if seq % 2 == 0 { Seat::First } else { Seat::Second } },
        };
        (1..=length).map(turn).collect()
    }

    #[test]
    fn what_was_told_must_be_what_is_stored() {
        assert_eq!(compare(&log(4), &log(4)), None);
        assert!(compare(&log(3), &log(4)).is_some_and(|detail| detail.contains("3 events were told of 4")));
        let mut other = log(4);
        other[2].event = GameEvent::Passed { seat: Seat::First };
        assert!(compare(&log(4), &other).is_some_and(|detail| detail.contains("event 3")));
        other = log(4);
        other[0].at += chrono::TimeDelta::milliseconds(1);
        assert!(compare(&log(4), &other).is_some());
    }
}
