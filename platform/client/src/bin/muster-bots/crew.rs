//! One bot from its sign-in to its goodbye.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use muster_client::{
    Client, ClientError, Connection, Session,
    bot::{Bot, PlayedMatch},
    core::{
        game::Command,
        id::{EventId, SessionId},
        telemetry::kind,
        wire::{ClientEvent, EventBatch},
    },
};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};
use uuid::Uuid;

use crate::{args::Args, check::difference, tally::Tally};

/// Between two tries at what the platform could not take; bots share the load of a platform that comes back.
const TRY_AGAIN: Duration = Duration::from_secs(2);
/// How often a match's comparison is tried.
const CHECKS: u32 = 5;
/// The longest that a bot usually stays away.
const SHORT_AWAY: Duration = Duration::from_secs(3);
/// Now and then it is away for longer than a match waits,
const TOO_LONG: Duration = Duration::from_secs(62);
/// which is so often.
const LONG_AWAY: f64 = 0.08;
/// How long taking leave may take.
const LEAVE_WITHIN: Duration = Duration::from_secs(8);

/// Plays match after match until told to stop.
pub async fn live(index: u32, args: Arc<Args>, client: Client, tally: Arc<Tally>, mut stop: watch::Receiver<bool>) {
    let Some(session) = unless(stopped(stop.clone()), sign_in(index, &args, &client)).await else {
        return;
    };
    let seed = args.seed.wrapping_mul(1_000_003).wrapping_add(u64::from(index));
    let mut bot = Bot::new(args.queue_of(index), seed).move_delay(args.move_delay);
    let mut connection = session.connect();
    let run = SessionId::from_uuid(Uuid::now_v7());
    let mut drops = Drops::new(args.drop_every, seed);
    while !*stop.borrow_and_update() {
        let patience = async {
            stopped(stop.clone()).await;
            // Who looks for a match stops at once; who plays one may end it.
            sleep(args.grace).await;
        };
        let playing = async {
            let found = unless(stopped(stop.clone()), bot.find_match(&session, &mut connection)).await?;
            Some(match found {
                Ok(view) => bot.play_match(&session, &mut connection, view).await,
                Err(error) => Err(error),
            })
        };
        let played = tokio::select! {
            () = patience => break,
            played = playing => match played {
                Some(played) => played,
                None => break,
            },
            () = drops.due() => {
                // No goodbye: as a phone that loses its network.
                drop(connection);
                tally.dropped();
                let away = drops.next();
                let back = unless(stopped(stop.clone()), sleep(away)).await;
                connection = session.connect();
                match back {
                    Some(()) => continue,
                    None => break,
                }
            }
        };
        match played {
            Ok(played) => {
                tally.record(&played);
                if args.check {
                    check(&session, &played, &tally).await;
                }
                tell(&session, run, &played).await;
            }
            Err(error) => {
                tracing::warn!(bot = index, %error, "a match was not played to its end");
                if unless(stopped(stop.clone()), sleep(TRY_AGAIN)).await.is_none() {
                    break;
                }
                if matches!(error, ClientError::Closed) || error.code() == Some("disconnected") {
                    connection = session.connect();
                }
            }
        }
    }
    // Best effort: a ticket or match that is left behind ends by the platform's own clocks.
    let _ = timeout(LEAVE_WITHIN, leave(&session, &connection)).await;
    connection.close().await;
}

/// Signs in, however long the platform takes to be there and to let everybody in.
async fn sign_in(index: u32, args: &Args, client: &Client) -> Session {
    let device = format!("muster-bots-{:016x}-{index:06}", args.seed);
    let name = format!("Bot {index:04}");
    loop {
        match client.sign_in_device(&device, Some(&name)).await {
            Ok(session) => return session,
            Err(error) if error.is_transient() => {
                tracing::debug!(bot = index, %error, "cannot sign in yet")
            }
            Err(error) => tracing::warn!(bot = index, %error, "cannot sign in"),
        }
        sleep(TRY_AGAIN).await;
    }
}

/// Compares what was told with what is stored, patiently: the platform may be coming up.
async fn check(session: &Session, played: &PlayedMatch, tally: &Tally) {
    for _ in 0..CHECKS {
        match difference(session, played).await {
            Ok(difference) => return tally.checked(played.view.match_id, difference),
            Err(error) => tracing::debug!(%error, "a match could not be compared yet"),
        }
        sleep(TRY_AGAIN).await;
    }
}

/// When a bot lets go of its connection, and for how long. Follows from its seed.
struct Drops {
    every: Option<Duration>,
    chance: SmallRng,
    at: Option<Instant>,
}

impl Drops {
    fn new(every: Option<Duration>, seed: u64) -> Self {
        let mut drops = Self { every, chance: SmallRng::seed_from_u64(seed ^ 0xd209), at: None };
        drops.next();
        drops
    }

    /// Waits for the next time; for ever when there is none.
    async fn due(&self) {
        match self.at {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// How long to stay away this time; then the next time is some way off.
    fn next(&mut self) -> Duration {
        let away = match self.chance.random_bool(LONG_AWAY) {
            true => TOO_LONG,
            false => SHORT_AWAY.mul_f64(self.chance.random_range(0.0..1.0)),
        };
        self.at = self.every.map(|every| Instant::now() + away + every.mul_f64(self.chance.random_range(0.5..1.5)));
        away
    }
}

/// Sends what a game's client would: one event per match. Bots do not care whether it arrives.
async fn tell(session: &Session, run: SessionId, played: &PlayedMatch) {
    let properties = json!({
        "won": played.won(),
        "moves": played.moves,
        "waited_ms": played.waited.as_millis() as u64,
        "took_ms": played.took.as_millis() as u64,
    });
    let event = ClientEvent {
        session_id: Some(run),
        properties: properties.as_object().cloned().unwrap_or_default(),
        ..ClientEvent::new(EventId::from_uuid(Uuid::now_v7()), kind::BOT_MATCH_PLAYED, Utc::now())
    };
    if let Err(error) = session.send_events(&EventBatch { events: vec![event] }).await {
        tracing::debug!(%error, "the event was not taken");
    }
}

/// Stops waiting, or gives up the match that there was no time to end.
async fn leave(session: &Session, connection: &Connection) -> Result<(), ClientError> {
    let profile = session.me().await?;
    if let Some(match_id) = profile.match_id {
        connection.command(match_id, Command::Resign).await?;
    } else if let Some(ticket) = profile.ticket {
        session.cancel_ticket(ticket.ticket_id).await?;
    }
    Ok(())
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Nobody is left to say it: then nobody wants it.
        std::future::pending::<()>().await;
    }
}

/// What comes of `work`, or none when `end` comes first.
async fn unless<T>(end: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        () = end => None,
        done = work => Some(done),
    }
}
