//! A player: waits in the queue, connects to the server it is told, shows its token, and plays.

use anyhow::{Context, Result, bail};
use muster_client::{Client, ClientEvent, Session, core::id::MatchId};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// A player with a fresh account.
pub async fn sign_in(client: &Client, name: &str) -> Result<Session> {
    let device = format!("muster-dedicated-{}", uuid::Uuid::now_v7().simple());
    Ok(client.sign_in_device(&device, Some(name)).await?)
}

/// Plays one match and tells which.
pub async fn play(session: &Session, queue: &str) -> Result<MatchId> {
    let name = session.display_name().to_owned();
    let mut connection = session.connect();
    connection.queue(queue).await.with_context(|| format!("waiting in {queue}"))?;
    println!("{name:<7} waits in {queue}");
    let mut table = None;
    while let Some(event) = connection.next().await {
        match event {
            ClientEvent::MatchAssigned { match_id, connection: address, join_token, team, .. } => {
                println!("{name:<7} is told to connect to {address}, in team {team}");
                // Should the token have run out meanwhile, the platform gives another one.
                let token = match join_token {
                    Some(token) => token,
                    None => session.join_pass(match_id).await?.join_token,
                };
                table = Some(tokio::spawn(sit_down(name.clone(), address, token)));
            }
            ClientEvent::MatchClosed { match_id, end, rating } => {
                if let Some(table) = table.take() {
                    table.await??;
                }
                let rating = rating.map_or_else(String::new, |it| format!(": {:.1} -> {:.1}", it.before, it.after));
                println!("{name:<7} hears that the match is {}{rating}", end.reason.as_str());
                return Ok(match_id);
            }
            _ => {}
        }
    }
    bail!("{name}'s connection to the platform is closed")
}

/// Shows the token and reads what the server says until it hangs up.
async fn sit_down(name: String, address: String, token: String) -> Result<()> {
    let mut stream = TcpStream::connect(&address).await.with_context(|| format!("connecting to {address}"))?;
    stream.write_all(format!("{token}\n").as_bytes()).await?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        println!("{name:<7} reads: {line}");
    }
    Ok(())
}
