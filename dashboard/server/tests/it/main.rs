//! The dashboard's behaviour from outside: over plain HTTP, over WebSockets, and in a real browser.
//!
//! Most tests speak to a dashboard of their own over a scripted staff API; `console` runs the whole platform.
#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on shall stop where it is")]

mod bridge;
mod browser;
mod headers;
mod scripted;
mod served;
mod session;
