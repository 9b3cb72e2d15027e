//! The example `dedicated`, as a person runs it: beside a platform that `cargo xtask up` started, as its state file tells.

use std::{fs, path::PathBuf, process::Command};

use muster_testkit::{Platform, binary};
use serde_json::json;

/// `target/<profile>/examples/dedicated`: `cargo test` builds it too.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples/dedicated");
    assert!(path.is_file(), "{} is not built: run `cargo build -p muster-client --examples`", path.display());
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_lives_its_whole_life_on_the_platform_that_runs_here() {
    let platform = Platform::builder().graphql().start().await;
    let settings = &platform.scratch.settings;
    let state = json!({
        "processes": [
            { "name": "muster-server", "url": platform.server_url(0) },
            { "name": "muster-graphql", "url": platform.graphql_url },
        ],
        "services": [
            { "name": "postgres", "url": settings.postgres_url },
            { "name": "redis", "url": settings.redis_url },
            { "name": "nats", "url": settings.nats_url },
        ],
        "dashboard": { "email": platform.staff_email, "password": platform.staff_password },
    });
    let here = std::env::temp_dir().join(format!("muster-dedicated-{}", uuid::Uuid::now_v7().simple()));
    fs::create_dir_all(here.join(".muster")).unwrap();
    fs::write(here.join(".muster/state.json"), state.to_string()).unwrap();

    let mut command = Command::new(example());
    command
        .args(["--matches", "2"])
        .current_dir(&here)
        .env("MUSTER_BIN_DIR", binary("muster-server").parent().unwrap());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{text}");
    for said in ["made the queue", "made the service key", "lets ply_", "hears that the match is finished: 1500.0 -> "]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert_eq!(text.matches("Ada     hears that the match is finished").count(), 2, "{text}");
    assert!(text.trim_end().ends_with("gone"), "{text}");
    fs::remove_dir_all(&here).unwrap();
    platform.finish().await;
}
