//! `why`: from what a resource says of itself down to the cause, and what to do.
//!
//! [`gather`] asks, [`pods`] and [`chain`] say what of it is wrong, [`advice`] what to do about it; all but the first are pure.

mod advice;
mod chain;
mod gather;
mod pods;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use self::chain::{Link, Owned};
use super::{
    cluster::Cluster,
    exit::Exit,
    problem::Problem,
    screen::{Mood, Screen, clean},
    standing::{Standing, Verdict},
    subject::{Subject, named},
    table::{Cell, Table},
    time::ago,
};

/// What `why` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kubectl muster why region/eu-west
  kubectl muster why rgn eu-west -n play
  kubectl muster why autoscaler/gateways
  kubectl muster why srot/signing-key -o json | jq -r '.todo[]'
  kubectl muster why eu-west                     whichever resource has that name

It shows what the resource says, then what it owns or needs and what is wrong with that, pods and their containers, and the \
warnings about them; the oldest and deepest cause comes last, and then what to do.

Exit codes: 0 it is Ready; 1 it is not; 2 it cannot be told; 3 it cannot be read.")]
pub struct Arguments {
    /// The resource: KIND/NAME, KIND NAME, or NAME
    #[arg(value_name = "RESOURCE", required = true, num_args = 1..=2)]
    resource: Vec<String>,
}

/// The whole answer.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(flatten)]
    standing: Standing,
    /// What it runs or restarts.
    owns: Vec<Owned>,
    /// From the resource down to the cause.
    chain: Vec<Link>,
    /// What to do, the likeliest first.
    todo: Vec<String>,
}

/// Asks, and shows the answer.
pub async fn run(cluster: &Cluster, screen: &Screen, arguments: &Arguments) -> Result<Exit, Problem> {
    let (kind, name) = named(&arguments.resource)?;
    let subject = Subject::find(cluster, kind, &name).await?;
    let facts = gather::gather(cluster, &subject).await?;
    let standing = subject.standing();
    let chain = chain::chain(&standing, &facts);
    let todo = advice::advice(&standing, &chain);
    let answer = Answer { owns: facts.owned, standing, chain, todo };
    screen.result(&answer, &text(&answer, *screen, Timestamp::now()));
    Ok(answer.standing.ready.exit())
}

fn text(answer: &Answer, screen: Screen, now: Timestamp) -> String {
    let standing = &answer.standing;
    let ready = match standing.ready {
        Verdict::Ready => "is Ready",
        Verdict::Unknown => "cannot be told to be Ready",
        Verdict::NotReady => "is not Ready",
        Verdict::Unreadable => "cannot be read",
    };
    let since = standing.since.map(|since| format!(", since {}", ago(since, now))).unwrap_or_default();
    let mut lines = vec![
        screen.paint(&format!("{} in {} {ready}{since}", standing.called(), standing.namespace), standing.ready.mood()),
        format!("  {}: {}", clean(&standing.reason), clean(&standing.message)),
    ];
    if !answer.owns.is_empty() {
        let mut table = Table::new(vec!["IT RUNS", "READY", "IMAGE"]);
        for owned in &answer.owns {
            let mood = if owned.ready < owned.wanted { Mood::Doubtful } else { Mood::Good };
            let ready = Cell::new(format!("{}/{}", owned.ready, owned.wanted), mood);
            table.row(vec![Cell::plain(format!("{}/{}", owned.kind, owned.name)), ready, Cell::plain(&owned.image)]);
        }
        lines.push(String::new());
        lines.extend(table.lines(screen));
    }
    if answer.chain.len() > 1 || standing.ready != Verdict::Ready {
        let mut table = Table::new(vec!["SINCE", "WHAT", "WHY", "IN ITS WORDS"]);
        for link in &answer.chain {
            let count = if link.count > 1 { format!(" ({} times)", link.count) } else { String::new() };
            table.row(vec![
                Cell::plain(link.since.map(|since| ago(since, now)).unwrap_or_default()),
                Cell::plain(&link.about),
                Cell::plain(format!("{}{count}", link.reason)),
                Cell::plain(&link.message),
            ]);
        }
        lines.push(String::new());
        lines.extend(table.lines(screen));
    }
    if !answer.todo.is_empty() {
        lines.push(String::new());
        lines.push(screen.paint("What to do", Mood::Strong));
        lines.extend(answer.todo.iter().map(|todo| format!("  {}", clean(todo))));
    }
    lines.join("\n")
}
