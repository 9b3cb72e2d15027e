//! Settings: read in layers, checked as a whole, and either handed to the process or printed.
//!
//! Defaults, then a TOML file, then `MUSTER__SECTION__KEY`, then `--set section.key=value` ([`layers`]) become one tree;
//! the tree becomes the binary's struct ([`decode`]); values `secret:KEY` are fetched ([`references`]); garde checks the
//! whole ([`rules`]). Whatever is wrong on the way is a [`Problem`], and all of them are told at once.

mod decode;
mod layers;
mod path;
mod print;
mod problem;
mod references;
mod rules;

#[cfg(test)]
mod tests;

pub use problem::{ConfigError, Problem};

use std::{io::Write, process::ExitCode};

use ::config::Value;
use garde::Validate;
use serde::{Serialize, de::DeserializeOwned};

use crate::CommonArgs;
use layers::Environment;

/// The exit code of `--check-config` and `--print-config` when the settings are wrong.
const INVALID: u8 = 2;

/// What [`load`] came to.
#[derive(Debug)]
pub enum Loaded<S> {
    /// The settings; go on.
    Settings(S),
    /// `--check-config` or `--print-config` has done its work; leave `main` with this code.
    Exit(ExitCode),
}

/// Reads the settings of a process.
///
/// Later layers win: `S::default()`, the TOML file of `--config` or `MUSTER_CONFIG`, environment variables
/// `MUSTER__SECTION__KEY`, flags `--set section.key=value`. Text from the environment and from flags is converted to what the
/// setting is; text that starts with `[` or `{` is read as a TOML list or table. Keys nobody knows are refused.
///
/// `S` and its sections are `#[serde(default, deny_unknown_fields)]`, and serialise under the names they deserialise from.
///
/// # Errors
/// Every problem of the settings at once, unless a flag asked only to check or to print: then they are printed here.
pub async fn load<S>(args: &CommonArgs) -> Result<Loaded<S>, ConfigError>
where
    S: DeserializeOwned + Serialize + Default + Validate<Context = ()>,
{
    let environment = Environment::of_process();
    if args.print_config {
        return Ok(Loaded::Exit(say(describe::<S>(args, environment))));
    }
    let settings = assemble::<S>(args, environment).await;
    if args.check_config {
        return Ok(Loaded::Exit(say(settings.map(|_| "configuration is valid\n".to_owned()))));
    }
    settings.map(Loaded::Settings)
}

/// The settings, complete and checked.
async fn assemble<S>(args: &CommonArgs, environment: Environment) -> Result<S, ConfigError>
where
    S: DeserializeOwned + Serialize + Default + Validate<Context = ()>,
{
    let (defaults, tree) = tree::<S>(args, environment)?;
    // The first pass finds out which settings are secret; what is wrong with the others comes up again in the second.
    let (draft, _) = decode::decode::<S>(tree.clone(), &defaults)?;
    let (tree, unresolved) = references::resolve(&draft, tree).await?;
    let (settings, undecodable) = decode::decode::<S>(tree.clone(), &defaults)?;

    let mut problems: Vec<Problem> = undecodable.into_iter().chain(unresolved).collect();
    let broken = rules::broken(&settings, &tree, &defaults);
    problems.extend(
        broken.into_iter().filter(|rule| problems.iter().all(|problem| problem.key != rule.key)).collect::<Vec<_>>(),
    );
    if problems.is_empty() { Ok(settings) } else { Err(ConfigError::new(problems)) }
}

/// The settings as TOML, secrets redacted and references left as they are written.
fn describe<S>(args: &CommonArgs, environment: Environment) -> Result<String, ConfigError>
where
    S: DeserializeOwned + Serialize + Default,
{
    let (defaults, tree) = tree::<S>(args, environment)?;
    let (settings, problems) = decode::decode::<S>(tree.clone(), &defaults)?;
    if problems.is_empty() { print::to_toml(&settings, &tree) } else { Err(ConfigError::new(problems)) }
}

/// The defaults alone, and all layers merged.
fn tree<S: Serialize + Default>(args: &CommonArgs, environment: Environment) -> Result<(Value, Value), ConfigError> {
    let defaults = layers::defaults(&S::default())?;
    let tree = layers::merge(defaults.clone(), args.config.as_deref(), environment, &args.set)?;
    Ok((defaults, tree))
}

/// Prints what a flag asked for, or what is wrong.
fn say(outcome: Result<String, ConfigError>) -> ExitCode {
    // Nobody is left to tell when the terminal has gone away, so a failed write is no error.
    match outcome {
        Ok(text) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(INVALID)
        }
    }
}
