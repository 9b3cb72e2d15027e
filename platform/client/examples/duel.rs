//! Two bots meet: sign in, queue, play one match move by move, and check every roll against the published seed.
//!
//! ```text
//! cargo run -p muster-client --example duel -- [--url http://127.0.0.1:7400] [--queue classic-casual] [--move-delay 400ms]
//! ```
//!
//! Without `--url` it plays on the platform that `cargo xtask up` started, if there is one.
#![allow(clippy::print_stdout, reason = "printing the match is what this example is for")]

mod nearby;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use humantime_serde::re::humantime::parse_duration;
use muster_client::{
    Client, MatchMirror, Session,
    bot::{Bot, PlayedMatch},
    core::{game::GameEvent, wire::LoggedEvent},
    verify::verify,
};

/// Two bots play one match, and the dice are checked.
#[derive(Parser)]
#[command(name = "duel")]
struct Args {
    /// Where the platform is
    #[arg(long)]
    url: Option<String>,
    /// The queue they meet in
    #[arg(long, default_value = "classic-casual")]
    queue: String,
    /// How long they think per move on average
    #[arg(long, default_value = "400ms", value_parser = parse_duration)]
    move_delay: Duration,
    /// What the bots' habits follow from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let url = nearby::platform(args.url.as_deref());
    let client = Client::new(&url)?;
    let ada =
        sign_in(&client, "Ada").await.with_context(|| format!("no platform at {url}? Start one: cargo xtask up"))?;
    let bo = sign_in(&client, "Bo").await?;
    println!("Ada and Bo are at {url} and wait in {}.", args.queue);

    let mut first = bot(&args, 0).watcher(Box::new(print));
    let mut second = bot(&args, 1);
    let (first, second) = tokio::try_join!(first.play_one(&ada), second.play_one(&bo))?;
    if first.view.match_id != second.view.match_id {
        println!("Somebody else was in the queue, so they played others; this was Ada's match.");
    }
    print_ratings(&first);
    check_dice(&first)
}

async fn sign_in(client: &Client, name: &str) -> Result<Session> {
    let device = format!("muster-duel-{}", uuid::Uuid::now_v7().simple());
    Ok(client.sign_in_device(&device, Some(name)).await?)
}

fn bot(args: &Args, number: u64) -> Bot {
    Bot::new(args.queue.as_str(), args.seed.wrapping_add(number)).move_delay(args.move_delay)
}

fn print(mirror: &MatchMirror, entry: &LoggedEvent) {
    let indent = if matches!(entry.event, GameEvent::Rolled { .. } | GameEvent::Banked { .. }) { "  " } else { "" };
    println!("{:>4}  {indent}{}", entry.seq, entry.event.summary(mirror.names()));
}

fn print_ratings(played: &PlayedMatch) {
    for change in &played.result.ratings {
        let player = played.view.players.iter().find(|player| player.player_id == change.player_id);
        let name = player.map_or("?", |player| &player.display_name);
        println!("      {name}: {:.1} -> {:.1}", change.before, change.after);
    }
}

fn check_dice(played: &PlayedMatch) -> Result<()> {
    println!("Promised before the first roll: SHA-256 {}", played.view.commitment);
    println!("Published after the last:       seed    {}", played.result.seed);
    match verify(&played.view.commitment, &played.result.seed, [None, None], &played.log) {
        Ok(verified) => println!("The dice are fair: all {} rolls follow from the promised seed.", verified.rolls),
        Err(mismatch) => bail!("the dice are not as promised: {mismatch}"),
    }
    Ok(())
}
