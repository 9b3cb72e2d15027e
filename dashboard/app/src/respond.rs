//! What a page may say to the HTTP answer it is rendered into; in the browser these do nothing.

/// Sets the HTTP status of the page or call that is being answered. A form that was sent without scripts is answered by
/// a redirect, which keeps its status.
pub(crate) fn status(code: u16) {
    #[cfg(feature = "ssr")]
    {
        use http::{Method, StatusCode, request::Parts};
        use leptos::prelude::use_context;

        let plain_form =
            use_context::<Parts>().is_some_and(|parts| parts.method == Method::POST && accepts_html(&parts));
        if let (false, Some(response), Ok(code)) =
            (plain_form, use_context::<leptos_axum::ResponseOptions>(), StatusCode::from_u16(code))
        {
            response.set_status(code);
        }
    }
    #[cfg(not(feature = "ssr"))]
    let _ = code;
}

/// Whether a request is a browser's own navigation or form rather than a script's call.
#[cfg(feature = "ssr")]
pub(crate) fn accepts_html(parts: &http::request::Parts) -> bool {
    parts
        .headers
        .get(http::header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("text/html"))
}
