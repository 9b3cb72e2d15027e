//! What can go wrong between a game and the platform.
//!
//! [`ClientError::Problem`] is the platform saying no, with a stable code to act on; everything else is the way there.

use std::time::Duration;

use muster_core::wire::Problem;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The platform refused, and says why and what to do.
    #[error("the platform refused ({}): {}", .0.code, .0.detail)]
    Problem(Box<Problem>),
    /// The platform refused a message on the socket.
    #[error("the platform refused ({code}): {message}")]
    Refused {
        /// Stable; the same catalogue as a problem's.
        code: String,
        /// One sentence for a person.
        message: String,
    },
    /// The base URL is not one of `http://` or `https://` with a host.
    #[error("`{url}` is not an address of a platform: it must begin with http:// or https:// and have a host")]
    Address {
        /// What was given.
        url: String,
    },
    /// The request did not get through, or the answer did not get back.
    #[error("the platform cannot be reached")]
    Transport(#[source] reqwest::Error),
    /// The answer is not what this version of the SDK understands.
    #[error("the platform's answer to {what} cannot be read: {reason}")]
    Answer {
        /// Which call.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A message on the socket was not answered. Whether it had its effect is unknown; ask for the state.
    #[error("no answer within {0:?}")]
    NoAnswer(Duration),
    /// The connection is closed for good.
    #[error("the connection is closed")]
    Closed,
}

impl ClientError {
    /// The platform's stable code, where it was the platform that refused.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) => Some(&problem.code),
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether the same call may well succeed a little later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Problem(problem) => matches!(problem.status, 429 | 500..=504),
            Self::Transport(error) => !error.is_builder() && !error.is_redirect(),
            Self::NoAnswer(_) => true,
            Self::Refused { .. } | Self::Address { .. } | Self::Answer { .. } | Self::Closed => false,
        }
    }

    /// Whether a new sign-in is what is needed.
    pub(crate) fn wants_sign_in(&self) -> bool {
        match self {
            Self::Problem(problem) => problem.status == 401 && is_token_code(&problem.code),
            _ => false,
        }
    }
}

/// The codes with which the platform says that a token is of no use any more. A server that took on a new signing key
/// knows the old tokens as invalid, not as expired; both are cured by signing in again.
pub(crate) fn is_token_code(code: &str) -> bool {
    matches!(code, "token_expired" | "token_invalid")
}
