//! The console over the whole platform: real services, real processes, bots that play.

use muster_testkit::{Platform, Process};

use super::{
    checks,
    driver::{Browser, DESK},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_evening_at_the_console() {
    let site = crate::served::built_site();
    let platform = Platform::builder()
        .dashboard()
        .env_of("muster-dashboard", "MUSTER__SITE__ROOT", &site.display().to_string())
        .start()
        .await;
    let url = platform.dashboard_url.clone().unwrap();
    let browser = Browser::start(DESK).await;

    browser.client.goto(&url).await.unwrap();
    browser.see("#email").await;
    assert!(
        browser.client.current_url().await.unwrap().path().starts_with("/sign-in"),
        "who is not signed in is led to the sign-in"
    );
    checks::basics(&browser, "sign-in").await;
    browser.sign_in(&platform.staff_email, "wrong password").await;
    browser.see("#sign-in-error .alert").await;
    assert!(browser.text("#sign-in-error").await.contains("Email or password is wrong"));
    checks::basics(&browser, "sign-in with an error").await;
    browser.screenshot("sign-in").await;
    browser.complaints().await; // The refused sign-in itself is one: the browser logs every 401.

    browser.sign_in(&platform.staff_email, &platform.staff_password).await;
    browser.see("#matches-finished").await;
    browser.connected().await;
    browser.mark().await;
    assert_eq!(browser.text("#matches-finished").await, "0");
    let server = platform.server_url(0).to_owned();
    let _bots = Process::command("muster-bots")
        .args(["--url", &server, "--count", "2", "--seed", "1", "--move-delay", "20ms"])
        .spawn();
    browser
        .until("a finished match", "return Number(document.querySelector('#matches-finished').textContent) >= 1")
        .await;
    browser.until("stored events", "return document.querySelector('#events-stored').textContent !== '0'").await;
    browser
        .until("a chart that follows", "return !document.querySelector('.chart-sum').textContent.startsWith('0 ')")
        .await;
    assert!(browser.is_marked().await, "the numbers changed without a reload");
    checks::basics(&browser, "overview").await;
    browser.screenshot("overview").await;

    browser.see(".side nav a[href='/matches']").await.click().await.unwrap();
    browser.see(".matches tbody tr").await;
    checks::basics(&browser, "matches").await;
    browser.screenshot("matches").await;
    browser.client.goto(&format!("{url}/matches?state=finished")).await.unwrap();
    browser.see(".matches tbody th a").await.click().await.unwrap();
    browser.see(".log .dice").await;
    browser.until("the checked seed", "return document.querySelector('.proof-good') !== null").await;
    let dice = browser.run("return document.querySelectorAll('.log .dice').length", Vec::new()).await;
    assert!(dice.as_u64().unwrap() >= 2, "a match has rolls");
    checks::basics(&browser, "match").await;
    browser.screenshot("match").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    drop(browser);
    platform.finish().await;
}
