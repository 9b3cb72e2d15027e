//! The process: stands by, and acts while it holds the Lease, until the drain.

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;
use kube::{Api, Client, Config, api::ListParams, client::ClientBuilder};
use muster_runtime::{Runtime, common};
use tower::util::MapRequestLayer;
use uuid::Uuid;

use crate::{
    api_calls,
    context::Context,
    controllers,
    crd::Region,
    leadership::{lead, patience},
    settings::Settings,
};

/// Runs the process until it is told to end.
///
/// # Errors
/// No cluster is configured, or an address is taken.
pub async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::start("muster-operator", common!(settings)).await?;
    let mut config = Config::infer().await.context("no cluster is configured: set KUBECONFIG, or run in a pod")?;
    // Beyond a watch, which may be silent until its end. Without it a request on a dead connection would wait for ever.
    config.read_timeout = Some(settings.operator.watch_timeout + Duration::from_secs(10));
    config.reset_reader_on_write = true;
    let client = counted(config.clone())?;
    let lease_client = {
        let mut config = config;
        config.read_timeout = Some(patience(&settings.operator));
        counted(config)?
    };

    let identity = identity();
    let context = Context::new(client, settings.operator.clone(), &identity);
    let regions: Api<Region> = context.watched();
    runtime.health().register("kubernetes", move || {
        let regions = regions.clone();
        // Asks for what the operator needs anyway, so a missing definition or permission is seen too.
        async move { regions.list_metadata(&ListParams::default().limit(1)).await.map(|_| ()) }
    });
    let drain = runtime.drain();
    runtime.spawn("controllers", async move {
        lead(lease_client, &settings.operator, &identity, drain, |term| controllers::run(context.clone(), term)).await
    });
    Ok(runtime.run_until_drained().await)
}

/// A client whose calls are counted.
fn counted(config: Config) -> anyhow::Result<Client> {
    let builder = ClientBuilder::try_from(config).context("the cluster's configuration cannot be used")?;
    Ok(builder.with_layer(&MapRequestLayer::new(api_calls::counted)).build())
}

/// This process among all that might act: a restarted pod has the name of the one before it, and may not have its Lease.
fn identity() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "muster-operator".to_owned());
    format!("{host}-{}", Uuid::now_v7().simple())
}
