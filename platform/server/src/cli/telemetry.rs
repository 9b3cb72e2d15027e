//! `muster-server telemetry …`: event types from files, what was not stored as it came, and whether the rollups are exact.

use std::path::PathBuf;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use muster_core::telemetry::EventTypeDefinition;
use muster_store::{Actor, AuditOutcome, DeadLetterFilter, EventTypeChange, NewAudit, Store};
use serde_json::{Value, json};

/// Events or letters of one step.
const STEP: u32 = 1_000;
/// Letters in memory at once.
const LETTERS: usize = 100;

#[derive(Subcommand)]
pub(crate) enum TelemetryCommand {
    /// Make an event type, or its next version, from a JSON file as `updateEventType` takes it.
    PutType {
        /// The file.
        file: PathBuf,
        /// Why: for the history and the audit log.
        #[arg(long)]
        reason: String,
    },
    /// List the event types: name, version, whether it is on, owner.
    Types,
    /// Make quarantined events of a kind into events, now that the kind has a type.
    Release {
        /// The kind.
        kind: String,
        /// Why: for the audit log.
        #[arg(long)]
        reason: String,
    },
    /// List dead letters: place, time, kind, reason.
    DeadLetters {
        #[command(flatten)]
        filter: FilterArguments,
    },
    /// Send dead letters on their way again; those that fail again come back as new ones. Tells how far it is, and how many at the end.
    Replay {
        #[command(flatten)]
        filter: FilterArguments,
        /// Why: for the audit log.
        #[arg(long)]
        reason: String,
        /// The end as JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Count everything anew and print as JSON whether the rollups are what the events say; exit code 1 when they are not.
    Recount {
        /// From this day (UTC) on, such as 2026-01-31T00:00:00Z; a week ago when absent.
        #[arg(long)]
        from: Option<DateTime<Utc>>,
        /// Which events of this kind there are, too: their number, and a sum and an exclusive or of their ids.
        #[arg(long)]
        kind: Option<String>,
    },
}

/// Which dead letters; all of them when nothing is said.
#[derive(Args)]
pub(crate) struct FilterArguments {
    /// Those whose reason holds this text.
    #[arg(long)]
    because: Option<String>,
    /// Those whose event is of this kind.
    #[arg(long)]
    kind: Option<String>,
    /// Those that died at this moment or later.
    #[arg(long)]
    from: Option<DateTime<Utc>>,
    /// Those that died before this moment.
    #[arg(long)]
    to: Option<DateTime<Utc>>,
}

impl FilterArguments {
    fn filter(self) -> DeadLetterFilter {
        DeadLetterFilter { reason: self.because, kind: self.kind, from: self.from, to: self.to }
    }
}

fn author() -> Actor {
    Actor::System("command line".to_owned())
}

impl TelemetryCommand {
    /// True when what was asked for is as it should be.
    pub(crate) async fn run(self, store: &Store) -> anyhow::Result<bool> {
        match self {
            Self::PutType { file, reason } => put_type(store, &file, reason).await?,
            Self::Types => {
                for version in store.event_types.list().await? {
                    let of_type = version.definition;
                    let state = if of_type.enabled { "on" } else { "off" };
                    println!("{}\t{}\t{state}\t{}", of_type.name, of_type.version, of_type.owner);
                }
            }
            Self::Release { kind, reason } => release(store, &kind, reason).await?,
            Self::DeadLetters { filter } => list(store, &filter.filter()).await?,
            Self::Replay { filter, reason, json } => replay(store, filter.filter(), reason, json).await?,
            Self::Recount { from, kind } => return recount(store, from, kind.as_deref()).await,
        }
        Ok(true)
    }
}

async fn put_type(store: &Store, file: &std::path::Path, reason: String) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut definition: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    if let Some(fields) = definition.as_object_mut() {
        fields.entry("version").or_insert_with(|| 1.into());
    }
    let definition = EventTypeDefinition::from_json(&definition)?;
    let newest = store.event_types.get(&definition.name).await?;
    let expected_version = newest.map(|newest| newest.definition.version);
    let change = EventTypeChange { definition, expected_version, author: author(), reason };
    let made = store.event_types.put(&change, muster_store::now()).await?;
    println!("{}\t{}", made.name, made.version);
    Ok(())
}

async fn release(store: &Store, kind: &str, reason: String) -> anyhow::Result<()> {
    let found = store.event_types.get(kind).await?;
    let definition = found.with_context(|| format!("there is no event type `{kind}`: make it first"))?.definition;
    let all = store.telemetry.quarantined_of(kind).await?;
    let (mut released, mut refused, mut place) = (0, 0, None);
    loop {
        let step = store.telemetry.release(&definition, place, STEP).await?;
        released += step.released;
        refused += step.refused;
        eprintln!("{} of about {all}: {released} released, {refused} refused", released + refused);
        place = step.next;
        if place.is_none() {
            break;
        }
    }
    let details = json!({ "released": released, "refused": refused, "version": definition.version });
    note(store, "telemetry.release", Some(kind.to_owned()), reason, details).await?;
    println!("{released}");
    Ok(())
}

async fn list(store: &Store, filter: &DeadLetterFilter) -> anyhow::Result<()> {
    let mut after = 0;
    loop {
        let letters = store.telemetry.dead_letters_after(after, LETTERS).await?;
        for letter in letters.iter().filter(|letter| filter.takes(letter)) {
            let at = muster_core::time::format(letter.buried_at);
            println!("{}\t{at}\t{}\t{}", letter.sequence, letter.kind.as_deref().unwrap_or("-"), letter.reason);
        }
        match letters.last() {
            Some(last) if letters.len() == LETTERS => after = last.sequence,
            _ => return Ok(()),
        }
    }
}

async fn replay(store: &Store, filter: DeadLetterFilter, reason: String, json: bool) -> anyhow::Result<()> {
    let all = store.telemetry.dead_letter_count().await?;
    let (mut replayed, mut passed_over, mut after) = (0, 0, 0);
    // Those that fail again come back behind the end; each is sent once in this run.
    while replayed + passed_over < all {
        let left = usize::try_from(all - replayed - passed_over).unwrap_or(usize::MAX);
        let step = store.telemetry.replay(&filter, after, left.min(STEP as usize)).await?;
        replayed += step.replayed;
        passed_over += step.passed_over;
        eprintln!("{} of {all}: {replayed} replayed, {passed_over} passed over", replayed + passed_over);
        let Some(next) = step.next else { break };
        after = next;
    }
    let details = json!({ "replayed": replayed, "passed_over": passed_over });
    note(store, "telemetry.replay", filter.kind, reason, details.clone()).await?;
    if json {
        println!("{details}");
    } else {
        println!("{replayed}");
    }
    Ok(())
}

async fn note(
    store: &Store,
    action: &str,
    target: Option<String>,
    reason: String,
    details: Value,
) -> anyhow::Result<()> {
    let entry = NewAudit {
        actor: author(),
        action: action.to_owned(),
        target,
        reason: Some(reason),
        outcome: AuditOutcome::Succeeded,
        details,
    };
    store.audit.append(&entry, muster_store::now()).await?;
    Ok(())
}

async fn recount(store: &Store, from: Option<DateTime<Utc>>, kind: Option<&str>) -> anyhow::Result<bool> {
    let now = muster_store::now();
    let from = from.unwrap_or(now - TimeDelta::days(7));
    // Clocks of senders may run ahead, by a day at most.
    let until = now + TimeDelta::days(2);
    let found = store.telemetry.recount(from, until).await?;
    let facts = store.insights.recount(from, until).await?;
    let exact = found.is_exact() && facts.is_exact();
    let mut told = json!({
        "rollups_exact": exact,
        "events": found.events,
        "differing_rows": {
            "event_minutes": found.minutes,
            "event_hours": found.hours,
            "player_days": found.player_days,
            "session_sequences": found.sessions,
            "measure_hours": found.measures,
            "measure_buckets": found.buckets,
            "event_totals": found.totals,
            "kind_days": facts.kinds,
            "queue_facts": facts.tickets,
            "match_days": facts.matches,
            "session_days": facts.sessions,
        },
        "pending": store.telemetry.pending().await?,
        "dead_letters": store.telemetry.dead_letter_count().await?,
    });
    if let Some(kind) = kind {
        let census = store.telemetry.census(kind).await?;
        told["census"] = json!({
            "kind": kind,
            "events": census.events,
            "same_id": census.same_id,
            "id_sum": census.id_sum.to_string(),
            "id_xor": census.id_xor,
            "session_gaps": census.gaps,
            "quarantined": store.telemetry.quarantined_of(kind).await?,
        });
    }
    println!("{}", serde_json::to_string_pretty(&told)?);
    Ok(exact)
}
