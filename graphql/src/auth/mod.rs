//! Who asks, and what they may do: passwords, sessions, sign-in, permissions.

mod attempts;
mod password;
mod permission;
mod session;
mod sign_in;

pub use attempts::{Attempts, Verdict};
pub use password::{PasswordError, Passwords, hash_password};
pub use permission::{Needs, Permission, SignedIn, grants, session_of};
pub use session::{Caller, Knock, Session, SessionToken, Sessions, TokenHash};
pub use sign_in::{OpenedSession, SignInDesk};
