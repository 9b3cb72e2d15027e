//! Proof that versions are in use, beyond ready pods.

mod jwks;
mod postgres;

use std::{fmt, pin::Pin};

use super::source::Material;
use crate::{crd::secret_rotation::Verify, reconcile::Error};

/// What processes are to be seen using.
pub struct Expected {
    /// The version that they use.
    pub active: Material,
    /// The other one that they honour.
    pub second: Option<Material>,
}

/// Why it could not be proved. Never holds a secret.
#[derive(Debug)]
pub struct NotProved(pub String);

impl fmt::Display for NotProved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A way to prove it.
pub trait Probe: Send + Sync {
    /// Looks once.
    fn look<'p>(&'p self, expected: &'p Expected) -> Pin<Box<dyn Future<Output = Result<(), NotProved>> + Send + 'p>>;
}

/// The probes that a spec asks for.
fn probes(verify: &Verify) -> Vec<Box<dyn Probe>> {
    let mut probes: Vec<Box<dyn Probe>> = Vec::new();
    if let Some(probe) = &verify.jwks {
        probes.push(Box::new(jwks::Jwks(probe.clone())));
    }
    if let Some(probe) = &verify.postgres {
        probes.push(Box::new(postgres::Postgres(probe.clone())));
    }
    probes
}

/// Looks through all of them.
///
/// # Errors
/// One of them does not prove it.
pub async fn prove(verify: Option<&Verify>, expected: &Expected) -> Result<(), Error> {
    for probe in verify.map(probes).unwrap_or_default() {
        probe.look(expected).await.map_err(|error| Error::dependency("NotInUse", error.to_string()))?;
    }
    Ok(())
}
