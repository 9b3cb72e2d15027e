//! Between our types and what the stores keep.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Result, StoreError};

/// Our own types as JSON: they hold nothing that JSON cannot say.
pub(crate) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("our types have string keys and finite numbers")
}

/// The same, after what is there already.
pub(crate) fn write_json(into: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(into, value)
        .expect("our types have string keys and finite numbers, and memory takes every write");
}

pub(crate) fn to_json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our types have string keys and finite numbers")
}

pub(crate) fn to_json_value(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).expect("our types have string keys and finite numbers")
}

pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::corrupt(what, error))
}

pub(crate) fn from_json_value<T: DeserializeOwned>(what: &'static str, value: serde_json::Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| StoreError::corrupt(what, error))
}

/// Parses a closed set's text or an id.
pub(crate) fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(what: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|error| StoreError::corrupt(what, error))
}

pub(crate) fn bytes32(what: &'static str, bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| StoreError::corrupt(what, format!("{} bytes instead of 32", bytes.len())))
}

/// A count from PostgreSQL, which has no unsigned numbers.
pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

pub(crate) fn small(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

/// The other way; nothing we count comes near the limit.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// 32 bytes as hex in JSON: `#[serde(with = "hex32")]`.
pub(crate) mod hex32 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(String::deserialize(deserializer)?, &mut bytes).map_err(D::Error::custom)?;
        Ok(bytes)
    }
}

/// The two players' nonces as hex or null.
pub(crate) mod nonces {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Hex(#[serde(with = "super::hex32")] [u8; 32]);

    pub fn serialize<S: Serializer>(nonces: &[Option<[u8; 32]>; 2], serializer: S) -> Result<S::Ok, S::Error> {
        nonces.map(|nonce| nonce.map(Hex)).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[Option<[u8; 32]>; 2], D::Error> {
        let nonces = <[Option<Hex>; 2]>::deserialize(deserializer)?;
        Ok(nonces.map(|nonce| nonce.map(|Hex(bytes)| bytes)))
    }
}

/// What goes over NATS, with its schema version. Readers accept the versions they know and refuse the rest by name.
#[derive(Serialize)]
struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    body: T,
}

const VERSION: u32 = 1;

pub(crate) fn to_message(body: &impl Serialize) -> bytes::Bytes {
    to_json(&Versioned { v: VERSION, body }).into()
}

pub(crate) fn from_message<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T> {
    #[derive(serde::Deserialize)]
    struct OnlyVersion {
        v: u32,
    }
    let OnlyVersion { v } = from_json(what, bytes)?;
    if v != VERSION {
        return Err(StoreError::corrupt(what, format!("schema version {v}; this version reads {VERSION}")));
    }
    from_json::<T>(what, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_carry_their_version_and_refuse_another() {
        let message = to_message(&serde_json::json!({"a": 1}));
        assert_eq!(&message[..], br#"{"v":1,"a":1}"#);
        let error = from_message::<serde_json::Value>("a test", br#"{"v":2}"#).unwrap_err();
        assert_eq!(error.to_string(), "a test cannot be read: schema version 2; this version reads 1");
    }
}
