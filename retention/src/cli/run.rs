//! `run`: a job like any other, that this process works itself unless a worker elsewhere is faster.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use muster_core::id::JobId;
use muster_store::{Enqueued, JobState, Store};

use super::RunPolicy;
use crate::{
    job::{self, APPLY, PREVIEW},
    report::Report,
    settings::Settings,
    worker::Worker,
};

/// Time between two looks at a job that a worker elsewhere has.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) async fn run(store: &Store, settings: &Settings, run: RunPolicy) -> anyhow::Result<ExitCode> {
    if store.retention.policy(&run.policy).await.context("could not read the policy")?.is_none() {
        bail!("there is no policy {}: see `muster-retention policies`", run.policy);
    }
    let job = job::asked_for(&run.policy, run.dry_run, muster_store::now());
    let id = match store.retention.enqueue(&job, muster_store::now()).await.context("could not make the job")? {
        // Somebody asked for the same a moment ago: their answer is as good.
        Enqueued::Added(id) | Enqueued::Duplicate(id) => id,
    };
    let name = format!("muster-retention run/{}", std::process::id());
    let worker = Worker::new(store.clone(), name, &settings.retention);
    // A dry run takes only jobs that drop nothing.
    let kind = if run.dry_run { PREVIEW } else { APPLY };
    let report = loop {
        if let Some(report) = outcome(store, id).await? {
            break report;
        }
        if worker.step(&[kind]).await.context("could not take the job")?.is_none() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    if run.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The job's report when it is done; none while it is not.
async fn outcome(store: &Store, id: JobId) -> anyhow::Result<Option<Report>> {
    let job = store.retention.job(id).await.context("could not read the job")?;
    let job = job.with_context(|| format!("the job {id} is gone"))?;
    match job.state {
        JobState::Queued | JobState::Running => Ok(None),
        JobState::Done => {
            let report =
                serde_json::from_value(job.result.unwrap_or_default()).context("the job's report is unreadable")?;
            Ok(Some(report))
        }
        JobState::Dead => bail!("{id}: {}", job.last_error.unwrap_or_else(|| "failed".to_owned())),
    }
}
