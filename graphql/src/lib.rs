//! The staff API: what live-ops staff and the dashboard ask the platform, over GraphQL.
//!
//! - [`cli`]: the command line. [`settings`]: what can be set. [`serve`]: the process. [`StaffApi`]: its parts put together.
//! - [`http`]: `POST /graphql`. `socket`: `GET /graphql/ws`, graphql-transport-ws.
//! - `gate`: the way of every operation, from its session to its answer. `purpose`: what an operation is for.
//! - [`auth`]: passwords, sessions, sign-in, permissions.
//! - [`schema`]: the schema, one noun a file.
//! - `export`: answers as files. `feed`: events as they come in, read once for everybody.
//! - `live`: the counts, read once for everybody. `dry_run`: replays of recorded tickets. `events`: what is logged and counted.

pub mod auth;
pub mod cli;
pub mod http;
pub mod schema;
pub mod serve;
pub mod settings;

mod api;
mod dry_run;
mod events;
mod export;
mod feed;
mod gate;
mod live;
mod purpose;
mod socket;

pub use api::StaffApi;
