//! Who the operator is in Vault.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use muster_runtime::Secret;
use tokio::sync::Mutex;
use vaultrs::{
    auth::kubernetes,
    client::{VaultClient, VaultClientSettingsBuilder},
    error::ClientError,
};

use super::{Trouble, VaultError, VaultSettings};

/// A Vault and the operator's session in it. Clones share the session.
#[derive(Clone)]
pub struct Vault {
    settings: Arc<VaultSettings>,
    session: Arc<Mutex<Option<Session>>>,
}

struct Session {
    client: Arc<VaultClient>,
    /// When to sign in again; `None`: when refused.
    until: Option<Instant>,
}

impl Session {
    /// Whether it is that of the token that is `given`, if one is, and still holds.
    fn serves(&self, given: Option<&Secret>) -> bool {
        given.is_none_or(|token| token.expose() == self.client.settings.token)
            && self.until.is_none_or(|until| Instant::now() < until)
    }
}

impl Vault {
    /// The Vault of these settings. Nothing is connected to yet.
    pub fn new(settings: VaultSettings) -> Self {
        Self { settings: Arc::new(settings), session: Arc::default() }
    }

    /// Asks Vault for something at `place` (which is named in errors), with a fresh session when the one before is refused.
    pub(super) async fn ask<'a, T>(
        &self,
        place: &str,
        ask: impl Fn(Arc<VaultClient>) -> BoxFuture<'a, Result<T, ClientError>> + Send + Sync,
    ) -> Result<T, VaultError> {
        let client = self.client().await?;
        match ask(client.clone()).await {
            Err(ClientError::APIError { code: 403, .. }) if self.signs_in() => {
                // The token may have ended: somebody who was refused with it signs in, and the rest use that.
                self.forget(&client).await;
                let client = self.client().await?;
                ask(client).await
            }
            answer => answer,
        }
        .map_err(|error| VaultError::of(&error, place))
    }

    /// A client that acts for another token than the operator's.
    pub(super) fn acting_for(&self, token: &str) -> Result<VaultClient, VaultError> {
        if self.settings.address.is_empty() {
            return Err(VaultError::new(
                Trouble::NotConfigured,
                "the operator is not told which Vault there is: set operator.vault.address",
            ));
        }
        // The client would panic over what cannot stand in a header.
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(VaultError::new(
                Trouble::NotConfigured,
                "the token for Vault holds a space, a line break or another character that no token has: \
                 operator.vault.token, or the file that holds it, must be the token alone",
            ));
        }
        let mut settings = VaultClientSettingsBuilder::default();
        settings.address(&self.settings.address).token(token).timeout(Some(self.settings.timeout)).verify(true);
        if let Some(file) = &self.settings.ca_file {
            settings.ca_certs(vec![file.display().to_string()]);
        }
        let settings = settings.build().map_err(|error| {
            VaultError::new(Trouble::NotConfigured, format!("operator.vault.address cannot be used: {error}"))
        })?;
        VaultClient::new(settings).map_err(|error| {
            VaultError::new(Trouble::NotConfigured, format!("the Vault client cannot be made: {error}"))
        })
    }

    async fn client(&self) -> Result<Arc<VaultClient>, VaultError> {
        let mut session = self.session.lock().await;
        let given = if self.signs_in() { None } else { Some(self.given_token().await?) };
        if let Some(session) = session.as_ref().filter(|session| session.serves(given.as_ref())) {
            return Ok(session.client.clone());
        }
        let fresh = match given {
            Some(token) => Session { client: Arc::new(self.acting_for(token.expose())?), until: None },
            None => self.sign_in().await?,
        };
        let client = fresh.client.clone();
        *session = Some(fresh);
        Ok(client)
    }

    /// Whether a session is had by the Kubernetes sign-in, and not by a token that somebody gives.
    fn signs_in(&self) -> bool {
        !self.settings.kubernetes_role.is_empty()
    }

    async fn sign_in(&self) -> Result<Session, VaultError> {
        let settings = &self.settings;
        let account = read("operator.vault.kubernetes_token_file", &settings.kubernetes_token_file).await?;
        let client = self.acting_for("")?;
        let (mount, role) = (&settings.kubernetes_mount, &settings.kubernetes_role);
        let signed_in = kubernetes::login(&client, mount, role, account.expose()).await;
        let signed_in = signed_in.map_err(|error| VaultError::of(&error, &format!("auth/{mount}/login as {role}")))?;
        // A third before its end, so that nothing is begun with a token that ends in the middle.
        let until = Duration::from_secs(signed_in.lease_duration).mul_f64(0.67);
        let until = (signed_in.lease_duration > 0).then(|| Instant::now() + until);
        Ok(Session { client: Arc::new(self.acting_for(&signed_in.client_token)?), until })
    }

    /// The file is read at every call: whoever renews the token writes it there.
    async fn given_token(&self) -> Result<Secret, VaultError> {
        if let Some(file) = &self.settings.token_file {
            return read("operator.vault.token_file", file).await;
        }
        let token = self.settings.token.clone();
        if token.is_empty() {
            return Err(VaultError::new(
                Trouble::NotConfigured,
                "the operator has no way into Vault: set operator.vault.kubernetes_role, token_file or token",
            ));
        }
        Ok(token)
    }

    async fn forget(&self, client: &Arc<VaultClient>) {
        let mut session = self.session.lock().await;
        if session.as_ref().is_some_and(|session| Arc::ptr_eq(&session.client, client)) {
            *session = None;
        }
    }
}

/// The token in the file of a setting.
async fn read(setting: &str, file: &Path) -> Result<Secret, VaultError> {
    let trouble = match tokio::fs::read_to_string(file).await {
        Ok(text) if text.trim().is_empty() => "is empty".to_owned(),
        Ok(text) => return Ok(Secret::new(text.trim())),
        Err(error) => format!("cannot be read ({error})"),
    };
    let file = file.display();
    Err(VaultError::new(
        Trouble::NotConfigured,
        format!(
            "the token file {file} {trouble}: see that whoever writes it puts a token there, or set {setting} to another file"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Why a sign-in with this file of the service account's token comes to nothing. Nobody listens at the address: nobody is asked.
    async fn refusal(file: &Path) -> VaultError {
        let settings = VaultSettings {
            address: "http://127.0.0.1:9".to_owned(),
            kubernetes_role: "muster-operator".to_owned(),
            kubernetes_token_file: file.to_owned(),
            ..VaultSettings::default()
        };
        Vault::new(settings).client().await.map(|_| ()).expect_err("there is no token")
    }

    #[tokio::test]
    async fn a_service_account_without_a_token_is_told_with_what_to_do() {
        let file = std::env::temp_dir().join(format!("muster-no-token-{}", std::process::id()));
        let missing = refusal(&file).await;
        std::fs::write(&file, " \n").expect("a file");
        let empty = refusal(&file).await;
        std::fs::remove_file(&file).expect("our own file");
        for (told, trouble) in [(missing, "cannot be read (No such file"), (empty, "is empty")] {
            assert_eq!(told.trouble, Trouble::NotConfigured);
            for part in [&*file.display().to_string(), trouble, "set operator.vault.kubernetes_token_file"] {
                assert!(told.message.contains(part), "{told}");
            }
        }
    }
}
