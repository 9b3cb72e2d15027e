//! What can be wrong with a setting, told so that a person can put it right.

use std::fmt;

use super::path::Path;

/// One thing that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting, as `section.key`; empty when the problem is not one setting's.
    pub key: String,
    /// The environment variable that sets it; empty when `key` is.
    pub env: String,
    /// What is wrong, with which value, from where (never with a secret), and what to do.
    pub message: String,
}

impl Problem {
    pub(super) fn at(path: &Path, message: impl Into<String>) -> Self {
        Self { key: path.to_string(), env: path.env(), message: message.into() }
    }

    /// A problem that is not about one setting.
    pub(super) fn general(message: impl Into<String>) -> Self {
        Self { key: String::new(), env: String::new(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{} ({}): {}", self.key, self.env, self.message)
    }
}

/// Settings that cannot be used. Displays every problem, one a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// All that is wrong; never empty.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self::new(vec![problem])
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        write!(f, "the configuration is not valid, {count} problem{}:", if count == 1 { "" } else { "s" })?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}
