//! A private OpenBao (the development Vault), and the secrets Muster reads from a Vault.

use std::path::Path;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use serde_json::json;

use super::{Place, Vault, wait_ready};
use crate::{
    commands::guarded,
    files, http,
    processes::{Ask, Running},
};

/// KV v2 mount and path under which muster-server looks for its secrets.
pub const MOUNT: &str = "secret";
/// See [`MOUNT`].
pub const PATH: &str = "muster/server";

/// Starts it in development mode: in memory, unsealed, KV v2 at `secret/`.
pub fn start(program: &Path, place: &Place<'_>) -> Result<(Running, String)> {
    let token = token(&place.data)?;
    let mut command = guarded(program);
    // Not stored: the file in the home folder belongs to the person's own Vault.
    command.args(["server", "-dev", "-dev-no-store-token", &format!("-dev-listen-address=127.0.0.1:{}", place.port)]);
    // Either name of the program; in the environment the token is not in the process list.
    command.env("BAO_DEV_ROOT_TOKEN_ID", &token).env("VAULT_DEV_ROOT_TOKEN_ID", &token).env("HOME", &place.data);
    let mut running = Running::start("openbao", command, &place.log, Ask::Child(Signal::SIGTERM))?;
    let address = format!("http://127.0.0.1:{}", place.port);
    wait_ready(&mut running, || {
        http::is_ok(&format!("{address}/v1/sys/health"))
            // The mount appears a moment after the server does.
            && http::vault_get(&format!("{address}/v1/{MOUNT}/config"), &token).is_ok_and(|status| status == 200)
    })?;
    Ok((running, address))
}

/// The root token of the OpenBao whose data folder this is.
pub fn token(data: &Path) -> Result<String> {
    files::kept_secret(&data.join("token"), || Ok(files::password()))
}

/// Puts a secret where the Vault has none yet; an existing one stays.
pub fn put_if_absent(vault: &Vault, key: &str, value: &str) -> Result<()> {
    let url = format!("{}/v1/{MOUNT}/data/{PATH}/{key}", vault.address);
    match http::vault_get(&url, &vault.token)
        .with_context(|| format!("the Vault at {} does not answer", vault.address))?
    {
        200 => Ok(()),
        404 => http::vault_post(&url, &vault.token, &json!({ "data": { "value": value } }))
            .with_context(|| format!("cannot write {MOUNT}/{PATH}/{key}; the token needs create and read there")),
        status => anyhow::bail!(
            "the Vault at {} answers {status} for {MOUNT}/{PATH}/{key}; it needs a KV version 2 mount `{MOUNT}` and a token that may read and create there",
            vault.address
        ),
    }
}
