//! Players that play by themselves: for load, for demonstrations, and to find an opponent when nobody else is there.

mod find;
mod play;
mod policy;

use std::time::Duration;

use muster_core::{
    game::{Command, MatchState, Seat},
    id::MatchId,
    wire::{LoggedEvent, MatchResult, MatchView},
};
pub use policy::BotPolicy;
use rand::{RngExt, SeedableRng, rngs::SmallRng};

use crate::{
    connection::{ConnectOptions, Connection},
    error::ClientError,
    mirror::MatchMirror,
    session::Session,
};

/// Called with each new entry of a match's log, after it was folded into the mirror.
pub type Watcher = Box<dyn FnMut(&MatchMirror, &LoggedEvent) + Send>;

/// A player that queues and plays by a [`BotPolicy`]. What it decides follows from its seed; when, and against whom, does not.
pub struct Bot {
    seed: u64,
    queue: String,
    policy: Option<BotPolicy>,
    move_delay: Duration,
    chance: SmallRng,
    watcher: Option<Watcher>,
    last_match: Option<MatchId>,
    waited: Duration,
}

/// A match that a bot played to its end.
#[derive(Debug, Clone)]
pub struct PlayedMatch {
    /// As it was when the bot came to it.
    pub view: MatchView,
    /// Where the bot sat.
    pub seat: Seat,
    /// Outcome, seed, and the ratings' changes (none when the end was missed and read afterwards).
    pub result: MatchResult,
    /// The whole log.
    pub log: Vec<LoggedEvent>,
    /// How many moves of this bot the platform took.
    pub moves: u32,
    /// From wanting a match to having one.
    pub waited: Duration,
    /// From having the match to its end.
    pub took: Duration,
}

impl PlayedMatch {
    /// Whether this bot won; nobody does when both are gone.
    #[must_use]
    pub fn won(&self) -> bool {
        self.result.outcome.winner == Some(self.seat)
    }
}

impl Bot {
    /// A bot for a queue, e.g. `classic-ranked`, with the habit of its seed and a quarter of a second per move.
    #[must_use]
    pub fn new(queue: impl Into<String>, seed: u64) -> Self {
        Self {
            seed,
            queue: queue.into(),
            policy: None,
            move_delay: Duration::from_millis(250),
            chance: SmallRng::seed_from_u64(seed),
            watcher: None,
            last_match: None,
            waited: Duration::ZERO,
        }
    }

    /// A policy of one's own choice instead of the seed's.
    #[must_use]
    pub fn policy(mut self, policy: BotPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// How long it thinks on average; each move takes between half and one and a half of it. Keep it well below the turn's
    /// clock of 20 s, and above 50 ms where the platform limits the messages of a socket.
    #[must_use]
    pub fn move_delay(mut self, delay: Duration) -> Self {
        self.move_delay = delay;
        self
    }

    /// Lets somebody watch the matches move by move.
    #[must_use]
    pub fn watcher(mut self, watcher: Watcher) -> Self {
        self.watcher = Some(watcher);
        self
    }

    /// Opens a connection, plays one match to its end and closes it again.
    ///
    /// # Errors
    /// When the platform refuses the queue, or bars the player; losses of the line are not errors.
    pub async fn play_one(&mut self, session: &Session) -> Result<PlayedMatch, ClientError> {
        let mut connection = session.connect_with(ConnectOptions::default());
        let played = self.play_on(session, &mut connection).await;
        connection.close().await;
        played
    }

    /// Plays one match to its end on a connection that is there: the one that runs already, or the next of the queue.
    ///
    /// # Errors
    /// As [`Bot::play_one`].
    pub async fn play_on(
        &mut self,
        session: &Session,
        connection: &mut Connection,
    ) -> Result<PlayedMatch, ClientError> {
        let view = self.find_match(session, connection).await?;
        self.play_match(session, connection, view).await
    }

    fn think(&mut self) -> Duration {
        self.move_delay.mul_f64(self.chance.random_range(0.5..1.5))
    }

    fn choose(&self, state: &MatchState, seat: Seat) -> Command {
        self.policy.unwrap_or_else(|| BotPolicy::new(state.mode, self.seed)).choose(state, seat)
    }
}

impl std::fmt::Debug for Bot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bot").field("seed", &self.seed).field("queue", &self.queue).finish_non_exhaustive()
    }
}
