//! What a page may say to the HTTP answer it is rendered into; in the browser these do nothing.

/// Sets the HTTP status of the page that is being rendered.
pub(crate) fn status(code: u16) {
    #[cfg(feature = "ssr")]
    if let (Some(response), Ok(code)) = (leptos::prelude::use_context::<leptos_axum::ResponseOptions>(), http::StatusCode::from_u16(code)) {
        response.set_status(code);
    }
    #[cfg(not(feature = "ssr"))]
    let _ = code;
}
