//! Putting a process together from its roles.

use std::process::ExitCode;

use anyhow::Context as _;
use muster_core::matchmaking::shipped_queues;
use muster_core::telemetry::shipped_event_types;
use muster_runtime::{Condition, Runtime, common};
use muster_server::closures::ClosureBook;
use muster_server::director::Director;
use muster_server::gateway::Gateway;
use muster_server::matchmaker::Doors;
use muster_server::referee::Referee;
use muster_server::settings::{Role, Settings};
use muster_server::telemetry::TelemetryQueue;
use muster_server::urgency::Urgency;
use muster_server::{matchmaker, queue_publisher, writer};
use muster_store::{Store, StoreSettings};

/// Serves until told to stop.
pub(crate) async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::start("muster-server", common!(settings)).await?;
    let store = connect(&settings).await?;
    runtime.health().register_group(&["postgres", "redis", "nats"], {
        let store = store.clone();
        move || {
            let store = store.clone();
            async move {
                let dependencies = store.check().await;
                dependencies
                    .into_iter()
                    .map(|dependency| (dependency.name.to_owned(), Condition::from(dependency.result)))
                    .collect()
            }
        }
    });

    let tasks = runtime.tasks();
    // Before anybody follows them.
    queue_publisher::start(store.clone(), tasks).await.context("publishing the queues")?;
    let closures = ClosureBook::follow(&store, tasks).await.context("reading which regions are closed")?;
    let telemetry = TelemetryQueue::start(store.clone(), tasks);
    let crowd = Urgency::default();
    let roles = &settings.server.roles;
    // Referees first: a match that is made needs one.
    let referee = roles
        .contains(&Role::Referee)
        .then(|| Referee::start(store.clone(), settings.referee.clone(), closures.clone(), tasks));
    if roles.contains(&Role::Matchmaker) {
        let director = Director::start(store.clone(), &settings, tasks).context("starting the director")?;
        let (settings, telemetry) = (settings.matchmaker.clone(), telemetry.clone());
        let doors = Doors { closures: closures.clone(), crowd: crowd.clone() };
        matchmaker::start(store.clone(), settings, telemetry, referee, director, doors, tasks);
    }
    if roles.contains(&Role::Writer) {
        writer::start(store.clone(), settings.writer.clone(), tasks).await.context("reading the event types")?;
    }
    if roles.contains(&Role::Gateway) {
        let gateway = Gateway::start(store, settings.clone(), telemetry, closures, crowd, tasks).await?;
        let router = muster_runtime::http_trace(gateway.router(), "muster-server");
        let address = runtime.serve("http", settings.http.listen, router).await?;
        tracing::info!(%address, "serving players");
    }
    Ok(runtime.run_until_drained().await)
}

/// Brings the stores up to date.
pub(crate) async fn migrate(settings: Settings) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::start("muster-server", common!(settings)).await?;
    let store = connect(&settings).await?;
    store.migrate().await.context("migrating the database")?;
    store.ensure_streams().await.context("creating the streams")?;
    let added = store.queues.seed(&shipped_queues(), muster_store::now()).await.context("adding the shipped queues")?;
    let types = store.event_types.seed(&shipped_event_types(), muster_store::now()).await;
    let types = types.context("adding the shipped event types")?;
    tracing::info!(queues_added = added, event_types_added = types, "database and streams are up to date");
    drop(runtime);
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn connect(settings: &Settings) -> anyhow::Result<Store> {
    Store::connect(&StoreSettings {
        postgres_url: settings.postgres.url.expose().to_owned(),
        redis_url: settings.redis.url.expose().to_owned(),
        nats_url: settings.nats.url.expose().to_owned(),
        prefix: settings.namespace.prefix.clone(),
        postgres_connections: settings.postgres.max_connections,
        telemetry_backlog_bytes: settings.writer.backlog_bytes,
    })
    .await
    .context("connecting to PostgreSQL, Redis and NATS")
}
