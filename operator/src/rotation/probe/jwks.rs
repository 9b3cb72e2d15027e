//! The platform publishes exactly the keys that it should know, the one that signs first.

use std::{collections::BTreeSet, pin::Pin, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::{Expected, NotProved, Probe};
use crate::{
    crd::secret_rotation::JwksProbe,
    rotation::source::{Material, public_key},
};

const TIMEOUT: Duration = Duration::from_secs(5);
/// A set of two keys is under 1 KiB.
const MOST_BYTES: usize = 64 * 1024;

pub(super) struct Jwks(pub JwksProbe);

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    x: String,
}

impl Probe for Jwks {
    fn look<'p>(&'p self, expected: &'p Expected) -> Pin<Box<dyn Future<Output = Result<(), NotProved>> + Send + 'p>> {
        Box::pin(async move {
            let url = &self.0.url;
            let active = published(&expected.active)?;
            let mut wanted = BTreeSet::from([active.clone()]);
            if let Some(second) = &expected.second {
                wanted.insert(published(second)?);
            }
            let set =
                fetch(url).await.map_err(|error| NotProved(format!("{url} does not answer as it should: {error}")))?;
            let first = set.keys.first().map(|key| key.x.clone());
            let found: BTreeSet<String> = set.keys.into_iter().map(|key| key.x).collect();
            if found != wanted {
                let missing = wanted.difference(&found).count();
                let surplus = found.difference(&wanted).count();
                return Err(NotProved(format!(
                    "{url} publishes {} keys: {missing} that it should are missing, {surplus} it should not",
                    found.len()
                )));
            }
            if first.as_ref() != Some(&active) {
                return Err(NotProved(format!("{url} publishes the right keys, but signs with the other one")));
            }
            Ok(())
        })
    }
}

/// The public half as a key set writes it.
fn published(material: &Material) -> Result<String, NotProved> {
    match material {
        Material::Value(pem) => match public_key(pem) {
            Ok(key) => Ok(URL_SAFE_NO_PAD.encode(key)),
            Err(_) => Err(NotProved("the version is not an Ed25519 private key in PKCS#8 PEM".to_owned())),
        },
        Material::User { .. } => Err(NotProved("a database user has no public key".to_owned())),
    }
}

async fn fetch(url: &str) -> Result<KeySet, String> {
    let told = |error: reqwest::Error| error.without_url().to_string();
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        // An address in a resource must not lead anywhere else.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(told)?;
    let mut answer = client.get(url).send().await.map_err(told)?.error_for_status().map_err(told)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(told)? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err("the answer is too long".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|_| "the answer is not a key set".to_owned())
}
