//! What a role may do, and the guard that stands before every resolver.

use async_graphql::{Context, Guard};
use muster_store::StaffRole;

use super::session::{Caller, Session};
use crate::schema::ApiError;

/// Something that staff may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// See the counts of the running platform.
    ReadLive,
    /// See matches, their players and their events.
    ReadMatches,
}

impl Permission {
    /// The permission's name, as a refusal tells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadLive => "read_live",
            Self::ReadMatches => "read_matches",
        }
    }
}

/// Whether a role has a permission. Exhaustive on purpose: a new role or permission does not compile until it is decided.
pub fn grants(role: StaffRole, permission: Permission) -> bool {
    match permission {
        Permission::ReadLive | Permission::ReadMatches => match role {
            StaffRole::Viewer | StaffRole::Support | StaffRole::Operator | StaffRole::Admin => true,
        },
    }
}

/// Lets only those through whose role has the permission.
pub struct Needs(pub Permission);

impl Guard for Needs {
    async fn check(&self, context: &Context<'_>) -> async_graphql::Result<()> {
        let session = session_of(context)?;
        if grants(session.member.role, self.0) {
            Ok(())
        } else {
            Err(ApiError::Forbidden { role: session.member.role, permission: self.0 }.into())
        }
    }
}

/// Lets everybody through who is signed in.
pub struct SignedIn;

impl Guard for SignedIn {
    async fn check(&self, context: &Context<'_>) -> async_graphql::Result<()> {
        session_of(context)?;
        Ok(())
    }
}

fn session_of<'a>(context: &Context<'a>) -> Result<&'a Session, ApiError> {
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
        }
    }
}
