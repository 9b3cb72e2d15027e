//! What was asked and not answered yet.

use std::time::Duration;

use muster_core::wire::{ClientMessage, TicketView};
use tokio::{sync::oneshot, time::Instant};

use crate::error::ClientError;

/// What an ack brings.
pub(super) type Answer = Option<TicketView>;

/// A verb on its way.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: String,
    pub(super) message: ClientMessage,
    pub(super) reply: oneshot::Sender<Result<Answer, ClientError>>,
}

/// How long to wait before sending again what the platform could not take just then.
const RESEND_AFTER: Duration = Duration::from_millis(500);

/// Verbs in the order in which they were asked, with when each is to be sent (again).
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    request: Request,
    /// None: sent, and an answer is on its way.
    due: Option<Instant>,
}

impl Outbox {
    /// Takes a verb in, to be sent at once.
    pub(super) fn push(&mut self, request: Request) {
        self.waiting.push(Entry { request, due: Some(Instant::now()) });
    }

    /// At a new line: whatever was sent on the old one is sent again, with the id it had, so that it is not done twice.
    pub(super) fn resend_all(&mut self) {
        let now = Instant::now();
        for entry in &mut self.waiting {
            entry.due = Some(now);
        }
    }

    /// The messages that are due, each counted as sent. Verbs whose caller has stopped waiting are dropped.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<ClientMessage> {
        self.waiting.retain(|entry| !entry.request.reply.is_closed());
        let due = self.waiting.iter_mut().filter(|entry| entry.due.is_some_and(|at| at <= now));
        due.map(|entry| {
            entry.due = None;
            entry.request.message.clone()
        })
        .collect()
    }

    /// When the next message is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.iter().filter_map(|entry| entry.due).min()
    }

    /// The platform did what was asked.
    pub(super) fn acknowledge(&mut self, id: &str, answer: Answer) {
        self.answer(id, Ok(answer));
    }

    /// The platform refused; false when nothing is known of that id. What it could not take just then is kept and sent again.
    pub(super) fn refuse(&mut self, id: &str, code: String, message: String) -> bool {
        if is_passing(&code) {
            let entry = self.waiting.iter_mut().find(|entry| entry.request.id == id);
            return entry.map(|entry| entry.due = Some(Instant::now() + RESEND_AFTER)).is_some();
        }
        self.answer(id, Err(ClientError::Refused { code, message }))
    }

    fn answer(&mut self, id: &str, answer: Result<Answer, ClientError>) -> bool {
        let Some(position) = self.waiting.iter().position(|entry| entry.request.id == id) else {
            return false;
        };
        // The caller may have stopped waiting: then nobody wants the answer.
        let _ = self.waiting.remove(position).request.reply.send(answer);
        true
    }
}

/// Refusals that say nothing about the verb itself.
fn is_passing(code: &str) -> bool {
    matches!(code, "match_unavailable" | "busy" | "too_many_requests" | "draining")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: &str) -> (Request, oneshot::Receiver<Result<Answer, ClientError>>) {
        let (reply, answer) = oneshot::channel();
        let message = ClientMessage::Ping { id: Some(id.to_owned()) };
        (Request { id: id.to_owned(), message, reply }, answer)
    }

    #[tokio::test]
    async fn a_new_line_sends_the_unanswered_again_in_order() {
        let mut outbox = Outbox::default();
        let (one, mut first) = request("one");
        let (two, _second) = request("two");
        outbox.push(one);
        outbox.push(two);
        assert_eq!(outbox.take_due(Instant::now()).len(), 2);
        assert_eq!(outbox.take_due(Instant::now()).len(), 0, "what was sent is not due");

        outbox.acknowledge("one", None);
        assert!(matches!(first.try_recv(), Ok(Ok(None))));
        outbox.resend_all();
        let again = outbox.take_due(Instant::now());
        assert!(matches!(&again[..], [ClientMessage::Ping { id: Some(id) }] if id == "two"));
    }

    #[tokio::test]
    async fn a_passing_refusal_is_tried_again_later() {
        let mut outbox = Outbox::default();
        let (one, mut answer) = request("one");
        outbox.push(one);
        outbox.take_due(Instant::now());
        assert!(outbox.refuse("one", "match_unavailable".to_owned(), String::new()));
        assert!(answer.try_recv().is_err());
        assert_eq!(outbox.take_due(Instant::now()).len(), 0);
        assert_eq!(outbox.take_due(Instant::now() + RESEND_AFTER).len(), 1);

        assert!(outbox.refuse("one", "not_your_turn".to_owned(), String::new()));
        assert!(matches!(answer.try_recv(), Ok(Err(ClientError::Refused { .. }))));
        assert!(!outbox.refuse("one", "not_your_turn".to_owned(), String::new()), "an answered id is unknown");
    }

    #[tokio::test]
    async fn a_caller_who_left_is_not_sent_for() {
        let mut outbox = Outbox::default();
        let (one, answer) = request("one");
        outbox.push(one);
        drop(answer);
        assert_eq!(outbox.take_due(Instant::now()).len(), 0);
        assert_eq!(outbox.next_due(), None);
    }
}
