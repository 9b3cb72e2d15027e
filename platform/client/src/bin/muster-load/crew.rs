//! Signing in and connecting, some at a time.

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use muster_client::{Client, Session};

use crate::{
    args::Reach,
    progress,
    socket::{Door, Socket},
};

/// So many players, signed in, in the order of their index.
///
/// # Errors
/// The platform refuses one, or is not there.
pub async fn sign_in(reach: &Reach, client: &Client, total: u32) -> anyhow::Result<Vec<Session>> {
    let mut sessions: Vec<(u32, Session)> = stream::iter(0..total)
        .map(|index| async move {
            let device = format!("muster-load-{:016x}-{index:06}", reach.seed);
            let name = format!("Load {index:04}");
            let session = client.sign_in_device(&device, Some(&name)).await;
            session.map(|session| (index, session)).with_context(|| format!("player {index} cannot sign in"))
        })
        .buffer_unordered(reach.at_once.into())
        .inspect_ok(told("signed in", total))
        .try_collect()
        .await?;
    sessions.sort_unstable_by_key(|(index, _)| *index);
    Ok(sessions.into_iter().map(|(_, session)| session).collect())
}

/// Their sockets, open and welcomed, in the order of `sessions`.
///
/// # Errors
/// One cannot be opened.
pub async fn connect(reach: &Reach, client: &Client, sessions: &[Session]) -> anyhow::Result<Vec<Socket>> {
    let door = &Door::of(client)?;
    let total = u32::try_from(sessions.len()).unwrap_or(u32::MAX);
    let mut sockets: Vec<(u32, Socket)> = stream::iter((0..total).zip(sessions))
        .map(|(index, session)| async move {
            let socket = Socket::open(session, door).await;
            socket.map(|socket| (index, socket)).with_context(|| format!("socket {index}"))
        })
        .buffer_unordered(reach.at_once.into())
        .inspect_ok(told("connected", total))
        .try_collect()
        .await?;
    sockets.sort_unstable_by_key(|(index, _)| *index);
    Ok(sockets.into_iter().map(|(_, socket)| socket).collect())
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
