//! The staff session as the browser holds it: a cookie that scripts cannot read and other sites cannot send.

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue, header};

/// The cookie's name.
const COOKIE: &str = "muster_session";

/// How the session cookie is written.
#[derive(Debug, Clone, Copy)]
pub struct CookiePolicy {
    /// Send it over https only. Right wherever browsers reach the dashboard over https.
    pub secure: bool,
}

impl CookiePolicy {
    /// The `Set-Cookie` that keeps `token` until `expires_at`. None when the token could not stand in a cookie.
    pub(crate) fn keep(self, token: &str, expires_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<HeaderValue> {
        if !is_cookie_value(token) {
            return None;
        }
        let max_age = (expires_at - now).num_seconds().max(0);
        self.write(token, max_age)
    }

    /// The `Set-Cookie` that forgets the session.
    pub(crate) fn forget(self) -> Option<HeaderValue> {
        self.write("", 0)
    }

    fn write(self, value: &str, max_age: i64) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        HeaderValue::from_str(&format!(
            "{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age}{secure}"
        ))
        .ok()
    }
}

/// The session token of a request, if it has one.
#[must_use]
pub fn session_token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && !value.is_empty() && is_cookie_value(value))
        .map(|(_, value)| value)
}

/// RFC 6265's cookie-octet, which also keeps a forged cookie from breaking out of a header.
fn is_cookie_value(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x2B | 0x2D..=0x3A | 0x3C..=0x5B | 0x5D..=0x7E))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(text))])
    }

    #[test]
    fn the_cookie_is_closed_to_scripts_and_other_sites() {
        let now = DateTime::UNIX_EPOCH;
        let kept =
            CookiePolicy { secure: true }.keep("abc.DEF-1", now + chrono::TimeDelta::hours(1), now).expect("a header");
        assert_eq!(kept, "muster_session=abc.DEF-1; Path=/; HttpOnly; SameSite=Strict; Max-Age=3600; Secure");
        let forgotten = CookiePolicy { secure: false }.forget().expect("a header");
        assert_eq!(forgotten, "muster_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    }

    #[test]
    fn a_token_that_would_break_the_header_is_refused() {
        let now = DateTime::UNIX_EPOCH;
        assert!(CookiePolicy { secure: false }.keep("a; Domain=evil", now, now).is_none());
    }

    #[test]
    fn the_token_is_found_among_other_cookies() {
        assert_eq!(session_token(&cookies("theme=dark; muster_session=t0ken; x=1")), Some("t0ken"));
        assert_eq!(session_token(&cookies("not_muster_session=t0ken")), None);
        assert_eq!(session_token(&cookies("muster_session=")), None);
        assert_eq!(session_token(&HeaderMap::new()), None);
    }
}
