//! Who leads what: leases in a NATS key-value bucket. The bucket forgets a value after [`LEASE_TTL`], and every change names
//! the revision it is based on, so there is one holder at a time and a dead one is followed within the TTL.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{GetStreamErrorKind, PublishErrorKind};
use async_nats::jetstream::kv::{self, CreateErrorKind, UpdateErrorKind};
use tokio::sync::OnceCell;

use crate::error::NatsResult;
use crate::nats::Nats;
use crate::{Result, StoreError, streams};

/// How long a lease lasts that is not renewed. Renew every second.
pub const LEASE_TTL: Duration = Duration::from_secs(3);

/// A lease that was ours when we last heard of it.
#[derive(Debug)]
pub struct Lease {
    name: String,
    holder: String,
    revision: u64,
}

impl Lease {
    /// What it is for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who we said we are.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// The revision it was last renewed at; grows with every change of the bucket.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

/// Why a lease could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// It ran out, and somebody else may hold it: stop leading at once.
    #[error("the lease is lost")]
    Lost,
    /// Unknown. When this lasts as long as the lease does, it is lost.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Handle on the leases.
#[derive(Clone)]
pub struct Leases {
    nats: Nats,
    bucket: Arc<OnceCell<kv::Store>>,
}

impl Leases {
    pub(crate) fn new(nats: Nats) -> Self {
        Self { nats, bucket: Arc::default() }
    }

    /// Takes a lease that nobody holds; None when somebody does. Names and holders: letters, digits, `_`, `.`, `-`.
    pub async fn acquire(&self, name: &str, holder: &str) -> Result<Option<Lease>> {
        match self.bucket().await?.create(name, holder.to_owned().into()).await {
            Ok(revision) => Ok(Some(Lease { name: name.to_owned(), holder: holder.to_owned(), revision })),
            Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Ok(None),
            // Taken, and given back or run out, between the two looks that `create` takes: the next try will tell.
            Err(error) if fenced(&error) => Ok(None),
            Err(error) => {
                self.remake_if_forgotten().await?;
                Err(error).doing("acquiring a lease")
            }
        }
    }

    /// Keeps a lease for another [`LEASE_TTL`].
    pub async fn renew(&self, lease: &mut Lease) -> std::result::Result<(), LeaseError> {
        let bucket = self.bucket().await?;
        match bucket.update(&lease.name, lease.holder.clone().into(), lease.revision).await {
            Ok(revision) => {
                lease.revision = revision;
                Ok(())
            }
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision || fenced(&error) => Err(LeaseError::Lost),
            Err(error) => {
                self.remake_if_forgotten().await?;
                Err(error).doing("renewing a lease").map_err(LeaseError::Store)
            }
        }
    }

    /// Gives a lease back, so that nobody has to wait for it to run out.
    pub async fn release(&self, lease: Lease) -> std::result::Result<(), LeaseError> {
        let bucket = self.bucket().await?;
        match bucket.delete_expect_revision(&lease.name, Some(lease.revision)).await {
            Ok(()) => Ok(()),
            Err(error) if fenced(&error) => Err(LeaseError::Lost),
            Err(error) => Err(error).doing("releasing a lease").map_err(LeaseError::Store),
        }
    }

    /// Who holds a lease now.
    pub async fn holder(&self, name: &str) -> Result<Option<String>> {
        let value = self.bucket().await?.get(name).await.doing("reading a lease")?;
        value
            .map(|value| String::from_utf8(value.into()).map_err(|error| StoreError::corrupt("a lease", error)))
            .transpose()
    }

    /// Looked up once: that a renewal is one round trip is what lets a lease be short.
    async fn bucket(&self) -> Result<&kv::Store> {
        let look_up = async || {
            self.remake_if_forgotten().await?;
            let bucket = self.nats.jetstream.get_key_value(self.nats.bucket(streams::LEASES)).await;
            bucket.doing("opening the bucket of leases")
        };
        self.bucket.get_or_try_init(look_up).await
    }

    /// The bucket is in memory, so a NATS that starts again has none, and whoever notices first makes it. No lease is lost by
    /// that which was not lost already; who still thinks that they hold one finds another revision.
    async fn remake_if_forgotten(&self) -> Result<()> {
        let config = streams::leases(&self.nats);
        let found = self.nats.jetstream.get_stream(format!("KV_{}", config.bucket)).await;
        let Err(error) = found else { return Ok(()) };
        let GetStreamErrorKind::JetStream(refusal) = error.kind() else { return Ok(()) };
        if refusal.error_code() == ErrorCode::STREAM_NOT_FOUND {
            tracing::warn!(
                bucket = config.bucket,
                "NATS has forgotten the leases, as it does when it starts again; making their bucket"
            );
            self.nats.jetstream.create_or_update_key_value(config).await.doing("making the bucket of leases again")?;
        }
        Ok(())
    }
}

/// Whether somewhere below, the server refused because the revision is not the last one.
fn fenced(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(publish) = error.downcast_ref::<async_nats::jetstream::context::PublishError>() {
            return publish.kind() == PublishErrorKind::WrongLastSequence;
        }
        next = error.source();
    }
    false
}
