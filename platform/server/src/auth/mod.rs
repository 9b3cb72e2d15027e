//! Who is calling: session tokens (EdDSA JWT), the keys they are signed with, and device credentials. And what players show to servers
//! of their game: join tokens.

mod device;
mod join;
mod keys;
mod token;

pub use device::device_hash;
pub use join::Join;
pub use keys::{KeyError, SigningKeys, generate_signing_key};
pub use token::{Claims, TokenError};
