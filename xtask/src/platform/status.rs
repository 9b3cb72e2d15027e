//! `status`: what runs, for people and (with `--json`) for programs.

use std::process::ExitCode;

use anyhow::{Context, Result};
use url::Url;

use super::{
    state::{Phase, State},
    where_to_look,
};
use crate::{
    output,
    paths::Paths,
    steps::{Mood, Steps},
};

/// Prints the state; always exits 0, since "nothing runs" is an answer too.
pub fn command(paths: &Paths, json: bool) -> Result<ExitCode> {
    let state = State::seen(paths);
    if json {
        output::line(serde_json::to_string_pretty(&state).context("the state is JSON")?);
        return Ok(ExitCode::SUCCESS);
    }
    let steps = Steps::new();
    steps.say(&headline(&state));
    if !matches!(state.phase, Phase::Stopped | Phase::Failed) {
        table(&steps, &state);
    }
    if state.phase == Phase::Up {
        steps.say(&where_to_look(&state));
    } else if let Some(problem) = &state.problem {
        steps.say(&format!("  {problem}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn headline(state: &State) -> String {
    match (state.phase, state.ready) {
        (Phase::Stopped, _) => "Muster is not running. Start it with `cargo xtask up`.".into(),
        (Phase::Failed, _) => "Muster is not running: the last `cargo xtask up` failed.".into(),
        (Phase::Starting, _) => format!("Muster is on its way up, since {}.", state.started_at),
        (Phase::Stopping, _) => "Muster is stopping.".into(),
        (Phase::Up, true) => format!("Muster is up and ready, since {}.", state.started_at),
        (Phase::Up, false) => format!("Muster is up since {}, but not everything is ready.", state.started_at),
    }
}

fn table(steps: &Steps, state: &State) {
    steps.say(&format!("\n  {:<18} {:>8}  {:<6} {}", "process", "pid", "ready", "url"));
    for process in &state.processes {
        let ready = if process.ready { steps.paint("yes   ", Mood::Good) } else { steps.paint("no    ", Mood::Bad) };
        let end = process.exit.as_ref().map(|exit| format!("  (ended: {exit})")).unwrap_or_default();
        steps.say(&format!(
            "  {:<18} {:>8}  {ready} {}{end}",
            process.name,
            process.pid,
            process.url.as_deref().unwrap_or("-")
        ));
    }
    steps.say(&format!("\n  {:<18} {:>8}  {:<6} {}", "service", "pid", "", "url"));
    for service in &state.services {
        let pid = service.process.map_or_else(|| service.origin.clone(), |process| process.pid.to_string());
        steps.say(&format!("  {:<18} {pid:>8}  {:<6} {}", service.name, "", without_password(&service.url)));
    }
    let count = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    steps.say(&format!("\n  matches finished   {}", count(state.matches_finished)));
    steps.say(&format!("  players online     {}", count(state.players_online)));
}

/// For a screen that others may see; `--json` has the whole URL.
fn without_password(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            // Fails only for URLs without a host, which have no password either.
            let _ = parsed.set_password(Some("***"));
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens_show_no_passwords() {
        assert_eq!(
            without_password("postgres://muster:secret@127.0.0.1:1/muster"),
            "postgres://muster:***@127.0.0.1:1/muster"
        );
        assert_eq!(without_password("redis://127.0.0.1:1/"), "redis://127.0.0.1:1/");
    }
}
