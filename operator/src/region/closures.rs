//! The platform's calls that close a region in every queue, and open it again.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode, redirect::Policy};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// How long the platform may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest answer that is read, bytes.
const LONGEST: usize = 64 << 10;
/// What is told of an answer, characters.
const TOLD: usize = 300;

/// What has become of a region that was to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It is open.
    Open,
    /// Staff keep it closed: only they open it.
    KeptClosed,
}

/// The platform, and who the operator is there.
pub struct Access<'a> {
    /// The base URL of a gateway.
    pub url: &'a str,
    /// A service key.
    pub key: SecretString,
}

/// Calls the platform directly, whatever proxy the environment names, and goes nowhere else with the key.
pub struct Closures(reqwest::Client);

impl Closures {
    /// A client.
    ///
    /// # Errors
    /// No client can be made.
    pub fn new() -> reqwest::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).timeout(PATIENCE).build()?;
        Ok(Self(http))
    }

    /// Nobody is let in for the region any more. Again is as good.
    ///
    /// # Errors
    /// Why it is not done, or may not be, for a person.
    pub async fn close(&self, access: &Access<'_>, region: &str, reason: &str) -> Result<(), String> {
        let answer = self.call(Method::PUT, access, region, Some(json!({ "reason": reason }))).await?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            _ => Err(refusal(answer).await),
        }
    }

    /// Everybody is let in for the region again. Again is as good.
    ///
    /// # Errors
    /// Why it is not done, or may not be, for a person.
    pub async fn open(&self, access: &Access<'_>, region: &str) -> Result<Opened, String> {
        let answer = self.call(Method::DELETE, access, region, None).await?;
        match answer.status() {
            status if status.is_success() => Ok(Opened::Open),
            StatusCode::CONFLICT => Ok(Opened::KeptClosed),
            _ => Err(refusal(answer).await),
        }
    }

    async fn call(
        &self,
        method: Method,
        access: &Access<'_>,
        region: &str,
        body: Option<Value>,
    ) -> Result<Response, String> {
        let url = format!("{}/v1/regions/{region}/closure", access.url.trim_end_matches('/'));
        let request = self.0.request(method, &url).bearer_auth(access.key.expose_secret());
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await.map_err(|error| {
            // The innermost cause says what happened; the rest repeats the URL.
            let mut cause: &dyn std::error::Error = &error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            format!("{url} did not answer: {cause}")
        })
    }
}

/// What the platform says, in a line.
async fn refusal(mut answer: Response) -> String {
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST {
            break;
        }
    }
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |field: &str| problem[field].as_str().map(|text| text.chars().take(TOLD).collect::<String>());
    match (text("code"), text("detail")) {
        (Some(code), Some(detail)) => format!("the platform answered {status} ({code}): {detail}"),
        _ => format!("the platform answered {status}"),
    }
}
