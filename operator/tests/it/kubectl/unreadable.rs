use serde_json::json;

use super::{muster, report::entries, wait_ends};
use crate::{
    cluster::Cluster,
    outage::garbage::{definitions, lax, store, wait_in_force},
    region,
};

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_read_is_told_by_name_and_hides_none_of_the_others() {
    let Some(cluster) = Cluster::own().await else { return };
    let _operator = cluster.operator("unreadable", &[]);
    let space = cluster.namespace("kubectl-unreadable").await;
    for definition in definitions() {
        cluster.apply(lax(definition)).await;
    }
    store(&space, "Region", "garbage", json!({ "image": 5, "roles": "all" })).await;
    store(&space, "RegionAutoscaler", "garbage", json!({ "max": 3 })).await;
    store(&space, "SecretRotation", "garbage", json!({ "source": { "vaultKv": [] } })).await;
    for definition in definitions() {
        cluster.apply(definition).await;
    }
    wait_in_force(&space).await;
    region::create(&space, "eu-west", region::small()).await;
    region::wait_ready(&space, "eu-west").await;

    let told = muster(&cluster, &["status", "-n", "kubectl-unreadable"]).await.ended(3);
    let parts = [
        "eu-west   yes     Active   1/1",
        "Cannot be read",
        "garbage   unreadable   Region             ",
        "garbage   unreadable   RegionAutoscaler   ",
        "garbage   unreadable   SecretRotation     ",
        "region/garbage in kubectl-unreadable: This Region cannot be read: Invalid type integer `5`. Expected a string. It was stored",
        "secretrotation/garbage in kubectl-unreadable: This SecretRotation cannot be read: ",
        "apply it once more as its definition wants it",
        "1 of 4 are Ready.",
    ];
    for part in parts {
        assert!(told.out.contains(part), "{part:?} is not in\n{}", told.out);
    }
    let json = muster(&cluster, &["status", "-n", "kubectl-unreadable", "-o", "json"]).await.ended(3).json();
    assert_eq!((&json["verdict"], &json["regions"][0]["ready"]), (&json!("Unreadable"), &json!("Ready")));
    assert_eq!(json["unreadable"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        (&json["unreadable"][0]["name"], &json["unreadable"][0]["reason"]),
        (&json!("garbage"), &json!("Unreadable"))
    );

    // Each command that is asked for it says so; those that are asked for another do their work.
    for words in
        [&["why", "region/garbage"][..], &["drain", "garbage"], &["undrain", "garbage"], &["rotate", "garbage"]]
    {
        let told = muster(&cluster, &[words, &["-n", "kubectl-unreadable"]].concat()).await.ended(3);
        assert!(told.err.contains("garbage") && told.err.contains("apply it once more"), "{told:?}");
    }
    let scaled = muster(&cluster, &["scale", "eu-west", "gateway", "2", "-n", "kubectl-unreadable"]).await.ended(0);
    assert!(scaled.err.contains("regionautoscaler/garbage is left out"), "{scaled:?}");
    let other = muster(&cluster, &["why", "region/nowhere", "-n", "kubectl-unreadable"]).await.ended(2);
    assert!(other.err.contains("There are: eu-west, garbage."), "{other:?}");

    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("unreadable-{}.zip", std::process::id()));
    let path = file.display().to_string();
    muster(&cluster, &["report", "-n", "kubectl-unreadable", "--file", &path]).await.ended(0);
    let entries = entries(&file);
    assert!(entries["missing.txt"].contains("region/garbage in kubectl-unreadable: This Region cannot be read"));
    assert!(entries.contains_key("namespaces/kubectl-unreadable/region/eu-west.yaml"), "{:?}", entries.keys());
    std::fs::remove_file(&file).expect("our own file");

    // Once all can be read, all is told as ever.
    region::create(&space, "garbage", region::small()).await;
    for kind in ["RegionAutoscaler", "SecretRotation"] {
        let garbage = crate::outage::garbage::dynamic(&space, kind);
        garbage.delete("garbage", &Default::default()).await.expect("deleted");
    }
    wait_ends(&cluster, &["status", "-n", "kubectl-unreadable"], 0).await;
}
