//! What the operator makes of trouble that is not its own.
//!
//! - `api_server`: it is killed and comes back. `watches`: they are lost, with a word and without one.
//! - `storms`: somebody else writes the same objects all the time. `garbage`: what was stored before a rule was tightened.
//! - `deleted`: resources that go in the middle of their work.

mod api_server;
mod deleted;
pub mod garbage;
mod storms;
mod watches;

use k8s_openapi::api::apps::v1::Deployment;

use crate::cluster::Space;

/// The image of a Region's gateways.
async fn image(space: &Space, region: &str) -> Option<String> {
    let name = format!("{region}-gateway");
    let deployment = space.all::<Deployment>().get_opt(&name).await.expect("an answer")?;
    deployment.spec.template.spec?.containers.into_iter().next()?.image
}
