//! A finished match, roll by roll: what the platform told, and what the seed gives.
//!
//! ```text
//! cargo run -p muster-client --example verify mch_… [--url http://127.0.0.1:7400] [--nonce <64 hex digits>] [--all]
//! ```
//!
//! Nothing here trusts the platform: from the seed that it published after the match, and what the players added before it, the
//! program computes again who began, every roll, and what each roll did by the rules. Without `--url` it asks the platform that
//! `cargo xtask up` started, if there is one.
#![allow(clippy::print_stdout, reason = "showing the match is what this example is for")]
#![allow(clippy::print_stderr, reason = "what is wrong with the command line or the platform goes there")]

mod nearby;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use muster_client::{
    Client,
    core::{
        game::{Action, Command, Dice, GameEvent, MatchState, Nonce, decide, evolve},
        id::MatchId,
        wire::{LoggedEvent, MatchStatus, MatchView},
    },
    verify::{Nonces, told_nonces, verify},
};

/// The dice are as they were promised.
const RIGHT: ExitCode = ExitCode::SUCCESS;
/// Something is not.
const WRONG: u8 = 1;
/// That cannot be told: no such match, not over yet, no platform.
const UNKNOWN: u8 = 2;

/// Shows a finished match roll by roll, each computed again from the seed and the players' nonces.
#[derive(Parser)]
#[command(
    name = "verify",
    after_help = "\
Exit code: 0 everything is as promised, 1 something is not, 2 it cannot be told (no such match, not over yet, no platform).

Where a match's id is to be found: the example `duel` prints it, the dashboard shows it, a client has it from match.found."
)]
struct Args {
    /// Which match, `mch_…`; it has to be over
    match_id: MatchId,
    /// Where the platform is
    #[arg(long)]
    url: Option<String>,
    /// The nonce that you gave with your ticket: it has to be among those that the dice were made from
    #[arg(long)]
    nonce: Option<Nonce>,
    /// Show every event, not only the rolls
    #[arg(long)]
    all: bool,
    /// The device to sign in with; an account of its own by default, which every finished match is shown to
    #[arg(long, default_value = "muster-verify-anybody")]
    device: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let (view, log) = match read(&args).await {
        Ok(found) => found,
        Err(error) => {
            eprintln!("{error:#}");
            return UNKNOWN.into();
        }
    };
    let Some(seed) = view.seed.clone() else {
        eprintln!("{} is not over yet, and its seed is secret until it is: try again later", args.match_id);
        return UNKNOWN.into();
    };
    if Sheet::new(&view, &seed, &log).show(&args) { RIGHT } else { WRONG.into() }
}

/// The match and its whole log, as anybody who is signed in may read them.
async fn read(args: &Args) -> Result<(MatchView, Vec<LoggedEvent>)> {
    let url = nearby::platform(args.url.as_deref());
    let client = Client::new(&url)?;
    let session = client
        .sign_in_device(&args.device, None)
        .await
        .with_context(|| format!("no platform at {url}? Start one: cargo xtask up"))?;
    let view = session.match_view(args.match_id).await.with_context(|| args.match_id.to_string())?;
    if view.state == MatchStatus::Running {
        return Ok((view, Vec::new()));
    }
    let log = session.match_log(args.match_id, 0).await.with_context(|| format!("the log of {}", args.match_id))?;
    Ok((view, log))
}

/// What the platform told of a match, to be held against its seed.
struct Sheet<'a> {
    view: &'a MatchView,
    seed: &'a str,
    log: &'a [LoggedEvent],
    nonces: Nonces,
    dice: Option<Dice>,
}

impl<'a> Sheet<'a> {
    fn new(view: &'a MatchView, seed: &'a str, log: &'a [LoggedEvent]) -> Self {
        let nonces = told_nonces(log);
        let mut bytes = [0; 32];
        let readable = hex::decode_to_slice(seed, &mut bytes).is_ok();
        let dice = readable.then(|| Dice::new(bytes, nonces));
        Self { view, seed, log, nonces, dice }
    }

    fn names(&self) -> [&str; 2] {
        [0, 1].map(|seat| self.view.players.get(seat).map_or("?", |player| player.display_name.as_str()))
    }

    /// Prints everything; false when something is not as promised.
    fn show(&self, args: &Args) -> bool {
        let names = self.names();
        println!("{}: {} against {}, {} ({})", self.view.match_id, names[0], names[1], self.view.mode, self.view.queue);
        let Some(dice) = &self.dice else {
            println!("The seed is not 64 hex digits: {}", self.seed);
            return false;
        };
        let head = [self.show_seed(dice), self.show_nonces(args.nonce), self.show_beginner(dice)];
        println!("\n{:>5} {:>5}  {:<16} {:>5} {:>5}", "event", "roll", "by", "told", "seed");
        let rolls = self.show_rolls(dice, args.all);
        println!();
        if let Some(outcome) = &self.view.outcome {
            println!("{}", outcome.summary(names));
        }
        // The SDK's own verdict, of the log as a whole: it knows holes and rolls that were left out, too.
        let verdict = verify(&self.view.commitment, self.seed, self.nonces, self.log);
        match (&verdict, rolls) {
            (Ok(_), Ok(count)) if head == [true; 3] => {
                println!("RIGHT: all {count} rolls, and what they did, follow from the promised seed.");
                return true;
            }
            (Err(mismatch), _) => println!("WRONG: {mismatch}."),
            (Ok(_), _) => println!("WRONG: see what is marked above."),
        }
        false
    }

    fn show_seed(&self, dice: &Dice) -> bool {
        let hash = hex::encode(dice.commitment());
        let told = self.log.first().and_then(|logged| match &logged.event {
            GameEvent::Started { commitment, .. } => Some(commitment.as_str()),
            _ => None,
        });
        let right = hash == self.view.commitment && told == Some(hash.as_str());
        println!("promised before the first roll: SHA-256 {}", self.view.commitment);
        println!("published after the last:       seed    {}", self.seed);
        println!("{:<31} SHA-256 {hash}  {}", "which gives:", mark(right));
        right
    }

    fn show_nonces(&self, own: Option<Nonce>) -> bool {
        for (name, nonce) in self.names().into_iter().zip(self.nonces) {
            println!("added by {name:<22} {}", nonce.map_or("nothing".to_owned(), hex::encode));
        }
        let Some(own) = own else { return true };
        let right = self.nonces.contains(&Some(own.bytes()));
        println!("{:<31} {own}  {}", "your nonce among them:", mark(right));
        right
    }

    fn show_beginner(&self, dice: &Dice) -> bool {
        let told = self.log.first().and_then(|logged| match logged.event {
            GameEvent::Started { first, .. } => Some(first),
            _ => None,
        });
        let computed = dice.first_seat();
        let right = told == Some(computed);
        println!(
            "{:<31} {}, by the seed {}  {}",
            "begins:",
            told.map_or("nobody", |seat| self.names()[seat.index()]),
            self.names()[computed.index()],
            mark(right)
        );
        right
    }

    /// A line a roll; how many there were, or how many of them are wrong.
    fn show_rolls(&self, dice: &Dice, all: bool) -> Result<usize, usize> {
        let (mut rolls, mut wrong) = (0, 0);
        let mut state: Option<MatchState> = None;
        for logged in self.log {
            if let GameEvent::Started { mode, first, .. } = &logged.event {
                state.get_or_insert_with(|| MatchState::start(*mode, *first, logged.at));
            }
            let line = state.as_ref().and_then(|before| roll_line(before, logged, dice, self.names()));
            match line {
                Some((line, right)) => {
                    rolls += 1;
                    wrong += usize::from(!right);
                    println!("{line}");
                }
                None if all => println!("{:>5}        {}", logged.seq, logged.event.summary(self.names())),
                None => {}
            }
            if let Some(state) = &mut state {
                evolve(state, &logged.event, logged.at);
            }
        }
        if wrong == 0 { Ok(rolls) } else { Err(wrong) }
    }
}

/// A roll as it was told and as it should have been; none when the event is no roll.
fn roll_line(before: &MatchState, logged: &LoggedEvent, dice: &Dice, names: [&str; 2]) -> Option<(String, bool)> {
    let GameEvent::Rolled { seat, roll_no, dice: told, .. } = &logged.event else { return None };
    let (one, other) = dice.roll(*roll_no);
    let same_dice = *told == [one, other];
    let again = decide(before, &Action::Command { seat: *seat, command: Command::Roll }, dice, logged.at);
    let same_effect = again.is_ok_and(|events| events.first() == Some(&logged.event));
    let says = match (same_dice, same_effect) {
        (true, true) => mark(true).to_owned(),
        (true, false) => format!("{}: the dice are right, what they did is not by the rules", mark(false)),
        (false, _) => mark(false).to_owned(),
    };
    let summary = logged.event.summary(names);
    let effect = summary.split_once(": ").map_or("", |(_, effect)| effect);
    let name = names[seat.index()];
    let line = format!(
        "{:>5} {:>5}  {name:<16} {:>5} {:>5}  {says}   {effect}",
        logged.seq,
        roll_no,
        format!("{} {}", told[0], told[1]),
        format!("{one} {other}"),
    );
    Some((line, same_dice && same_effect))
}

fn mark(right: bool) -> &'static str {
    if right { "right" } else { "WRONG" }
}
