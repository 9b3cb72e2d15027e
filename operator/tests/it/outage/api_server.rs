use muster_testkit::eventually;
use serde_json::json;

use super::image;
use crate::{
    cluster::{Cluster, SOON},
    region,
};

const REGIONS: [&str; 4] = ["eu-west", "eu-east", "us-west", "us-east"];

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_is_killed_and_comes_back_is_gone_on_with() {
    let Some(mut cluster) = Cluster::own().await else { return };
    let space = cluster.namespace("killed").await;
    let operator = cluster.operator("killed", &[]);
    for name in REGIONS {
        region::create(&space, name, region::small()).await;
    }
    for name in REGIONS {
        region::wait_ready(&space, name).await;
    }

    // Shorter than the Lease: in the middle of a roll-out.
    for name in REGIONS {
        region::change(&space, name, json!({ "spec": { "image": "muster-server:2" } })).await;
    }
    cluster.server.crash();
    cluster.server.start_again().await;
    for name in REGIONS {
        region::wait_ready(&space, name).await;
        assert_eq!(image(&space, name).await.as_deref(), Some("muster-server:2"));
    }

    // Longer than the Lease: it stops acting, and acts again.
    for name in REGIONS {
        region::change(&space, name, json!({ "spec": { "image": "muster-server:3" } })).await;
    }
    cluster.server.crash();
    eventually(SOON, "the operator to stop acting", async || {
        (operator.metric("muster_operator_leading").await == Some(0.0)).then_some(())
    })
    .await;
    cluster.server.start_again().await;
    for name in REGIONS {
        region::wait_ready(&space, name).await;
        assert_eq!(image(&space, name).await.as_deref(), Some("muster-server:3"));
    }
    assert_eq!(operator.metric("muster_operator_leading").await, Some(1.0), "it is the same process all the time");
}
