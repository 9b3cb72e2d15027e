//! What can be set, with units, ranges and defaults. `--print-config` shows what is in force.

use std::time::Duration;

use clap::ValueEnum;
use garde::Validate;
use muster_runtime::Secret;
use muster_runtime::settings::{
    HttpSettings, LogSettings, LokiSettings, NamespaceSettings, NatsSettings, OpsSettings, PostgresSettings,
    RedisSettings, SecretsSettings, ShutdownSettings, TracesSettings,
};
use serde::{Deserialize, Serialize};

/// A part of the work that a server process can take on. Any role, in any number of replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Talks to players: HTTP and sockets.
    Gateway,
    /// Leads matchmaking shards and makes matches.
    Matchmaker,
    /// Owns running matches.
    Referee,
    /// Moves telemetry from the stream into the hypertable.
    Writer,
}

/// All settings of `muster-server`.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Log lines.
    #[garde(dive)]
    pub log: LogSettings,
    /// Trace export.
    #[garde(dive)]
    pub traces: TracesSettings,
    /// Log shipping.
    #[garde(dive)]
    pub loki: LokiSettings,
    /// Health and metrics.
    #[garde(dive)]
    pub ops: OpsSettings,
    /// How long a drain may take.
    #[garde(dive)]
    pub shutdown: ShutdownSettings,
    /// Where secrets come from.
    #[garde(dive)]
    pub secrets: SecretsSettings,
    /// The truth.
    #[garde(dive)]
    pub postgres: PostgresSettings,
    /// Tickets, presence, replay buffers.
    #[garde(dive)]
    pub redis: RedisSettings,
    /// Match log, telemetry stream, leases, pushes.
    #[garde(dive)]
    pub nats: NatsSettings,
    /// Prefix of everything in shared services.
    #[garde(dive)]
    pub namespace: NamespaceSettings,
    /// What this process does.
    #[garde(dive)]
    pub server: ServerSettings,
    /// Where players reach it.
    #[garde(dive)]
    pub http: HttpSettings,
    /// Session tokens.
    #[garde(dive)]
    pub auth: AuthSettings,
    /// Sockets and limits.
    #[garde(dive)]
    pub gateway: GatewaySettings,
    /// Making matches.
    #[garde(dive)]
    pub matchmaker: MatchmakerSettings,
    /// Servers of games, and the matches they are given.
    #[garde(dive)]
    pub director: DirectorSettings,
    /// Running matches.
    #[garde(dive)]
    pub referee: RefereeSettings,
    /// Storing telemetry.
    #[garde(dive)]
    pub writer: WriterSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ops: OpsSettings::on_port(7401),
            http: HttpSettings::on_port(7400),
            log: LogSettings::default(),
            traces: TracesSettings::default(),
            loki: LokiSettings::default(),
            shutdown: ShutdownSettings::default(),
            secrets: SecretsSettings::default(),
            postgres: PostgresSettings::default(),
            redis: RedisSettings::default(),
            nats: NatsSettings::default(),
            namespace: NamespaceSettings::default(),
            server: ServerSettings::default(),
            auth: AuthSettings::default(),
            gateway: GatewaySettings::default(),
            matchmaker: MatchmakerSettings::default(),
            director: DirectorSettings::default(),
            referee: RefereeSettings::default(),
            writer: WriterSettings::default(),
        }
    }
}

/// What this process does.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// The roles of this process; all of them by default.
    #[garde(length(min = 1))]
    pub roles: Vec<Role>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self { roles: Role::value_variants().to_vec() }
    }
}

/// Session tokens.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// Ed25519 private key, PKCS#8 PEM; usually `secret:auth_signing_key`. Needed by the gateway role; a matchmaker without it gives
    /// matches to servers without join tokens, and players ask a gateway for theirs.
    #[garde(skip)]
    pub signing_key: Secret,
    /// Another key, which signs nothing: its tokens are honoured, and it is published beside the first. To change keys without signing
    /// anybody out, roll out three times: the new key here, then the two exchanged, then (after `token_ttl`) the old one left out.
    #[garde(skip)]
    pub second_signing_key: Secret,
    /// The `iss` of tokens.
    #[garde(length(min = 1, max = 128))]
    pub issuer: String,
    /// How long a token is valid.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(1), Duration::from_secs(24 * 3600))))]
    pub token_ttl: Duration,
    /// How long a join token is valid, with which players connect to servers of their game. They may ask for another one.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(5), Duration::from_secs(3600))))]
    pub join_token_ttl: Duration,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            signing_key: Secret::default(),
            second_signing_key: Secret::default(),
            issuer: "muster".to_owned(),
            token_ttl: Duration::from_secs(3600),
            join_token_ttl: Duration::from_secs(60),
        }
    }
}

/// Sockets and limits of the gateway role.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct GatewaySettings {
    /// A socket that has been silent for so long, or up to a quarter longer, is pinged; one that has been silent for twice as long
    /// is closed.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(1), Duration::from_secs(120))))]
    pub heartbeat: Duration,
    /// How long a new socket may take to say hello.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_millis(100), Duration::from_secs(60))))]
    pub hello_timeout: Duration,
    /// Longest socket message, bytes.
    #[garde(range(min = 256, max = 65_536))]
    pub max_message_bytes: usize,
    /// Longest HTTP body, bytes.
    #[garde(range(min = 1_024, max = 16_777_216))]
    pub max_body_bytes: usize,
    /// Messages a second that one socket may send, with a burst of twice as many. All sockets and requests of one player together
    /// may have as many as this and `requests_per_second` allow.
    #[garde(range(min = 1, max = 1_000))]
    pub messages_per_second: u32,
    /// Requests about tickets and blocks a second that one player may make over HTTP, with a burst of twice as many.
    #[garde(range(min = 1, max = 1_000))]
    pub requests_per_second: u32,
    /// Events a second of which one player's clients may tell, with a burst of ten times as many. A request counts as one more.
    #[garde(range(min = 1, max = 1_000_000))]
    pub events_per_second: u32,
    /// Events a second of which one trusted server's key may tell, with a burst of ten times as many.
    #[garde(range(min = 1, max = 1_000_000))]
    pub trusted_events_per_second: u32,
    /// Sign-ins a second from one address, with a burst of ten times as many. A service key that is not known counts as one.
    #[garde(range(min = 1, max = 100_000))]
    pub sign_ins_per_second: u32,
    /// Whether signed-in players may watch other players' matches over their sockets.
    #[garde(skip)]
    pub spectators: bool,
    /// How far behind a match those who watch it are kept.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::ZERO, Duration::from_secs(600))))]
    pub spectator_delay: Duration,
    /// Matches that may be watched at once on one gateway, by however many; each takes up to 1 MB, usually some 20 KB.
    #[garde(range(min = 1, max = 100_000))]
    pub watched_matches: u32,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            hello_timeout: Duration::from_secs(5),
            max_message_bytes: 4_096,
            max_body_bytes: 1_048_576,
            messages_per_second: 20,
            requests_per_second: 20,
            events_per_second: 100,
            trusted_events_per_second: 20_000,
            sign_ins_per_second: 20,
            spectators: true,
            spectator_delay: Duration::from_secs(10),
            watched_matches: 1_000,
        }
    }
}

/// Making matches.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct MatchmakerSettings {
    /// Time between two passes over a pool.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_millis(10), Duration::from_secs(10))))]
    pub tick: Duration,
    /// Age at which a claim whose match never came to be is given back to its queue.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(1), Duration::from_secs(120))))]
    pub stale_claim: Duration,
    /// How long a trusted server may take to say where a match is played, for queues whose matches are played on somebody's own
    /// servers. After that everybody returns to the head of the queue.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(1), Duration::from_secs(600))))]
    pub assignment_timeout: Duration,
    /// The queues whose matches this process makes, by name; all of them when empty. A queue that no process serves makes none, and
    /// counts as unled.
    #[garde(length(max = 1024))]
    pub queues: Vec<String>,
}

impl MatchmakerSettings {
    /// Whether this process makes the matches of a queue.
    pub(crate) fn serves(&self, queue: &str) -> bool {
        self.queues.is_empty() || self.queues.iter().any(|served| served == queue)
    }
}

impl Default for MatchmakerSettings {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(100),
            stale_claim: Duration::from_secs(5),
            assignment_timeout: Duration::from_secs(30),
            queues: Vec::new(),
        }
    }
}

/// Servers of games that register themselves, and the matches they are given.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct DirectorSettings {
    /// How long a server lives on after a heartbeat; then it counts as lost, and its matches end.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(1), Duration::from_secs(300))))]
    pub lease: Duration,
    /// How long a match waits while servers fit it, but none has a place. Then everybody returns to the head of the queue.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::ZERO, Duration::from_secs(600))))]
    pub patience: Duration,
    /// How long a server may take to start a match that it was given; then the match ends.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(1), Duration::from_secs(3600))))]
    pub start_timeout: Duration,
    /// How long a match may run on a server; then it ends without a result, and its players may queue again.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(1), Duration::from_secs(7 * 24 * 3600))))]
    pub match_limit: Duration,
    /// Requests a second that one server may make, with a burst of twice as many.
    #[garde(range(min = 1, max = 10_000))]
    pub requests_per_second: u32,
}

impl Default for DirectorSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            patience: Duration::from_secs(5),
            start_timeout: Duration::from_secs(60),
            match_limit: Duration::from_secs(6 * 3600),
            requests_per_second: 50,
        }
    }
}

/// Running matches.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct RefereeSettings {
    /// How often an owner says that it is there.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_millis(100), Duration::from_secs(5))))]
    pub beat: Duration,
    /// Silence after which a match counts as orphaned and another referee takes it over.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_millis(500), Duration::from_secs(30))))]
    pub orphaned_after: Duration,
    /// Silence after which a player counts as gone from their match, though nobody has told it: their gateway died. Gateways
    /// give a sign of life for their players every 7.5 s.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_secs(10), Duration::from_secs(60))))]
    pub absent_after: Duration,
    /// The region that this process runs for, as the queues call it. While every queue is closed there, it takes over matches only
    /// where no other referee does, and those that it has come to their end. Empty: it takes its share at any time.
    #[garde(length(max = 63))]
    pub region: String,
}

impl Default for RefereeSettings {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(1),
            orphaned_after: Duration::from_secs(3),
            absent_after: Duration::from_secs(20),
            region: String::new(),
        }
    }
}

/// Storing telemetry.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct WriterSettings {
    /// Most events in one transaction. A message of the stream, 500 events at most, is not split.
    #[garde(range(min = 1, max = 20_000))]
    pub batch_events: usize,
    /// How many batches this process stores at once, each over a connection of its own.
    #[garde(range(min = 1, max = 16))]
    pub batches_at_once: usize,
    /// Longest wait for a batch to fill.
    #[serde(with = "humantime_serde")]
    #[garde(custom(between(Duration::from_millis(10), Duration::from_secs(10))))]
    pub batch_wait: Duration,
    /// How many bytes of telemetry may wait to be written before more is refused: 64 MiB to 1 TiB. NATS sets so much of its
    /// storage aside, and an eighth of it for dead letters. It takes effect with `migrate`.
    #[garde(range(min = 64 << 20, max = 1 << 40))]
    pub backlog_bytes: u64,
}

impl Default for WriterSettings {
    fn default() -> Self {
        Self { batch_events: 5_000, batches_at_once: 2, batch_wait: Duration::from_millis(250), backlog_bytes: 2 << 30 }
    }
}

/// A duration within bounds, told in the units of the configuration.
fn between(least: Duration, most: Duration) -> impl FnOnce(&Duration, &()) -> garde::Result {
    move |value, _| {
        if (least..=most).contains(value) {
            Ok(())
        } else {
            Err(garde::Error::new(format!("must be between {least:?} and {most:?}")))
        }
    }
}
