use leptos::prelude::*;

use crate::ApiError;

/// Opens a staff session: the token goes into a cookie that scripts cannot read, and the browser on to `next`.
#[server(endpoint = "sign-in")]
pub(crate) async fn sign_in(email: String, password: String, next: String) -> Result<(), ApiError> {
    use http::header::SET_COOKIE;

    use crate::{pages::safe_path, queries, session::CookiePolicy, upstream::ask_signed_out};

    let policy = expect_context::<CookiePolicy>();
    let response = expect_context::<leptos_axum::ResponseOptions>();
    let variables = queries::sign_in::Variables { email: email.trim().to_owned(), password };
    let answer = ask_signed_out::<queries::SignIn>(variables).await.map_err(|error| match error {
        // The API does not tell which of the two was wrong, and neither may this page.
        ApiError::SignedOut | ApiError::Forbidden | ApiError::BadInput => ApiError::WrongCredentials,
        other => other,
    });
    let session = match answer {
        Ok(data) => data.sign_in,
        Err(error) => {
            crate::respond::status(error.status());
            return Err(error);
        }
    };
    let cookie = policy.keep(&session.token, session.expires_at.0, chrono::Utc::now()).ok_or_else(|| {
        tracing::error!("the staff API's token cannot stand in a cookie");
        ApiError::Internal
    })?;
    response.append_header(SET_COOKIE, cookie);
    leptos_axum::redirect(safe_path(&next));
    Ok(())
}
