//! What the dashboard's server asks, over HTTP.

use super::date_time::DateTime;
use crate::model::{ActivityPoint, MatchEvent, MatchRow, MatchState, Outcome, Player, Seat, Staff, StaffRole};

operation!(SignIn, "graphql/sign_in.graphql");
operation!(SignOut, "graphql/sign_out.graphql");
operation!(Me, "graphql/me.graphql");
operation!(Overview, "graphql/overview.graphql");
operation!(Activity, "graphql/activity.graphql");
operation!(Matches, "graphql/matches.graphql");
operation!(MatchDetail, "graphql/match_detail.graphql");
operation!(MatchLog, "graphql/match_log.graphql");

live_counts_from!(overview::OverviewLive);
match_event_from!(match_detail::MatchDetailMatchEvents);
match_event_from!(match_log::MatchLogMatchEvents);

impl From<overview::OverviewActivity> for ActivityPoint {
    fn from(point: overview::OverviewActivity) -> Self {
        Self { minute: point.minute.0, matches_finished: point.matches_finished, events: point.events }
    }
}

impl From<activity::ActivityActivity> for ActivityPoint {
    fn from(point: activity::ActivityActivity) -> Self {
        Self { minute: point.minute.0, matches_finished: point.matches_finished, events: point.events }
    }
}

impl From<me::MeMe> for Staff {
    fn from(staff: me::MeMe) -> Self {
        Self { email: staff.email, display_name: staff.display_name, role: staff.role }
    }
}

impl From<matches::MatchesMatchesEdgesNode> for MatchRow {
    fn from(row: matches::MatchesMatchesEdgesNode) -> Self {
        Self {
            id: row.id,
            queue: row.queue,
            mode: row.mode,
            state: row.state,
            created_at: row.created_at.0,
            ended_at: row.ended_at.map(|ended| ended.0),
            players: row
                .players
                .into_iter()
                .map(|player| Player {
                    id: player.id,
                    display_name: player.display_name,
                    seat: Seat::from_wire(&player.seat),
                    total: player.total,
                    rating_before: None,
                    rating_after: None,
                })
                .collect(),
            outcome: row.outcome.map(|outcome| Outcome { kind: outcome.kind, winner_id: outcome.winner_id }),
        }
    }
}

impl From<match_detail::MatchDetailMatch> for crate::model::MatchDetail {
    /// Without the check of the seed, which takes a hash the browser does not carry.
    fn from(found: match_detail::MatchDetailMatch) -> Self {
        Self {
            answered_at: found.created_at.0,
            id: found.id,
            queue: found.queue,
            mode: found.mode,
            state: found.state,
            created_at: found.created_at.0,
            ended_at: found.ended_at.map(|ended| ended.0),
            quality: found.quality,
            players: found
                .players
                .into_iter()
                .map(|player| Player {
                    id: player.id,
                    display_name: player.display_name,
                    seat: Seat::from_wire(&player.seat),
                    total: player.total,
                    rating_before: player.rating_before,
                    rating_after: player.rating_after,
                })
                .collect(),
            outcome: found.outcome.map(|outcome| Outcome { kind: outcome.kind, winner_id: outcome.winner_id }),
            commitment: found.commitment,
            seed: found.seed,
            seed_matches: None,
            events: found.events.into_iter().map(MatchEvent::from).collect(),
        }
    }
}
