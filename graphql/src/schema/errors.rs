//! What can go wrong, as `extensions.code` tells it.
//!
//! [`ApiError`] is for answers to staff: it says what to do and never holds a store's error text. Whatever staff can
//! do nothing about becomes `internal` through [`ApiError::internal`], which logs and counts the cause, once.

use std::error::Error as StdError;

use async_graphql::{Error, ErrorExtensions, Response, ServerError, Value, value};
use muster_core::{matchmaking::InvalidQueue, wire::FieldError};
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
    /// Fields of what was sent have values that are not allowed; at least one.
    #[error("{}", listed(.0))]
    InvalidFields(Vec<FieldError>),
    /// A queue was to be made, and is there.
    #[error("there is a queue {name} already: change it, or choose another name")]
    QueueExists {
        /// Its name.
        name: String,
    },
    /// An event type was to be made, and is there.
    #[error("there is an event type {name} already: change it, or choose another name")]
    EventTypeExists {
        /// Its name.
        name: String,
    },
    /// Somebody else changed it first: a queue, or an event type.
    #[error("{name} is at version {current} by now: look at what changed, then change that version")]
    VersionConflict {
        /// Its name.
        name: String,
        /// Its newest version.
        current: u32,
    },
    /// Others are asking for the same costly thing.
    #[error("other dry runs are under way: try again in a few seconds")]
    Busy,
    /// What was asked for is too much work.
    #[error("the dry run took longer than {seconds} s and was given up: choose a shorter span")]
    TookTooLong {
        /// How long it may take.
        seconds: u64,
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
            Self::InvalidFields(_) => "invalid_field",
            Self::QueueExists { .. } => "queue_exists",
            Self::EventTypeExists { .. } => "event_type_exists",
            Self::VersionConflict { .. } => "version_conflict",
            Self::Busy => "busy",
            Self::TookTooLong { .. } => "took_too_long",
            Self::TooManyAttempts => "too_many_attempts",
            Self::Internal => "internal",
        }
    }

    /// One field has a value that is not allowed.
    pub fn invalid_field(path: &str, message: impl Into<String>) -> Self {
        Self::InvalidFields(vec![FieldError::new(path, message)])
    }

    /// What a program may want to know besides the code.
    fn details(&self) -> Option<(&'static str, Value)> {
        match self {
            Self::InvalidFields(fields) => {
                let field =
                    |field: &FieldError| value!({ "path": field.path.clone(), "message": field.message.clone() });
                Some(("errors", Value::List(fields.iter().map(field).collect())))
            }
            Self::VersionConflict { current, .. } => Some(("current_version", (*current).into())),
            _ => None,
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

/// Every complaint in a line of its own words, for a person.
fn listed(fields: &[FieldError]) -> String {
    fields.iter().map(|field| format!("{}: {}", field.path, field.message)).collect::<Vec<_>>().join("; ")
}

impl From<InvalidQueue> for ApiError {
    fn from(invalid: InvalidQueue) -> Self {
        Self::InvalidFields(invalid.0)
    }
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        let (code, details) = (error.code(), error.details());
        Error::new(error.to_string()).extend_with(|_, extensions| {
            extensions.set("code", code);
            if let Some((name, details)) = details {
                extensions.set(name, details);
            }
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
        "invalid_field" => "invalid_field",
        "queue_exists" => "queue_exists",
        "version_conflict" => "version_conflict",
        "busy" => "busy",
        "took_too_long" => "took_too_long",
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
    fn every_field_is_told_to_people_and_to_programs() {
        let fields = vec![FieldError::new("teams.count", "has to be 1 to 16"), FieldError::new("name", "is missing")];
        let response = ApiError::InvalidFields(fields).into_response();
        assert_eq!(outcome_of(&response), "invalid_field");
        assert_eq!(response.errors[0].message, "teams.count: has to be 1 to 16; name: is missing");
        let extensions = response.errors[0].extensions.clone().expect("the error has extensions");
        let errors = extensions.get("errors").expect("the fields").clone();
        assert_eq!(
            errors.into_json().expect("plain JSON"),
            serde_json::json!([
                { "path": "teams.count", "message": "has to be 1 to 16" },
                { "path": "name", "message": "is missing" }
            ])
        );
    }

    #[test]
    fn errors_without_a_code_are_the_operations_fault() {
        let response = with_codes(Response::from_errors(vec![ServerError::new("unknown field", None)]));
        assert_eq!(outcome_of(&response), "bad_input");
    }
}
