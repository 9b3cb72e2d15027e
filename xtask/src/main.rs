//! Everything a person runs: `cargo xtask up`, `test`, `schemas` and the rest.
//!
//! It is ordinary blocking code that starts other programs and watches them. Where to look:
//!
//! * [`cli`]: the commands and what they say about themselves.
//! * [`setup`]: what a machine lacks and how it gets it (apt packages, the services' root, OpenBao, WebAssembly).
//! * [`services`]: private PostgreSQL, Redis, NATS and OpenBao on free ports, or Docker's, or ones given by URL.
//! * [`wasm`]: the dashboard's WebAssembly, from Rust to files a browser loads.
//! * [`platform`]: the supervisor behind `up`, and `down`, `status`, `logs`, `reset`.
//! * [`test`]: the checks, one part each, and their summary.
//! * [`bench`], [`load`]: how fast the code is, and how fast a whole platform; [`machine`]: on what.
//! * [`chaos`]: whether a platform keeps its promises while it is being broken; [`fuzz`]: whether a parser bears what comes.
//! * [`schemas`], [`sqlx`], [`manifests`]: generated files that are committed.
//! * [`steps`], [`output`], [`commands`], [`processes`], [`interrupt`], [`paths`], [`http`], [`files`]: what the others stand on.

// In a test a panic is how it fails.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bench;
mod build;
mod chaos;
mod cli;
mod commands;
mod files;
mod fuzz;
mod http;
mod interrupt;
mod load;
mod machine;
mod manifests;
mod output;
mod paths;
mod platform;
mod processes;
mod schemas;
mod services;
mod setup;
mod sqlx;
mod steps;
mod test;
mod wasm;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match cli::run(arguments) {
        Ok(code) => code,
        Err(error) if error.is::<interrupt::Interrupted>() => {
            eprintln!("\nStopped, as asked.");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
