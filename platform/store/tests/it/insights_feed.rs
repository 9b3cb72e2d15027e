use std::time::Duration;

use futures::StreamExt;
use muster_store::{TelemetryEvent, now};
use muster_testkit::Scratch;

use crate::given;

#[tokio::test]
async fn who_follows_sees_what_comes_in_and_nothing_of_a_person() {
    let scratch = Scratch::new().await;
    let mut feed = scratch.store.insights.follow().await.unwrap();
    let mut event = given::event("shop.bought", now());
    event.subject_id = Some(muster_store::fresh_id());
    event.region = Some("eu".to_owned());
    event.properties.insert("email".to_owned(), "somebody@example.com\n{\"kind\":\"x\"}".into());
    let events: Vec<TelemetryEvent> =
        (0..700).map(|_| TelemetryEvent { event_id: muster_store::fresh_id(), ..event.clone() }).collect();
    assert!(scratch.store.telemetry.publish_all(&events).await.iter().all(Result::is_ok));
    let mut seen = Vec::new();
    while seen.len() < 700 {
        seen.extend(tokio::time::timeout(Duration::from_secs(10), feed.next()).await.unwrap().unwrap());
    }
    assert_eq!(seen.len(), 700);
    assert!(seen.iter().all(|fed| fed.kind == "shop.bought" && fed.region.as_deref() == Some("eu")));
    let shown = format!("{:?}", seen[0]);
    assert!(!shown.contains("example.com") && !shown.contains("sub_"), "{shown}");
    scratch.finish().await;
}
