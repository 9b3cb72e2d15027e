//! `policies` and `set`.

use std::process::ExitCode;

use anyhow::Context;
use cron::Schedule;
use muster_store::{RetentionPolicy, Store};
use serde::Serialize;

use super::SetPolicy;
use crate::{planner, policy, settings::Settings};

/// A policy as it is shown.
#[derive(Serialize)]
struct Shown {
    name: String,
    table: String,
    keep: String,
    enabled: bool,
    updated_at: String,
    /// When it is applied next; none when it is disabled.
    next_run: Option<String>,
}

impl Shown {
    fn new(policy: &RetentionPolicy, schedule: &Schedule) -> Self {
        let next = planner::next(schedule, muster_store::now()).filter(|_| policy.enabled);
        Self {
            name: policy.name.clone(),
            table: policy.table.clone(),
            keep: policy::keep_as_text(policy.keep),
            enabled: policy.enabled,
            updated_at: muster_core::time::format(policy.updated_at),
            next_run: next.map(muster_core::time::format),
        }
    }
}

pub(super) async fn show(store: &Store, settings: &Settings, json: bool) -> anyhow::Result<ExitCode> {
    let schedule: Schedule = settings.retention.schedule.parse().context("retention.schedule is no schedule")?;
    let policies = store.retention.policies().await.context("could not read the policies")?;
    let shown: Vec<Shown> = policies.iter().map(|policy| Shown::new(policy, &schedule)).collect();
    if json {
        println!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{:28}  {:28}  {:16}  {:8}  NEXT RUN", "POLICY", "TABLE", "KEEP", "ENABLED");
    for policy in shown {
        let next = policy.next_run.unwrap_or_else(|| "never".to_owned());
        println!("{:28}  {:28}  {:16}  {:8}  {next}", policy.name, policy.table, policy.keep, policy.enabled);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn set(store: &Store, set: SetPolicy) -> anyhow::Result<ExitCode> {
    let known = store.retention.policy(&set.policy).await.context("could not read the policy")?;
    let known = known.with_context(|| format!("there is no policy {}: see `muster-retention policies`", set.policy))?;
    let changed = RetentionPolicy {
        keep: set.keep.unwrap_or(known.keep),
        enabled: set.enabled.unwrap_or(known.enabled),
        updated_at: muster_store::now(),
        ..known
    };
    store.retention.set_policy(&changed, &policy::actor(), &set.reason).await.context("could not change the policy")?;
    let keep = policy::keep_as_text(changed.keep);
    let applied = if changed.enabled { "is applied" } else { "is not applied" };
    println!("{} keeps {keep} and {applied}", changed.name);
    Ok(ExitCode::SUCCESS)
}
