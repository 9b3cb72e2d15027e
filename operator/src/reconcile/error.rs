//! What can go wrong in a reconcile, in classes that are retried each in its own way.

use std::time::Duration;

/// Why a resource could not be made what it says.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the resource says cannot be done; only somebody who changes it can help.
    #[error("{message}")]
    Invalid {
        /// One stable word for programs.
        reason: &'static str,
        /// One sentence for a person: what, which value, what to do.
        message: String,
    },
    /// Something that the resource relies on is missing or does not answer: a Secret, Vault, the platform.
    #[error("{message}")]
    Dependency {
        /// One stable word for programs.
        reason: &'static str,
        /// One sentence for a person: what, and what to do.
        message: String,
    },
    /// Nothing is wrong, and it is not done yet: what a deleted resource says that keeps its finalizer.
    #[error("{message}")]
    Waiting {
        /// What is waited for.
        message: String,
        /// When to look again.
        again: Duration,
    },
    /// The API server does not allow it: the operator's role lacks something, or an admission rule refuses.
    #[error("the API server does not allow it: {0}")]
    Forbidden(#[source] kube::Error),
    /// Somebody else wrote the same thing at the same time.
    #[error("somebody else has changed it meanwhile: {0}")]
    Conflict(#[source] kube::Error),
    /// Somebody else takes back again and again what the operator writes.
    #[error("{0}")]
    FoughtOver(String),
    /// An object that is to be written exists already and is somebody else's.
    #[error("{0}")]
    NotOurs(String),
    /// The API server did not do it this time.
    #[error("the API server did not answer as it should: {0}")]
    Transient(#[source] kube::Error),
}

/// How an error is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Waits for a change; looks again every ten minutes in case that what it speaks of has changed unseen.
    Invalid,
    /// From 2 s to 2 min.
    Dependency,
    /// As long as it says itself.
    Waiting,
    /// From 10 s to 5 min.
    Forbidden,
    /// From 100 ms to 5 s.
    Conflict,
    /// From 500 ms to 1 min.
    Transient,
}

impl Error {
    /// What the resource says cannot be done.
    pub fn invalid(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { reason, message: message.into() }
    }

    /// Something that the resource relies on is missing or does not answer.
    pub fn dependency(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Dependency { reason, message: message.into() }
    }

    /// How it is retried.
    pub fn class(&self) -> Class {
        match self {
            Self::Invalid { .. } => Class::Invalid,
            // Nobody tells the operator when it is gone: it looks.
            Self::Dependency { .. } | Self::NotOurs(_) => Class::Dependency,
            Self::Waiting { .. } => Class::Waiting,
            Self::Forbidden(_) => Class::Forbidden,
            Self::Conflict(_) | Self::FoughtOver(_) => Class::Conflict,
            Self::Transient(_) => Class::Transient,
        }
    }

    /// Whether only a person can mend it, who changes the resource or what is in its way.
    pub fn wants_person(&self) -> bool {
        matches!(self, Self::Invalid { .. } | Self::NotOurs(_))
    }

    /// One stable word for programs: the reason of the condition.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Invalid { reason, .. } | Self::Dependency { reason, .. } => reason,
            Self::Waiting { .. } => "Waiting",
            Self::Forbidden(_) => "Forbidden",
            Self::Conflict(_) => "Conflict",
            Self::FoughtOver(_) => "FoughtOver",
            Self::NotOurs(_) => "ObjectNotOurs",
            Self::Transient(_) => "ApiServerFailed",
        }
    }
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if status.code == 409 => Self::Conflict(error),
            kube::Error::Api(status) if status.code == 403 => Self::Forbidden(error),
            kube::Error::Api(status) if matches!(status.code, 400 | 422) => Self::Invalid {
                reason: "Rejected",
                message: format!("the API server refused an object: {}", status.message),
            },
            kube::Error::SerdeError(cause) => Self::Dependency {
                reason: "Unreadable",
                message: format!("an object that this one relies on cannot be read: {cause}"),
            },
            _ => Self::Transient(error),
        }
    }
}

impl Class {
    /// As it is told in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Dependency => "dependency",
            Self::Waiting => "waiting",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::Transient => "transient",
        }
    }

    /// Whether it usually passes by itself within seconds, so that nobody need be told before it has lasted.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Waiting | Self::Conflict | Self::Transient)
    }

    /// The pause before the next try after `failures` (one or more) in a row; `chance` in 0..1 spreads resources that failed together.
    pub fn pause(self, failures: u32, chance: f64) -> Duration {
        let (first, most) = match self {
            Self::Invalid => (600.0, 600.0),
            Self::Dependency => (2.0, 120.0),
            Self::Waiting => (1.0, 1.0),
            Self::Forbidden => (10.0, 300.0),
            Self::Conflict => (0.1, 5.0),
            Self::Transient => (0.5, 60.0),
        };
        let doubled = first * f64::from(2u32.saturating_pow(failures.saturating_sub(1).min(16)));
        Duration::from_secs_f64(f64::min(doubled, most) * (0.8 + 0.4 * chance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound() {
        let pauses: Vec<_> = (1..=8).map(|failures| Class::Dependency.pause(failures, 0.5).as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 120, 120]);
        assert!(Class::Conflict.pause(1000, 1.0) <= Duration::from_secs(6));
    }

    #[test]
    fn answers_of_the_api_server_have_their_class() {
        let answered = |code| {
            let status = kube::core::Status::failure("no", "Reason").with_code(code);
            Error::from(kube::Error::Api(status.boxed())).class()
        };
        assert_eq!(answered(409), Class::Conflict);
        assert_eq!(answered(403), Class::Forbidden);
        assert_eq!(answered(422), Class::Invalid);
        assert_eq!(answered(500), Class::Transient);
    }
}
