//! A server of a game over its whole life: it registers, is given a match, checks the players' tokens, plays, reports, and drains.
//!
//! ```text
//! cargo run -p muster-client --example dedicated -- [--url http://127.0.0.1:7400] [--key msk_…] [--queue highest-card]
//! ```
//!
//! Without anything it works on the platform that `cargo xtask up` started: there it makes itself a service key, and a queue whose
//! matches are played on servers of their own. Two players, Ada and Bo, wait in that queue, connect to the server over TCP, and draw a
//! card each; the higher one wins. A game of your own puts itself in the place of `game.rs`; the rest stays as it is.
#![allow(clippy::print_stdout, reason = "showing the life of a server is what this example is for")]

mod game;
mod platform;
mod player;
mod server;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use muster_client::{Client, core::wire::ServerState};

use platform::Local;

/// A server of a game over its whole life, with two players to play on it.
#[derive(Parser)]
#[command(name = "dedicated")]
struct Args {
    /// Where the platform is
    #[arg(long)]
    url: Option<String>,
    /// A service key, as `muster-server service-key add` prints it; on the platform of `cargo xtask up` the example makes one
    #[arg(long, env = "MUSTER_SERVICE_KEY", hide_env_values = true)]
    key: Option<String>,
    /// A queue without a built-in mode; on the platform of `cargo xtask up` the example makes it
    #[arg(long, default_value = "highest-card")]
    queue: String,
    /// How many matches are played before the server drains
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    matches: u32,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let local = Local::find();
    let url = args.url.clone().or_else(|| local.as_ref().map(|local| local.server.clone()));
    let url = url.unwrap_or_else(|| "http://127.0.0.1:7400".to_owned());
    let client = Client::new(&url)?;
    let ada = player::sign_in(&client, "Ada")
        .await
        .with_context(|| format!("no platform at {url}? Start one: cargo xtask up"))?;
    let bo = player::sign_in(&client, "Bo").await?;
    platform::ensure_queue(local.as_ref(), &ada, &args.queue).await?;
    let key = match args.key {
        Some(key) => key,
        None => local.as_ref().context("which service key? Give --key")?.make_key().await?,
    };

    let server = server::start(&client.trusted(&key), &args.queue).await?;
    for _ in 0..args.matches {
        let (ada, bo) = tokio::try_join!(player::play(&ada, &args.queue), player::play(&bo, &args.queue))?;
        ensure!(ada == bo, "somebody else was in the queue {}; run it again when it is empty", args.queue);
        let over = server.over(ada).await?;
        println!("server  {ada} is over: {:?}", over.end.map(|end| end.reason));
    }
    let state = server.drain().await?;
    println!("server  {}", state.as_str());
    ensure!(state == ServerState::Gone, "a drained server without matches is gone");
    Ok(())
}
