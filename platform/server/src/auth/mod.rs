//! Who is calling: session tokens (EdDSA JWT), the keys they are signed with, and device credentials.

mod device;
mod keys;
mod token;

pub use device::device_hash;
pub use keys::{KeyError, SigningKeys, generate_signing_key};
pub use token::{Claims, TokenError};
