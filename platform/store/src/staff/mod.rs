//! Staff members and their sessions. Whatever changes here writes its audit entry in the same transaction.

mod member;
mod members;
mod sessions;
mod sign_ins;

use serde_json::json;
use sqlx::PgPool;

use crate::{Actor, AuditOutcome, NewAudit, StoreError};

pub use member::{NewStaff, StaffCredentials, StaffMember, StaffRole, UnknownRole};
pub use sessions::StaffSession;

/// Why a change to the staff was not made.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// Somebody has this address already.
    #[error("a staff member with this email address exists already")]
    EmailTaken,
    /// There is no such member.
    #[error("there is no such staff member")]
    Unknown,
    /// Nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for StaffError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Handle on the staff.
#[derive(Clone)]
pub struct Staff {
    postgres: PgPool,
}

impl Staff {
    pub(crate) fn new(postgres: PgPool) -> Self {
        Self { postgres }
    }
}

fn act(actor: &Actor, action: &str, target: String, reason: Option<&str>) -> NewAudit {
    NewAudit {
        actor: actor.clone(),
        action: action.to_owned(),
        target: Some(target),
        reason: reason.map(str::to_owned),
        outcome: AuditOutcome::Succeeded,
        details: json!({}),
    }
}
