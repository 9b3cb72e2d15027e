//! A socket that does nothing but stay: signed in, past its hello, and alive.

use std::{convert::Infallible, sync::mpsc::Sender};

use tokio::time::Instant;

use crate::socket::Talk;

/// Says nothing of its own, and tells when it is lost.
pub struct Idle {
    /// Where it tells why it was lost.
    pub lost: Sender<String>,
}

impl Talk for Idle {
    type Order = Infallible;

    fn say(&mut self, order: Infallible) -> String {
        match order {}
    }

    fn hear(&mut self, _at: Instant, _text: &str) -> Result<(), serde_json::Error> {
        Ok(())
    }

    fn lost(&mut self, reason: String) {
        // Nobody hears any more when the run is over.
        let _ = self.lost.send(format!("idle: {reason}"));
    }
}
