//! GraphQL from the dashboard's server: one call, with the session of the request that is being answered.

use std::sync::Arc;

use graphql_client::{GraphQLQuery, Response};
use http::{HeaderMap, StatusCode, request::Parts};
use leptos::prelude::use_context;

use crate::{ApiError, session::session_token};

/// The staff API, as every page's context holds it.
#[derive(Debug, Clone)]
pub struct Upstream {
    http: reqwest::Client,
    url: Arc<str>,
}

/// Headers that every call made for the present request carries on, such as its trace context.
#[derive(Debug, Clone, Default)]
pub struct RequestHeaders(pub HeaderMap);

impl Upstream {
    /// `url` is where GraphQL takes `POST`; `http` must have a timeout of its own.
    #[must_use]
    pub fn new(http: reqwest::Client, url: &str) -> Self {
        Self { http, url: url.into() }
    }

    async fn post<Q: GraphQLQuery>(
        &self,
        token: Option<&str>,
        carried: HeaderMap,
        variables: Q::Variables,
    ) -> Result<Q::ResponseData, ApiError> {
        let body = Q::build_query(variables);
        let operation = body.operation_name;
        let mut request = self.http.post(&*self.url).headers(carried).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.map_err(|error| {
            tracing::warn!(operation, %error, "the staff API does not answer");
            ApiError::Unreachable
        })?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| {
            tracing::warn!(operation, %error, "the staff API broke off its answer");
            ApiError::Unreachable
        })?;
        match serde_json::from_slice::<Response<Q::ResponseData>>(&bytes) {
            Ok(answer) => read(operation, answer),
            Err(error) => {
                tracing::warn!(operation, %status, %error, "the staff API's answer is not the schema's");
                Err(by_status(status))
            }
        }
    }
}

/// Data without errors, or the first error's code. A partial answer is no answer to a page.
fn read<D>(operation: &str, answer: Response<D>) -> Result<D, ApiError> {
    let errors = answer.errors.unwrap_or_default();
    match (answer.data, errors.first()) {
        (Some(data), None) => Ok(data),
        (_, Some(error)) => {
            let code =
                error.extensions.as_ref().and_then(|extensions| extensions.get("code")).and_then(|code| code.as_str());
            let known = ApiError::from_code(code.unwrap_or("internal"));
            match known {
                ApiError::Internal => {
                    tracing::warn!(operation, code, message = %error.message, "the staff API refused")
                }
                _ => tracing::debug!(operation, code, "the staff API refused"),
            }
            Err(known)
        }
        (None, None) => Err(ApiError::Internal),
    }
}

fn by_status(status: StatusCode) -> ApiError {
    match status {
        StatusCode::UNAUTHORIZED => ApiError::SignedOut,
        StatusCode::FORBIDDEN => ApiError::Forbidden,
        StatusCode::TOO_MANY_REQUESTS => ApiError::TooManyAttempts,
        status if status.is_server_error() => ApiError::Unreachable,
        _ => ApiError::Internal,
    }
}

/// Asks GraphQL without a session; only signing in is open to it.
pub(crate) async fn ask_signed_out<Q: GraphQLQuery>(variables: Q::Variables) -> Result<Q::ResponseData, ApiError> {
    let (upstream, carried, _) = context()?;
    upstream.post::<Q>(None, carried, variables).await
}

/// Asks GraphQL with the session of the present request. Without one (or with one that has ended) the answer becomes
/// a redirect to the sign-in page and this is [`ApiError::SignedOut`]. Any error sets the answer's HTTP status.
pub(crate) async fn ask<Q: GraphQLQuery>(variables: Q::Variables) -> Result<Q::ResponseData, ApiError> {
    let (upstream, carried, parts) = context()?;
    let outcome = match session_token(&parts.headers) {
        Some(token) => upstream.post::<Q>(Some(token), carried, variables).await,
        None => Err(ApiError::SignedOut),
    };
    if let Err(error) = &outcome {
        answer_for(*error, &parts);
    }
    outcome
}

fn answer_for(error: ApiError, parts: &Parts) {
    crate::respond::status(error.status());
    if error == ApiError::SignedOut && crate::respond::accepts_html(parts) {
        leptos_axum::redirect(&crate::pages::sign_in_path(parts.uri.path()));
    }
}

fn context() -> Result<(Upstream, HeaderMap, Parts), ApiError> {
    match (use_context::<Upstream>(), use_context::<Parts>()) {
        (Some(upstream), Some(parts)) => Ok((upstream, use_context::<RequestHeaders>().unwrap_or_default().0, parts)),
        _ => {
            tracing::error!("a page was rendered without the staff API in its context");
            Err(ApiError::Internal)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Result<serde_json::Value, ApiError> {
        read("Test", serde_json::from_str(text).expect("a GraphQL answer"))
    }

    #[test]
    fn errors_are_read_by_their_code() {
        assert_eq!(answer(r#"{"data":{"me":1}}"#), Ok(serde_json::json!({"me": 1})));
        assert_eq!(
            answer(r#"{"data":null,"errors":[{"message":"no","extensions":{"code":"unauthenticated"}}]}"#),
            Err(ApiError::SignedOut)
        );
        assert_eq!(answer(r#"{"data":{"me":1},"errors":[{"message":"partly"}]}"#), Err(ApiError::Internal));
        assert_eq!(answer(r#"{"data":null}"#), Err(ApiError::Internal));
    }
}
