//! Pages that move, over the scripted staff API: what only a script can make happen at the right moment.

use serde_json::json;

use super::{
    checks,
    driver::{Browser, DESK, Look, PHONE},
};
use crate::{
    scripted::{EMAIL, PASSWORD, RUNNING, Scripted},
    served::{Options, Served},
};

async fn stage() -> (Scripted, Served) {
    let graphql = Scripted::start().await;
    let served = Served::over(&graphql, Options { built_site: true, ..Options::default() }).await;
    (graphql, served)
}

async fn signed_in(served: &Served, look: Look, path: &str) -> Browser {
    let browser = Browser::start(look).await;
    browser.client.goto(&served.at(&format!("/sign-in?next={path}"))).await.unwrap();
    browser.sign_in(EMAIL, PASSWORD).await;
    browser.connected().await;
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_socket_comes_back_where_the_log_was() {
    let (graphql, served) = stage().await;
    let browser = signed_in(&served, DESK, &format!("/matches/{RUNNING}")).await;
    browser.mark().await;
    browser.until("new lines of the log", "return document.querySelectorAll('.line').length >= 9").await;
    graphql.cut_sockets();
    browser.until("the last line", "return document.querySelectorAll('.line').length === 18").await;
    let numbers = browser
        .run("return [...document.querySelectorAll('.line-seq')].map(e => Number(e.textContent))", Vec::new())
        .await;
    assert_eq!(numbers, json!((1..=18).collect::<Vec<_>>()), "no line is lost or told twice");
    let resumed = graphql.resumed_from();
    assert!(resumed.len() >= 2 && resumed[0] == 6 && resumed[1] >= 9, "it asks from the last line it has: {resumed:?}");
    browser
        .until("the result", "return document.querySelector('.middle-result')?.textContent === 'Brave Otter won'")
        .await;
    assert!(browser.text(".proof").await.contains("Checked"));
    assert!(browser.text(".player .sub").await.contains("1,500 → 1,512 (+12)"));
    assert!(browser.is_marked().await, "nothing was reloaded");
    checks::basics(&browser, "match").await;
    browser.screenshot("scripted-match").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_staff_api_that_is_away_is_told_and_waited_for() {
    let (graphql, served) = stage().await;
    let browser = signed_in(&served, DESK, "/").await;
    let before = browser.text("#matches-finished").await;
    browser
        .until(
            "a number that moves",
            &format!("return document.querySelector('#matches-finished').textContent !== '{before}'"),
        )
        .await;
    graphql.stop();
    browser.see(".connection-down").await;
    assert!(browser.text("[role=status]").await.contains("Reconnecting"));
    // The numbers stay; a page that is loaded now says what to do.
    assert!(!browser.text("#matches-finished").await.is_empty());
    browser.client.goto(&served.at("/matches")).await.unwrap();
    browser.see(".alert-page").await;
    assert!(browser.text(".alert-page").await.contains("muster-graphql"));
    checks::basics(&browser, "error").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_pages_work_without_a_reload() {
    let (_graphql, served) = stage().await;
    let browser = signed_in(&served, DESK, "/matches").await;
    browser.mark().await;
    browser.run("const state = document.querySelector('#state'); state.value = 'finished'; state.dispatchEvent(new Event('change', { bubbles: true }))", Vec::new()).await;
    browser.until("finished matches only", "return location.search.includes('state=finished') && !document.querySelector('.matches .badge-live') && !!document.querySelector('.matches')").await;
    browser.see(".pager a[rel=next]").await.click().await.unwrap();
    browser.until("the second page", "return location.search.includes('after=1') && document.querySelector('.pager').textContent.includes('Newest')").await;
    assert!(browser.is_marked().await);
    browser.run("const mode = document.querySelector('#mode'); mode.value = 'true-grit'; mode.dispatchEvent(new Event('change', { bubbles: true }))", Vec::new()).await;
    browser.see(".empty").await;
    assert!(browser.text(".empty").await.contains("No match fits the filter"));
    checks::basics(&browser, "empty list").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_in_the_browser() {
    let (_graphql, served) = stage().await;
    let browser = signed_in(&served, DESK, "/").await;
    browser.see(".who button").await.click().await.unwrap();
    browser.see("#email").await;
    browser.client.goto(&served.at("/matches")).await.unwrap();
    browser.see("#password").await;
    assert!(browser.client.current_url().await.unwrap().as_str().ends_with("/sign-in?next=%2Fmatches"));
    checks::basics(&browser, "sign-in").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_fit_a_phone_and_the_dark() {
    let (_graphql, served) = stage().await;
    for (look, name) in [(PHONE, "phone"), (Look { dark: true, ..DESK }, "dark")] {
        let browser = signed_in(&served, look, "/").await;
        for (path, see, page) in [
            ("/", "#players-online", "overview"),
            ("/matches", ".matches", "matches"),
            (&*format!("/matches/{RUNNING}"), ".log", "match"),
            ("/nowhere", "h1", "not-found"),
        ] {
            browser.client.goto(&served.at(path)).await.unwrap();
            browser.see(see).await;
            checks::basics(&browser, &format!("{page} ({name})")).await;
            browser.screenshot(&format!("scripted-{page}-{name}")).await;
        }
    }
}
