//! `--check-config` and `--print-config`.

use crate::{process::command, scratch::Scratch, wait::within};

/// Exit code, standard output, standard error.
async fn run(args: &[&str], env: &[(&str, &str)]) -> (i32, String, String) {
    let output = within("the process", command(args).envs(env.iter().copied()).output()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn valid_settings_check_out() {
    let scratch = Scratch::new();
    let file = scratch.write("muster.toml", "[log]\nfilter = 'debug'\n");
    let (code, out, err) = run(&["--check-config"], &[("MUSTER_CONFIG", file.to_str().unwrap())]).await;
    assert_eq!((code, out.as_str(), err.as_str()), (0, "configuration is valid\n", ""));
}

#[tokio::test]
async fn invalid_settings_are_told_all_at_once() {
    let (code, out, err) = run(
        &["--check-config", "--set", "shutdown.grace=soon"],
        &[("MUSTER__OPS__LISTEN", "here"), ("MUSTER__OPS__PORT", "1")],
    )
    .await;
    assert_eq!((code, out.as_str()), (2, ""));
    for part in [
        "3 problems",
        "shutdown.grace (MUSTER__SHUTDOWN__GRACE): \"soon\" from --set",
        "\"here\" from MUSTER__OPS__LISTEN",
        "ops.port",
    ] {
        assert!(err.contains(part), "{part} is not in {err}");
    }
}

#[tokio::test]
async fn a_process_does_not_start_with_invalid_settings() {
    let (code, _, err) = run(&["--set", "postgres.max_connections=0"], &[]).await;
    assert_eq!(code, 1);
    assert!(err.contains("postgres.max_connections (MUSTER__POSTGRES__MAX_CONNECTIONS): `0` from --set"), "{err}");
}

#[tokio::test]
async fn what_is_printed_can_be_read_back_and_holds_no_secret() {
    let url = ("MUSTER__POSTGRES__URL", "postgres://muster:hunter2@db/muster");
    let (code, out, err) = run(&["--print-config", "--set", "secrets.vault.token=hunter2"], &[url]).await;
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(!out.contains("hunter2") && out.contains("postgres://muster:[redacted]@db/muster"), "{out}");

    let scratch = Scratch::new();
    let file = scratch.write("muster.toml", &out);
    let (code, again, _) = run(&["--print-config", "--config", file.to_str().unwrap()], &[]).await;
    assert_eq!((code, again), (0, out));
}

#[tokio::test]
async fn a_reference_is_read_from_the_environment() {
    let url = ("MUSTER__POSTGRES__URL", "secret:postgres-url");
    let (code, _, err) = run(&["--check-config"], &[url]).await;
    assert_eq!(code, 2);
    assert!(err.contains("postgres.url") && err.contains("MUSTER_SECRET_POSTGRES_URL is not set"), "{err}");
    let (code, out, _) =
        run(&["--check-config"], &[url, ("MUSTER_SECRET_POSTGRES_URL", "postgres://u:p@db/muster")]).await;
    assert_eq!((code, out.as_str()), (0, "configuration is valid\n"));
    let (_, out, _) = run(&["--print-config"], &[url]).await;
    assert!(out.contains("\"secret:postgres-url\""), "{out}");
}
