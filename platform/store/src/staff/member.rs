//! What a member of staff is.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use muster_core::id::StaffId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Result, codec};

/// What a member may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StaffRole {
    /// Look.
    Viewer,
    /// Help single players.
    Support,
    /// Run the games.
    Operator,
    /// Run the staff.
    Admin,
}

impl StaffRole {
    const ALL: [Self; 4] = [Self::Viewer, Self::Support, Self::Operator, Self::Admin];

    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for StaffRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is not a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no role is called `{0}`: use viewer, support, operator or admin")]
pub struct UnknownRole(pub String);

impl FromStr for StaffRole {
    type Err = UnknownRole;

    fn from_str(text: &str) -> std::result::Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// A member of staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffMember {
    /// Who.
    pub staff_id: StaffId,
    /// What they sign in with; one member each, whatever the case of its letters.
    pub email: String,
    /// What others see.
    pub display_name: String,
    /// What they may do.
    pub role: StaffRole,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Whether they may not sign in any more.
    pub disabled: bool,
}

/// A member to be added.
#[derive(Clone, PartialEq, Eq)]
pub struct NewStaff {
    /// Who.
    pub staff_id: StaffId,
    /// What they sign in with.
    pub email: String,
    /// What others see.
    pub display_name: String,
    /// What they may do.
    pub role: StaffRole,
    /// argon2, in its PHC text form.
    pub password_hash: String,
}

/// A member, and what their password is checked against.
#[derive(Clone, PartialEq, Eq)]
pub struct StaffCredentials {
    /// The member; perhaps disabled.
    pub member: StaffMember,
    /// argon2, in its PHC text form.
    pub password_hash: String,
}

/// A row of staff.members without its hash.
pub(super) struct Row {
    pub staff_id: Uuid,
    pub email: String,
    pub display_name: String,
    pub role: String,
    pub created_at: DateTime<Utc>,
    pub disabled: bool,
}

impl TryFrom<Row> for StaffMember {
    type Error = crate::StoreError;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            staff_id: StaffId::from_uuid(row.staff_id),
            email: row.email,
            display_name: row.display_name,
            role: codec::parse("a staff member's role", &row.role)?,
            created_at: row.created_at,
            disabled: row.disabled,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_ordered_and_named_as_stored() {
        assert!(StaffRole::Viewer < StaffRole::Support && StaffRole::Operator < StaffRole::Admin);
        for role in StaffRole::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        assert!("ADMIN".parse::<StaffRole>().is_err());
    }
}
