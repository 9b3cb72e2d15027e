//! The names of the keys that tickets live under; see the module's table.

use std::sync::Arc;

use muster_core::id::{PlayerId, TicketId};

#[derive(Clone)]
pub(super) struct Keys {
    prefix: Arc<str>,
}

impl Keys {
    pub fn new(prefix: String) -> Self {
        Self { prefix: prefix.into() }
    }

    pub fn ticket_prefix(&self) -> String {
        format!("{}ticket:", self.prefix)
    }

    pub fn ticket(&self, ticket: TicketId) -> String {
        format!("{}ticket:{ticket}", self.prefix)
    }

    pub fn player(&self, player: PlayerId) -> String {
        format!("{}player:{player}", self.prefix)
    }

    pub fn idempotency(&self, player: PlayerId, key: &str) -> String {
        format!("{}key:{player}:{key}", self.prefix)
    }

    pub fn pool(&self, queue: &str) -> String {
        format!("{}pool:{queue}", self.prefix)
    }

    pub fn revision(&self, queue: &str) -> String {
        format!("{}revision:{queue}", self.prefix)
    }

    pub fn changes(&self, queue: &str) -> String {
        format!("{}changes:{queue}", self.prefix)
    }

    pub fn claimed(&self) -> String {
        format!("{}claimed", self.prefix)
    }

    pub fn queues(&self) -> String {
        format!("{}queues", self.prefix)
    }
}
