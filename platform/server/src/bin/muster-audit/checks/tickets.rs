//! Live tickets: whoever has one waits, is asked, or is about to have a match.

use chrono::{DateTime, Utc};
use muster_store::{LiveState, LiveTicket, Store, StoreError};

use crate::args::Args;
use crate::findings::{Kind, Report, Violation};

/// One look; what is in motion may look odd.
pub async fn look(store: &Store, args: &Args, report: &mut Report) -> Result<Vec<Violation>, StoreError> {
    let settled_in = muster_store::now() - args.patience();
    let (mut found, mut cursor) = (Vec::new(), 0);
    report.tickets = 0;
    loop {
        let (next, live) = store.tickets.live_page(cursor).await?;
        report.tickets += live.len() as u64;
        found.extend(live.iter().filter_map(|live| stuck(live, settled_in)));
        if next == 0 {
            return Ok(found);
        }
        cursor = next;
    }
}

fn stuck(live: &LiveTicket, settled_in: DateTime<Utc>) -> Option<Violation> {
    let (kind, detail) = match &live.state {
        LiveState::Missing => (Kind::TicketStuck, "the player's ticket does not exist".to_owned()),
        LiveState::Waiting { in_pool: false } => {
            (Kind::TicketStuck, "it waits, and its queue does not know".to_owned())
        }
        LiveState::Over { state } => (Kind::TicketStuck, format!("it is {state}, and its player is not free")),
        LiveState::Proposed { accept_by: None, .. } => (Kind::ClaimStuck, "nobody decides its proposal".to_owned()),
        LiveState::Claimed { since: None, .. } => {
            (Kind::ClaimStuck, "it is claimed, and nobody looks after it".to_owned())
        }
        // A proposal that all have answered is due at the beginning of time.
        LiveState::Proposed { accept_by: Some(at), .. } if *at < settled_in && *at > DateTime::UNIX_EPOCH => {
            (Kind::ClaimStuck, format!("its proposal was to be decided at {}", muster_core::time::format(*at)))
        }
        LiveState::Claimed { since: Some(at), .. } if *at < settled_in => {
            (Kind::ClaimStuck, format!("it has been claimed since {}", muster_core::time::format(*at)))
        }
        LiveState::Waiting { in_pool: true } | LiveState::Proposed { .. } | LiveState::Claimed { .. } => return None,
    };
    let found = Violation::new(kind, detail).of_player(live.player_id).of_ticket(live.ticket_id);
    let match_id = match &live.state {
        LiveState::Claimed { match_id, .. } | LiveState::Proposed { match_id, .. } => *match_id,
        _ => None,
    };
    Some(match match_id {
        Some(match_id) => found.of_match(match_id),
        None => found,
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn what_waits_is_asked_or_is_being_matched_is_fine_and_the_rest_is_stuck() {
        let now = muster_store::now();
        let found = |state| {
            let live = LiveTicket { player_id: muster_store::fresh_id(), ticket_id: muster_store::fresh_id(), state };
            stuck(&live, now - TimeDelta::seconds(30)).map(|violation| violation.kind)
        };
        let ago = |seconds| Some(now - TimeDelta::seconds(seconds));
        assert_eq!(found(LiveState::Waiting { in_pool: true }), None);
        assert_eq!(found(LiveState::Claimed { match_id: None, since: ago(5) }), None);
        assert_eq!(found(LiveState::Proposed { match_id: None, accept_by: ago(-5) }), None);
        assert_eq!(found(LiveState::Missing), Some(Kind::TicketStuck));
        assert_eq!(found(LiveState::Waiting { in_pool: false }), Some(Kind::TicketStuck));
        assert_eq!(found(LiveState::Over { state: "matched".into() }), Some(Kind::TicketStuck));
        assert_eq!(found(LiveState::Claimed { match_id: None, since: None }), Some(Kind::ClaimStuck));
        assert_eq!(found(LiveState::Claimed { match_id: None, since: ago(60) }), Some(Kind::ClaimStuck));
        assert_eq!(found(LiveState::Proposed { match_id: None, accept_by: None }), Some(Kind::ClaimStuck));
        assert_eq!(found(LiveState::Proposed { match_id: None, accept_by: ago(60) }), Some(Kind::ClaimStuck));
    }
}
