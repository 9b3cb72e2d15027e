//! One staff API in this process, on a port of its own.

use std::{net::SocketAddr, sync::OnceLock};

use muster_core::id::StaffId;
use muster_graphql::{StaffApi, auth::hash_password, settings::AuthSettings};
use muster_store::{Actor, NewStaff, StaffRole, Store};
use muster_testkit::Scratch;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The password of every account that [`Api::add_staff`] makes.
pub const PASSWORD: &str = "correct horse battery";

pub const SIGN_IN: &str = "mutation($email: String!, $password: String!) {
    signIn(email: $email, password: $password) { token expiresAt staff { id email displayName role } } }";

pub struct Api {
    pub scratch: Scratch,
    pub address: SocketAddr,
    pub http: reqwest::Client,
    drain: CancellationToken,
}

impl Api {
    /// With limits that no test meets by accident.
    pub async fn start() -> Self {
        let many =
            AuthSettings { attempts_per_minute: 1_000, attempts_per_minute_total: 10_000, ..AuthSettings::default() };
        Self::with(many).await
    }

    pub async fn with(settings: AuthSettings) -> Self {
        muster_runtime::install_crypto();
        let scratch = Scratch::new().await;
        let drain = CancellationToken::new();
        let api = StaffApi::new(scratch.store.clone(), &settings).unwrap();
        let router = api.router(drain.clone()).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(api.run(drain.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { scratch, address, http: reqwest::Client::new(), drain }
    }

    pub fn store(&self) -> &Store {
        &self.scratch.store
    }

    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    /// An account with [`PASSWORD`].
    pub async fn add_staff(&self, email: &str, role: StaffRole) -> StaffId {
        static HASH: OnceLock<String> = OnceLock::new();
        let new = NewStaff {
            staff_id: muster_store::fresh_id(),
            email: email.to_owned(),
            display_name: format!("The {role}"),
            role,
            password_hash: HASH.get_or_init(|| hash_password(&PASSWORD.into()).unwrap()).clone(),
        };
        let by = Actor::System("test".to_owned());
        self.store().staff.add(&new, &by, "for a test", muster_store::now()).await.unwrap().staff_id
    }

    /// The whole answer, `data` and `errors`.
    pub async fn ask(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        let mut request = self.http.post(self.url()).json(&json!({ "query": query, "variables": variables }));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        answer.json().await.unwrap()
    }

    /// `data` of an answer that must have no errors.
    pub async fn data(&self, token: &str, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(Some(token), query, variables).await;
        assert!(answer.get("errors").is_none(), "{query} answered {answer}");
        answer["data"].take()
    }

    /// The code of an answer that must have an error.
    pub async fn refusal(&self, token: Option<&str>, query: &str, variables: Value) -> String {
        code_of(&self.ask(token, query, variables).await)
    }

    pub async fn try_sign_in(&self, email: &str, password: &str) -> Value {
        self.ask(None, SIGN_IN, json!({ "email": email, "password": password })).await
    }

    /// A session of an account with [`PASSWORD`].
    pub async fn sign_in(&self, email: &str) -> String {
        let answer = self.try_sign_in(email, PASSWORD).await;
        let token = answer["data"]["signIn"]["token"].as_str();
        token.unwrap_or_else(|| panic!("sign-in refused: {answer}")).to_owned()
    }

    /// A session of a fresh viewer.
    pub async fn viewer(&self) -> String {
        self.add_staff("viewer@example.test", StaffRole::Viewer).await;
        self.sign_in("viewer@example.test").await
    }

    pub async fn finish(self) {
        self.drain.cancel();
        self.scratch.finish().await;
    }
}

/// The code of the first error.
pub fn code_of(answer: &Value) -> String {
    let code = answer["errors"][0]["extensions"]["code"].as_str();
    code.unwrap_or_else(|| panic!("no error with a code in {answer}")).to_owned()
}
