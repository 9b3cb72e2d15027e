//! The run: sign in, send, wait until all is stored.

use std::{cell::Cell, time::Duration};

use anyhow::Context;
use futures::future::try_join_all;
use muster_client::Client;
use rand::{SeedableRng, rngs::SmallRng};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    args::Args,
    batch::{self, Teller},
    report::Report,
    sender::Sent,
};
use crate::{
    crew,
    gauges::{Gauges, Machine, own_seconds},
    percentiles::{Percentiles, rounded},
    progress,
};

/// The server's counter of events that are in the database.
const STORED: &str = "muster_telemetry_events_stored_total";
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(250);

/// Sends events and measures.
///
/// # Errors
/// The platform cannot be reached, or a batch is not acknowledged in time.
pub async fn run(args: &Args, client: &Client) -> anyhow::Result<Report> {
    let sessions = crew::sign_in(&args.reach, client, args.players).await?;
    let mut random = SmallRng::seed_from_u64(args.reach.seed ^ rand::random::<u64>());
    let now = chrono::Utc::now();
    let tellers: Vec<Teller> = sessions.iter().map(|session| Teller::new(session.token(), now, &mut random)).collect();

    let gauges = Gauges::new(args.reach.ops_url.as_deref())?;
    let stored_before = settled(&gauges).await?;
    let server_before = gauges.server().await?;
    let (own_before, machine_before) = (own_seconds(), Machine::read());
    let began = Instant::now();
    let until = began + Duration::from_secs(args.seconds.into());
    progress(format_args!("sending for {} s", args.seconds));

    let (acknowledged, backlog, sending) = (Cell::new(0_u64), Cell::new(0_u64), Cell::new(true));
    let senders = try_join_all(
        split(tellers, args.senders.into())
            .into_iter()
            .enumerate()
            .map(|(number, tellers)| send(args, number, tellers, began, until, &acknowledged)),
    );
    let senders = async {
        let sent = senders.await;
        sending.set(false);
        sent
    };
    let watching = async {
        while sending.get() && stored_before.is_some() {
            sleep(LOOK).await;
            // The acknowledgements first: what is stored in between shall not make the backlog smaller than it is.
            let taken = acknowledged.get();
            if let (Ok(Some(stored)), Some(before)) = (gauges.counter(STORED).await, stored_before) {
                backlog.set(backlog.get().max(taken.saturating_sub((stored - before) as u64)));
            }
        }
    };
    let (sent, ()) = tokio::join!(senders, watching);
    let mut all = Sent::default();
    sent?.into_iter().for_each(|sent| all.join(sent));
    let seconds = began.elapsed().as_secs_f64();
    let own_after = own_seconds();
    let machine_busy = Machine::read().zip(machine_before).map(|(after, before)| rounded(after.busy_since(before)));
    let server_after = gauges.server().await?;
    let events = all.acknowledged.events;
    progress(format_args!("{events} events acknowledged in {seconds:.1} s"));

    let stored_then = gauges.counter(STORED).await?;
    let last_acknowledged = Instant::now();
    let stored_at = match stored_before {
        Some(before) => Some(wait_stored(&gauges, before + events as f64, args.patience).await?),
        None => None,
    };
    let per_second = |count: f64| rounded(count / seconds);
    let cpus = |after: f64, before: f64| rounded((after - before) / seconds);
    let violations = all.refused.values().sum();
    Ok(Report {
        kind: args.kind.clone(),
        event_bytes: args.bytes,
        batch: args.batch,
        seconds: rounded(seconds),
        acknowledged: events,
        acknowledged_again: all.again,
        accepted_per_s: per_second(events as f64),
        stored_while_sending_per_s: stored_then.zip(stored_before).map(|(then, before)| per_second(then - before)),
        stored_per_s: stored_at.map(|at| rounded(events as f64 / (at - began).as_secs_f64())),
        lag_ms: stored_at.map(|at| rounded((at - last_acknowledged).as_secs_f64() * 1000.0)),
        backlog_max_events: stored_before.map(|_| backlog.get()),
        ack_ms: Percentiles::of(all.took),
        retries: all.retries,
        violation_examples: all.refused.iter().map(|(verdict, count)| format!("{count} events {verdict}")).collect(),
        refused: all.refused,
        id_sum: all.acknowledged.id_sum.to_string(),
        id_xor: all.acknowledged.id_xor,
        server_cpus: server_after.zip(server_before).map(|(after, before)| cpus(after.cpu_seconds, before.cpu_seconds)),
        generator_cpus: own_after.zip(own_before).map(|(after, before)| cpus(after, before)),
        machine_busy,
        violations,
    })
}

/// Each sender has players of its own, so that a session's events come in order.
fn split(tellers: Vec<Teller>, senders: usize) -> Vec<Vec<Teller>> {
    let mut parts = vec![Vec::new(); senders.min(tellers.len())];
    let count = parts.len();
    for (number, teller) in tellers.into_iter().enumerate() {
        parts[number % count].push(teller);
    }
    parts
}

async fn send(
    args: &Args,
    number: usize,
    mut tellers: Vec<Teller>,
    began: Instant,
    until: Instant,
    acknowledged: &Cell<u64>,
) -> anyhow::Result<Sent> {
    // A connection a sender; the loopback needs neither certificates nor a proxy.
    let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().tcp_nodelay(true).build();
    let http = http.context("no HTTP client")?;
    let url = format!("{}/v1/events", args.reach.url.trim_end_matches('/'));
    let mut random = SmallRng::seed_from_u64(rand::random());
    let mut sent = Sent::default();
    // By the clock, all senders together have the rate, each in its turn.
    let senders = f64::from(args.senders);
    let pause = args.rate.map(|rate| f64::from(args.batch) / f64::from(rate));
    for turn in 0_usize.. {
        if let Some(pause) = pause {
            sleep_until(began + Duration::from_secs_f64(pause * (number as f64 + turn as f64 * senders))).await;
        }
        if Instant::now() >= until {
            break;
        }
        let turn = turn % tellers.len();
        let teller = &mut tellers[turn];
        let batch = batch::make(teller, &args.kind, args.batch, args.bytes, chrono::Utc::now(), &mut random);
        sent.send(&http, &url, &teller.token, &batch, args.patience).await?;
        acknowledged.set(acknowledged.get() + u64::from(args.batch));
    }
    Ok(sent)
}

/// What is stored, once the sign-ins that were before are among it.
async fn settled(gauges: &Gauges) -> anyhow::Result<Option<f64>> {
    let mut before = gauges.counter(STORED).await?;
    loop {
        sleep(Duration::from_secs(1)).await;
        let now = gauges.counter(STORED).await?;
        if now == before {
            return Ok(now);
        }
        before = now;
    }
}

async fn wait_stored(gauges: &Gauges, wanted: f64, patience: Duration) -> anyhow::Result<Instant> {
    let deadline = Instant::now() + patience;
    loop {
        let stored = gauges.counter(STORED).await?.unwrap_or_default();
        if stored >= wanted {
            return Ok(Instant::now());
        }
        anyhow::ensure!(Instant::now() < deadline, "{} events were not stored in time", wanted - stored);
        sleep(Duration::from_millis(20)).await;
    }
}
