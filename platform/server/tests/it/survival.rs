//! What must outlive a process: a running match, a waiting ticket, the connection of a player.

use std::time::Duration;

use muster_client::{ClientEvent, Connection, MatchMirror, verify};
use muster_core::game::Command;
use muster_core::wire::{LoggedEvent, TicketState};
use muster_testkit::{Platform, eventually};

/// A player at the table: plays by hand so that the test can stop in the middle.
struct Seated {
    connection: Connection,
    mirror: MatchMirror,
    player: muster_core::id::PlayerId,
    session: muster_client::Session,
}

impl Seated {
    async fn sit(platform: &Platform, name: &str) -> (muster_client::Session, Connection) {
        let session = platform.player(name).await;
        let connection = session.connect();
        connection.queue("classic-ranked").await.unwrap();
        (session, connection)
    }

    async fn found(session: muster_client::Session, mut connection: Connection) -> Self {
        loop {
            match connection.next().await.expect("the connection stays") {
                ClientEvent::MatchFound(view) | ClientEvent::Connected { current_match: Some(view), .. } => {
                    return Self { player: session.player_id(), mirror: MatchMirror::new(&view), connection, session };
                }
                _ => {}
            }
        }
    }

    fn my_turn(&self) -> bool {
        self.mirror.seat_of(self.player).is_some_and(|seat| self.mirror.is_turn_of(seat))
    }

    /// Rolls or banks by a fixed rule.
    fn choice(&self) -> Command {
        if self.mirror.state().turn_score >= 15 { Command::Bank } else { Command::Roll }
    }

    /// Takes in events until the log has grown past `seq`.
    async fn until(&mut self, seq: u64) {
        while self.mirror.seq() < seq && self.mirror.outcome().is_none() {
            let event = tokio::time::timeout(Duration::from_secs(40), self.connection.next())
                .await
                .unwrap_or_else(|_| panic!("no event past {} within 40 s", self.mirror.seq()))
                .expect("the connection stays");
            let events: Vec<LoggedEvent> = match event {
                ClientEvent::MatchEvents { events, .. } => events,
                // What was missed while the line was down is read from the log.
                ClientEvent::Connected { resumed: false, .. } => {
                    self.session.match_events(self.mirror.match_id(), self.mirror.seq(), 1000).await.unwrap().events
                }
                _ => continue,
            };
            if self.mirror.apply(&events).is_err() {
                let missed =
                    self.session.match_events(self.mirror.match_id(), self.mirror.seq(), 1000).await.unwrap().events;
                self.mirror.apply(&missed).expect("the log has no holes");
            }
        }
    }
}

/// Plays `moves` moves, whoever's turn it is; fewer when the match ends.
async fn play(table: &mut [Seated; 2], moves: usize) {
    for _ in 0..moves {
        let newest = table.iter().map(|seated| seated.mirror.seq()).max().unwrap_or(1).max(1);
        for seated in table.iter_mut() {
            seated.until(newest).await;
        }
        if table[0].mirror.outcome().is_some() {
            return;
        }
        let mover = table.iter().position(Seated::my_turn).expect("it is somebody's turn");
        let choice = table[mover].choice();
        table[mover].connection.command(table[mover].mirror.match_id(), choice).await.unwrap();
        let next = newest + 1;
        for seated in table.iter_mut() {
            seated.until(next).await;
        }
    }
}

async fn table(platform: &Platform) -> [Seated; 2] {
    let (ada, ada_line) = Seated::sit(platform, "Ada").await;
    let (grace, grace_line) = Seated::sit(platform, "Grace").await;
    [Seated::found(ada, ada_line).await, Seated::found(grace, grace_line).await]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_goes_on_from_its_log_after_kill_9() {
    let mut platform =
        Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000").start().await;
    let mut table = table(&platform).await;
    play(&mut table, 5).await;
    let match_id = table[0].mirror.match_id();
    let before = table[0].mirror.log().to_vec();
    assert!(table[0].mirror.outcome().is_none(), "five moves do not reach a hundred points");

    platform.server(0).kill9().await;
    platform.restart_server(0).await;

    play(&mut table, 400).await;
    assert!(table[0].mirror.outcome().is_some(), "the match finishes");
    let session = &table[0].session;
    let finished = eventually(Duration::from_secs(15), "the match to be settled", async || {
        let view = session.match_view(match_id).await.ok()?;
        view.seed.is_some().then_some(view)
    })
    .await;
    assert_eq!(finished.match_id, match_id);
    let after = session.match_events(match_id, 0, 1000).await.unwrap().events;
    assert_eq!(after[..before.len()], before[..], "what was told before the crash stands");
    // Every roll, before and after, comes from the one seed that was committed to in the first event.
    verify::verify_match(session, match_id).await.unwrap();
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_referee_takes_over_even_when_no_player_speaks() {
    let mut platform = Platform::builder()
        .env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000")
        .server(2)
        .server_roles(0, "gateway,matchmaker,writer,referee")
        .start()
        .await;
    // Only the first process referees while the match begins.
    platform.server(1).terminate().await;
    let mut table = table(&platform).await;
    play(&mut table, 2).await;
    let match_id = table[0].mirror.match_id();
    platform.restart_server(1).await;
    platform.server(0).kill9().await;

    let store = platform.scratch.store.clone();
    eventually(Duration::from_secs(8), "the other referee to own the match", async || {
        let call = muster_store::MatchCall::View;
        store.match_calls.call(match_id, &call, Duration::from_millis(500)).await.ok()
    })
    .await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_ticket_survives_a_restart() {
    let mut platform =
        Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000").start().await;
    let ada = platform.player("Ada").await;
    let ticket = ada.create_ticket("classic-ranked", "wish").await.unwrap();
    platform.server(0).kill9().await;
    platform.restart_server(0).await;
    let still = ada.ticket(ticket.ticket_id).await.unwrap();
    assert_eq!((still.state, still.created_at), (TicketState::Waiting, ticket.created_at));

    let grace = platform.player("Grace").await;
    grace.create_ticket("classic-ranked", "wish").await.unwrap();
    eventually(Duration::from_secs(10), "the old ticket to be matched", async || {
        let ticket = ada.ticket(ticket.ticket_id).await.ok()?;
        (ticket.state == TicketState::Matched).then_some(())
    })
    .await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_drains_and_exits_well() {
    let mut platform =
        Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000").start().await;
    let table = table(&platform).await;
    assert_eq!(platform.server(0).terminate().await, 0);
    drop(table);
    platform.finish().await;
}
