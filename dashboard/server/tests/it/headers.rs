//! Headers, caching, statuses.

use crate::{
    scripted::{FINISHED, Scripted},
    served::{Options, Served},
};

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    for path in ["/sign-in", "/nowhere", "/api/me", "/pkg/muster.js", "/graphql/ws"] {
        let response = served.get(path).send().await.unwrap();
        let header = |name: &str| {
            response.headers().get(name).unwrap_or_else(|| panic!("{path} has no {name}")).to_str().unwrap()
        };
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(response.headers().get("strict-transport-security").is_none(), "{path}: HSTS needs https");
    }
}

#[tokio::test]
async fn a_page_allows_its_own_scripts_and_nothing_else() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let response = served.get("/sign-in").send().await.unwrap();
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap().to_owned();
        assert!(policy.contains("script-src 'self' 'nonce-") && !policy.contains("unsafe-inline"), "{policy}");
        let html = response.text().await.unwrap();
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{}", &html[..80]);
        for script in html.split("<script").skip(1) {
            assert!(
                script.contains(&format!("nonce=\"{nonce}\"")),
                "a script without the nonce: {}",
                &script[..80.min(script.len())]
            );
        }
        assert!(!html.contains(" style=\""), "the policy forbids style attributes");
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn over_https_the_cookie_is_secure_and_browsers_are_told_to_stay() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options { https: true, ..Options::default() }).await;
    let response = served
        .form("/sign-in", "/api/sign-in", "email=ada%40studio.example&password=correct+horse&next=%2F")
        .send()
        .await
        .unwrap();
    assert!(response.headers()["strict-transport-security"].to_str().unwrap().starts_with("max-age="));
    assert!(response.headers()["set-cookie"].to_str().unwrap().ends_with("; Secure"));
}

#[tokio::test]
async fn files_are_kept_for_ever_by_their_hash() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let html = served.get("/sign-in").send().await.unwrap().text().await.unwrap();
    let hashed = html
        .split('"')
        .find(|text| text.starts_with("/pkg/muster_bg.wasm?v="))
        .expect("the page names its WebAssembly");
    let file = served.get(hashed).send().await.unwrap();
    assert_eq!(file.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(file.headers()["content-type"], "application/wasm");
    for other in ["/pkg/muster_bg.wasm", "/pkg/muster_bg.wasm?v=0123456789abcdef"] {
        let file = served.get(other).send().await.unwrap();
        assert_eq!(file.headers()["cache-control"], "no-cache", "{other}");
        let again = served.get(other).header("if-none-match", &file.headers()["etag"]).send().await.unwrap();
        assert_eq!(again.status(), 304, "{other}");
    }
    assert_eq!(served.get("/pkg/other.js").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn statuses_say_what_pages_say() {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options::default()).await;
    let signed_out = served.get("/matches?state=running").send().await.unwrap();
    assert_eq!(
        (signed_out.status().as_u16(), &signed_out.headers()["location"]),
        (302, &"/sign-in?next=%2Fmatches".parse().unwrap())
    );

    let page = served.page(&format!("/matches/{FINISHED}")).await;
    assert_eq!((page.status().as_u16(), &page.headers()["cache-control"]), (200, &"no-store".parse().unwrap()));
    let html = page.text().await.unwrap();
    for expected in [
        "<title>Brave Otter vs Quiet Falcon · Muster</title>",
        "Dice: 3 and 5",
        "Checked: the SHA-256",
        "1,500 → 1,512 (+12)",
    ] {
        assert!(html.contains(expected), "the first HTML lacks {expected:?}");
    }

    assert_eq!(served.page("/matches/mch_unknown").await.status(), 404);
    assert_eq!(served.page("/no/such/page").await.status(), 404);

    graphql.stop();
    let page = served.page("/").await;
    assert_eq!(page.status(), 503);
    let html = page.text().await.unwrap();
    assert!(
        html.contains("The staff API does not answer") && html.contains("muster-graphql"),
        "an error says what to do"
    );
}
