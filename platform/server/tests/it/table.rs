//! Two players at a table, played by hand so that a test can stop in the middle.

use std::time::Duration;

use muster_client::{Client, ClientEvent, Connection, MatchMirror, Session};
use muster_core::game::{Command, GameEvent};
use muster_core::id::PlayerId;
use muster_core::wire::{LoggedEvent, MatchResult};
use muster_testkit::Platform;

const PATIENCE: Duration = Duration::from_secs(40);

/// A player at the table.
pub struct Seated {
    pub connection: Connection,
    pub mirror: MatchMirror,
    pub player: PlayerId,
    pub session: Session,
    /// The numbers of all events that were pushed, as they came: none twice, if all is well.
    pub told: Vec<u64>,
}

impl Seated {
    async fn sit(client: &Client, name: &str, queue: &str) -> (Session, Connection) {
        let device = format!("table-device-{}", muster_store::fresh_id::<PlayerId>());
        let session = client.sign_in_device(&device, Some(name)).await.unwrap();
        let connection = session.connect();
        connection.queue(queue).await.unwrap();
        (session, connection)
    }

    async fn found((session, mut connection): (Session, Connection)) -> Self {
        loop {
            match connection.next().await.expect("the connection stays") {
                ClientEvent::MatchFound(view) | ClientEvent::Connected { current_match: Some(view), .. } => {
                    let (player, mirror) = (session.player_id(), MatchMirror::new(&view));
                    return Self { player, mirror, connection, session, told: Vec::new() };
                }
                _ => {}
            }
        }
    }

    fn my_turn(&self) -> bool {
        self.mirror.seat_of(self.player).is_some_and(|seat| self.mirror.is_turn_of(seat))
    }

    /// Takes in events until the log has grown past `seq`.
    pub async fn until(&mut self, seq: u64) {
        while self.mirror.seq() < seq && self.mirror.outcome().is_none() {
            self.hear().await;
        }
    }

    /// Takes in events until one of them is as described, and gives it.
    pub async fn until_event(&mut self, describes: impl Fn(&GameEvent) -> bool) -> LoggedEvent {
        let mut looked_at = 0;
        loop {
            let log = self.mirror.log();
            if let Some(event) = log[looked_at..].iter().find(|event| describes(&event.event)) {
                return event.clone();
            }
            looked_at = log.len();
            self.hear().await;
        }
    }

    async fn hear(&mut self) {
        let event = tokio::time::timeout(PATIENCE, self.connection.next())
            .await
            .unwrap_or_else(|_| panic!("no event past {} within {PATIENCE:?}", self.mirror.seq()))
            .expect("the connection stays");
        let events: Vec<LoggedEvent> = match event {
            ClientEvent::MatchEvents { events, .. } => {
                self.told.extend(events.iter().map(|event| event.seq));
                events
            }
            // What was missed while the line was down is read from the log.
            ClientEvent::Connected { resumed: false, .. } => self.missed().await,
            _ => return,
        };
        if self.mirror.apply(&events).is_err() {
            let missed = self.missed().await;
            self.mirror.apply(&missed).expect("the log has no holes");
        }
    }

    /// Waits until the player is told how the match ended.
    pub async fn until_told_the_result(&mut self) -> MatchResult {
        loop {
            let event = tokio::time::timeout(PATIENCE, self.connection.next()).await.expect("a result in time");
            if let ClientEvent::MatchEnded { match_id, result } = event.expect("the connection stays")
                && match_id == self.mirror.match_id()
            {
                return result;
            }
        }
    }

    async fn missed(&self) -> Vec<LoggedEvent> {
        self.session.match_events(self.mirror.match_id(), self.mirror.seq(), 1000).await.unwrap().events
    }

    /// Whether every event was pushed, in order, and none twice.
    pub fn was_told_everything_once(&self) -> bool {
        self.told.iter().copied().eq(1..=self.mirror.seq())
    }
}

/// Rolls and banks by a fixed rule, so that the match ends.
pub fn sensibly(seated: &Seated) -> Command {
    if seated.mirror.state().turn_score >= 15 { Command::Bank } else { Command::Roll }
}

/// Never banks, so that the match never ends.
pub fn forever(_: &Seated) -> Command {
    Command::Roll
}

/// Plays `moves` moves, whoever's turn it is; fewer when the match ends.
pub async fn play(table: &mut [Seated; 2], moves: usize, choose: fn(&Seated) -> Command) {
    for _ in 0..moves {
        let newest = table.iter().map(|seated| seated.mirror.seq()).max().unwrap_or(1).max(1);
        both_until(table, newest).await;
        if table[0].mirror.outcome().is_some() {
            return;
        }
        let mover = table.iter().position(Seated::my_turn).expect("it is somebody's turn");
        let choice = choose(&table[mover]);
        table[mover].connection.command(table[mover].mirror.match_id(), choice).await.unwrap();
        both_until(table, newest + 1).await;
    }
}

/// Both have heard of everything that either has.
pub async fn both_until(table: &mut [Seated; 2], seq: u64) {
    for seated in table.iter_mut() {
        seated.until(seq).await;
    }
    let newest = table.iter().map(|seated| seated.mirror.seq()).max().unwrap_or(seq);
    for seated in table.iter_mut() {
        seated.until(newest).await;
    }
}

/// A match of two who talk to server 0.
pub async fn table(platform: &Platform) -> [Seated; 2] {
    table_over(platform, [0, 0]).await
}

/// A match of two, each of whom talks to their own server.
pub async fn table_over(platform: &Platform, servers: [usize; 2]) -> [Seated; 2] {
    table_in(platform, "classic-ranked", servers).await
}

/// The same, from a queue.
pub async fn table_in(platform: &Platform, queue: &str, servers: [usize; 2]) -> [Seated; 2] {
    let ada = Seated::sit(&platform.client_of(servers[0]), "Ada", queue).await;
    let grace = Seated::sit(&platform.client_of(servers[1]), "Grace", queue).await;
    [Seated::found(ada).await, Seated::found(grace).await]
}
