//! Why Vault did not do it. Messages name places, never values.

use vaultrs::error::ClientError;

use crate::reconcile::Error;

/// Why Vault did not do it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct VaultError {
    /// What kind of trouble it is.
    pub trouble: Trouble,
    /// One sentence for a person: what, where, what to do.
    pub message: String,
}

/// Kinds of trouble with Vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The operator is not told which Vault there is, or who it is there.
    NotConfigured,
    /// It does not answer, or not in time.
    Unavailable,
    /// It is sealed.
    Sealed,
    /// The operator may not do that.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// Somebody else wrote at the same time.
    Conflict,
    /// It was asked for something that it does not do.
    Refused,
}

impl Trouble {
    /// One stable word for programs.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotConfigured => "VaultNotConfigured",
            Self::Unavailable => "VaultUnavailable",
            Self::Sealed => "VaultSealed",
            Self::Forbidden => "VaultForbidden",
            Self::NotFound => "VaultNotFound",
            Self::Conflict => "VaultConflict",
            Self::Refused => "VaultRefused",
        }
    }
}

impl VaultError {
    /// Of a kind, with a sentence.
    pub fn new(trouble: Trouble, message: impl Into<String>) -> Self {
        Self { trouble, message: message.into() }
    }

    /// What the client said while it was asked for `place`.
    pub(super) fn of(error: &ClientError, place: &str) -> Self {
        match error {
            ClientError::APIError { code: 403, .. } => Self::new(
                Trouble::Forbidden,
                format!("Vault does not let the operator use {place} (403): check the policy of its token"),
            ),
            ClientError::APIError { code: 404, errors } => {
                Self::new(Trouble::NotFound, format!("Vault has no {place} (404{})", told(errors)))
            }
            ClientError::APIError { code: 503, .. } => Self::new(
                Trouble::Sealed,
                "Vault is sealed or in maintenance (503): unseal it with `vault operator unseal`",
            ),
            ClientError::APIError { code: 400, errors } if errors.iter().any(|e| e.contains("check-and-set")) => {
                Self::new(Trouble::Conflict, format!("somebody else has written {place} at the same time"))
            }
            ClientError::APIError { code, errors } if *code >= 500 => {
                Self::new(Trouble::Unavailable, format!("Vault failed at {place} ({code}{})", told(errors)))
            }
            ClientError::APIError { code, errors } => {
                Self::new(Trouble::Refused, format!("Vault refuses {place} ({code}{})", told(errors)))
            }
            other => {
                Self::new(Trouble::Unavailable, format!("Vault does not answer for {place}: {}", innermost(other)))
            }
        }
    }
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        Self::dependency(error.trouble.reason(), error.message)
    }
}

fn told(errors: &[String]) -> String {
    if errors.is_empty() {
        return String::new();
    }
    let mut told = format!(": {}", errors.join("; "));
    // Vault's own words end up in conditions; some go on for pages.
    if told.len() > 500 {
        let end = (0..=500).rev().find(|at| told.is_char_boundary(*at)).unwrap_or(0);
        told.truncate(end);
        told.push('…');
    }
    told
}

/// The cause at the bottom of an error, which is the one that tells something.
fn innermost(error: &ClientError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
