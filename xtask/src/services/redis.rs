//! A private Redis.

use std::io::{Read, Write};

use anyhow::Result;
use nix::sys::signal::Signal;

use super::{Durability, Place, sandbox::Sandbox, wait_ready};
use crate::{
    http,
    processes::{Ask, Running},
};

/// Starts it and waits for a PONG.
pub fn start(sandbox: &Sandbox, place: &Place<'_>) -> Result<(Running, String)> {
    let mut command = sandbox.command(Some(&place.data), "/usr/bin/redis-server");
    let append_only = if place.durability == Durability::Kept { "yes" } else { "no" };
    command.args(["--bind", "127.0.0.1", "--port", &place.port.to_string(), "--dir", "/data"]);
    command.args(["--appendonly", append_only, "--save", ""]);
    let mut running = Running::start("redis", command, &place.log, Ask::InSandbox(Signal::SIGTERM))?;
    wait_ready(&mut running, || pongs(place.port).unwrap_or(false))?;
    Ok((running, format!("redis://127.0.0.1:{}/", place.port)))
}

/// While it loads its data it answers, but with an error.
fn pongs(port: u16) -> Result<bool> {
    let mut stream = http::connect(port)?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0u8; 5];
    stream.read_exact(&mut answer)?;
    Ok(&answer == b"+PONG")
}
