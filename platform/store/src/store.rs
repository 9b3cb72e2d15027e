//! The three connections, and the handles that share them.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use crate::nats::Nats;
use crate::{
    Accounts, Assignments, Audit, Blocks, Clients, Closures, Domain, EventTypes, Insights, Leaderboards, Leases, Live,
    MatchCalls, MatchLog, MatchOwners, Matches, MatchmakerCalls, Presence, Pushes, Queues, Ratings, Recents, Result,
    Retention, Seasons, Servers, ServiceKeys, Sockets, Staff, StoreError, StoreSettings, Telemetry, TicketFacts,
    Tickets, streams,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Everything the platform keeps, by noun. A clone is a pointer.
#[derive(Clone)]
pub struct Store(Arc<Handles>);

/// What a [`Store`] points to.
pub struct Handles {
    /// Players' accounts and the devices they sign in with.
    pub accounts: Accounts,
    /// What each player plays on.
    pub clients: Clients,
    /// Whom each player never plays with or against.
    pub blocks: Blocks,
    /// Whom each player has played against lately.
    pub recents: Recents,
    /// How strong each player is in each mode.
    pub ratings: Ratings,
    /// Who stands where in each mode.
    pub leaderboards: Leaderboards,
    /// Queues and their versions.
    pub queues: Queues,
    /// In which regions queues are closed.
    pub closures: Closures,
    /// Tickets that wait, are claimed, or are just over.
    pub tickets: Tickets,
    /// Questions to whoever leads a shard.
    pub matchmaker_calls: MatchmakerCalls,
    /// Matches that wait for somebody's own server.
    pub assignments: Assignments,
    /// Registered servers, and the matches they play.
    pub servers: Servers,
    /// The keys of trusted servers.
    pub service_keys: ServiceKeys,
    /// Matches: who, when, and how they ended.
    pub matches: Matches,
    /// The log of each running match.
    pub match_log: MatchLog,
    /// Calls to the process that runs a match.
    pub match_calls: MatchCalls,
    /// Which running matches have a process that says so.
    pub match_owners: MatchOwners,
    /// Messages to players.
    pub pushes: Pushes,
    /// Who is online.
    pub presence: Presence,
    /// Which socket of a player is the newest.
    pub sockets: Sockets,
    /// Who leads what.
    pub leases: Leases,
    /// Telemetry, from the door to the hypertable.
    pub telemetry: Telemetry,
    /// What events of each kind say, and which sources are closed.
    pub event_types: EventTypes,
    /// Answers of telemetry, from facts.
    pub insights: Insights,
    /// How queues do.
    pub queue_facts: TicketFacts,
    /// Seasons, which questions are asked of.
    pub seasons: Seasons,
    /// Counts for a dashboard.
    pub live: Live,
    /// Staff members and their sessions.
    pub staff: Staff,
    /// What staff and the platform did, for good.
    pub audit: Audit,
    /// Retention policies and the jobs that carry them out.
    pub retention: Retention,
    /// What happened that other processes may want to know.
    pub domain: Domain,
    postgres: PgPool,
    redis: ConnectionManager,
    nats: Nats,
    prefix: String,
    telemetry_backlog_bytes: u64,
}

impl Deref for Store {
    type Target = Handles;

    fn deref(&self) -> &Handles {
        &self.0
    }
}

/// Whether a service answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// `postgres`, `redis` or `nats`.
    pub name: &'static str,
    /// What it said when it did not.
    pub result: std::result::Result<(), String>,
}

impl Store {
    /// Connects to all three services; fails when one of them does not answer within 10 s. Afterwards each connection mends
    /// itself.
    pub async fn connect(settings: &StoreSettings) -> Result<Self> {
        settings.validate()?;
        let (postgres, redis, nats) = tokio::try_join!(
            connect_postgres(settings),
            connect_redis(settings),
            within("NATS", connect_nats(settings))
        )?;
        Ok(Self::assemble(postgres, redis, nats, settings))
    }

    fn assemble(postgres: PgPool, redis: ConnectionManager, nats: Nats, settings: &StoreSettings) -> Self {
        let prefix = settings.prefix.clone();
        let keys = |rest: &str| format!("{prefix}{rest}");
        let tickets = Tickets::new(redis.clone(), keys("{mm}:"));
        let presence = Presence::new(redis.clone(), keys("presence"));
        let match_log = MatchLog::new(nats.clone());
        let domain = Domain::new(nats.clone());
        let queues = Queues::new(postgres.clone(), nats.clone(), domain.clone());
        Self(Arc::new(Handles {
            accounts: Accounts::new(postgres.clone()),
            ratings: Ratings::new(postgres.clone()),
            leaderboards: Leaderboards::new(postgres.clone(), redis.clone(), prefix.clone()),
            clients: Clients::new(postgres.clone()),
            blocks: Blocks::new(postgres.clone()),
            recents: Recents::new(redis.clone(), keys("recent:")),
            closures: Closures::new(postgres.clone(), domain.clone(), queues.clone()),
            queues,
            matchmaker_calls: MatchmakerCalls::new(nats.clone()),
            assignments: Assignments::new(postgres.clone()),
            servers: Servers::new(postgres.clone()),
            service_keys: ServiceKeys::new(postgres.clone()),
            matches: Matches::new(postgres.clone(), match_log.clone()),
            match_calls: MatchCalls::new(nats.clone()),
            match_owners: MatchOwners::new(redis.clone(), keys("match_owners")),
            pushes: Pushes::new(redis.clone(), nats.clone(), keys("push:")),
            sockets: Sockets::new(redis.clone(), nats.clone(), keys("presence"), &keys("socket:")),
            leases: Leases::new(nats.clone()),
            telemetry: Telemetry::new(postgres.clone(), nats.clone()),
            event_types: EventTypes::new(postgres.clone(), domain.clone()),
            insights: Insights::new(postgres.clone(), nats.clone()),
            queue_facts: TicketFacts::new(postgres.clone()),
            seasons: Seasons::new(postgres.clone()),
            live: Live::new(postgres.clone(), tickets.clone(), presence.clone()),
            staff: Staff::new(postgres.clone()),
            audit: Audit::new(postgres.clone()),
            retention: Retention::new(postgres.clone()),
            domain,
            tickets,
            presence,
            match_log,
            postgres,
            redis,
            nats,
            prefix,
            telemetry_backlog_bytes: settings.telemetry_backlog_bytes,
        }))
    }

    /// Brings the database to this version's schema. Several processes may do so at once: one does, the others wait.
    pub async fn migrate(&self) -> Result<()> {
        Ok(sqlx::migrate!("../../migrations").run(&self.postgres).await?)
    }

    /// Makes the streams and the buckets, or brings them to this version's settings.
    pub async fn ensure_streams(&self) -> Result<()> {
        streams::ensure(&self.nats, self.telemetry_backlog_bytes).await
    }

    /// Asks each service for a sign of life, for 2 s at most.
    pub async fn check(&self) -> Vec<Dependency> {
        let postgres =
            async { sqlx::query("SELECT 1").execute(&self.postgres).await.map(drop).map_err(|e| e.to_string()) };
        let redis = async {
            let answer: redis::RedisResult<String> = redis::cmd("PING").query_async(&mut self.redis.clone()).await;
            answer.map(drop).map_err(|e| e.to_string())
        };
        let nats = async { self.nats.jetstream.query_account().await.map(drop).map_err(|e| e.to_string()) };
        let (postgres, redis, nats) = tokio::join!(promptly(postgres), promptly(redis), promptly(nats));
        vec![
            Dependency { name: "postgres", result: postgres },
            Dependency { name: "redis", result: redis },
            Dependency { name: "nats", result: nats },
        ]
    }

    /// Sends what is still to be sent and closes the connections.
    pub async fn close(&self) {
        self.accounts.close_door().await;
        self.postgres.close().await;
        // A connection that cannot be drained is closed by the end of the process.
        let _ = tokio::time::timeout(CHECK_TIMEOUT, self.nats.client.drain()).await;
    }

    /// What stands before every key and subject.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

async fn connect_postgres(settings: &StoreSettings) -> Result<PgPool> {
    let options: PgConnectOptions = settings
        .postgres_url
        .parse()
        .map_err(|error| StoreError::Settings(format!("the PostgreSQL URL is not valid: {error}")))?;
    let connecting = PgPoolOptions::new()
        .max_connections(settings.postgres_connections)
        .acquire_timeout(Duration::from_secs(5))
        .connect_with(options.application_name("muster"));
    within("PostgreSQL", async { Ok(connecting.await?) }).await
}

async fn connect_redis(settings: &StoreSettings) -> Result<ConnectionManager> {
    let client = redis::Client::open(settings.redis_url.as_str())
        .map_err(|error| StoreError::Settings(format!("the Redis URL is not valid: {error}")))?;
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(2)))
        .set_response_timeout(Some(Duration::from_secs(5)))
        .set_max_delay(Duration::from_secs(1));
    within("Redis", async { Ok(ConnectionManager::new_with_config(client, config).await?) }).await
}

async fn connect_nats(settings: &StoreSettings) -> Result<Nats> {
    Nats::connect(&settings.nats_url, &settings.prefix).await
}

async fn within<T>(who: &'static str, connecting: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_| StoreError::TimedOut(who))?
}

async fn promptly(check: impl Future<Output = std::result::Result<(), String>>) -> std::result::Result<(), String> {
    match tokio::time::timeout(CHECK_TIMEOUT, check).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())),
    }
}
