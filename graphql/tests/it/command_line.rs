//! The binary: its commands, and its life as a process.

use std::{net::SocketAddr, time::Duration};

use muster_store::{Actor, StaffRole};
use muster_testkit::{Process, Scratch, free_port, run};
use serde_json::{Value, json};

use crate::support::{SIGN_IN, Socket};

const ADD: [&str; 5] = ["staff", "add", "--email", "ada@example.test", "--password-stdin"];

async fn add(scratch: &Scratch, more: &[&str], password: &str) -> muster_testkit::Finished {
    let args: Vec<&str> = ADD.into_iter().chain(more.iter().copied()).collect();
    run("muster-graphql", &args, &scratch.env(), &format!("{password}\n")).await
}

#[tokio::test]
async fn the_schema_is_printed_without_any_service() {
    let printed = run("muster-graphql", &["schema"], &[], "").await;
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    assert_eq!(printed.stdout, muster_graphql::schema::sdl());
}

#[tokio::test]
async fn staff_are_added_and_renewed() {
    let scratch = Scratch::new().await;
    let staff = &scratch.store.staff;

    let short = add(&scratch, &["--role", "ADMIN"], "too short").await;
    assert_ne!(short.code, 0);
    assert!(short.stderr.contains("at least 12 characters"), "{}", short.stderr);
    assert!(staff.credentials("ada@example.test").await.unwrap().is_none());

    let added = add(&scratch, &["--role", "ADMIN", "--display-name", "Ada"], "correct horse battery").await;
    assert_eq!(added.code, 0, "{}", added.stderr);
    let known = staff.credentials("ada@example.test").await.unwrap().unwrap();
    assert_eq!((known.member.role, known.member.display_name.as_str()), (StaffRole::Admin, "Ada"));
    assert!(known.password_hash.starts_with("$argon2id$"));
    let audit = scratch.store.audit.list(None, 10).await.unwrap();
    assert!(audit.iter().any(|entry| entry.entry.actor == Actor::System("muster-graphql staff add".to_owned())));

    let renewed = add(&scratch, &["--role", "admin"], "another horse battery").await;
    assert_eq!(renewed.code, 0, "{}", renewed.stderr);
    let again = staff.credentials("ada@example.test").await.unwrap().unwrap();
    assert_eq!(again.member.staff_id, known.member.staff_id);
    assert_ne!(again.password_hash, known.password_hash);
    scratch.finish().await;
}

#[tokio::test]
async fn the_process_serves_is_ready_and_drains() {
    muster_runtime::install_crypto();
    let scratch = Scratch::new().await;
    assert_eq!(add(&scratch, &["--role", "VIEWER"], "correct horse battery").await.code, 0);
    let (http, ops) = (free_port(), free_port());
    let mut process = Process::command("muster-graphql")
        .label("graphql")
        .envs(scratch.env())
        .env("MUSTER__HTTP__LISTEN", format!("127.0.0.1:{http}"))
        .env("MUSTER__OPS__LISTEN", format!("127.0.0.1:{ops}"))
        .spawn();
    process.wait_ready(&format!("http://127.0.0.1:{ops}")).await;

    let client = reqwest::Client::new();
    let variables = json!({ "email": "ada@example.test", "password": "correct horse battery" });
    let answer = client
        .post(format!("http://127.0.0.1:{http}/graphql"))
        .json(&json!({ "query": SIGN_IN, "variables": variables }))
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["data"]["signIn"]["staff"]["role"], "VIEWER", "{answer}");

    let metrics = client.get(format!("http://127.0.0.1:{ops}/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("muster_staff_sign_ins_total{outcome=\"ok\"} 1"), "{metrics}");
    let log = process.log();
    assert!(!log.contains("ada@example.test") && !log.contains("correct horse"), "personal data in the log: {log}");

    let token = answer["data"]["signIn"]["token"].as_str().unwrap();
    let mut socket = Socket::signed_in(SocketAddr::from(([127, 0, 0, 1], http)), token).await;
    socket.subscribe("1", "subscription { live { at } }").await;
    assert_eq!(socket.next().await["type"], "next");
    process.signal(muster_testkit::Signal::Terminate);
    let closed = loop {
        let message = socket.next().await;
        if message["type"] != "next" {
            break message;
        }
    };
    assert_eq!(closed, json!({ "close": 1001 }));
    assert_eq!(process.wait_exit(Duration::from_secs(25)).await, 0);
    scratch.finish().await;
}
