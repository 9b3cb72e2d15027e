//! The one error that pages see: what went wrong, in words for staff, and what to do about it.
//!
//! It is a closed list on purpose. It travels through the address bar when JavaScript is off, so it must not carry
//! text that somebody else could write. Details are in the dashboard's log.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// Why the dashboard could not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ApiError {
    /// There is no session, or it has ended.
    #[error("not signed in")]
    SignedOut,
    /// Email or password is wrong.
    #[error("wrong email or password")]
    WrongCredentials,
    /// Too many sign-ins failed in a short time.
    #[error("too many attempts")]
    TooManyAttempts,
    /// The role of the signed-in staff does not allow it.
    #[error("not allowed")]
    Forbidden,
    /// The filter or cursor in the address is not one that exists.
    #[error("bad input")]
    BadInput,
    /// The staff API does not answer.
    #[error("the staff API does not answer")]
    Unreachable,
    /// The browser cannot reach the dashboard.
    #[error("the dashboard does not answer")]
    Offline,
    /// Anything else; the dashboard's log has the details.
    #[error("internal error")]
    Internal,
}

impl ApiError {
    /// The code of a GraphQL error (`extensions.code`).
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        match code {
            "unauthenticated" => Self::SignedOut,
            "forbidden" => Self::Forbidden,
            "bad_input" => Self::BadInput,
            "too_many_attempts" => Self::TooManyAttempts,
            _ => Self::Internal,
        }
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::SignedOut | Self::WrongCredentials => 401,
            Self::Forbidden => 403,
            Self::BadInput => 400,
            Self::TooManyAttempts => 429,
            Self::Unreachable | Self::Offline => 503,
            Self::Internal => 500,
        }
    }

    /// What happened, for a heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::SignedOut => "Your session has ended",
            Self::WrongCredentials => "Email or password is wrong",
            Self::TooManyAttempts => "Too many attempts",
            Self::Forbidden => "Your role does not allow this",
            Self::BadInput => "This address does not work",
            Self::Unreachable => "The staff API does not answer",
            Self::Offline => "The dashboard cannot be reached",
            Self::Internal => "Something went wrong",
        }
    }

    /// What to do, in a sentence.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::SignedOut => "Sign in again to go on.",
            Self::WrongCredentials => "Check both and try again. An admin can set a new password.",
            Self::TooManyAttempts => "Wait a minute, then try again.",
            Self::Forbidden => "Ask an admin for the role you need.",
            Self::BadInput => "The filter or page in the address does not exist (any more). Start from the first page.",
            Self::Unreachable => {
                "Check that muster-graphql runs and is ready (/readyz on its ops port), then try again. Matches go on meanwhile."
            }
            Self::Offline => "Check your connection, then try again. Matches go on meanwhile.",
            Self::Internal => "Try again. If it stays, look for the error in the log of muster-dashboard.",
        }
    }
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::Offline,
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => Self::BadInput,
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_says_what_to_do() {
        for code in ["unauthenticated", "forbidden", "bad_input", "too_many_attempts", "internal", "not_found", "new"] {
            let error = ApiError::from_code(code);
            assert!(error.advice().ends_with('.'), "{code}");
            assert!((400..600).contains(&error.status()), "{code}");
        }
    }

    #[test]
    fn it_survives_the_way_through_the_address_bar() {
        for error in [ApiError::WrongCredentials, ApiError::TooManyAttempts, ApiError::Unreachable] {
            assert_eq!(ApiError::de(error.ser()), error);
        }
        assert_eq!(ApiError::de("\"<script>\"".into()), ApiError::Internal);
    }
}
