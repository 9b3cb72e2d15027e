//! Closures: in which region a queue takes nobody, by whom and why. Those that stand are in PostgreSQL, which is the truth; what was
//! is in the audit log. A change is told as a domain event, and every process that lets players in or makes matches reads what
//! stands at once.

mod switch;
mod watch;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use muster_core::matchmaking::QueueDefinition;
use sqlx::PgPool;

use crate::{Domain, Queues, Result};

pub use switch::{CloseError, NewClosure, OpenError, Opening};
pub use watch::ClosureWatch;

/// A queue, or every queue, takes nobody in a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    /// Which queue; every queue that has the region when None.
    pub queue: Option<String>,
    /// In which region.
    pub region: String,
    /// Whether staff closed it; else a program did.
    pub by_staff: bool,
    /// Who: an id, or a part of the platform.
    pub author: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub closed_at: DateTime<Utc>,
}

/// All closures at one moment, ready to be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClosedRegions(Vec<Closure>);

impl ClosedRegions {
    /// The closure that keeps a region of a queue closed; None when it is open. Of several, the one of this queue alone.
    pub fn of(&self, queue: &str, region: &str) -> Option<&Closure> {
        let here = || self.0.iter().filter(|closure| closure.region == region);
        let own = here().find(|closure| closure.queue.as_deref() == Some(queue));
        own.or_else(|| here().find(|closure| closure.queue.is_none()))
    }

    /// Whether every queue is closed in a region.
    pub fn everywhere(&self, region: &str) -> bool {
        self.0.iter().any(|closure| closure.queue.is_none() && closure.region == region)
    }

    /// The regions of a queue that are closed, by name.
    pub fn in_queue<'a>(&self, queue: &'a QueueDefinition) -> BTreeSet<&'a str> {
        let names = queue.regions.iter().map(|region| region.name.as_str());
        names.filter(|region| self.of(&queue.name, region).is_some()).collect()
    }

    /// All of them, by region and queue; those of every queue first.
    pub fn all(&self) -> &[Closure] {
        &self.0
    }
}

/// Handle on the closures.
#[derive(Clone)]
pub struct Closures {
    postgres: PgPool,
    domain: Domain,
    queues: Queues,
}

impl Closures {
    pub(crate) fn new(postgres: PgPool, domain: Domain, queues: Queues) -> Self {
        Self { postgres, domain, queues }
    }

    /// What is closed now.
    pub async fn standing(&self) -> Result<ClosedRegions> {
        // A small table: at most one row for each region of each queue.
        let rows = sqlx::query!(
            r#"
            SELECT queue, region, author_kind = 'staff' AS "by_staff!", author, reason, closed_at
            FROM play.closures
            ORDER BY region, queue NULLS FIRST
            "#
        )
        .fetch_all(&self.postgres)
        .await?;
        let closures = rows.into_iter().map(|row| Closure {
            queue: row.queue,
            region: row.region,
            by_staff: row.by_staff,
            author: row.author,
            reason: row.reason,
            closed_at: row.closed_at,
        });
        Ok(ClosedRegions(closures.collect()))
    }
}

#[cfg(test)]
mod tests {
    use muster_core::matchmaking::shipped_queues;

    use super::*;

    fn closure(queue: Option<&str>, region: &str, reason: &str) -> Closure {
        Closure {
            queue: queue.map(str::to_owned),
            region: region.to_owned(),
            by_staff: true,
            author: "test".to_owned(),
            reason: reason.to_owned(),
            closed_at: crate::now(),
        }
    }

    #[test]
    fn a_queues_own_closure_speaks_for_it_and_one_of_all_for_the_others() {
        let closed = ClosedRegions(vec![
            closure(None, "asia", "all"),
            closure(Some("classic-ranked"), "asia", "own"),
            closure(Some("classic-ranked"), "eu-west", "own"),
        ]);
        let reason = |queue, region| closed.of(queue, region).map(|closure| closure.reason.as_str());
        assert_eq!(reason("classic-ranked", "asia"), Some("own"));
        assert_eq!(reason("banker-ranked", "asia"), Some("all"));
        assert_eq!(reason("classic-ranked", "eu-west"), Some("own"));
        assert_eq!(reason("banker-ranked", "eu-west"), None);
        assert_eq!(["asia", "eu-west"].map(|region| closed.everywhere(region)), [true, false]);
        let ranked = shipped_queues().into_iter().find(|queue| queue.name == "classic-ranked").unwrap();
        assert_eq!(closed.in_queue(&ranked), BTreeSet::from(["asia", "eu-west"]));
    }
}
