//! Small HTTP calls to what runs on this machine.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use url::Url;

/// How long one call may take; everything is on the loopback.
const TIMEOUT: Duration = Duration::from_secs(1);

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        // A proxy for the outside world has no business with the loopback.
        .proxy(None)
        .build()
        .new_agent()
}

/// Status and body of a GET; an error when nothing answers.
pub fn get(url: &str) -> Result<(u16, String)> {
    let mut answer = agent().get(url).call().with_context(|| format!("no answer from {url}"))?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().read_to_string().with_context(|| format!("half an answer from {url}"))?;
    Ok((status, body))
}

/// Whether a GET answers 2xx.
pub fn is_ok(url: &str) -> bool {
    get(url).is_ok_and(|(status, _)| (200..300).contains(&status))
}

/// Status of a GET with Vault's token header.
pub fn vault_get(url: &str, token: &str) -> Result<u16> {
    let answer =
        agent().get(url).header("X-Vault-Token", token).call().with_context(|| format!("no answer from {url}"))?;
    Ok(answer.status().as_u16())
}

/// POSTs JSON with Vault's token header; an error unless it answers 2xx.
pub fn vault_post(url: &str, token: &str, body: &Value) -> Result<()> {
    let mut answer = agent()
        .post(url)
        .header("X-Vault-Token", token)
        .send_json(body)
        .with_context(|| format!("no answer from {url}"))?;
    let status = answer.status().as_u16();
    if (200..300).contains(&status) {
        return Ok(());
    }
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    Err(anyhow!("{url} answered {status}: {}", text.trim()))
}

/// A port of 127.0.0.1 that nobody uses right now: the first free one of `wished`, else any.
pub fn free_port(wished: &[u16]) -> Result<u16> {
    for port in wished {
        if *port != 0 && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok() {
            return Ok(*port);
        }
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr().context("no free port on 127.0.0.1")?.port())
}

/// A TCP connection to a port of 127.0.0.1, with short timeouts.
pub fn connect(port: u16) -> Result<TcpStream> {
    connect_to(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

fn connect_to(address: &SocketAddr) -> Result<TcpStream> {
    let stream =
        TcpStream::connect_timeout(address, TIMEOUT).with_context(|| format!("nothing listens on {address}"))?;
    stream.set_read_timeout(Some(TIMEOUT)).context("cannot set a timeout")?;
    stream.set_write_timeout(Some(TIMEOUT)).context("cannot set a timeout")?;
    Ok(stream)
}

/// An error that names the setting when nothing listens where `url` points.
pub fn expect_listener(setting: &str, url: &str, default_port: u16) -> Result<()> {
    // The URL may hold a password, so only its host and port are told.
    let parsed = Url::parse(url).map_err(|error| anyhow!("{setting} is not a URL: {error}"))?;
    let host = parsed.host_str().ok_or_else(|| anyhow!("{setting} names no host"))?;
    let port = parsed.port_or_known_default().unwrap_or(default_port);
    let addresses = (host.trim_matches(['[', ']']), port)
        .to_socket_addrs()
        .with_context(|| format!("{setting} points to {host}:{port}, a host this machine does not know"))?;
    let mut tried = None;
    for address in addresses {
        match connect_to(&address) {
            Ok(_) => return Ok(()),
            Err(error) => tried = Some(error),
        }
    }
    let reason = tried.map_or_else(|| "the host has no address".to_owned(), |error| format!("{error:#}"));
    Err(anyhow!(
        "{setting} points to {host}:{port}, but {reason}. Start that service, or unset {setting} for a private one."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wished_port_is_taken_only_when_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = listener.local_addr().unwrap().port();
        assert_ne!(free_port(&[taken]).unwrap(), taken);
        drop(listener);
        assert_eq!(free_port(&[taken]).unwrap(), taken);
    }

    #[test]
    fn a_dead_service_is_named_by_its_setting_and_never_by_its_password() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("postgres://me:hidden@127.0.0.1:{port}/muster");
        expect_listener("MUSTER__POSTGRES__URL", &url, 5432).unwrap();
        drop(listener);
        let error = format!("{:#}", expect_listener("MUSTER__POSTGRES__URL", &url, 5432).unwrap_err());
        assert!(error.contains("MUSTER__POSTGRES__URL") && error.contains(&port.to_string()), "{error}");
        assert!(!error.contains("hidden"), "{error}");
    }
}
