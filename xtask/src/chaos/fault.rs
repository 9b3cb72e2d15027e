//! What can be done to a platform.

use std::{fmt, time::Duration};

use serde::Serialize;

/// A process that can be killed, paused or drained. Replicas count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server {
    /// Talks to players.
    Gateway(usize),
    /// Makes matches.
    Matchmaker(usize),
    /// Runs matches.
    Referee(usize),
    /// Stores telemetry.
    Writer(usize),
}

/// How many there are of each role.
pub const REPLICAS: usize = 2;

/// A service that can be killed. It keeps its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// PostgreSQL.
    Postgres,
    /// Redis.
    Redis,
    /// NATS.
    Nats,
}

/// What a fault befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A process of Muster's.
    Server(Server),
    /// What it stands on.
    Service(Service),
    /// The sockets between players and gateways.
    Sockets,
}

/// What befalls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// SIGKILL, and a new start after a while.
    Kill,
    /// SIGSTOP, and SIGCONT after longer than any lease: it wakes up believing what is no longer true.
    Pause,
    /// SIGTERM, which it has to obey well, and a new start after a while.
    Drain,
    /// Half of the connections end at once.
    Cut,
    /// Half of the connections go silent: nothing gets through, and nobody is told.
    Hang,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it begins, from the beginning of the run.
    pub at: Duration,
    /// What it befalls.
    pub target: Target,
    /// What befalls it.
    pub kind: Kind,
    /// How long until what was done is undone; 0 where there is nothing to undo.
    pub lasting: Duration,
}

impl Server {
    /// All of them, those first that others need.
    pub fn all() -> Vec<Self> {
        let of = |role: fn(usize) -> Self| (0..REPLICAS).map(role);
        of(Self::Referee).chain(of(Self::Writer)).chain(of(Self::Matchmaker)).chain(of(Self::Gateway)).collect()
    }

    /// As `--roles` takes it.
    pub fn role(self) -> &'static str {
        match self {
            Self::Gateway(_) => "gateway",
            Self::Matchmaker(_) => "matchmaker",
            Self::Referee(_) => "referee",
            Self::Writer(_) => "writer",
        }
    }

    /// Which of its role.
    pub fn replica(self) -> usize {
        match self {
            Self::Gateway(replica) | Self::Matchmaker(replica) | Self::Referee(replica) | Self::Writer(replica) => {
                replica
            }
        }
    }
}

impl Service {
    /// As the services' part names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Nats => "nats",
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.role(), self.replica() + 1)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(server) => server.fmt(f),
            Self::Service(service) => f.write_str(service.name()),
            Self::Sockets => f.write_str("sockets"),
        }
    }
}

impl Kind {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Drain => "drain",
            Self::Cut => "cut",
            Self::Hang => "hang",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.target)?;
        if self.lasting > Duration::ZERO {
            write!(f, " for {:.1} s", self.lasting.as_secs_f64())?;
        }
        Ok(())
    }
}
