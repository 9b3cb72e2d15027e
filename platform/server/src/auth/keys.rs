//! The Ed25519 keys that sign session and join tokens, and the public set (JWKS, RFC 7517) with which anybody can check them.
//!
//! There may be two at once, so that a key is changed without anybody being signed out: one signs, both are published and honoured.

use std::collections::HashMap;

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{self, DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

/// Why a signing key could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is not an Ed25519 private key in PKCS#8 PEM.
    #[error("{setting} is not an Ed25519 private key in PKCS#8 PEM; make one with `muster-server keygen`")]
    Malformed {
        /// Which setting.
        setting: &'static str,
        /// What is wrong with it.
        #[source]
        reason: pkcs8::Error,
    },
    /// The library that makes tokens does not take the key.
    #[error("{setting} cannot sign tokens")]
    Unusable {
        /// Which setting.
        setting: &'static str,
        /// What it said.
        #[source]
        reason: jsonwebtoken::errors::Error,
    },
}

/// The key that signs now, and every key whose tokens are still honoured.
pub struct SigningKeys {
    pub(super) encoding: EncodingKey,
    pub(super) key_id: String,
    pub(super) decoding: HashMap<String, DecodingKey>,
    published: JwkSet,
}

impl SigningKeys {
    /// Reads PKCS#8 PEMs. The key id is the RFC 7638 thumbprint, so every replica gives the same one. `second` signs nothing; empty
    /// when there is none, or the same as the first.
    ///
    /// # Errors
    /// Which of them is no key.
    pub fn from_pem(pem: &str, second: &str) -> Result<Self, KeyError> {
        let first = Key::read("auth.signing_key", pem)?;
        let second = Some(second.trim()).filter(|pem| !pem.is_empty());
        let second = second.map(|pem| Key::read("auth.second_signing_key", pem)).transpose()?;
        let second = second.filter(|second| second.id != first.id);
        let (mut decoding, mut published) = (HashMap::new(), Vec::new());
        let (encoding, key_id) = (first.encoding.clone(), first.id.clone());
        for key in [Some(first), second].into_iter().flatten() {
            decoding.insert(key.id, key.decoding);
            published.push(key.public);
        }
        Ok(Self { encoding, key_id, decoding, published: JwkSet { keys: published } })
    }

    /// The public halves, as served at `/.well-known/jwks.json`.
    pub fn published(&self) -> &JwkSet {
        &self.published
    }
}

/// One key in all its forms.
struct Key {
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    public: Jwk,
}

impl Key {
    fn read(setting: &'static str, pem: &str) -> Result<Self, KeyError> {
        let malformed = |reason| KeyError::Malformed { setting, reason };
        let unusable = |reason| KeyError::Unusable { setting, reason };
        let key = SigningKey::from_pkcs8_pem(pem.trim()).map_err(malformed)?;
        let encoding = EncodingKey::from_ed_der(plain(&key).to_pkcs8_der().map_err(malformed)?.as_bytes());
        let mut public = Jwk::from_encoding_key(&encoding, Algorithm::EdDSA).map_err(unusable)?;
        let id = public.thumbprint(ThumbprintHash::SHA256).map_err(unusable)?;
        public.common.key_id = Some(id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        let decoding = DecodingKey::from_jwk(&public).map_err(unusable)?;
        Ok(Self { id, encoding, decoding, public })
    }
}

/// A fresh Ed25519 private key in PKCS#8 PEM, from the operating system's random source.
pub fn generate_signing_key() -> String {
    plain(&SigningKey::from_bytes(&rand::random()))
        .to_pkcs8_pem(LineEnding::LF)
        .expect("a 32-byte Ed25519 key always encodes")
        .to_string()
}

/// The key as OpenSSL writes it (PKCS#8 version 1): without the public half, which not every reader expects there.
fn plain(key: &SigningKey) -> KeypairBytes {
    KeypairBytes { secret_key: key.to_bytes(), public_key: None }
}
