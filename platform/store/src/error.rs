//! What can go wrong in a store.
//!
//! [`StoreError`] is for what no caller can answer but with "try later" or "it is broken". Where a caller has to choose what
//! to do (the fence, a lost lease, nobody there), the function has an error type of its own that wraps this one.

use std::error::Error;

/// A failure of a store, or of what was found in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// PostgreSQL refused, or could not be reached.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] sqlx::Error),
    /// The database could not be brought to this version's schema.
    #[error("migrating PostgreSQL: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Redis refused, or could not be reached.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// NATS refused, or could not be reached.
    #[error("NATS, {what}: {source}")]
    Nats {
        /// What was being done.
        what: &'static str,
        /// What the client said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Something is stored that this version cannot read.
    #[error("{what} cannot be read: {reason}")]
    Corrupt {
        /// What was being read.
        what: &'static str,
        /// Why it was not understood.
        reason: String,
    },
    /// The settings cannot work.
    #[error("{0}")]
    Settings(String),
    /// No answer in time.
    #[error("{0} did not answer in time")]
    TimedOut(&'static str),
}

/// The result of most functions of a store.
pub type Result<T> = std::result::Result<T, StoreError>;

impl StoreError {
    /// Whether the same call may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Postgres(error) => postgres_is_transient(error),
            Self::Redis(error) => error.is_io_error() || error.is_timeout() || error.is_connection_dropped(),
            Self::Nats { .. } | Self::TimedOut(_) => true,
            Self::Migrate(_) | Self::Corrupt { .. } | Self::Settings(_) => false,
        }
    }

    /// Whether PostgreSQL refused the values themselves (SQLSTATE classes 22 data, 23 integrity, 54 limits such as the depth of
    /// JSON): sending them again is useless.
    pub(crate) fn is_bad_data(&self) -> bool {
        match self {
            Self::Postgres(sqlx::Error::Encode(_)) | Self::Corrupt { .. } => true,
            Self::Postgres(error) => {
                sqlstate(error).is_some_and(|code| ["22", "23", "54"].iter().any(|class| code.starts_with(class)))
            }
            _ => false,
        }
    }

    /// Whether somebody else's row was in the way: one with the same key, or one that waited for ours while ours waited for theirs.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Postgres(error)
            if sqlstate(error).is_some_and(|code| ["23505", "40P01"].contains(&code.as_str())))
    }

    pub(crate) fn nats(what: &'static str) -> impl FnOnce(BoxError) -> Self {
        move |source| Self::Nats { what, source }
    }

    pub(crate) fn corrupt(what: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::Corrupt { what, reason: reason.to_string() }
    }
}

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Names what was being done when NATS failed: its errors say only what broke.
pub(crate) trait NatsResult<T> {
    fn doing(self, what: &'static str) -> Result<T>;
}

impl<T, E: Into<BoxError>> NatsResult<T> for std::result::Result<T, E> {
    fn doing(self, what: &'static str) -> Result<T> {
        self.map_err(|error| StoreError::nats(what)(error.into()))
    }
}

fn sqlstate(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned())
}

/// Lost connections, and the SQLSTATE classes that ask for another try: 08 connection, 40 rollback, 53 resources, 57 operator.
fn postgres_is_transient(error: &sqlx::Error) -> bool {
    match error {
        // `Protocol`: a line that breaks off in the middle, or a balancer with nobody behind it.
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        _ => sqlstate(error).is_some_and(|code| ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class))),
    }
}
