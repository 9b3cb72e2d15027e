//! Waiting tickets, how long they waited, and a share of the room that stays free.

use k8s_openapi::api::apps::v1::Deployment;
use muster_testkit::eventually;
use serde_json::json;

use super::{apply, change, page::Page, status, wait_replicas};
use crate::cluster::{Cluster, SOON};

#[tokio::test(flavor = "multi_thread")]
async fn waiting_tickets_and_free_room_decide() {
    let Some(cluster) = Cluster::own().await else { return };
    let _operator = cluster.operator("depth", &[]);
    let space = cluster.namespace("depth").await;
    let page = Page::start().await;
    let says = |in_time: u32, late: u32| {
        let all = in_time + late;
        page.says(&format!(
            "muster_tickets_waiting{{queue=\"ranked\"}} 450\nmuster_tickets_waiting{{queue=\"casual\"}} 9000\n\
             muster_ticket_wait_seconds_bucket{{queue=\"ranked\",le=\"10\"}} {in_time}\n\
             muster_ticket_wait_seconds_bucket{{queue=\"ranked\",le=\"20\"}} {all}\n\
             muster_ticket_wait_seconds_bucket{{queue=\"ranked\",le=\"+Inf\"}} {all}\n"
        ));
    };
    says(1_000, 0);
    let region = json!({ "image": "muster-server:1", "roles": [{ "name": "gateway" }] });
    apply(&cluster, &space, "Region", "eu", region).await;
    let spec = json!({
        "regionRef": { "name": "eu" }, "role": "gateway", "max": 20, "up": { "replicas": 20 },
        "policy": { "queueDepth": { "ticketsPerReplica": 100, "queues": ["ranked"], "timeToMatch": "10s" } },
        "metrics": { "url": page.url },
    });
    apply(&cluster, &space, "RegionAutoscaler", "gateways", spec).await;
    // 450 of the queue that is named, at 100 each.
    wait_replicas(&space, 5).await;
    let known = async || (status(&space).await.current_replicas == Some(5)).then_some(());
    eventually(SOON, "the operator to see five", known).await;
    // Growth counts from those that are ready.
    let ready = async || {
        let status = space.all::<Deployment>().get("eu-gateway").await.ok()?.status?;
        (status.ready_replicas == Some(5)).then_some(())
    };
    eventually(SOON, "five to be ready", ready).await;
    // Those that were matched since the last look waited for nearly twice as long as is meant.
    says(1_005, 95);
    wait_replicas(&space, 10).await;

    // Half of the room is to be free: 11,000 players fill 5.5 processes.
    page.says("muster_sockets 11000\n");
    let buffer = json!({ "playersPerReplica": 2000, "spareReplicas": 0, "sparePercent": 50 });
    change(&space, json!({ "policy": { "queueDepth": null, "buffer": buffer } })).await;
    wait_replicas(&space, 11).await;
    let decided = async || status(&space).await.decided_by.filter(|policy| policy == "Buffer");
    eventually(SOON, "the status", decided).await;
}
