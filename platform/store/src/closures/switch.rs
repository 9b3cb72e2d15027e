//! Closing and opening.

use chrono::{DateTime, Utc};
use muster_core::wire::FieldError;
use serde_json::json;

use super::{Closure, Closures};
use crate::{Actor, AuditOutcome, DomainEvent, NewAudit, StoreError, audit};

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// A queue is to take nobody in a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClosure {
    /// Which queue; every queue when None.
    pub queue: Option<String>,
    /// In which of its regions.
    pub region: String,
    /// Who.
    pub author: Actor,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

/// A queue is to take players in a region again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Which queue's closure; the one of every queue when None.
    pub queue: Option<String>,
    /// In which region.
    pub region: String,
    /// Who. A program opens only what a program has closed.
    pub author: Actor,
    /// Why.
    pub reason: Option<String>,
}

/// Why nothing was closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// There is no such queue or region, or the reason is none: the field and what is allowed there.
    #[error("{}: {}", .0.path, .0.message)]
    Invalid(FieldError),
    /// Unknown: look whether it was closed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why nothing was opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A member of staff keeps it closed, and it was a program that asked.
    #[error("{} has closed it: {}", .0.author, .0.reason)]
    HeldByStaff(Closure),
    /// The reason is none.
    #[error("{}: {}", .0.path, .0.message)]
    Invalid(FieldError),
    /// Unknown: look whether it was opened.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for CloseError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Closures {
    /// Closes a queue in a region, with its audit entry, and tells every process. What is closed stays closed since when it was;
    /// when staff close it, it is theirs from then on, with their reason. Returns the closure that stands.
    pub async fn close(&self, new: &NewClosure, now: DateTime<Utc>) -> Result<Closure, CloseError> {
        check_reason(&new.reason).map_err(CloseError::Invalid)?;
        self.check_place(new).await?;
        let (queue, region) = (new.queue.as_deref(), new.region.as_str());
        let (kind, author) = (kind(&new.author), new.author.to_string());
        let mut tx = self.postgres.begin().await?;
        // Unique key (region, queue). No row: it is closed, and stays as it is.
        let row = sqlx::query!(
            r#"
            INSERT INTO play.closures AS known (queue, region, author_kind, author, reason, closed_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (region, queue) DO UPDATE
            SET author_kind = excluded.author_kind, author = excluded.author, reason = excluded.reason
            WHERE excluded.author_kind = 'staff' AND (known.author, known.reason) <> (excluded.author, excluded.reason)
            RETURNING closed_at
            "#,
            queue,
            region,
            kind,
            author,
            new.reason,
            now,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else {
            drop(tx);
            let standing = self.standing().await?.0.into_iter().find(|closure| is_of(closure, queue, region));
            // Opened by somebody else in this very moment: whoever asked asks again.
            return standing.ok_or(CloseError::Store(StoreError::TimedOut("closing a queue")));
        };
        let entry = NewAudit {
            actor: new.author.clone(),
            action: "queue.close".to_owned(),
            target: Some(target(queue).to_owned()),
            reason: Some(new.reason.clone()),
            outcome: AuditOutcome::Succeeded,
            details: json!({ "region": region }),
        };
        audit::write(&mut tx, &entry, now).await?;
        tx.commit().await?;
        self.tell("closed", queue, region, &author, now).await;
        Ok(Closure {
            queue: new.queue.clone(),
            region: new.region.clone(),
            by_staff: kind == "staff",
            author,
            reason: new.reason.clone(),
            closed_at: row.closed_at,
        })
    }

    /// Takes a closure away, with its audit entry, and tells every process. False when it was not there.
    pub async fn open(&self, opening: &Opening, now: DateTime<Utc>) -> Result<bool, OpenError> {
        if let Some(reason) = &opening.reason {
            check_reason(reason).map_err(OpenError::Invalid)?;
        }
        let (queue, region) = (opening.queue.as_deref(), opening.region.as_str());
        let mut tx = self.postgres.begin().await?;
        // Unique key (region, queue).
        let opened = sqlx::query!(
            r#"
            DELETE FROM play.closures
            WHERE region = $1 AND queue IS NOT DISTINCT FROM $2 AND ($3 = 'staff' OR author_kind = 'system')
            "#,
            region,
            queue,
            kind(&opening.author),
        )
        .execute(&mut *tx)
        .await?;
        if opened.rows_affected() == 0 {
            drop(tx);
            let held = self.standing().await?.0.into_iter().find(|closure| is_of(closure, queue, region));
            return held.map_or(Ok(false), |closure| Err(OpenError::HeldByStaff(closure)));
        }
        let entry = NewAudit {
            actor: opening.author.clone(),
            action: "queue.open".to_owned(),
            target: Some(target(queue).to_owned()),
            reason: opening.reason.clone(),
            outcome: AuditOutcome::Succeeded,
            details: json!({ "region": region }),
        };
        audit::write(&mut tx, &entry, now).await?;
        tx.commit().await?;
        self.tell("opened", queue, region, &opening.author.to_string(), now).await;
        Ok(true)
    }

    /// Only what there is can be closed: a slip of the pen is told, and the table stays small.
    async fn check_place(&self, new: &NewClosure) -> Result<(), CloseError> {
        let queues = self.queues.list().await?;
        let mut meant =
            queues.iter().filter(|queue| new.queue.as_ref().is_none_or(|name| *name == queue.name)).peekable();
        if meant.peek().is_none() {
            return Err(CloseError::Invalid(FieldError::new("queue", "there is no such queue")));
        }
        let mut regions: Vec<_> = meant.flat_map(|queue| &queue.regions).map(|region| region.name.as_str()).collect();
        if regions.contains(&new.region.as_str()) {
            return Ok(());
        }
        regions.sort_unstable();
        regions.dedup();
        let allowed = match regions.as_slice() {
            [] => "there are no regions to close".to_owned(),
            regions => format!("has to be one of {}", regions.join(", ")),
        };
        Err(CloseError::Invalid(FieldError::new("region", allowed)))
    }

    async fn tell(&self, verb: &str, queue: Option<&str>, region: &str, author: &str, now: DateTime<Utc>) {
        let data = json!({ "queue": queue, "region": region, "author": author });
        let event = DomainEvent { noun: super::watch::NOUN.to_owned(), verb: verb.to_owned(), at: now, data };
        if let Err(error) = self.domain.publish(&event).await {
            tracing::warn!(%error, "a queue was {verb}; other processes see it a little later");
        }
    }
}

fn check_reason(reason: &str) -> Result<(), FieldError> {
    let empty = reason.trim().is_empty();
    match empty || reason.chars().count() > MAX_REASON {
        true => Err(FieldError::new("reason", format!("1 to {MAX_REASON} characters: why"))),
        false => Ok(()),
    }
}

fn is_of(closure: &Closure, queue: Option<&str>, region: &str) -> bool {
    closure.queue.as_deref() == queue && closure.region == region
}

fn kind(author: &Actor) -> &'static str {
    match author {
        Actor::Staff(_) => "staff",
        Actor::System(_) => "system",
    }
}

/// As the audit log names what was closed.
fn target(queue: Option<&str>) -> &str {
    queue.unwrap_or("every queue")
}
