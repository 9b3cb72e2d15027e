//! Dead letters that are tried again: after the fault was mended, or the type made that they lacked.

use async_nats::jetstream::message::PublishMessage;

use super::dead::{AT_HAND, remove};
use super::{DeadLetter, DeadLetterFilter, Telemetry};
use crate::error::NatsResult;
use crate::{Result, streams, trace};

/// What a step of a replay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Letters that are on their way again and in the DLQ no more. Those that fail again come back to it as new ones.
    pub replayed: u64,
    /// Letters that the filter did not take; they stay.
    pub passed_over: u64,
    /// The last letter that was looked at, to go on after; None when it was the last there is.
    pub next: Option<u64>,
}

impl Telemetry {
    /// Looks at `most` letters after a place, and sends those on their way again that the filter takes. A letter leaves the DLQ
    /// only when the stream has it, so a replay that is broken off loses nothing; one that is sent twice counts once.
    pub async fn replay(&self, filter: &DeadLetterFilter, after: u64, most: usize) -> Result<Replayed> {
        let mut done = Replayed::default();
        let (mut place, mut left) = (after, most);
        while left > 0 {
            let wanted = left.min(AT_HAND);
            let letters = self.dead_letters_after(place, wanted).await?;
            for letter in &letters {
                if filter.takes(letter) {
                    self.send_again(letter).await?;
                    done.replayed += 1;
                } else {
                    done.passed_over += 1;
                }
            }
            match letters.last() {
                Some(last) if letters.len() == wanted => place = last.sequence,
                _ => return Ok(done),
            }
            left -= wanted;
        }
        done.next = Some(place);
        Ok(done)
    }

    async fn send_again(&self, letter: &DeadLetter) -> Result<()> {
        let what = "replaying a dead letter";
        let message = PublishMessage::build()
            .headers(trace::headers())
            // Whoever was broken off between the two steps and begins anew sends nothing twice.
            .message_id(format!("replay-{}", letter.sequence))
            .payload(letter.payload.clone());
        let subject = self.nats.subject(format_args!("telemetry.{}", again(&letter.subject)));
        let sent = self.nats.jetstream.send_publish(subject, message).await.doing(what)?;
        sent.await.doing(what)?;
        let stream = self.nats.jetstream.get_stream_no_info(self.nats.stream(streams::DLQ)).await.doing(what)?;
        remove(&stream, letter.sequence, what).await.map(drop)
    }
}

/// The subject of a letter that is sent again: of the same source, and one event, whatever it was part of.
fn again(subject: &str) -> String {
    let source = subject.split_once("telemetry.").and_then(|(_, rest)| rest.split('.').next()).unwrap_or("unknown");
    format!("{source}.again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_one_event_of_its_source() {
        assert_eq!(again("t1_telemetry.client.batch.500"), "client.again");
        assert_eq!(again("telemetry.server.level_up"), "server.again");
        assert_eq!(again("nonsense"), "unknown.again");
    }
}
