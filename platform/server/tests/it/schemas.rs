//! The public surfaces do not change unseen: what the binary prints is what is committed.

use std::path::Path;

async fn committed_equals_printed(command: &str, path: &str) {
    let printed = muster_testkit::run("muster-server", &[command], &[], "").await;
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let committed =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap_or_default();
    assert!(
        printed.stdout == committed,
        "{path} differs from what `muster-server {command}` prints; run `cargo xtask schemas` and review the change"
    );
}

#[tokio::test]
async fn openapi() {
    committed_equals_printed("openapi", "schemas/openapi.json").await;
}

#[tokio::test]
async fn socket_messages() {
    committed_equals_printed("socket-schema", "schemas/socket.schema.json").await;
}

#[tokio::test]
async fn errors() {
    committed_equals_printed("errors", "docs/errors.md").await;
}
