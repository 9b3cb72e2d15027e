//! What the example needs on the platform that `cargo xtask up` started, and makes there: a queue, and a service key. Elsewhere staff
//! make the queue, and whoever runs the platform the key.

use std::{env, fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use muster_client::Session;
use serde_json::{Value, json};
use tokio::{process::Command, time::interval};

/// How often, and how many times, it is asked whether a new queue is there.
const LOOK: Duration = Duration::from_millis(200);
const LOOKS: u32 = 50;

/// The platform that runs here.
pub struct Local {
    /// Where players reach it.
    pub server: String,
    state: Value,
}

impl Local {
    /// As the state file in this directory or one above tells; None when none runs.
    pub fn find() -> Option<Self> {
        let here = env::current_dir().ok()?;
        let file = |directory: &std::path::Path| directory.join(".muster").join("state.json");
        let text = here.ancestors().find_map(|directory| fs::read_to_string(file(directory)).ok())?;
        let state: Value = serde_json::from_str(&text).ok()?;
        let server = url(&state, "processes", "muster-server")?;
        Some(Self { server, state })
    }

    /// A service key, made at the command line of the server, as a person would.
    pub async fn make_key(&self) -> Result<String> {
        let name = format!("dedicated-{}", uuid::Uuid::now_v7().simple());
        let beside = || Some(env::current_exe().ok()?.ancestors().nth(2)?.to_owned());
        let binaries = env::var_os("MUSTER_BIN_DIR").map(PathBuf::from).or_else(beside);
        let binary = binaries.context("where is muster-server? Give --key")?.join("muster-server");
        let mut command = Command::new(&binary);
        command.args(["service-key", "add", &name]);
        for (variable, service) in [("POSTGRES", "postgres"), ("REDIS", "redis"), ("NATS", "nats")] {
            let url = url(&self.state, "services", service).with_context(|| format!("where is {service}?"))?;
            command.env(format!("MUSTER__{variable}__URL"), url);
        }
        let done = command.output().await.with_context(|| format!("running {}; or give --key", binary.display()))?;
        ensure!(done.status.success(), "no service key: {}", String::from_utf8_lossy(&done.stderr));
        println!("made the service key {name}");
        Ok(String::from_utf8(done.stdout)?.trim().to_owned())
    }

    /// A queue of two players for servers of its own, made with the staff API.
    async fn make_queue(&self, name: &str) -> Result<()> {
        let graphql = url(&self.state, "processes", "muster-graphql").context("the staff API does not run")?;
        let staff = &self.state["dashboard"];
        let sign_in = json!({
            "query": "mutation($email: String!, $password: String!) { signIn(email: $email, password: $password) { token } }",
            "variables": { "email": staff["email"], "password": staff["password"] },
        });
        let signed_in = ask(&graphql, None, &sign_in).await?;
        let token = signed_in["signIn"]["token"].as_str().context("signing in as staff gave no token")?;
        let create = json!({
            "query": "mutation($input: CreateQueueInput!) { createQueue(input: $input) { name } }",
            "variables": { "input": {
                "definition": { "name": name, "ranked": true, "max_wait_secs": 120 },
                "reason": "the example `dedicated`",
            } },
        });
        ask(&graphql, Some(token), &create).await?;
        println!("made the queue {name}");
        Ok(())
    }
}

/// Makes the queue when it is not there, and waits until players may wait in it.
pub async fn ensure_queue(local: Option<&Local>, session: &Session, name: &str) -> Result<()> {
    let mut looks = interval(LOOK);
    for look in 0..LOOKS {
        looks.tick().await;
        match session.queues().await?.into_iter().find(|queue| queue.name == name) {
            Some(queue) => {
                ensure!(queue.mode.is_none(), "the matches of {name} are played by the platform itself");
                return Ok(());
            }
            None if look == 0 => {
                let local = local.with_context(|| format!("there is no queue {name}; staff have to make it"))?;
                local.make_queue(name).await?;
            }
            None => {}
        }
    }
    bail!("the queue {name} was made, and is not there")
}

async fn ask(graphql: &str, token: Option<&str>, operation: &Value) -> Result<Value> {
    let mut request = reqwest::Client::new().post(format!("{graphql}/graphql")).json(operation);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer: Value = request.send().await.context("asking the staff API")?.json().await?;
    ensure!(answer["errors"].is_null(), "the staff API refused: {}", answer["errors"]);
    Ok(answer["data"].clone())
}

fn url(state: &Value, list: &str, name: &str) -> Option<String> {
    let found = state[list].as_array()?.iter().find(|entry| entry["name"] == name)?;
    Some(found["url"].as_str()?.trim_end_matches('/').to_owned())
}
