//! A URL that may carry credentials.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::secret::{REDACTED, Written};

/// Ends every error about a secret value, so that whoever reports the error knows not to add the value.
pub(crate) const NOT_SHOWN: &str = "(the value is not shown because it may hold a password)";

/// A URL setting whose credentials are never shown: a password, a user that stands alone (a NATS token), and query
/// values that are named like one come out as `[redacted]`.
///
/// Takes `secret:KEY` as [`Secret`](crate::Secret) does.
///
/// ```
/// let url = muster_runtime::SecretUrl::parse("postgres://muster:hunter2@db/muster")?;
/// assert_eq!(url.to_string(), "postgres://muster:[redacted]@db/muster");
/// # Ok::<_, muster_runtime::SecretUrlError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct SecretUrl {
    url: Url,
    reference: Option<String>,
}

/// A text that is not a URL. Does not repeat the text.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("is not a URL: {reason}; write it in full, such as scheme://user:password@host:port/name {NOT_SHOWN}")]
pub struct SecretUrlError {
    reason: url::ParseError,
}

impl SecretUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// When the text is not an absolute URL.
    pub fn parse(text: &str) -> Result<Self, SecretUrlError> {
        let url = Url::parse(text).map_err(|reason| SecretUrlError { reason })?;
        Ok(Self { url, reference: None })
    }

    /// The URL as text, credentials included. Keep it out of logs, errors and metrics.
    pub fn expose(&self) -> &str {
        self.url.as_str()
    }

    /// The URL, credentials included. Keep it out of logs, errors and metrics.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The key this URL was fetched by, when the setting said `secret:KEY`.
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// Whether this is a reference that nobody has resolved, which only `--print-config` gets to see.
    fn is_unresolved(&self) -> bool {
        self.reference.is_some() && self.url.scheme() == "secret"
    }
}

impl FromStr for SecretUrl {
    type Err = SecretUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUrl({self})")
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unresolved() { f.write_str(REDACTED) } else { f.write_str(&redact(&self.url)) }
    }
}

/// The URL without what could open a door.
fn redact(url: &Url) -> String {
    if url.cannot_be_a_base() {
        // `user:password@host` reads as scheme `user` and an opaque rest.
        return REDACTED.to_owned();
    }
    let mut shown = url.clone();
    // The setters fail for URLs that cannot have credentials, which then have none to hide.
    if shown.password().is_some() {
        let _ = shown.set_password(Some(REDACTED));
    } else if !shown.username().is_empty() && !matches!(url.scheme(), "postgres" | "postgresql") {
        let _ = shown.set_username(REDACTED);
    }
    if url.query_pairs().any(|(name, _)| is_secret_name(&name)) {
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        shown.query_pairs_mut().clear().extend_pairs(
            pairs.iter().map(|(name, value)| (name, if is_secret_name(name) { REDACTED } else { value.as_str() })),
        );
    }
    shown.to_string().replace("%5Bredacted%5D", REDACTED)
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["pass", "secret", "token", "key", "credential"].iter().any(|part| name.contains(part))
}

impl Serialize for SecretUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::parse(String::deserialize(deserializer)?);
        let parsed = Self::parse(&written.value).map_err(serde::de::Error::custom)?;
        Ok(Self { reference: written.reference, ..parsed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_redacted_wherever_they_stand() {
        for (url, shown) in [
            ("postgres://muster:hunter2@db:5432/muster", "postgres://muster:[redacted]@db:5432/muster"),
            ("postgres://muster@db/muster", "postgres://muster@db/muster"),
            ("nats://s3cr3t@bus:4222", "nats://[redacted]@bus:4222"),
            ("redis://:hunter2@cache:6379/1", "redis://:[redacted]@cache:6379/1"),
            (
                "postgres://db/muster?sslmode=require&password=hunter2",
                "postgres://db/muster?sslmode=require&password=[redacted]",
            ),
            ("http://loki:3100", "http://loki:3100/"),
        ] {
            let url = SecretUrl::parse(url).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("SecretUrl({shown})"));
            assert_eq!(serde_json::to_value(&url).unwrap(), shown);
        }
    }

    #[test]
    fn an_error_does_not_repeat_the_text() {
        assert_eq!(SecretUrl::parse("muster:hunter2@db").unwrap().to_string(), "[redacted]");
        let error = serde_json::from_value::<SecretUrl>("//user:hunter2@db".into()).unwrap_err().to_string();
        assert!(error.contains("is not a URL") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_resolved_reference_keeps_its_key() {
        let url: SecretUrl =
            serde_json::from_value(crate::secret::resolved("db", "postgres://u:p@h/d").into()).unwrap();
        assert_eq!((url.expose(), url.reference()), ("postgres://u:p@h/d", Some("db")));
        let open: SecretUrl = serde_json::from_value("secret:DB_url".into()).unwrap();
        assert_eq!((open.to_string().as_str(), open.reference()), ("[redacted]", Some("DB_url")));
    }
}
