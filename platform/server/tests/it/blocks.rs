//! Whom a player never plays with or against.

use muster_testkit::Platform;
use serde_json::{Value, json};

use crate::raw::{Http, problem};

#[tokio::test]
async fn a_block_is_listed_goes_into_the_next_ticket_and_can_be_taken_back() {
    let platform = Platform::builder().server_roles(0, "gateway").start().await;
    let http = Http::of(&platform);
    let (ada, token) = http.sign_in("Ada").await;
    let (mallory, _) = http.sign_in("Mallory").await;
    let path = format!("/v1/blocks/{mallory}");
    let blocked = async || {
        let list: Value = http.get("/v1/blocks").bearer_auth(&token).send().await.unwrap().json().await.unwrap();
        list["players"].clone()
    };

    assert_eq!(blocked().await, json!([]));
    for _ in 0..2 {
        let answer = http.put(&path).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), 204, "blocking again changes nothing");
    }
    assert_eq!(blocked().await, json!([mallory]));

    let answer = http.wish(&token, &json!({"queue": "classic-casual"})).send().await.unwrap();
    let ticket: Value = answer.json().await.unwrap();
    let record = platform.scratch.store.tickets.get(ticket["ticket_id"].as_str().unwrap().parse().unwrap()).await;
    let record = record.unwrap().unwrap();
    assert_eq!(record.ticket.members[0].blocked, [mallory.parse().unwrap()]);

    let answer = http.delete(&path).bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(blocked().await, json!([]));

    let oneself = http.put(&format!("/v1/blocks/{ada}")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(problem(oneself, 422, "invalid_field").await["errors"][0]["path"], "id");
    let nobody: muster_core::id::PlayerId = muster_store::fresh_id();
    let nobody = http.put(&format!("/v1/blocks/{nobody}")).bearer_auth(&token).send().await.unwrap();
    problem(nobody, 404, "not_found").await;
    platform.finish().await;
}

#[tokio::test]
async fn the_list_ends_at_256() {
    let platform = Platform::builder()
        .server_roles(0, "gateway")
        .env_of("muster-server", "MUSTER__GATEWAY__REQUESTS_PER_SECOND", "1000")
        .start()
        .await;
    let http = Http::of(&platform);
    let (ada, token) = http.sign_in("Ada").await;
    let pool = platform.scratch.sql().await;
    let ada: muster_core::id::PlayerId = ada.parse().unwrap();
    // Accounts of others, straight into the table: 257 sign-ins would test only the limit of sign-ins.
    sqlx::query(
        "insert into player.accounts (player_id, display_name, created_at, signed_in_at)
         select gen_random_uuid(), 'Crowd ' || n, now(), now() from generate_series(1, 257) n",
    )
    .execute(&pool)
    .await
    .unwrap();
    let crowd: Vec<(uuid::Uuid,)> =
        sqlx::query_as("select player_id from player.accounts where display_name like 'Crowd %'")
            .fetch_all(&pool)
            .await
            .unwrap();
    let mut crowd = crowd.into_iter().map(|(id,)| muster_core::id::PlayerId::from_uuid(id));
    for other in crowd.by_ref().take(256) {
        platform.scratch.store.blocks.add(ada, other, muster_store::now()).await.unwrap();
    }
    let last = crowd.next().unwrap();
    let answer = http.put(&format!("/v1/blocks/{last}")).bearer_auth(&token).send().await.unwrap();
    problem(answer, 409, "too_many_blocks").await;
    pool.close().await;
    platform.finish().await;
}
