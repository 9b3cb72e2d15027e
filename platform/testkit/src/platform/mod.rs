//! A whole platform of real processes, on services of its own scratch and on free ports.

mod audit;
mod builder;
mod replica;
mod staff;

pub use builder::PlatformBuilder;
use muster_client::{Client, Session, TrustedServer};
use replica::Replica;
use tokio::sync::OnceCell;

use crate::{Process, Scratch, Wires, http, random};

/// Running servers, and on request the staff API and the dashboard. Every process is ready when [`PlatformBuilder::start`] returns.
///
/// Dropping it kills the processes and cleans up as well as it can; [`Platform::finish`] also checks that each drains and exits with 0.
pub struct Platform {
    // Fields are dropped in this order: the processes go before the data they work on.
    servers: Vec<Replica>,
    graphql: Option<Replica>,
    dashboard: Option<Replica>,
    staff_token: OnceCell<String>,
    plan: builder::Plan,
    /// Address of the staff API, where it runs.
    pub graphql_url: Option<String>,
    /// Address of the dashboard, where it runs.
    pub dashboard_url: Option<String>,
    /// Of the account that [`Platform::graphql`] uses; its role is ADMIN.
    pub staff_email: String,
    /// Its password.
    pub staff_password: String,
    /// The data beneath.
    pub scratch: Scratch,
}

impl Platform {
    /// One server, nothing else, until told otherwise.
    pub fn builder() -> PlatformBuilder {
        PlatformBuilder::default()
    }

    /// Where players reach server `index`.
    #[must_use]
    pub fn server_url(&self, index: usize) -> &str {
        &self.servers[index].url
    }

    /// Health and metrics of server `index`.
    #[must_use]
    pub fn server_ops_url(&self, index: usize) -> &str {
        &self.servers[index].ops_url
    }

    /// Health and metrics of the staff API.
    ///
    /// # Panics
    /// When the platform has none.
    #[must_use]
    pub fn graphql_ops_url(&self) -> &str {
        &self.graphql.as_ref().expect("the platform was built without graphql()").ops_url
    }

    /// Health and metrics of the dashboard.
    ///
    /// # Panics
    /// When the platform has none.
    #[must_use]
    pub fn dashboard_ops_url(&self) -> &str {
        &self.dashboard.as_ref().expect("the platform was built without dashboard()").ops_url
    }

    /// The lines between the wired server and its services.
    ///
    /// # Panics
    /// When the platform was built without [`PlatformBuilder::wired`].
    #[must_use]
    pub fn wires(&self) -> &Wires {
        self.plan.wires().expect("the platform was built without wired()")
    }

    /// The process of server `index`.
    pub fn server(&mut self, index: usize) -> &mut Process {
        &mut self.servers[index].process
    }

    /// The process of the staff API.
    ///
    /// # Panics
    /// When the platform has none.
    pub fn graphql_process(&mut self) -> &mut Process {
        &mut self.graphql.as_mut().expect("the platform was built without graphql()").process
    }

    /// The process of the dashboard.
    ///
    /// # Panics
    /// When the platform has none.
    pub fn dashboard_process(&mut self) -> &mut Process {
        &mut self.dashboard.as_mut().expect("the platform was built without dashboard()").process
    }

    /// Starts server `index` again on its ports, killing it first if it still runs, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn restart_server(&mut self, index: usize) {
        self.servers[index].restart().await;
    }

    /// One more server, ready; gives its index.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start_server(&mut self) -> usize {
        let index = self.servers.len();
        let replica = self.plan.server(index, &self.scratch).await;
        self.servers.push(replica);
        index
    }

    /// The players' SDK, talking to server 0.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client_of(0)
    }

    /// The players' SDK, talking to server `index`.
    ///
    /// # Panics
    /// Never in practice: the address is the platform's own.
    #[must_use]
    pub fn client_of(&self, index: usize) -> Client {
        Client::new(self.server_url(index)).expect("the platform's own address is a URL")
    }

    /// A player with a fresh device, signed in at server 0.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn player(&self, name: &str) -> Session {
        let device = format!("testkit-device-{}", random::token());
        self.client()
            .sign_in_device(&device, Some(name))
            .await
            .unwrap_or_else(|error| panic!("{name} cannot sign in: {error}"))
    }

    /// A trusted server with a fresh key, talking to server 0. `name` is the key's: 1 to 64 of `a-z`, `0-9` and `-`.
    ///
    /// # Panics
    /// When the store refuses.
    pub async fn trusted_server(&self, name: &str) -> TrustedServer {
        let key =
            self.scratch.store.service_keys.create(name, muster_store::KeyPurpose::Game, muster_store::now()).await;
        let (_, secret) = key.unwrap_or_else(|error| panic!("the key {name} cannot be made: {error}"));
        self.client().trusted(&secret)
    }

    /// The text of `<ops_url>/metrics`.
    ///
    /// # Panics
    /// When the process does not answer.
    pub async fn metrics(&self, ops_url: &str) -> String {
        let answer = http::client().get(format!("{ops_url}/metrics")).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{ops_url}/metrics does not answer: {error}"));
        answer.text().await.expect("the metrics are text")
    }

    /// Drains every process that still runs, checks that it exits with 0, audits what was played (every stored match replays to
    /// its stored result, and ratings follow from it), and cleans the scratch up.
    ///
    /// # Panics
    /// When a process exits with anything else, what is stored does not hold, or a service refuses the clean-up.
    pub async fn finish(self) {
        let Self { servers, graphql, dashboard, scratch, plan, .. } = self;
        for mut replica in dashboard.into_iter().chain(graphql).chain(servers) {
            if replica.process.is_running() {
                let code = replica.process.terminate().await;
                assert_eq!(code, 0, "{} drained with exit code {code}", replica.process.label());
            }
        }
        if plan.audited() {
            audit::played(&scratch).await;
        }
        scratch.finish().await;
    }
}
