//! What the pods of a namespace would do: each reads the Secret when it starts, and works with that until it is gone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::ResourceExt;
use tokio::task::JoinHandle;

use crate::cluster::Space;

/// What a pod was started with: the Secret's entries.
pub type Start = HashMap<String, String>;

/// The pods of a namespace and what they were started with.
#[derive(Clone, Default)]
pub struct Pods {
    running: Arc<Mutex<HashMap<String, Start>>>,
    /// What went wrong in any of them.
    failures: Arc<Mutex<Vec<String>>>,
}

impl Pods {
    /// Follows the pods of `space`, which read `secret`.
    pub fn follow(space: &Space, secret: &'static str) -> (Self, Follower) {
        let pods = Self::default();
        let (known, all, secrets) = (pods.clone(), space.all::<Pod>(), space.all::<Secret>());
        let task = tokio::spawn(async move {
            loop {
                let listed = all.list(&Default::default()).await.expect("the pods");
                let mut running = known.running.lock().expect("the pods").clone();
                running.retain(|uid, _| listed.iter().any(|pod| pod.uid().as_deref() == Some(uid)));
                for pod in &listed.items {
                    let uid = pod.uid().expect("a uid");
                    // A pod waits for a Secret that is not there yet.
                    if !running.contains_key(&uid)
                        && let Some(secret) = secrets.get_opt(secret).await.expect("an answer")
                        && let Some(data) = secret.data
                    {
                        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
                        running.insert(uid, data.into_iter().map(|(key, value)| (key, text(value.0))).collect());
                    }
                }
                *known.running.lock().expect("the pods") = running;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        (pods, Follower(vec![task]))
    }

    /// All that run now.
    pub fn running(&self) -> HashMap<String, Start> {
        self.running.lock().expect("the pods").clone()
    }

    /// Something went wrong in a pod.
    pub fn failed(&self, uid: &str, what: String) {
        // One that is gone may fail as it likes.
        if self.running().contains_key(uid) {
            self.failures.lock().expect("the failures").push(what);
        }
    }

    /// What went wrong so far.
    pub fn failures(&self) -> Vec<String> {
        self.failures.lock().expect("the failures").clone()
    }
}

/// Tasks that end with it.
pub struct Follower(pub Vec<JoinHandle<()>>);

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}
