use muster_operator::crd::region::RegionState;
use serde_json::json;

use super::{Running, muster};
use crate::{autoscaler::page::Page, cluster::Cluster, region};

/// A page on which referees tell how many matches they own, and where the operator is to ask for it.
async fn referees(matches: u32) -> (Page, String) {
    let page = Page::start().await;
    tell(&page, matches);
    let ops = page.origin.trim_start_matches("http://").to_owned();
    (page, ops)
}

fn tell(page: &Page, matches: u32) {
    page.says(&format!("# TYPE muster_referee_matches gauge\nmuster_referee_matches {matches}\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_is_followed_to_its_end_and_taken_back() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("kubectl-drain").await;
    let (page, ops) = referees(2).await;
    region::create(&space, "eu-west", region::with_matches(&ops)).await;
    region::wait_ready(&space, "eu-west").await;

    let mut drain = Running::start(&cluster, &["drain", "eu-west", "-n", "kubectl-drain"]);
    drain.wait_told("kubectl muster undrain eu-west -n kubectl-drain").await;
    drain.wait_told("2 matches left; the processes stop in").await;
    tell(&page, 1);
    drain.wait_told("1 match left").await;
    tell(&page, 0);
    let done = drain.end().await.ended(0);
    assert!(done.out.contains("eu-west is drained: every match came to its end"), "{done:?}");
    let again = muster(&cluster, &["drain", "eu-west", "-n", "kubectl-drain", "-o", "json"]).await.ended(0);
    assert_eq!((&again.json()["outcome"], &again.json()["matchesLeft"]), (&json!("Drained"), &json!(0)));

    let back = muster(&cluster, &["undrain", "eu-west", "-n", "kubectl-drain", "-o", "json"]).await.ended(0);
    assert_eq!((&back.json()["outcome"], &back.json()["ready"]), (&json!("Active"), &json!("Ready")));
    assert_eq!(region::get(&space, "eu-west").await.status.and_then(|status| status.ready_replicas), Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_following_leaves_it_draining() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("kubectl-drain-left").await;
    let (_page, ops) = referees(3).await;
    region::create(&space, "eu-west", region::with_matches(&ops)).await;
    region::wait_ready(&space, "eu-west").await;
    let draining = async || {
        assert_eq!(region::get(&space, "eu-west").await.spec.state, RegionState::Draining);
    };

    let mut drain = Running::start(&cluster, &["drain", "eu-west", "-n", "kubectl-drain-left"]);
    drain.wait_told("3 matches left").await;
    drain.interrupt();
    let left = drain.end().await.ended(130);
    assert!(
        left.out.contains("goes on draining. To take it back: kubectl muster undrain eu-west -n kubectl-drain-left"),
        "{left:?}"
    );
    draining().await;

    let in_time = ["drain", "eu-west", "-n", "kubectl-drain-left", "--timeout", "1s", "-o", "json"];
    assert_eq!(muster(&cluster, &in_time).await.ended(1).json()["outcome"], "NotInTime");
    draining().await;
    let asked = muster(&cluster, &["drain", "eu-west", "-n", "kubectl-drain-left", "--no-wait"]).await.ended(0);
    assert!(asked.out.contains("To follow it"), "{asked:?}");

    // Somebody takes it back while it is followed.
    let mut drain = Running::start(&cluster, &["drain", "eu-west", "-n", "kubectl-drain-left"]);
    drain.wait_told("3 matches left").await;
    muster(&cluster, &["undrain", "eu-west", "-n", "kubectl-drain-left", "--no-wait"]).await.ended(0);
    let back = drain.end().await.ended(1);
    assert!(back.out.contains("somebody has set another state"), "{back:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn matches_that_were_left_are_told_by_the_exit_code() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("kubectl-drain-late").await;
    let (_page, ops) = referees(7).await;
    let mut spec = region::with_matches(&ops);
    spec["drain"] = json!({ "matchTimeout": "2s" });
    region::create(&space, "eu-west", spec).await;
    region::wait_ready(&space, "eu-west").await;
    let late = muster(&cluster, &["drain", "eu-west", "-n", "kubectl-drain-late", "-o", "json"]).await.ended(1).json();
    assert_eq!((&late["outcome"], &late["matchesLeft"]), (&json!("MatchesLeft"), &json!(7)));

    region::change(&space, "eu-west", json!({ "spec": { "state": "Disabled" } })).await;
    let refused = muster(&cluster, &["undrain", "eu-west", "-n", "kubectl-drain-late"]).await.ended(1);
    assert!(refused.err.contains("is Disabled") && refused.err.contains("--force"), "{refused:?}");
    let refused = muster(&cluster, &["drain", "eu-west", "-n", "kubectl-drain-late"]).await.ended(1);
    assert!(refused.err.contains("nothing runs there"), "{refused:?}");
    muster(&cluster, &["undrain", "eu-west", "-n", "kubectl-drain-late", "--force"]).await.ended(0);
}
