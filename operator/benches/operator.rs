//! What the operator costs, against a real API server: how long until a Region is ready, whether a settled cluster is left alone, how
//! long a new process takes over a thousand Regions on one core, and its memory then. `cargo xtask bench operator` runs it.
//!
//! The figures go to the file that `MUSTER_BENCH_REPORT` names, as one JSON object.
#![allow(dead_code, reason = "the tests' own harness, of which not everything is needed here")]
#![allow(clippy::print_stdout, reason = "progress, which xtask shows")]
#![allow(missing_docs, reason = "a program")]

#[path = "../tests/it/api_server.rs"]
mod api_server;
#[path = "../tests/it/cluster.rs"]
mod cluster;
#[path = "../tests/it/operator.rs"]
mod operator;
#[path = "../tests/it/snapshot.rs"]
mod snapshot;

use std::time::{Duration, Instant};

use kube::{Api, api::PostParams};
use muster_operator::{crd::Region, reconcile::conditions};
use serde_json::{Value, json};

use cluster::{Cluster, Space};
use operator::Operator;

/// Regions made one after another, each timed.
const ONE_BY_ONE: usize = 20;
/// Regions of the settled cluster, and for how long it is looked at.
const SETTLED: (usize, Duration) = (200, Duration::from_secs(60));
/// Regions of the restart, unless `MUSTER_BENCH_REGIONS` names another number.
const MANY: usize = 1000;
/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(900);
/// What the test API server takes for a Pod to be ready after it appeared.
const PODS_START_MS: u64 = 300;

#[tokio::main]
async fn main() {
    // `cargo test` runs benches too, to see that they start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let Some(cluster) = Cluster::own().await else { std::process::exit(1) };
    let space = cluster.namespace("bench").await;
    let many =
        std::env::var("MUSTER_BENCH_REGIONS").map_or(MANY, |number| number.parse().expect("a number of Regions"));
    let settled = many.min(SETTLED.0);
    let mut first = cluster.operator("bench", &["operator.poll=5s"]);
    first.wait_leading().await;

    println!("{ONE_BY_ONE} Regions, one after another");
    let mut ready: Vec<u64> = Vec::new();
    for number in 0..ONE_BY_ONE.min(many) {
        ready.push(time_to_ready(&space, number).await);
    }
    ready.sort_unstable();

    println!("{settled} Regions");
    create(&space, ONE_BY_ONE..settled).await;
    wait_all_ready(&space, settled).await;
    let before = cluster.wait_quiet(PATIENCE).await;
    println!("nothing changes for {:?}", SETTLED.1);
    tokio::time::sleep(SETTLED.1).await;
    let steady_writes = cluster.writes().await - before;

    println!("{many} Regions");
    create(&space, settled..many).await;
    wait_all_ready(&space, many).await;
    cluster.wait_quiet(PATIENCE).await;
    assert_eq!(first.terminate().await, Some(0), "the first operator ends in order");
    let before = cluster.writes().await;
    println!("a new operator, on one core");
    let began = Instant::now();
    let second = cluster.operator_on_one_core("bench-restart");
    let restart_s = wait_reconciled(&second, many, began).await;
    let restart_writes = cluster.wait_quiet(PATIENCE).await - before;
    let [rss_mb, peak_mb] = ["VmRSS", "VmHWM"].map(|field| memory_mb(second.pid(), field));

    let report = json!({
        "ready_ms": percentile(&ready, 95),
        "ready_p50_ms": percentile(&ready, 50),
        "pods_start_ms": PODS_START_MS,
        "steady_writes": steady_writes,
        "restart_s": restart_s,
        "restart_writes": restart_writes,
        "rss_mb": rss_mb,
        "rss_peak_mb": peak_mb,
        "regions": many,
        "objects": many * 9,
    });
    println!("{report}");
    if let Some(path) = std::env::var_os("MUSTER_BENCH_REPORT") {
        std::fs::write(path, report.to_string()).expect("the report");
    }
}

fn region(number: usize) -> Region {
    let manifest: Value = json!({
        "apiVersion": "muster.dev/v1alpha1", "kind": "Region", "metadata": { "name": format!("region-{number}") },
        "spec": { "image": "muster-server:1", "roles": [{ "name": "gateway" }, { "name": "referee", "replicas": 0 }] },
    });
    serde_json::from_value(manifest).expect("a Region")
}

fn is_ready(region: &Region) -> bool {
    let status = region.status.as_ref();
    status.is_some_and(|status| {
        conditions::holds(&status.conditions, conditions::READY) == Some(true)
            && status.observed_generation == region.metadata.generation
    })
}

/// Milliseconds from the request that creates a Region until it is seen ready.
async fn time_to_ready(space: &Space, number: usize) -> u64 {
    let (regions, region) = (space.all::<Region>(), region(number));
    let name = format!("region-{number}");
    let began = Instant::now();
    regions.create(&PostParams::default(), &region).await.expect("created");
    while !is_ready(&regions.get(&name).await.expect("the Region")) {
        assert!(began.elapsed() < PATIENCE, "{name} did not get ready");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

async fn create(space: &Space, numbers: std::ops::Range<usize>) {
    let regions = space.all::<Region>();
    for number in numbers {
        regions.create(&PostParams::default(), &region(number)).await.expect("created");
    }
}

async fn wait_all_ready(space: &Space, count: usize) {
    let regions: Api<Region> = space.all();
    let began = Instant::now();
    loop {
        let all = regions.list(&Default::default()).await.expect("a list");
        let ready = all.iter().filter(|region| is_ready(region)).count();
        if ready >= count {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{ready} of {count} Regions are ready");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Seconds from `began` until the operator has looked at every Region.
async fn wait_reconciled(operator: &Operator, count: usize, began: Instant) -> f64 {
    let done = "muster_reconciles_total{kind=\"Region\",outcome=\"done\"}";
    while operator.metric(done).await.is_none_or(|looked| looked < count as f64) {
        assert!(began.elapsed() < PATIENCE, "the new operator does not come to its end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (began.elapsed().as_secs_f64() * 100.0).round() / 100.0
}

/// A field of `/proc/PID/status`, in megabytes.
fn memory_mb(pid: u32, field: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a running operator");
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib: f64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).expect("a number of KiB");
    (kib * 1024.0 / 1e5).round() / 10.0
}

fn percentile(sorted: &[u64], percent: usize) -> u64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}
