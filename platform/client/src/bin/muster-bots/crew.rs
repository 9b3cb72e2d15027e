//! One bot from its sign-in to its goodbye.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use muster_client::{
    Client, ClientError, Connection, Session,
    bot::{Bot, PlayedMatch},
    core::{
        game::Command,
        id::{EventId, SessionId},
        wire::{ClientEvent, EventBatch},
    },
};
use serde_json::json;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use uuid::Uuid;

use crate::{args::Args, tally::Tally};

/// Between two tries at what the platform could not take; bots share the load of a platform that comes back.
const TRY_AGAIN: Duration = Duration::from_secs(2);
/// How long taking leave may take.
const LEAVE_WITHIN: Duration = Duration::from_secs(3);

/// Plays match after match until told to stop.
pub async fn live(index: u32, args: Arc<Args>, client: Client, tally: Arc<Tally>, mut stop: watch::Receiver<bool>) {
    let Some(session) = unless(stopped(stop.clone()), sign_in(index, &args, &client)).await else {
        return;
    };
    let seed = args.seed.wrapping_mul(1_000_003).wrapping_add(u64::from(index));
    let mut bot = Bot::new(args.queue_of(index), seed).move_delay(args.move_delay);
    let mut connection = session.connect();
    let run = SessionId::from_uuid(Uuid::now_v7());
    while !*stop.borrow_and_update() {
        let Some(found) = unless(stopped(stop.clone()), bot.find_match(&session, &mut connection)).await else {
            break;
        };
        let played = match found {
            Ok(view) => {
                let patience = async {
                    stopped(stop.clone()).await;
                    sleep(args.grace).await;
                };
                match unless(patience, bot.play_match(&session, &mut connection, view)).await {
                    Some(played) => played,
                    None => break,
                }
            }
            Err(error) => Err(error),
        };
        match played {
            Ok(played) => {
                tally.record(&played);
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

/// Sends what a game's client would: one event per match. Bots do not care whether it arrives.
async fn tell(session: &Session, run: SessionId, played: &PlayedMatch) {
    let properties = json!({
        "won": played.won(),
        "moves": played.moves,
        "waited_ms": played.waited.as_millis() as u64,
        "took_ms": played.took.as_millis() as u64,
    });
    let event = ClientEvent {
        event_id: EventId::from_uuid(Uuid::now_v7()),
        kind: "bot.match_played".to_owned(),
        at: Utc::now(),
        session_id: Some(run),
        properties: properties.as_object().cloned().unwrap_or_default(),
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
