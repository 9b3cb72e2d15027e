//! Staff accounts, and the staff API as one of them.

use serde_json::{Value, json};

use super::Platform;
use crate::{Scratch, binaries::run, http, random};

const SIGN_IN: &str =
    "mutation($email: String!, $password: String!) { signIn(email: $email, password: $password) { token } }";

/// An address and a password that no other test uses.
pub(super) fn credentials() -> (String, String) {
    (format!("staff-{}@example.test", random::token()), format!("correct horse {}", random::token()))
}

/// Makes a staff account as an operator would: with the command line.
pub(super) async fn add(scratch: &Scratch, email: &str, password: &str, role: &str) {
    let args = ["staff", "add", "--email", email, "--role", role, "--password-stdin"];
    let finished = run("muster-graphql", &args, &scratch.env(), &format!("{password}\n")).await;
    assert_eq!(finished.code, 0, "muster-graphql staff add failed: {}{}", finished.stderr, finished.stdout);
}

impl Platform {
    /// Makes another staff account; `role` is one of VIEWER, SUPPORT, OPERATOR, ADMIN.
    ///
    /// # Panics
    /// When the command line refuses.
    pub async fn add_staff(&self, email: &str, password: &str, role: &str) {
        add(&self.scratch, email, password, role).await;
    }

    /// A session of the platform's own staff account, opened at the first call and kept.
    ///
    /// # Panics
    /// When the staff API refuses.
    pub async fn staff_token(&self) -> String {
        let open = async || {
            let answer = self
                .graphql_as(None, SIGN_IN, json!({ "email": self.staff_email, "password": self.staff_password }))
                .await;
            let token = answer["data"]["signIn"]["token"].as_str();
            token.unwrap_or_else(|| panic!("the staff API refused to sign in: {answer}")).to_owned()
        };
        self.staff_token.get_or_init(open).await.clone()
    }

    /// Asks the staff API as the platform's own staff account; gives `data`.
    ///
    /// # Panics
    /// When the answer has errors.
    pub async fn graphql(&self, query: &str, variables: Value) -> Value {
        let token = self.staff_token().await;
        let mut answer = self.graphql_as(Some(&token), query, variables).await;
        assert!(answer.get("errors").is_none(), "the staff API answered {query} with errors: {answer}");
        answer["data"].take()
    }

    /// Asks the staff API with any token or none; gives the whole answer, errors and all.
    ///
    /// # Panics
    /// When the platform has no staff API, or it does not answer JSON.
    pub async fn graphql_as(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        let url = self.graphql_url.as_ref().expect("the platform was built without graphql()");
        let mut request =
            http::client().post(format!("{url}/graphql")).json(&json!({ "query": query, "variables": variables }));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("the staff API does not answer: {error}"));
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("the staff API answered {status} and no JSON: {text}"))
    }
}
