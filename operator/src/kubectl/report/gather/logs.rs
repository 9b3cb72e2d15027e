//! The end of what processes have written, and of those that ran before them.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::LogParams};

use super::Collector;
use crate::kubectl::cluster::Cluster;

/// The end of a log.
const LOG_LINES: i64 = 2_000;
const LOG_BYTES: i64 = 512 * 1024;
/// Bytes of logs over all processes; more is left out.
const MOST_LOGS: usize = 32 * 1024 * 1024;

impl Collector<'_> {
    /// The end of the logs of a pod's containers, and of those that ran before them.
    pub(super) async fn log(&mut self, here: &Cluster, pod: &Pod) {
        let pods: Api<Pod> = here.here();
        let name = pod.name_any();
        let containers = pod.spec.iter().flat_map(|spec| &spec.containers).map(|container| container.name.clone());
        let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        let restarted: BTreeSet<_> =
            statuses.filter(|status| status.restart_count > 0).map(|status| &status.name).collect();
        for container in containers {
            for previous in [false, true] {
                if previous && !restarted.contains(&container) {
                    continue;
                }
                let what = format!("log of {name} {container} in {}", here.namespace);
                if self.logs >= MOST_LOGS {
                    self.missing.push(format!("{what}: the logs before it filled the report"));
                    continue;
                }
                let parameters = LogParams {
                    container: Some(container.clone()),
                    tail_lines: Some(LOG_LINES),
                    limit_bytes: Some(LOG_BYTES),
                    timestamps: true,
                    previous,
                    ..LogParams::default()
                };
                match pods.logs(&name, &parameters).await {
                    Ok(text) => {
                        self.logs += text.len();
                        let when = if previous { ".previous" } else { "" };
                        self.add_text(
                            format!("namespaces/{}/logs/{name}.{container}{when}.log", here.namespace),
                            &text,
                        );
                    }
                    Err(error) => self.lacks(&what, &error),
                }
            }
        }
    }
}
