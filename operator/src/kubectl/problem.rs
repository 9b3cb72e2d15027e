//! What went wrong, for a person: what happened, and what to do.

use std::{error::Error, fmt};

use super::{exit::Exit, standing::UNREADABLE_TODO};

/// What went wrong.
#[derive(Debug)]
pub struct Problem {
    /// One sentence: what, and which value.
    pub what: String,
    /// What to do about it; may be empty.
    pub todo: String,
    /// How the command ends over it.
    pub exit: Exit,
    /// It may pass by itself within seconds.
    pub passing: bool,
}

impl Problem {
    /// It cannot be told, or not be done, and will not be by trying again.
    pub fn new(what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { what: what.into(), todo: todo.into(), exit: Exit::Unknown, passing: false }
    }

    /// It could be done, and is not, for a reason.
    pub fn refused(what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { exit: Exit::NotDone, ..Self::new(what, todo) }
    }

    /// The API server has it, and it is not what its kind should be.
    pub fn unreadable(doing: &str, cause: &dyn Error) -> Self {
        Self { exit: Exit::Unreadable, ..Self::new(format!("Could not {doing}: {cause}."), UNREADABLE_TODO) }
    }

    /// The API server did not do what was asked. `doing` follows "may not" and "could not", such as `list Regions`.
    pub fn of(error: &kube::Error, server: &str, doing: &str) -> Self {
        let kube::Error::Api(status) = error else { return Self::unanswered(error, server, doing) };
        let said = &status.message;
        match status.code {
            401 => Self::new(
                format!("The API server {server} does not know you: {said}"),
                "Sign in again, or choose another --context or --kubeconfig; `kubectl auth whoami` shows who you are.",
            ),
            403 => Self::new(
                format!("You may not {doing}: {said}"),
                "Ask whoever looks after the cluster for a role that allows it; `kubectl auth can-i --list` shows what you may do.",
            ),
            409 => Self {
                passing: true,
                ..Self::new(format!("Somebody else changed it at the same time: {said}"), "Try again.")
            },
            400 | 422 => Self::refused(format!("The API server refuses to {doing}: {said}"), ""),
            code => Self {
                passing: code == 429 || code >= 500,
                ..Self::new(format!("Could not {doing}: {said} (HTTP {code})"), "")
            },
        }
    }

    fn unanswered(error: &kube::Error, server: &str, doing: &str) -> Self {
        let cause = cause(error);
        match error {
            kube::Error::Auth(_) => Self::new(
                format!("Your credentials for {server} could not be had: {cause}"),
                "Sign in again, or choose another --context or --kubeconfig.",
            ),
            kube::Error::SerdeError(_) => Self::new(
                format!("Could not {doing}: the answer is not what was expected: {cause}"),
                "The definitions in the cluster may be of another version: compare `kubectl muster --version` with the operator's image.",
            ),
            _ => Self {
                passing: true,
                ..Self::new(
                    format!("The API server {server} does not answer: {cause}"),
                    "Look whether the address is right and reachable from here; `kubectl cluster-info` asks the same server.",
                )
            },
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if self.todo.is_empty() { Ok(()) } else { write!(f, "\n  {}", self.todo) }
    }
}

/// The innermost cause: the outer ones only say that something inside went wrong.
fn cause(mut error: &dyn Error) -> String {
    while let Some(inner) = error.source() {
        error = inner;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn answered(code: u16) -> Problem {
        let status = Status::failure("no such luck", "Reason").with_code(code).boxed();
        Problem::of(&kube::Error::Api(status), "https://k8s", "list Regions")
    }

    #[test]
    fn every_answer_says_what_to_do() {
        for (code, part) in [(401, "whoami"), (403, "can-i"), (409, "Try again")] {
            let problem = answered(code);
            assert!(problem.todo.contains(part) && problem.what.contains("no such luck"), "{problem}");
            assert_eq!(problem.exit, Exit::Unknown);
        }
        assert_eq!(answered(422).exit, Exit::NotDone);
        assert!(answered(503).passing && answered(429).passing && !answered(403).passing);
    }
}
