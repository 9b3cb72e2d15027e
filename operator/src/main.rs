//! muster-operator: Muster's resources in Kubernetes.
//!
//! - [`crd`]: what the three resources look like: `Region`, `RegionAutoscaler`, `SecretRotation`.
//!
//! The program has one command, `crds`, which prints their definitions for `kubectl apply -f -`.

mod crd;

use std::io::Write;

use anyhow::Context;
use clap::{Parser, Subcommand};

/// Muster's resources in Kubernetes.
#[derive(Parser)]
#[command(version, about)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints the custom resource definitions as YAML; the committed copy is `operator/crds.yaml`.
    Crds,
}

fn main() -> anyhow::Result<()> {
    match Args::parse().command {
        Command::Crds => {
            let yaml = crd::to_yaml().context("the resource definitions could not be written as YAML")?;
            std::io::stdout().write_all(yaml.as_bytes()).context("standard output was closed")
        }
    }
}
