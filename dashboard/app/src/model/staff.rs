//! Who is signed in.

use serde::{Deserialize, Serialize};

/// A signed-in member of staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Staff {
    pub email: String,
    pub display_name: String,
    pub role: StaffRole,
}

/// What a member of staff may do, from looking to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StaffRole {
    Viewer,
    Support,
    Operator,
    Admin,
    /// A role newer than this dashboard.
    #[serde(other)]
    Unknown,
}

impl StaffRole {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::Support => "Support",
            Self::Operator => "Operator",
            Self::Admin => "Admin",
            Self::Unknown => "Staff",
        }
    }
}
