//! What players play on.

use muster_core::game::Mode;
use muster_store::{Days, Dimension, GameClient, MIXED, Slice, Step, TelemetryEvent, fresh_id, now};
use muster_testkit::Scratch;
use serde_json::json;

use crate::given;
use crate::insights_given::{day, match_ended, shuffled, ticket_ended, told};

fn client(platform: Option<&str>, build: Option<&str>) -> GameClient {
    GameClient { platform: platform.map(str::to_owned), build: build.map(str::to_owned) }
}

#[tokio::test]
async fn the_newest_sign_in_tells_what_a_player_plays_on() {
    let scratch = Scratch::new().await;
    let (accounts, clients) = (&scratch.store.accounts, &scratch.store.clients);
    let ada = accounts.sign_in(&[1; 32], None, now()).await.unwrap().account.player_id;
    let bo = accounts.sign_in(&[2; 32], None, now()).await.unwrap().account.player_id;
    let asked = [ada, bo, fresh_id()];
    assert!(clients.of(&asked).await.unwrap().is_empty());

    for told in [client(Some("pc"), Some("1.4")), client(Some("ps5"), None), client(Some("ps5"), None)] {
        clients.tell(ada, &told, now()).await.unwrap();
        clients.tell(bo, &client(None, Some("1.5")), now()).await.unwrap();
        let known = clients.of(&asked).await.unwrap();
        assert_eq!((known.len(), &known[&ada], &known[&bo]), (2, &told, &client(None, Some("1.5"))));
    }
    // One that tells nothing is not the one before.
    clients.tell(ada, &GameClient::default(), now()).await.unwrap();
    assert!(!clients.of(&asked).await.unwrap().contains_key(&ada));
    assert!(clients.of(&[]).await.unwrap().is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn tickets_and_matches_are_told_apart_by_platform_and_build_and_regions_stay_whole() {
    let scratch = Scratch::new().await;
    let at = |hour: u32| given::time(&format!("2026-01-02T{hour:02}:00:00Z"));
    let on = |event: TelemetryEvent, region: &str, platform: &str, build: &str| TelemetryEvent {
        region: Some(region.to_owned()),
        platform: Some(platform.to_owned()),
        build: Some(build.to_owned()),
        ..event
    };
    let ticket = |hour| ticket_ended("q", "eu", at(hour), json!({ "outcome": "matched", "wait_ms": 1_000 }));
    let mut events = vec![
        on(ticket(1), "eu", "pc", "1.4"),
        on(ticket(2), "eu", "pc", "1.5"),
        on(ticket(3), "eu", "ps5", "1.5"),
        on(ticket(4), "us", "ps5", "1.5"),
    ];
    // Of two players: one of each platform, and both of one.
    for (hour, common) in [(1, MIXED), (2, "pc")] {
        for (seat, event) in match_ended(Mode::Classic, "q", at(hour), "won", true, 60_000).into_iter().enumerate() {
            let mut event = on(event, "eu", if seat == 0 && common == MIXED { "ps5" } else { "pc" }, "1.5");
            event.properties.insert("match_platform".to_owned(), json!(common));
            event.properties.insert("match_build".to_owned(), json!("1.5"));
            events.push(event);
        }
    }
    told(&scratch, &shuffled(events, 41), 42).await;
    let insights = &scratch.store.insights;
    let days = Days::new(day("2026-01-01"), day("2026-01-02")).unwrap();
    let tickets = async |slice: &Slice, by| {
        let mut found = Vec::new();
        for step in [Step::Day, Step::Hour] {
            let series = insights.queues(days, Some("q"), step, slice, by).await.unwrap();
            found.push(series.into_iter().map(|series| (series.group, series.whole.tickets)).collect::<Vec<_>>());
        }
        assert_eq!(found[0], found[1]);
        found.remove(0)
    };
    let matches = async |slice: &Slice, by| {
        let found = insights.matches(days, None, slice, by).await.unwrap();
        found.into_iter().map(|facts| (facts.group, facts.matches)).collect::<Vec<_>>()
    };
    let named = |groups: &[(&str, u64)]| -> Vec<(Option<String>, u64)> {
        groups.iter().map(|(group, count)| (Some((*group).to_owned()), *count)).collect()
    };
    let all = Slice::default();
    let pc = Slice { platform: Some("pc".to_owned()), ..Slice::default() };
    let eu = Slice { region: Some("eu".to_owned()), ..Slice::default() };
    assert_eq!(tickets(&all, None).await, [(None, 4)]);
    assert_eq!(tickets(&all, Some(Dimension::Region)).await, named(&[("eu", 3), ("us", 1)]));
    assert_eq!(tickets(&all, Some(Dimension::Platform)).await, named(&[("pc", 2), ("ps5", 2)]));
    assert_eq!(tickets(&eu, Some(Dimension::Platform)).await, named(&[("pc", 2), ("ps5", 1)]));
    assert_eq!(tickets(&pc, Some(Dimension::Build)).await, named(&[("1.4", 1), ("1.5", 1)]));
    assert_eq!(tickets(&pc, Some(Dimension::Region)).await, named(&[("eu", 2)]));
    assert_eq!(matches(&all, None).await, [(None, 2)]);
    assert_eq!(matches(&all, Some(Dimension::Region)).await, named(&[("eu", 2)]));
    assert_eq!(matches(&all, Some(Dimension::Platform)).await, named(&[(MIXED, 1), ("pc", 1)]));
    assert_eq!(matches(&pc, Some(Dimension::Build)).await, named(&[("1.5", 1)]));
    scratch.finish().await;
}
