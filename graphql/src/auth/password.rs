//! Staff passwords: argon2id, one memory-hard computation per attempt whether the account exists or not.

use std::sync::Arc;

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// Computations at once; each needs 19 MiB and a core.
const AT_ONCE: usize = 2;

/// Shortest password that is accepted for a staff account, in characters.
const SHORTEST: usize = 12;

/// Longest password that is looked at, in bytes, here and at sign-in.
const LONGEST: usize = 1024;

/// Why a password was not accepted or could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than 12 characters.
    #[error("the password is too short: it needs at least {SHORTEST} characters")]
    TooShort,
    /// More than 1024 bytes.
    #[error("the password is too long: at most {LONGEST} bytes are allowed")]
    TooLong,
    /// The hash function refused.
    #[error("the password could not be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    /// The computation did not come to its end.
    #[error("the password check was interrupted")]
    Interrupted,
}

/// Hashes a new password (argon2id, 19 MiB, 2 passes, a random salt) into a PHC string. Takes tens of milliseconds.
///
/// # Errors
/// The password is shorter than 12 characters or longer than 1024 bytes, or there is no randomness.
pub fn hash_password(password: &SecretString) -> Result<String, PasswordError> {
    let text = password.expose_secret();
    if text.chars().count() < SHORTEST {
        return Err(PasswordError::TooShort);
    }
    if text.len() > LONGEST {
        return Err(PasswordError::TooLong);
    }
    compute_hash(text.as_bytes())
}

fn compute_hash(password: &[u8]) -> Result<String, PasswordError> {
    let hash: PasswordHash = Argon2::default().hash_password(password).map_err(PasswordError::Hash)?;
    Ok(hash.to_string())
}

/// Checks passwords, a few at a time.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    nobodys_hash: Arc<str>,
}

impl Passwords {
    /// Makes the hash against which the passwords of unknown accounts are checked.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn new() -> Result<Self, PasswordError> {
        Ok(Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            nobodys_hash: compute_hash(b"the password of nobody")?.into(),
        })
    }

    /// Whether the password belongs to the hash. Without a hash the answer is no, after the same amount of work, so
    /// that the time of an answer does not tell which accounts exist.
    ///
    /// # Errors
    /// The computation was interrupted: the process is ending.
    pub async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<bool, PasswordError> {
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| PasswordError::Interrupted)?;
        let nobodys_hash = self.nobodys_hash.clone();
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let known = hash.is_some();
            let right = belongs(&password, hash.as_deref().unwrap_or(&nobodys_hash));
            known && right
        })
        .await
        .map_err(|_| PasswordError::Interrupted)
    }
}

/// The comparison of the computed hashes takes the same time wherever they differ (`password-hash`'s `Output`).
fn belongs(password: &SecretString, hash: &str) -> bool {
    let text = password.expose_secret();
    // An over-long password is checked like any other, at the same cost, and is always wrong.
    let fits = text.len() <= LONGEST;
    let looked_at = if fits { text.as_bytes() } else { b"" };
    let matches = PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(looked_at, &hash).is_ok());
    fits && matches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_account_passes() {
        let passwords = Passwords::new().expect("randomness");
        let right = SecretString::from("correct horse battery");
        let hash = hash_password(&right).expect("long enough");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");

        assert!(passwords.verify(right.clone(), Some(hash.clone())).await.expect("not interrupted"));
        let wrong = SecretString::from("correct horse batterz");
        assert!(!passwords.verify(wrong, Some(hash)).await.expect("not interrupted"));
        assert!(!passwords.verify(right.clone(), None).await.expect("not interrupted"));
        assert!(!passwords.verify(right, Some("no hash".to_owned())).await.expect("not interrupted"));
        let nobodys = SecretString::from("the password of nobody");
        assert!(!passwords.verify(nobodys, None).await.expect("not interrupted"));
    }

    #[test]
    fn short_and_huge_passwords_are_refused() {
        assert!(matches!(hash_password(&SecretString::from("elevenchars")), Err(PasswordError::TooShort)));
        assert!(matches!(hash_password(&SecretString::from("x".repeat(1025))), Err(PasswordError::TooLong)));
    }
}
