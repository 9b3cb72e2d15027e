//! The matches that this process serves itself: a call to one of them does not leave it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use muster_core::id::MatchId;
use tokio::sync::mpsc;

use super::call::IncomingCall;

/// Calls that may wait for one match; more go by NATS.
const WAITING: usize = 16;

/// Boxed: a channel keeps room for many, and mostly none waits.
type Call = Box<IncomingCall>;

/// Who serves what here.
#[derive(Default)]
pub(super) struct Near(Mutex<HashMap<MatchId, mpsc::Sender<Call>>>);

impl Near {
    /// Serves a match, in place of whoever did before, until the desk is dropped.
    pub fn serve(self: &Arc<Self>, match_id: MatchId) -> Desk {
        let (sender, waiting) = mpsc::channel(WAITING);
        self.served().insert(match_id, sender);
        Desk { near: self.clone(), match_id, waiting }
    }

    /// Leaves a call with whoever serves the match here. It comes back when nobody does, or too many wait.
    pub fn offer(&self, match_id: MatchId, call: IncomingCall) -> Result<(), IncomingCall> {
        let Some(desk) = self.served().get(&match_id).cloned() else { return Err(call) };
        desk.try_send(Box::new(call)).map_err(|refused| *refused.into_inner())
    }

    /// Whether somebody serves the match here.
    pub fn serves(&self, match_id: MatchId) -> bool {
        self.served().contains_key(&match_id)
    }

    fn served(&self) -> MutexGuard<'_, HashMap<MatchId, mpsc::Sender<Call>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the calls for one match arrive.
pub(super) struct Desk {
    near: Arc<Near>,
    match_id: MatchId,
    waiting: mpsc::Receiver<Call>,
}

impl Desk {
    /// The next call; pending, too, when another desk has taken this one's place.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<IncomingCall> {
        match self.waiting.poll_recv(context) {
            Poll::Ready(Some(call)) => Poll::Ready(*call),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.waiting.close();
        let mut served = self.near.served();
        // Not when it is another desk's by now.
        if served.get(&self.match_id).is_some_and(mpsc::Sender::is_closed) {
            served.remove(&self.match_id);
        }
    }
}
