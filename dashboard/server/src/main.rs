//! `muster-dashboard`: the live-ops console's web server.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use muster_dashboard::{Graphql, Settings, Site};
use muster_runtime::{CommonArgs, Loaded, Runtime, common};

/// Serves the dashboard to browsers.
#[derive(Debug, Parser)]
#[command(name = "muster-dashboard", version, about)]
struct Args {
    #[command(flatten)]
    common: CommonArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let settings = match muster_runtime::load::<Settings>(&args.common).await? {
        Loaded::Settings(settings) => settings,
        Loaded::Exit(code) => return Ok(code),
    };
    let site = Site::open(&settings.site.root)?;
    let runtime = Runtime::start("muster-dashboard", common!(settings)).await?;
    let graphql = Graphql::new(&settings.graphql).context("the client of the staff API cannot be made")?;
    runtime.health().register("graphql", {
        let graphql = graphql.clone();
        move || {
            let graphql = graphql.clone();
            async move { graphql.check().await }
        }
    });
    let router = muster_dashboard::router(&settings, &site, &graphql, runtime.drain());
    let router = muster_runtime::http_trace(router, "muster-dashboard");
    let address = runtime.serve("http", settings.http.listen, router).await?;
    tracing::info!(%address, graphql = %settings.graphql.url, "listening");
    Ok(runtime.run_until_drained().await)
}
