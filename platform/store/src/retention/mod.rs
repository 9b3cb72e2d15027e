//! Retention: how long things are kept, and the jobs that see to it.

mod backoff;
mod jobs;
mod policies;
mod work;

use sqlx::PgPool;

pub use jobs::{Enqueued, JobRecord, JobState, NewJob};
pub use policies::RetentionPolicy;
pub use work::{JobError, JobFailure, LeasedJob};

/// Handle on the policies and jobs.
#[derive(Clone)]
pub struct Retention {
    postgres: PgPool,
}

impl Retention {
    pub(crate) fn new(postgres: PgPool) -> Self {
        Self { postgres }
    }
}
