//! The dashboard's pages and components.
//!
//! The same code is compiled twice: with `ssr` into `muster-dashboard`, which renders the first HTML and answers the
//! pages' server functions, and with `hydrate` into the WebAssembly that takes the pages over in the browser. All it
//! knows of the platform is `graphql/schema.graphql`.
//!
//! Read on with [`App`] (the routes), then the pages; `api` holds the server functions, `live` the socket that keeps
//! numbers and event logs moving.
#![recursion_limit = "256"] // views are deep types

mod api;
mod app;
mod chart;
mod components;
mod error;
mod format;
mod live;
mod model;
mod pages;
mod payload;
mod queries;
mod respond;
#[cfg(feature = "ssr")]
mod session;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
mod upstream;

pub use app::App;
pub use error::ApiError;
#[cfg(feature = "ssr")]
pub use session::{CookiePolicy, session_token};
#[cfg(feature = "ssr")]
pub use shell::{Assets, shell};
#[cfg(feature = "ssr")]
pub use upstream::{RequestHeaders, Upstream};
