//! Signing in and out, as a browser without scripts does it.

use crate::{
    scripted::{Scripted, TOKEN},
    served::{Options, Served, client},
};

const RIGHT: &str = "email=ada%40studio.example&password=correct+horse&next=%2Fmatches";
const WRONG: &str = "email=ada%40studio.example&password=wrong&next=%2Fmatches";

#[tokio::test]
async fn a_plain_form_opens_a_session() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let response = served.form("/sign-in?next=%2Fmatches", "/api/sign-in", RIGHT).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["location"]), (302, &"/matches".parse().unwrap()));
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with(&format!("muster_session={TOKEN}; Path=/; HttpOnly; SameSite=Strict; Max-Age=")),
        "{cookie}"
    );
    assert!(!response.text().await.unwrap().contains(TOKEN), "only the cookie holds the token");

    let html = served.page("/matches").await.text().await.unwrap();
    assert!(html.contains("Ada Lovelace") && !html.contains(TOKEN));
}

#[tokio::test]
async fn a_wrong_password_is_told_in_the_form() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let response = served.form("/sign-in?next=%2Fmatches", "/api/sign-in", WRONG).send().await.unwrap();
    assert_eq!(response.status(), 302);
    assert!(response.headers().get("set-cookie").is_none());
    let back = response.headers()["location"].to_str().unwrap().to_owned();
    let html = client().get(&back).header("accept", "text/html").send().await.unwrap().text().await.unwrap();
    assert!(html.contains("Email or password is wrong"), "the page it leads back to says why");
    assert!(
        html.contains("aria-invalid=\"true\"") && html.contains("value=\"/matches\""),
        "and still knows where to go"
    );
}

#[tokio::test]
async fn scripts_get_the_error_and_its_status() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    for (body, status, error) in [
        (WRONG, 401, "\"wrong_credentials\""),
        ("email=locked%40studio.example&password=x&next=%2F", 429, "\"too_many_attempts\""),
    ] {
        let response = served.form("/sign-in", "/api/sign-in", body).header("accept", "application/json");
        let request = response.build().unwrap();
        let mut request = request;
        request.headers_mut().insert("accept", "application/json".parse().unwrap());
        let response = client().execute(request).await.unwrap();
        assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (status, error));
    }
}

#[tokio::test]
async fn another_site_cannot_sign_anybody_in() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let response = client()
        .post(served.at("/api/sign-in"))
        .header("origin", "https://evil.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(RIGHT)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 403);
    assert!(response.headers().get("set-cookie").is_none());
    assert!(response.text().await.unwrap().contains("foreign_origin"));
}

#[tokio::test]
async fn signing_out_forgets_the_cookie() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let response =
        served.form("/", "/api/sign-out", "").header("cookie", format!("muster_session={TOKEN}")).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["location"]), (302, &"/sign-in".parse().unwrap()));
    assert_eq!(response.headers()["set-cookie"], "muster_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
}

#[tokio::test]
async fn a_session_that_has_ended_leads_to_the_sign_in() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let response = served.get("/").header("cookie", "muster_session=old").send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["location"]), (302, &"/sign-in".parse().unwrap()));
    let call = client()
        .get(served.at("/api/me"))
        .header("accept", "application/json")
        .header("cookie", "muster_session=old")
        .send()
        .await
        .unwrap();
    assert_eq!((call.status().as_u16(), call.text().await.unwrap().as_str()), (401, "\"signed_out\""));
}
