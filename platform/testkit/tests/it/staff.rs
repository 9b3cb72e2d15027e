//! The staff API of a platform, as its own staff account and as nobody.

use muster_testkit::Platform;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_staff_api_knows_the_platforms_account() {
    let platform = Platform::builder().server(0).graphql().start().await;
    let me = platform.graphql("{ me { email role } }", json!({})).await;
    assert_eq!(me["me"], json!({ "email": platform.staff_email, "role": "ADMIN" }));

    let nobody = platform.graphql_as(None, "{ me { email } }", json!({})).await;
    assert_eq!(nobody["errors"][0]["extensions"]["code"], "unauthenticated");
    platform.finish().await;
}
