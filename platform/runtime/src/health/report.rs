//! What is said about the health of a process.

use std::fmt::Display;

use serde::Serialize;

/// The state of one dependency, as its check found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It works.
    Healthy,
    /// It works, but not as it should; says what is wrong.
    Degraded(String),
    /// It does not work; says what is wrong.
    Down(String),
}

impl<E: Display> From<Result<(), E>> for Condition {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::Healthy,
            // The alternate form of an `anyhow::Error` has its whole chain.
            Err(error) => Self::Down(format!("{error:#}")),
        }
    }
}

/// The state of a dependency or of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All is well.
    Healthy,
    /// Something is wrong, but work can go on.
    Degraded,
    /// No work can be done.
    Down,
    /// The process is not set up yet.
    Starting,
    /// The process finishes its work and takes no more.
    Draining,
}

impl Status {
    /// Whether work may be sent.
    pub fn is_ready(self) -> bool {
        matches!(self, Self::Healthy | Self::Degraded)
    }

    pub(super) fn of(dependencies: &[DependencyReport]) -> Self {
        if dependencies.iter().any(|dependency| dependency.critical && dependency.status == Self::Down) {
            Self::Down
        } else if dependencies.iter().any(|dependency| dependency.status != Self::Healthy) {
            Self::Degraded
        } else {
            Self::Healthy
        }
    }
}

/// One dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DependencyReport {
    /// Its name.
    pub name: String,
    /// `healthy`, `degraded` or `down`.
    pub status: Status,
    /// Whether the process is not ready without it.
    pub critical: bool,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The process and all it depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthReport {
    /// The process.
    pub status: Status,
    /// What it depends on, in the order of registration.
    pub dependencies: Vec<DependencyReport>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(critical: bool, status: Status) -> DependencyReport {
        DependencyReport { name: "x".to_owned(), status, critical, detail: None }
    }

    #[test]
    fn only_a_critical_dependency_takes_the_process_down() {
        use Status::*;
        for (dependencies, status) in [
            (vec![], Healthy),
            (vec![(true, Healthy), (false, Healthy)], Healthy),
            (vec![(true, Degraded)], Degraded),
            (vec![(true, Healthy), (false, Down)], Degraded),
            (vec![(true, Down), (false, Healthy)], Down),
        ] {
            let dependencies: Vec<_> =
                dependencies.into_iter().map(|(critical, status)| dependency(critical, status)).collect();
            assert_eq!(Status::of(&dependencies), status, "{dependencies:?}");
        }
    }

    #[test]
    fn an_error_is_down_with_its_whole_chain() {
        let error = anyhow::anyhow!("connection refused").context("cannot reach PostgreSQL");
        assert_eq!(
            Condition::from(Err(error)),
            Condition::Down("cannot reach PostgreSQL: connection refused".to_owned())
        );
    }
}
