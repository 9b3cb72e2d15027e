use chrono::Utc;
use jsonwebtoken::{EncodingKey, Header, encode, jwk::Jwk};
use muster_core::id::{Id, PlayerId};
use serde_json::json;

use super::*;

/// Two keys for these tests and nothing else: 32 bytes that count up, and down.
const KEYS: [&str; 2] = [
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA\n-----END PRIVATE KEY-----\n",
];

fn key(index: usize) -> EncodingKey {
    EncodingKey::from_ed_pem(KEYS[index].as_bytes()).unwrap()
}

fn key_set(indexes: &[usize]) -> serde_json::Value {
    let keys: Vec<_> = indexes
        .iter()
        .map(|index| {
            let mut jwk = Jwk::from_encoding_key(&key(*index), Algorithm::EdDSA).unwrap();
            jwk.common.key_id = Some(format!("key-{index}"));
            jwk
        })
        .collect();
    json!({ "keys": keys })
}

fn fresh<I: Id>() -> I {
    I::new(Utc::now(), rand::random())
}

fn claims() -> JoinClaims {
    let now = Utc::now().timestamp();
    JoinClaims {
        iss: "muster".to_owned(),
        aud: fresh(),
        sub: fresh::<PlayerId>(),
        mid: fresh(),
        queue: "trios".to_owned(),
        team: 1,
        role: Some("tank".to_owned()),
        iat: now,
        exp: now + 60,
    }
}

fn header(index: usize) -> Header {
    Header { typ: Some(JOIN_TOKEN_TYPE.to_owned()), kid: Some(format!("key-{index}")), ..Header::new(Algorithm::EdDSA) }
}

fn token(claims: &JoinClaims) -> String {
    encode(&header(0), claims, &key(0)).unwrap()
}

#[test]
fn the_right_player_at_the_right_server_is_let_in() {
    let claims = claims();
    let check = JoinCheck::new(claims.aud, "muster", &key_set(&[0])).unwrap();
    assert_eq!(check.check(&token(&claims)), Ok(claims.clone()));
    assert_eq!(check.check_for(&token(&claims), claims.mid), Ok(claims.clone()));
    assert_eq!(check.check_for(&token(&claims), fresh()), Err(JoinError::OtherMatch(claims.mid)));
    // A little late is a matter of clocks.
    let late = JoinClaims { exp: Utc::now().timestamp() - 2, ..claims };
    assert!(check.check(&token(&late)).is_ok());
}

#[test]
fn expired_and_elsewhere_are_told_apart() {
    let claims = claims();
    let check = JoinCheck::new(claims.aud, "muster", &key_set(&[0])).unwrap();
    let expired = JoinClaims { exp: Utc::now().timestamp() - 10, ..claims.clone() };
    assert_eq!(check.check(&token(&expired)), Err(JoinError::Expired));
    let elsewhere = JoinClaims { aud: fresh(), ..claims.clone() };
    assert_eq!(check.check(&token(&elsewhere)), Err(JoinError::OtherServer));
    let other_platform = JoinClaims { iss: "somebody".to_owned(), ..claims };
    assert_eq!(check.check(&token(&other_platform)), Err(JoinError::Invalid));
}

#[test]
fn two_generations_of_keys_are_good_and_a_third_is_not_known() {
    let claims = claims();
    let old = token(&claims);
    let new = encode(&header(1), &claims, &key(1)).unwrap();
    let both = JoinCheck::new(claims.aud, "muster", &key_set(&[0, 1])).unwrap();
    assert!(both.check(&old).is_ok() && both.check(&new).is_ok());
    let only_old = JoinCheck::new(claims.aud, "muster", &key_set(&[0])).unwrap();
    assert_eq!(only_old.check(&new), Err(JoinError::UnknownKey));
}

#[test]
fn what_is_forged_is_refused() {
    let claims = claims();
    let check = JoinCheck::new(claims.aud, "muster", &key_set(&[0])).unwrap();
    // Somebody else's key under the platform's name.
    assert_eq!(check.check(&encode(&header(0), &claims, &key(1)).unwrap()), Err(JoinError::Invalid));
    // A session token is no join token.
    let session = Header { typ: Some("JWT".to_owned()), ..header(0) };
    assert_eq!(check.check(&encode(&session, &claims, &key(0)).unwrap()), Err(JoinError::Invalid));
    // Signed with the public key as if it were a password.
    let hmac = Header { alg: Algorithm::HS256, ..header(0) };
    let forged = encode(&hmac, &claims, &EncodingKey::from_secret(b"public")).unwrap();
    assert_eq!(check.check(&forged), Err(JoinError::Invalid));
    let good = token(&claims);
    let middle = good.len() / 2;
    let other = if &good[middle..=middle] == "A" { "B" } else { "A" };
    let tampered = format!("{}{other}{}", &good[..middle], &good[middle + 1..]);
    assert_eq!(check.check(&tampered), Err(JoinError::Invalid));
    for nonsense in ["", "a.b.c", &"x".repeat(3_000)] {
        assert_eq!(check.check(nonsense), Err(JoinError::Invalid));
    }
}

#[test]
fn a_key_set_has_to_have_a_key() {
    for wrong in [json!({}), json!({ "keys": [] }), json!("keys")] {
        assert!(matches!(JoinCheck::new(fresh(), "muster", &wrong), Err(JoinError::Keys(_))), "{wrong}");
    }
}
