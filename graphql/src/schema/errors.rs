//! What can go wrong, as `extensions.code` tells it.
//!
//! [`ApiError`] is for answers to staff: it says what to do and never holds a store's error text. Whatever staff can
//! do nothing about becomes `internal` through [`ApiError::internal`], which logs and counts the cause, once.

use std::error::Error as StdError;

use async_graphql::{Error, ErrorExtensions, Response, ServerError};
use muster_store::StaffRole;

use crate::{auth::Permission, events};

/// An answer that is a refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No valid session.
    #[error("sign in first: the operation needs a valid staff session")]
    Unauthenticated,
    /// The session under a running subscription ended.
    #[error("the session has ended: sign in again")]
    SessionOver,
    /// Sign-in with an unknown e-mail address, a disabled account or a wrong password; nobody learns which.
    #[error("the e-mail address or the password is wrong")]
    WrongCredentials,
    /// The role does not have the permission.
    #[error("the role {role} may not do this; it needs the permission {}", permission.as_str())]
    Forbidden {
        /// The caller's role.
        role: StaffRole,
        /// What the role lacks.
        permission: Permission,
    },
    /// An argument or the operation itself is not acceptable.
    #[error("{0}")]
    BadInput(String),
    /// There is no such thing.
    #[error("there is no {what} {id}")]
    NotFound {
        /// The noun.
        what: &'static str,
        /// As it was asked for.
        id: String,
    },
    /// Too many sign-in attempts.
    #[error("too many attempts: wait a minute and try again")]
    TooManyAttempts,
    /// Not the caller's fault.
    #[error("the staff API could not answer: try again, and give the trace id to an operator if it stays so")]
    Internal,
}

impl ApiError {
    /// The argument is not acceptable; say which, and what would be.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::BadInput(message.into())
    }

    /// For `map_err`: logs and counts the cause, and answers `internal`.
    pub fn internal<E: StdError + 'static>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |error| {
            events::internal_error(doing, &error);
            Self::Internal
        }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated | Self::SessionOver | Self::WrongCredentials => "unauthenticated",
            Self::Forbidden { .. } => "forbidden",
            Self::BadInput(_) => BAD_INPUT,
            Self::NotFound { .. } => "not_found",
            Self::TooManyAttempts => "too_many_attempts",
            Self::Internal => "internal",
        }
    }

    /// The refusal as a whole answer, for what is refused before any resolver runs.
    pub fn into_response(self) -> Response {
        let error: Error = self.into();
        let mut answer = ServerError::new(error.message, None);
        answer.extensions = error.extensions;
        Response::from_errors(vec![answer])
    }
}

const BAD_INPUT: &str = "bad_input";

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        let code = error.code();
        Error::new(error.to_string()).extend_with(|_, extensions| {
            extensions.set("code", code);
            if let Some(trace_id) = muster_runtime::trace_context::current_trace_id() {
                extensions.set("trace_id", trace_id);
            }
        })
    }
}

/// Gives every error a code. Those without come from parsing and validation, so the operation was at fault.
pub fn with_codes(mut response: Response) -> Response {
    for error in &mut response.errors {
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            extensions.set("code", BAD_INPUT);
        }
    }
    response
}

/// `ok`, or the code of the first error, for metrics: one of the words of [`ApiError::code`].
pub fn outcome_of(response: &Response) -> &'static str {
    let Some(error) = response.errors.first() else { return "ok" };
    let code = match error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        Some(async_graphql::Value::String(code)) => code.as_str(),
        _ => BAD_INPUT,
    };
    match code {
        "unauthenticated" => "unauthenticated",
        "forbidden" => "forbidden",
        "not_found" => "not_found",
        "too_many_attempts" => "too_many_attempts",
        "internal" => "internal",
        _ => BAD_INPUT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_carries_its_code() {
        let response = ApiError::TooManyAttempts.into_response();
        assert_eq!(outcome_of(&response), "too_many_attempts");
        assert!(response.errors[0].message.starts_with("too many attempts"));
    }

    #[test]
    fn errors_without_a_code_are_the_operations_fault() {
        let response = with_codes(Response::from_errors(vec![ServerError::new("unknown field", None)]));
        assert_eq!(outcome_of(&response), "bad_input");
    }
}
