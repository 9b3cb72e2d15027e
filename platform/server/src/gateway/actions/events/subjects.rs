//! What telemetry calls players. PostgreSQL knows; while it is away, what this gateway has seen lately is good enough, so that events
//! are taken all the same.
//!
//! A player who was forgotten just before has another subject by then. What is sent under the old one is like what was on its way:
//! it is taken care of with that (`muster-retention` looks again after an hour and after 8 days).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use muster_core::id::{PlayerId, SubjectId};
use muster_store::Store;

use super::busy_for;
use super::judge::Subjects;
use crate::error::ApiError;

/// How long a subject that was found is good enough. Less than the hour after which forgetting looks again.
const GOOD: Duration = Duration::from_secs(50 * 60);

/// How long PostgreSQL is not asked about players who are known, after it did not answer: each who asks waits some seconds for that.
const AWAY: Duration = Duration::from_secs(10);

/// Players at hand: some megabytes. When they are more, remembering begins anew.
const AT_HAND: usize = 50_000;

/// Who is who.
#[derive(Default)]
pub struct SubjectBook(Mutex<Book>);

#[derive(Default)]
struct Book {
    known: HashMap<PlayerId, (SubjectId, Instant)>,
    away_since: Option<Instant>,
}

impl SubjectBook {
    /// The subjects of some players; unknown players are absent.
    ///
    /// # Errors
    /// `busy` when PostgreSQL does not answer and one of them has not been seen lately.
    pub async fn of(&self, store: &Store, players: &[PlayerId]) -> Result<Subjects, ApiError> {
        let asked_at = Instant::now();
        let away = self.book().away_since.is_some_and(|since| since.elapsed() < AWAY);
        if let Some(found) = self.at_hand(players).filter(|_| away) {
            return Ok(found);
        }
        match store.accounts.get_many(players).await {
            Ok(accounts) => {
                let found: Subjects =
                    accounts.into_iter().map(|account| (account.player_id, account.subject_id)).collect();
                self.remember(&found, asked_at);
                Ok(found)
            }
            Err(error) if error.is_transient() => {
                self.book().away_since = Some(Instant::now());
                match self.at_hand(players) {
                    Some(found) => {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "players' subjects are taken from memory"
                        );
                        Ok(found)
                    }
                    None => Err(busy_for(error)),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// All of them, if each was found lately.
    fn at_hand(&self, players: &[PlayerId]) -> Option<Subjects> {
        let book = self.book();
        let found = players.iter().map(|player| {
            let (subject, at) = book.known.get(player)?;
            (at.elapsed() < GOOD).then_some((*player, *subject))
        });
        found.collect()
    }

    fn remember(&self, found: &Subjects, asked_at: Instant) {
        let mut book = self.book();
        book.away_since = None;
        if book.known.len() + found.len() > AT_HAND {
            book.known.clear();
        }
        book.known.extend(found.iter().map(|(player, subject)| (*player, (*subject, asked_at))));
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
