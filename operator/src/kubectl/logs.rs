//! `logs`: what the processes of a region write, each line with the name of its process.

use std::{collections::HashSet, time::Duration};

use clap::Args;
use futures::{AsyncBufReadExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{ListParams, LogParams},
};
use tokio::{sync::mpsc, task::JoinSet};

use super::{cluster::Cluster, exit::Exit, find::find, follow::length, problem::Problem, roles::role, screen::Screen};
use crate::{
    crd::{Region, ServerRole},
    region::objects::{ROLE, selector},
};

/// What `logs` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kubectl muster logs eu-west                       the last 100 lines of every process
  kubectl muster logs eu-west gateway -f            goes on with what its gateways write, new ones too
  kubectl muster logs eu-west referee --since 10m
  kubectl muster logs eu-west gateway --previous    the last words of those that were started again

Each line begins with the process that wrote it. Lines of several processes are in the order in which they arrive.

Exit codes: 0 done; 1 nothing runs there; 2 no log could be read.")]
pub struct Arguments {
    /// The Region
    #[arg(value_name = "REGION")]
    region: String,
    /// Only this role: gateway, matchmaker, referee, writer
    #[arg(value_name = "ROLE", value_parser = role)]
    role: Option<ServerRole>,
    /// Go on with what is written from now on
    #[arg(long, short, conflicts_with = "previous")]
    follow: bool,
    /// Only what was written in this time
    #[arg(long, value_name = "TIME", value_parser = length)]
    since: Option<Duration>,
    /// How many lines of each process at most; 100 without --since
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(0..=1_000_000))]
    tail: Option<i64>,
    /// Of the processes that ran before and ended
    #[arg(long)]
    previous: bool,
}

/// The container of a region's pods.
pub const CONTAINER: &str = "muster-server";
/// Lines that wait for a reader; processes wait beyond that.
const WAITING: usize = 256;
/// How often new processes are looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Processes of one region.
const MOST: usize = 2_000;

/// What a process sends: a line, or why there is none.
enum Said {
    Line(String, String),
    Failed(String, kube::Error),
}

/// Prints them, and goes on if that is asked.
pub async fn run(cluster: &Cluster, screen: &Screen, arguments: &Arguments) -> Result<Exit, Problem> {
    if screen.is_json() {
        return Err(Problem::new(
            "logs has no JSON of its own.",
            "Processes write JSON lines themselves: leave -o json away.",
        ));
    }
    let region: Region = find(cluster, &arguments.region).await?;
    let selected = choose(&region, arguments.role);
    let pods: Api<Pod> = cluster.here();
    let mut reading =
        Reading { pods: pods.clone(), parameters: parameters(arguments), known: HashSet::new(), tasks: JoinSet::new() };
    let (sender, mut lines) = mpsc::channel(WAITING);
    let there = list(cluster, &pods, &selected).await?;
    if there.is_empty() {
        let role = arguments.role.map(|role| format!(" as {}", role.as_str())).unwrap_or_default();
        let todo = format!("Why: kubectl muster why region/{} -n {}", arguments.region, cluster.namespace);
        return Err(Problem::refused(format!("Nothing runs in {}{role}.", arguments.region), todo));
    }
    reading.begin(&there, &sender);
    let mut kept = arguments.follow.then_some(sender);
    let (mut printed, mut failed) = (false, Vec::new());
    let mut looks = tokio::time::interval(LOOK_AGAIN);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            said = lines.recv() => match said {
                Some(Said::Line(process, line)) => {
                    printed = true;
                    screen.log(&process, &line);
                }
                Some(Said::Failed(process, error)) if kept.is_some() && is_yet_to_start(&error) => {
                    reading.known.remove(&process);
                }
                Some(Said::Failed(process, error)) => {
                    let problem = Problem::of(&error, &cluster.server, &format!("read the log of {process}"));
                    screen.progress(&problem.what);
                    failed.push(problem);
                }
                None => break,
            },
            _ = looks.tick(), if kept.is_some() => {
                // A silent API server is no reason to stop; those that are read go on.
                if let (Ok(there), Some(sender)) = (list(cluster, &pods, &selected).await, &kept) {
                    reading.begin(&there, sender);
                }
                // Nothing is read and nothing can be: following would wait for ever.
                if !printed && !failed.is_empty() && failed.len() >= reading.known.len() {
                    kept = None;
                }
            }
            _ = &mut interrupted => return Ok(Exit::Interrupted),
        }
    }
    Ok(if failed.is_empty() || printed { Exit::Done } else { Exit::Unknown })
}

struct Reading {
    pods: Api<Pod>,
    parameters: LogParams,
    known: HashSet<String>,
    tasks: JoinSet<()>,
}

impl Reading {
    /// Reads those that are not read yet.
    fn begin(&mut self, there: &[Pod], sender: &mpsc::Sender<Said>) {
        for pod in there {
            let name = pod.name_any();
            if self.known.insert(name.clone()) {
                let (pods, parameters, sender) = (self.pods.clone(), self.parameters.clone(), sender.clone());
                self.tasks.spawn(async move { read(&pods, name, &parameters, &sender).await });
            }
        }
    }
}

async fn read(pods: &Api<Pod>, name: String, parameters: &LogParams, sender: &mpsc::Sender<Said>) {
    let mut lines = match pods.log_stream(&name, parameters).await {
        Ok(log) => log.lines(),
        Err(error) => return say(sender, Said::Failed(name, error)).await,
    };
    loop {
        match lines.try_next().await {
            Ok(Some(line)) => say(sender, Said::Line(name.clone(), line)).await,
            Ok(None) => return,
            Err(error) => return say(sender, Said::Failed(name, kube::Error::ReadEvents(error))).await,
        }
    }
}

/// Nobody listens when the command has ended, and then nobody needs to.
async fn say(sender: &mpsc::Sender<Said>, said: Said) {
    let _ = sender.send(said).await;
}

/// Whether the process has not begun to write yet: the API server says so with 400.
fn is_yet_to_start(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 400 && status.message.contains("waiting to start"))
}

async fn list(cluster: &Cluster, pods: &Api<Pod>, selected: &str) -> Result<Vec<Pod>, Problem> {
    let listed = cluster.some(pods, ListParams::default().labels(selected), MOST).await;
    listed
        .map_err(|error| Problem::of(&error, &cluster.server, &format!("list pods in namespace {}", cluster.namespace)))
}

fn choose(region: &Region, role: Option<ServerRole>) -> String {
    let all = selector(region);
    role.map_or(all.clone(), |role| format!("{all},{ROLE}={}", role.as_str()))
}

fn parameters(arguments: &Arguments) -> LogParams {
    let since = arguments.since.map(|since| i64::try_from(since.as_secs().max(1)).unwrap_or(i64::MAX));
    LogParams {
        container: Some(CONTAINER.to_owned()),
        follow: arguments.follow,
        previous: arguments.previous,
        since_seconds: since,
        tail_lines: arguments.tail.or(since.is_none().then_some(100)),
        ..LogParams::default()
    }
}
