//! Why a secret cannot be had. Messages name keys and places, never values.

use std::path::PathBuf;

/// Why a secret cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The key is not one. It is not repeated: it may be a password in the wrong place.
    #[error("a secret's key is 1 to 128 letters, digits, `_`, `.` and `-`, and does not start with a dot")]
    BadKey,
    /// The provider `env` has no such variable.
    #[error("the environment variable {0} is not set; set it, or choose another secrets.provider")]
    NotInEnvironment(String),
    /// The provider `files` cannot read the file.
    #[error("cannot read the secret file {path}: {reason}; put the secret there, or correct secrets.files.dir")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The provider `vault` is not told how to sign in.
    #[error("the provider vault needs a token; set secrets.vault.token or secrets.vault.token_file")]
    NoToken,
    /// The token file cannot be read.
    #[error("cannot read the Vault token file {path}: {reason}; correct secrets.vault.token_file")]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Vault does not answer as it should; one whole sentence.
    #[error("{0}")]
    Vault(String),
}
