use leptos::prelude::*;

use crate::ApiError;

/// Ends the session, here and at the staff API.
#[server(endpoint = "sign-out")]
pub(crate) async fn sign_out() -> Result<(), ApiError> {
    use http::header::SET_COOKIE;

    use crate::{queries, session::CookiePolicy, upstream::ask};

    let policy = expect_context::<CookiePolicy>();
    let response = expect_context::<leptos_axum::ResponseOptions>();
    // The browser is signed out even when the API cannot be told; its session then ends by its own clock.
    if let Err(error) = ask::<queries::SignOut>(queries::sign_out::Variables {}).await {
        tracing::warn!(%error, "the staff API was not told of a sign-out");
        crate::respond::status(200);
    }
    if let Some(cookie) = policy.forget() {
        response.append_header(SET_COOKIE, cookie);
    }
    leptos_axum::redirect("/sign-in");
    Ok(())
}
