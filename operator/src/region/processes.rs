//! How many processes of a Region there still are. A Deployment does not count those that are ending, and they work until they have
//! ended. So their pods are counted, and only while a Region drains or has stopped: nobody watches pods.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::ListParams};

use super::objects::{ROLE, selector};
use crate::{
    context::Context,
    crd::{Region, ServerRole},
};

/// Pods of one answer.
const PAGE: u32 = 250;
/// What has ended, and is kept only to be looked at.
const NOT_ENDED: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// The processes of a Region, by role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left(BTreeMap<String, usize>);

impl Left {
    /// Of one role.
    pub fn of(&self, role: ServerRole) -> usize {
        self.0.get(role.as_str()).copied().unwrap_or(0)
    }

    /// Of all roles.
    pub fn all(&self) -> usize {
        self.0.values().sum()
    }
}

/// Counts them, those that are ending too.
///
/// # Errors
/// The API server refused to list them.
pub async fn left(context: &Context, region: &Region) -> kube::Result<Left> {
    let pods: Api<Pod> = context.beside(region);
    let mut left = Left::default();
    let mut page = ListParams::default().labels(&selector(region)).fields(NOT_ENDED).limit(PAGE);
    loop {
        let pods = pods.list_metadata(&page).await?;
        for pod in &pods {
            let role = pod.labels().get(ROLE).cloned().unwrap_or_default();
            *left.0.entry(role).or_default() += 1;
        }
        match pods.metadata.continue_.filter(|more| !more.is_empty()) {
            Some(more) => page = page.continue_token(&more),
            None => return Ok(left),
        }
    }
}
