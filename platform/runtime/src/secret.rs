//! A setting that must never be seen.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What stands in the place of a secret wherever it could be read.
pub(crate) const REDACTED: &str = "[redacted]";
/// A setting of this form names a key of the secrets provider.
const REFERENCE: &str = "secret:";
/// Between key and value once a reference is resolved. A TOML file or an environment variable has no use for NUL.
const RESOLVED: char = '\0';

/// A secret text setting: shown as `[redacted]` by `Debug`, `Display` and `Serialize`, wiped from memory when dropped.
///
/// The value `secret:KEY` is fetched from the secrets provider while the settings are loaded; [`Secret::reference`] then
/// tells the key, which is what [`SecretSource::watch`](crate::SecretSource::watch) takes.
///
/// ```
/// let token = muster_runtime::Secret::new("open sesame");
/// assert_eq!(format!("{token} {token:?}"), "[redacted] Secret([redacted])");
/// assert_eq!(token.expose(), "open sesame");
/// ```
#[derive(Clone, Default)]
pub struct Secret {
    value: SecretString,
    reference: Option<String>,
}

impl Secret {
    /// A secret with this value.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: SecretString::from(value.into()), reference: None }
    }

    /// The value itself. Keep it out of logs, errors and metrics.
    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// The key this value was fetched by, when the setting said `secret:KEY`.
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl From<SecretString> for Secret {
    fn from(value: SecretString) -> Self {
        Self { value, reference: None }
    }
}

/// Compares the values, for settings and tests. Not constant in time: never use it to check a credential.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "" } else { REDACTED })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::parse(String::deserialize(deserializer)?);
        Ok(Self { value: SecretString::from(written.value), reference: written.reference })
    }
}

/// The text of a secret setting, taken apart.
pub(crate) struct Written {
    /// The value; for a reference that is not resolved yet, the reference itself.
    pub(crate) value: String,
    /// The key of the reference.
    pub(crate) reference: Option<String>,
}

impl Written {
    pub(crate) fn parse(text: String) -> Self {
        let Some(rest) = text.strip_prefix(REFERENCE) else {
            return Self { value: text, reference: None };
        };
        match rest.split_once(RESOLVED) {
            Some((key, value)) => Self { value: value.to_owned(), reference: Some(key.to_owned()) },
            None => Self { reference: Some(rest.to_owned()), value: text },
        }
    }
}

/// The key named by a setting's text of the form `secret:KEY`, when it is one that waits to be resolved.
pub(crate) fn reference_in(text: &str) -> Option<&str> {
    text.strip_prefix(REFERENCE).filter(|rest| !rest.contains(RESOLVED))
}

/// The text that carries a reference together with its value to `Deserialize`.
pub(crate) fn resolved(key: &str, value: &str) -> String {
    format!("{REFERENCE}{key}{RESOLVED}{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_shown() {
        let secret = Secret::new("hunter2");
        let shown =
            format!("{secret} {secret:?} {} {}", serde_json::to_string(&secret).unwrap(), serde_json::json!([secret]));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(serde_json::to_value(&secret).unwrap(), "[redacted]");
    }

    #[test]
    fn an_empty_secret_shows_that_nothing_is_set() {
        assert_eq!(serde_json::to_value(Secret::default()).unwrap(), "");
    }

    #[test]
    fn a_resolved_reference_keeps_its_key() {
        let secret: Secret = serde_json::from_value(resolved("db", "p4ss").into()).unwrap();
        assert_eq!((secret.expose(), secret.reference()), ("p4ss", Some("db")));
        assert_eq!(reference_in("secret:db"), Some("db"));
        assert_eq!(reference_in(&resolved("db", "p4ss")), None);
    }
}
