//! Roles on the command line.

use crate::crd::ServerRole;

/// A role by its name.
///
/// # Errors
/// It is not one, and which there are.
pub fn role(text: &str) -> Result<ServerRole, String> {
    let known = ServerRole::ALL.into_iter().find(|role| role.as_str() == text.to_lowercase());
    known.ok_or_else(|| format!("the roles are {}", ServerRole::ALL.map(ServerRole::as_str).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_go_by_their_names() {
        assert_eq!(role("Referee"), Ok(ServerRole::Referee));
        assert_eq!(role("referees").unwrap_err(), "the roles are gateway, matchmaker, referee, writer");
    }
}
