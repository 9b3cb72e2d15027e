//! Secrets from environment variables.

use secrecy::SecretString;

use super::SecretError;

/// The value of `MUSTER_SECRET_<KEY>`.
pub(super) fn read(key: &str) -> Result<SecretString, SecretError> {
    let name = variable(key);
    std::env::var(&name).map(SecretString::from).map_err(|_| SecretError::NotInEnvironment(name))
}

/// Variable names know no dot and no dash.
fn variable(key: &str) -> String {
    format!("MUSTER_SECRET_{}", key.to_ascii_uppercase().replace(['.', '-'], "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named() {
        let error = read("no-such.key").unwrap_err().to_string();
        assert!(error.contains("MUSTER_SECRET_NO_SUCH_KEY is not set"), "{error}");
    }
}
