//! What is shown of a match over HTTP: all of it to its players and once it is over; to others what is older than their delay.

use std::time::Duration;

use chrono::Utc;
use muster_client::core::game::{Command, GameEvent};
use muster_client::core::wire::{EventPage, MatchStatus, MatchView};
use muster_client::{ClientEvent, Connection, MatchMirror, Session};
use muster_core::id::MatchId;
use muster_testkit::{Platform, eventually};

use crate::raw::{Http, problem};

/// Two players in a match that runs.
struct Table {
    players: [(Session, Connection); 2],
    match_id: MatchId,
}

impl Table {
    async fn begin(platform: &Platform) -> Self {
        let mut players = Vec::new();
        let mut found = None;
        for name in ["Ada", "Grace"] {
            let session = platform.player(name).await;
            let connection = session.connect();
            connection.queue("classic-casual").await.unwrap();
            players.push((session, connection));
        }
        for (_, connection) in &mut players {
            loop {
                if let ClientEvent::MatchFound(view) = connection.next().await.expect("the connection stays") {
                    found = Some(view.match_id);
                    break;
                }
            }
        }
        let Ok(players) = players.try_into() else { unreachable!() };
        Self { players, match_id: found.unwrap() }
    }

    /// The match as its first player reads it.
    async fn read(&self) -> (MatchView, EventPage) {
        let session = &self.players[0].0;
        let page = session.match_events(self.match_id, 0, 1000).await.unwrap();
        (session.match_view(self.match_id).await.unwrap(), page)
    }

    /// Whoever's turn it is rolls or banks.
    async fn play(&self, command: Command) {
        let (view, page) = self.read().await;
        let mut mirror = MatchMirror::new(&view);
        mirror.apply(&page.events).unwrap();
        let mover = self
            .players
            .iter()
            .find(|(session, _)| mirror.seat_of(session.player_id()).is_some_and(|seat| mirror.is_turn_of(seat)));
        mover.unwrap().1.command(self.match_id, command).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_behind_the_players_until_the_match_is_over() {
    let delay = Duration::from_millis(1_500);
    let platform =
        Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__SPECTATOR_DELAY", "1500ms").start().await;
    let table = Table::begin(&platform).await;
    let stranger = platform.player("Eve").await;
    for _ in 0..3 {
        table.play(Command::Roll).await;
        let (view, page) = table.read().await;
        assert_eq!(view.version, page.end_cursor, "a player sees all at once");
        assert!(matches!(page.events[0].event, GameEvent::Started { .. }));
        let shown = stranger.match_events(table.match_id, 0, 1000).await.unwrap();
        let behind = stranger.match_view(table.match_id).await.unwrap();
        let ripe = Utc::now() - delay;
        assert!(shown.events.iter().all(|event| event.at <= ripe), "{shown:?}");
        assert!(!shown.has_next, "there is no more for them yet");
        assert!(behind.version <= view.version && behind.seed.is_none());
        let last = page.events[..usize::try_from(behind.version).unwrap()].last();
        assert!(last.is_none_or(|event| event.at <= ripe), "{behind:?}");
    }
    let (view, all) = table.read().await;
    let caught_up = eventually(Duration::from_secs(10), "the stranger to see it all", async || {
        let shown = stranger.match_view(table.match_id).await.unwrap();
        (shown.version == view.version).then_some(shown)
    })
    .await;
    assert_eq!((caught_up.totals, caught_up.turn), (view.totals, view.turn));
    assert_eq!(stranger.match_events(table.match_id, 0, 1000).await.unwrap().events, all.events);

    table.play(Command::Resign).await;
    let over = eventually(Duration::from_secs(10), "the match to be settled", async || {
        let view = stranger.match_view(table.match_id).await.unwrap();
        (view.state == MatchStatus::Finished).then_some(view)
    })
    .await;
    assert!(over.seed.is_some() && over.outcome.is_some(), "whoever is signed in may see a match that is over");

    // Page by page, each event once and in order, and nothing after the last.
    let (mut after, mut paged) = (0, Vec::new());
    loop {
        let page = stranger.match_events(table.match_id, after, 2).await.unwrap();
        assert!(page.events.len() <= 2);
        after = page.end_cursor;
        paged.extend(page.events);
        if !page.has_next {
            break;
        }
    }
    assert_eq!(paged, table.read().await.1.events);
    assert!(matches!(paged.last().unwrap().event, GameEvent::Ended { .. }));
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_are_no_spectators_a_running_match_is_its_players_own() {
    let platform = Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__SPECTATORS", "false").start().await;
    let table = Table::begin(&platform).await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Eve").await;
    let paths = [format!("/v1/matches/{}", table.match_id), format!("/v1/matches/{}/events", table.match_id)];
    for path in &paths {
        problem(http.get(path).bearer_auth(&token).send().await.unwrap(), 403, "spectators_off").await;
        problem(http.get(path).send().await.unwrap(), 401, "token_missing").await;
    }
    assert!(table.read().await.1.end_cursor >= 1);

    table.play(Command::Resign).await;
    for path in &paths {
        eventually(Duration::from_secs(10), "the match to be settled", async || {
            let answer = http.get(path).bearer_auth(&token).send().await.unwrap();
            answer.status().is_success().then_some(())
        })
        .await;
    }
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_asked_for_within_bounds() {
    let platform =
        Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__REQUESTS_PER_SECOND", "5").start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let none = "/v1/matches/mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405/events";
    let get = |query: &str| http.get(&format!("{none}{query}")).bearer_auth(&token).send();
    problem(get("").await.unwrap(), 404, "not_found").await;
    for query in ["?first=0", "?first=1001"] {
        problem(get(query).await.unwrap(), 422, "invalid_field").await;
    }
    for query in ["?after=-1", "?after=x", "?before=3"] {
        problem(get(query).await.unwrap(), 400, "malformed_request").await;
    }
    eventually(Duration::from_secs(10), "the limit of requests", async || {
        let answer = get("").await.unwrap();
        (answer.status() == 429).then_some(())
    })
    .await;
    platform.finish().await;
}
