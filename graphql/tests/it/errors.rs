//! What is not a GraphQL operation at all.

use serde_json::json;

use crate::support::{Api, code_of};

#[tokio::test]
async fn what_is_no_operation_is_told_so() {
    let api = Api::start().await;
    let token = api.viewer().await;
    for query in
        ["", "{", "{ nothing }", "{ me }", "{ me { id } } { me { id } }", "query a { me { id } } query b { me { id } }"]
    {
        let answer = api.ask(Some(&token), query, json!({})).await;
        assert_eq!(code_of(&answer), "bad_input", "{query}");
    }
    assert_eq!(api.refusal(None, "{", json!({})).await, "bad_input");
    api.finish().await;
}

#[tokio::test]
async fn what_is_no_request_is_told_so() {
    let api = Api::start().await;
    let operation = json!({ "query": "{ me { id } }" });
    let post = |content_type: &'static str, body: String| {
        api.http.post(api.url()).header("content-type", content_type).body(body).send()
    };
    for (status, content_type, body) in [
        (400, "application/json", "no json".to_owned()),
        (400, "application/json", json!([operation, operation]).to_string()),
        (400, "application/json", json!({ "query": 1 }).to_string()),
        (415, "text/plain", operation.to_string()),
        (415, "application/x-www-form-urlencoded", "query={me{id}}".to_owned()),
        (200, "application/json; charset=utf-8", operation.to_string()),
    ] {
        let answer = post(content_type, body.clone()).await.unwrap();
        assert_eq!(answer.status(), status, "{content_type} {body}");
        let expected = if status == 200 { "unauthenticated" } else { "bad_input" };
        assert_eq!(code_of(&answer.json().await.unwrap()), expected);
    }
    let get = api.http.get(format!("{}?query=%7Bme%7Bid%7D%7D", api.url())).send().await.unwrap();
    assert_eq!(get.status(), 405);
    api.finish().await;
}
