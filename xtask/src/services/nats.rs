//! A private NATS with JetStream.

use std::io::{Read, Write};

use anyhow::Result;
use nix::sys::signal::Signal;

use super::{Place, sandbox::Sandbox, wait_ready};
use crate::{
    http,
    processes::{Ask, Running},
};

/// Starts it and waits until it greets and answers a ping.
pub fn start(sandbox: &Sandbox, place: &Place<'_>) -> Result<(Running, String)> {
    let mut command = sandbox.command(Some(&place.data), "/usr/sbin/nats-server");
    command.args(["-js", "-sd", "/data/js", "-a", "127.0.0.1", "-p", &place.port.to_string()]);
    let mut running = Running::start("nats", command, &place.log, Ask::InSandbox(Signal::SIGTERM))?;
    wait_ready(&mut running, || pongs(place.port).unwrap_or(false))?;
    Ok((running, format!("nats://127.0.0.1:{}", place.port)))
}

fn pongs(port: u16) -> Result<bool> {
    let mut stream = http::connect(port)?;
    stream.write_all(b"CONNECT {\"verbose\":false}\r\nPING\r\n")?;
    // The INFO line may be long; the PONG comes after it.
    let mut seen = Vec::new();
    let mut buffer = [0u8; 4096];
    while seen.len() < 64 * 1024 {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(false);
        }
        seen.extend_from_slice(&buffer[..count]);
        if has_pong(&seen) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_pong(seen: &[u8]) -> bool {
    seen.starts_with(b"INFO ") && seen.windows(6).any(|window| window == b"PONG\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_alone_is_not_enough() {
        assert!(!has_pong(b"INFO {\"server_id\":\"N\"}\r\n"));
        assert!(has_pong(b"INFO {\"server_id\":\"N\"}\r\nPONG\r\n"));
        assert!(!has_pong(b"HTTP/1.1 400 Bad Request\r\nPONG\r\n"));
    }
}
