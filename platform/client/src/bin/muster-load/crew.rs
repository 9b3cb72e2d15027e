//! Signing in and connecting, some at a time.

use std::net::ToSocketAddrs;

use anyhow::{Context, anyhow};
use futures::{StreamExt, TryStreamExt, stream};
use muster_client::{Client, Session, core::matchmaking::QueueDefinition};

use crate::{
    args::Args,
    player::{Door, Player},
    progress,
};

/// How far away a player's own region is, and any other, in milliseconds.
const NEAR: u16 = 30;
const FAR: u16 = 200;

/// The players, signed in: those who are measured first, then those who only warm up.
pub async fn sign_in(args: &Args, client: &Client) -> anyhow::Result<Vec<Session>> {
    let total = args.players() + args.warm_up;
    let mut sessions: Vec<(u32, Session)> = stream::iter(0..total)
        .map(|index| async move {
            let device = format!("muster-load-{:016x}-{index:06}", args.seed);
            let name = format!("Load {index:04}");
            let session = client.sign_in_device(&device, Some(&name)).await;
            session.map(|session| (index, session)).with_context(|| format!("player {index} cannot sign in"))
        })
        .buffer_unordered(args.at_once.into())
        .inspect_ok(told("signed in", total))
        .try_collect()
        .await?;
    sessions.sort_unstable_by_key(|(index, _)| *index);
    Ok(sessions.into_iter().map(|(_, session)| session).collect())
}

/// Their sockets, open and welcomed, in the order of `sessions`.
pub async fn connect(
    args: &Args,
    client: &Client,
    run: u32,
    queue: Option<&QueueDefinition>,
    sessions: &[Session],
) -> anyhow::Result<Vec<Player>> {
    let door = &door(client)?;
    let regions: Vec<&str> = match queue {
        Some(queue) if args.latencies => queue.regions.iter().map(|region| region.name.as_str()).collect(),
        None if args.latencies => {
            return Err(anyhow!("--latencies: {} is none of the shipped queues, whose regions are known", args.queue));
        }
        _ => Vec::new(),
    };
    let regions = &regions;
    let total = u32::try_from(sessions.len()).unwrap_or(u32::MAX);
    let mut players: Vec<(u32, Player)> = stream::iter((0..total).zip(sessions))
        .map(|(index, session)| async move {
            let latencies = latencies(regions, index);
            let player = Player::connect(index, session, door, run, &args.queue, &latencies).await;
            player.map(|player| (index, player))
        })
        .buffer_unordered(args.at_once.into())
        .inspect_ok(told("connected", total))
        .try_collect()
        .await?;
    players.sort_unstable_by_key(|(index, _)| *index);
    Ok(players.into_iter().map(|(_, player)| player).collect())
}

fn door(client: &Client) -> anyhow::Result<Door> {
    let base = client.base_url();
    let host = base.host_str().context("--url names no host")?;
    let port = base.port_or_known_default().unwrap_or(80);
    let address = (host.trim_matches(['[', ']']), port)
        .to_socket_addrs()
        .with_context(|| format!("{host} is a host this machine does not know"))?
        .next()
        .with_context(|| format!("{host} has no address"))?;
    Ok(Door { address, url: format!("ws://{host}:{port}{}/v1/socket", base.path().trim_end_matches('/')) })
}

/// One region is near. Players are dealt to them in pairs, so that an even number leaves nobody without an opponent.
fn latencies(regions: &[&str], index: u32) -> Vec<(String, u16)> {
    let home = usize::try_from(index / 2).unwrap_or_default() % regions.len().max(1);
    let distance = |at| if at == home { NEAR } else { FAR };
    regions.iter().enumerate().map(|(at, region)| ((*region).to_owned(), distance(at))).collect()
}

/// Says how far it is, ten times in all.
fn told<T>(what: &str, total: u32) -> impl FnMut(&T) {
    let mut done = 0;
    move |_| {
        done += 1;
        if done % total.div_ceil(10).max(1) == 0 || done == total {
            progress(format_args!("{done} of {total} {what}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_dealt_in_pairs() {
        let regions = ["a", "b", "c"];
        let near = |index| {
            let latencies = latencies(&regions, index);
            latencies.into_iter().find(|(_, latency)| *latency == NEAR).map(|(region, _)| region)
        };
        let dealt: Vec<String> = (0..8).filter_map(near).collect();
        assert_eq!(dealt, ["a", "a", "b", "b", "c", "c", "a", "a"]);
        assert!(latencies(&[], 4).is_empty());
    }
}
