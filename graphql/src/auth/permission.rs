//! What a role may do, and the guard that stands before every resolver.

use async_graphql::{Context, Guard};
use muster_store::{Actor, AuditOutcome, NewAudit, StaffRole, Store};
use serde_json::json;

use super::session::{Caller, Session};
use crate::schema::{ApiError, of_schema};

/// Something that staff may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// See the counts of the running platform.
    ReadLive,
    /// See matches, their players and their events.
    ReadMatches,
    /// See queues: their rules and history, who waits in them, how they do.
    ReadQueues,
    /// See what became of a ticket, and why it has not matched.
    ReadTickets,
    /// See leaderboards, and how they are.
    ReadLeaderboards,
    /// Have leaderboards made again.
    RebuildLeaderboards,
    /// See the servers that games have registered.
    ReadServers,
    /// Make and change queues.
    EditQueues,
    /// Replay recorded tickets against other rules: it changes nothing, but costs seconds of computing.
    DryRunQueues,
    /// See event types and their history, closed sources, and counts of what was not stored as it came.
    ReadEventTypes,
    /// Make and change event types; switch types and sources on and off.
    EditEventTypes,
    /// Make and change seasons.
    EditSeasons,
    /// See answers about players, sessions, queues and matches: counts, never a person.
    ReadInsights,
    /// Take such answers out of the house as files.
    ExportInsights,
    /// Watch single events as they come in.
    WatchEvents,
    /// See dead letters, and try again what was not stored as it came.
    ReplayTelemetry,
}

impl Permission {
    /// The permission's name, as a refusal tells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadLive => "read_live",
            Self::ReadMatches => "read_matches",
            Self::ReadQueues => "read_queues",
            Self::ReadTickets => "read_tickets",
            Self::ReadLeaderboards => "read_leaderboards",
            Self::RebuildLeaderboards => "rebuild_leaderboards",
            Self::ReadServers => "read_servers",
            Self::EditQueues => "edit_queues",
            Self::DryRunQueues => "dry_run_queues",
            Self::ReadEventTypes => "read_event_types",
            Self::ReadInsights => "read_insights",
            Self::ExportInsights => "export_insights",
            Self::WatchEvents => "watch_events",
            Self::EditEventTypes => "edit_event_types",
            Self::EditSeasons => "edit_seasons",
            Self::ReplayTelemetry => "replay_telemetry",
        }
    }

    /// What the audit log calls trying without the permission; None for what only looks.
    fn act(self) -> Option<&'static str> {
        match self {
            Self::EditQueues => Some("queue.change"),
            Self::RebuildLeaderboards => Some("leaderboard.rebuild"),
            Self::EditEventTypes => Some("event_type.change"),
            Self::EditSeasons => Some("season.change"),
            Self::ReplayTelemetry => Some("telemetry.replay"),
            Self::ExportInsights => Some(crate::export::ACTION),
            Self::ReadLive
            | Self::ReadMatches
            | Self::ReadQueues
            | Self::ReadTickets
            | Self::ReadLeaderboards
            | Self::ReadServers
            | Self::DryRunQueues
            | Self::ReadInsights
            | Self::WatchEvents
            | Self::ReadEventTypes => None,
        }
    }
}

/// Whether a role has a permission. Exhaustive on purpose: a new role or permission does not compile until it is decided.
pub fn grants(role: StaffRole, permission: Permission) -> bool {
    match permission {
        Permission::ReadLive
        | Permission::ReadMatches
        | Permission::ReadQueues
        | Permission::ReadTickets
        | Permission::ReadLeaderboards
        | Permission::ReadServers
        | Permission::ReadInsights
        | Permission::ReadEventTypes => match role {
            StaffRole::Viewer | StaffRole::Support | StaffRole::Operator | StaffRole::Admin => true,
        },
        Permission::EditQueues
        | Permission::RebuildLeaderboards
        | Permission::DryRunQueues
        | Permission::ExportInsights
        | Permission::WatchEvents
        | Permission::EditEventTypes
        | Permission::EditSeasons
        | Permission::ReplayTelemetry => match role {
            StaffRole::Viewer | StaffRole::Support => false,
            StaffRole::Operator | StaffRole::Admin => true,
        },
    }
}

/// Lets only those through whose role has the permission. Who tries to act without it is in the audit log.
pub struct Needs(pub Permission);

impl Guard for Needs {
    async fn check(&self, context: &Context<'_>) -> async_graphql::Result<()> {
        let session = session_of(context)?;
        if grants(session.member.role, self.0) {
            return Ok(());
        }
        if let Some(action) = self.0.act() {
            note_denied(context, session, action, self.0).await?;
        }
        Err(ApiError::Forbidden { role: session.member.role, permission: self.0 }.into())
    }
}

async fn note_denied(
    context: &Context<'_>,
    session: &Session,
    action: &str,
    permission: Permission,
) -> Result<(), ApiError> {
    let entry = NewAudit {
        actor: Actor::Staff(session.member.staff_id),
        action: action.to_owned(),
        target: None,
        reason: None,
        outcome: AuditOutcome::Denied,
        details: json!({ "permission": permission.as_str(), "role": session.member.role }),
    };
    let audit = &of_schema::<Store>(context)?.audit;
    audit.append(&entry, muster_store::now()).await.map_err(ApiError::internal("note_denied"))?;
    Ok(())
}

/// Lets everybody through who is signed in.
pub struct SignedIn;

impl Guard for SignedIn {
    async fn check(&self, context: &Context<'_>) -> async_graphql::Result<()> {
        session_of(context)?;
        Ok(())
    }
}

/// The session of whoever asks.
///
/// # Errors
/// Nobody is signed in.
pub fn session_of<'a>(context: &Context<'a>) -> Result<&'a Session, ApiError> {
    context.data_opt::<Caller>().and_then(|caller| caller.session.as_ref()).ok_or(ApiError::Unauthenticated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_may_look() {
        for role in [StaffRole::Viewer, StaffRole::Support, StaffRole::Operator, StaffRole::Admin] {
            assert!(grants(role, Permission::ReadLive));
            assert!(grants(role, Permission::ReadMatches));
            assert!(grants(role, Permission::ReadQueues));
            assert!(grants(role, Permission::ReadTickets));
            assert!(grants(role, Permission::ReadLeaderboards));
            assert!(grants(role, Permission::ReadServers));
            assert!(grants(role, Permission::ReadEventTypes));
        }
    }

    #[test]
    fn only_who_runs_the_platform_changes_it() {
        let acts = [
            Permission::EditQueues,
            Permission::RebuildLeaderboards,
            Permission::DryRunQueues,
            Permission::EditEventTypes,
            Permission::EditSeasons,
            Permission::ReplayTelemetry,
        ];
        for permission in acts {
            let may = [StaffRole::Viewer, StaffRole::Support, StaffRole::Operator, StaffRole::Admin]
                .map(|role| grants(role, permission));
            assert_eq!(may, [false, false, true, true], "{}", permission.as_str());
        }
    }
}
