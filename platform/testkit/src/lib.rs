#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]
#![allow(clippy::print_stderr, reason = "a test tells on its standard error what it could not clean up")]

mod binaries;
mod http;
mod logs;
mod platform;
mod process;
mod random;
mod scratch;
mod services;
mod sweep;
mod wait;
mod wire;

pub use binaries::{Finished, binary, run};
pub use platform::{Platform, PlatformBuilder};
pub use process::{Process, ProcessBuilder, Signal};
pub use random::free_port;
pub use scratch::Scratch;
pub use services::{Services, VaultService, services};
pub use wait::eventually;
pub use wire::{Wire, Wires};
