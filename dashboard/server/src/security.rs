//! What keeps other sites out: the content security policy, the headers of every answer, and the check of `Origin`.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::problem::Problem;

/// On every answer, unless the answer has its own.
const ALWAYS: [(HeaderName, HeaderValue); 8] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // Not `no-referrer`: forms without scripts come back to the page they were sent from.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

pub(crate) const FOREIGN_ORIGIN: Problem = Problem {
    status: StatusCode::FORBIDDEN,
    code: "foreign_origin",
    detail: "Only pages of this dashboard may do this; if it stands behind a proxy, let the proxy pass the Host header on.",
};

/// How much protection the address allows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protection {
    pub https: bool,
}

/// The policy of a page: its own scripts (by nonce where they are in the page), its own WebAssembly, its own styles,
/// its own server; nothing inline, nothing from elsewhere, no frames around it.
pub(crate) fn page_policy(nonce: &str) -> Option<HeaderValue> {
    let policy = [
        "default-src 'none'",
        &format!("script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'"),
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ];
    HeaderValue::from_str(&policy.join("; ")).ok()
}

/// Adds the headers.
pub(crate) async fn protect(State(protection): State<Protection>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(value);
    }
    if protection.https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    response
}

/// Refuses what another site's page makes a browser send, as far as it could change anything. The cookie's
/// `SameSite=Strict` keeps such requests out of the session; this keeps them from opening one as well.
pub(crate) async fn refuse_foreign_writes(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !reads && origin(request.headers()) == Origin::Foreign {
        return FOREIGN_ORIGIN.into_response();
    }
    next.run(request).await
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A page of this dashboard.
    Own,
    /// Another site, or something that hides where it comes from.
    Foreign,
    /// Not a browser, or not one that tells.
    Unknown,
}

/// Compares `Origin` with `Host`.
pub(crate) fn origin(headers: &HeaderMap) -> Origin {
    let Some(origin) = headers.get(header::ORIGIN) else { return Origin::Unknown };
    let text = |value: &HeaderValue| value.to_str().map(str::to_ascii_lowercase).unwrap_or_default();
    let origin = text(origin);
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    match (authority, headers.get(header::HOST).map(text)) {
        (Some(authority), Some(host)) if !host.is_empty() && authority == host => Origin::Own,
        _ => Origin::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn an_origin_is_own_when_it_is_the_host() {
        let own = headers(&[(header::ORIGIN, "https://Muster.example:8443"), (header::HOST, "muster.example:8443")]);
        assert_eq!(origin(&own), Origin::Own);
    }

    #[test]
    fn every_other_origin_is_foreign() {
        for foreign in [
            "https://evil.example",
            "https://muster.example.evil.example",
            "null",
            "muster.example",
            "https://muster.example:1",
        ] {
            let headers = headers(&[(header::ORIGIN, foreign), (header::HOST, "muster.example")]);
            assert_eq!(origin(&headers), Origin::Foreign, "{foreign}");
        }
        assert_eq!(origin(&headers(&[(header::ORIGIN, "https://muster.example")])), Origin::Foreign);
        assert_eq!(origin(&headers(&[(header::HOST, "muster.example")])), Origin::Unknown);
    }

    #[test]
    fn the_policy_of_a_page_knows_no_other_place() {
        let policy = page_policy("abc").expect("a header");
        let policy = policy.to_str().expect("text");
        assert!(policy.contains("script-src 'self' 'nonce-abc' 'wasm-unsafe-eval'"));
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'") && !policy.contains("http"));
        assert!(page_policy("a\nb").is_none());
    }
}
