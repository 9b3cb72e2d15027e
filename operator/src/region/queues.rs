//! Whether the platform's queues take players for a Region: told to the platform at every turn, and remembered, so that a Region that
//! stays as it is asks nobody.

use std::time::Duration;

use k8s_openapi::{
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::{SignedDuration, Timestamp},
};
use kube::{Api, ResourceExt};

use super::{
    closures::{Access, Closures, Opened},
    report::QUEUES_REASONS,
};
use crate::{
    context::Context,
    crd::{
        Region,
        region::{PlatformAccess, QueuesState, QueuesStatus, RegionState},
    },
    events,
    reconcile::conditions::DEGRADED,
};

/// What every service key begins with. Nothing else is ever sent: whoever may write Regions shall not have other Secrets sent away.
const KEY_PREFIX: &str = "msk_";
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How a Region's queues are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queues {
    /// What the platform was told last; `None` when it never was.
    pub status: Option<QueuesStatus>,
    /// Why the platform does not do yet what the Region says, for a person.
    pub trouble: Option<String>,
}

impl Queues {
    /// As they were told last.
    pub fn known(region: &Region) -> Self {
        Self { status: region.status.as_ref().and_then(|status| status.queues.clone()), trouble: None }
    }
}

/// What is to be told to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act<'a> {
    Close(&'a str),
    Open(&'a str),
}

/// What the queues of a Region that is so should do; `None` leaves them as they are.
fn wanted(state: RegionState, deleted: bool) -> Option<QueuesState> {
    match state {
        _ if deleted => Some(QueuesState::Closed),
        RegionState::Active => Some(QueuesState::Open),
        RegionState::Draining => Some(QueuesState::Closed),
        RegionState::Disabled => None,
    }
}

/// Tells the platform what it does not know yet. What cannot be told is tried again with the next look.
pub async fn settle(context: &Context, closures: &Closures, region: &Region) -> Queues {
    let mut queues = Queues::known(region);
    let Some(wanted) = wanted(region.spec.state, region.metadata.deletion_timestamp.is_some()) else { return queues };
    let Some(platform) = &region.spec.platform else {
        queues.trouble = forgotten(queues.status.as_ref(), wanted);
        return queues;
    };
    let name = platform.region.clone().unwrap_or_else(|| region.name_any());
    while let Some(told) = next(queues.status.as_ref(), wanted, &name) {
        let act = match told {
            Act::Close(name) => format!("closed in {name}"),
            Act::Open(name) => format!("opened in {name}"),
        };
        let done = async {
            let access = Access { url: &platform.url, key: key(context, region, platform).await? };
            match told {
                Act::Close(name) => {
                    let reason = format!("the Region {} drains", region.name_any());
                    closures.close(&access, name, &reason).await.map(|()| (name, QueuesState::Closed))
                }
                Act::Open(name) => closures.open(&access, name).await.map(|opened| match opened {
                    Opened::Open => (name, QueuesState::Open),
                    Opened::KeptClosed => (name, QueuesState::KeptClosed),
                }),
            }
        };
        match done.await {
            Ok((name, state)) => {
                let since = whole_second(context.clock.now());
                queues.status = Some(QueuesStatus { state, region: name.to_owned(), since });
            }
            Err(trouble) => {
                events::queues_untold(&trouble);
                queues.trouble =
                    Some(format!("The queues could not be {act}: {trouble}. It is tried again, with growing pauses."));
                return queues;
            }
        }
    }
    queues
}

/// When to try again what could not be told: after half of the time for which it cannot, so that pauses grow, and once more at
/// `deadline`.
pub fn again(context: &Context, region: &Region, deadline: Option<Timestamp>) -> Duration {
    let now = context.clock.now();
    let conditions = region.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let told = conditions.iter().find(|condition| {
        condition.type_ == DEGRADED && condition.status == "True" && QUEUES_REASONS.contains(&condition.reason.as_str())
    });
    let waited = told.map_or(SignedDuration::ZERO, |condition| now.duration_since(condition.last_transition_time.0));
    let pause = Duration::try_from(waited / 2).unwrap_or_default().min(LONGEST_PAUSE);
    let left = deadline.and_then(|deadline| Duration::try_from(deadline.duration_since(now)).ok());
    left.map_or(pause, |left| pause.min(left)).max(context.poll())
}

/// What to tell the platform next; `None` when it knows.
fn next<'a>(known: Option<&'a QueuesStatus>, wanted: QueuesState, name: &'a str) -> Option<Act<'a>> {
    match (known, wanted) {
        // The Region was given another name while it was closed.
        (Some(QueuesStatus { state: QueuesState::Closed, region, .. }), _) if region != name => Some(Act::Open(region)),
        (Some(known), _) if known.region == name && known.state == wanted => None,
        (_, QueuesState::Closed) => Some(Act::Close(name)),
        (Some(QueuesStatus { state: QueuesState::KeptClosed, region, .. }), _) if region == name => None,
        (_, QueuesState::Open | QueuesState::KeptClosed) => Some(Act::Open(name)),
    }
}

/// The operator has closed them, and was then told nothing of the platform any more.
fn forgotten(known: Option<&QueuesStatus>, wanted: QueuesState) -> Option<String> {
    let closed = known.filter(|known| known.state == QueuesState::Closed && wanted == QueuesState::Open)?;
    Some(format!(
        "The queues of {} are closed since {}, and spec.platform does not say any more where to open them: bring it back, \
         or have staff open them.",
        closed.region, closed.since.0
    ))
}

/// The service key, read anew each time: it may have been replaced.
pub(super) async fn key(
    context: &Context,
    region: &Region,
    platform: &PlatformAccess,
) -> Result<secrecy::SecretString, String> {
    let (name, entry) = (&platform.key.secret, &platform.key.key);
    let namespace = region.namespace().unwrap_or_default();
    let api: Api<Secret> = context.beside(region);
    let secret = api.get_opt(name).await.map_err(|error| match error {
        kube::Error::Api(status) if status.is_forbidden() => format!(
            "the operator may not read the Secret {name} in the namespace {namespace}: bind the ClusterRole muster-operator-secrets there"
        ),
        error => format!("the Secret {name} in the namespace {namespace} could not be read: {error}"),
    })?;
    let value = secret.and_then(|secret| secret.data).and_then(|mut data| data.remove(entry));
    let value = value.ok_or_else(|| {
        format!("there is no entry {entry} in a Secret {name} in the namespace {namespace}: put a service key there")
    })?;
    let value = String::from_utf8(value.0).unwrap_or_default();
    match value.trim() {
        key if key.starts_with(KEY_PREFIX) => Ok(key.to_owned().into()),
        _ => Err(format!(
            "the entry {entry} of the Secret {name} in the namespace {namespace} is no service key: those begin with {KEY_PREFIX}"
        )),
    }
}

/// Kubernetes keeps whole seconds; more would differ from what is read back.
pub(super) fn whole_second(now: Timestamp) -> Time {
    Time(Timestamp::from_second(now.as_second()).unwrap_or(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: QueuesState, region: &str) -> QueuesStatus {
        QueuesStatus { state, region: region.to_owned(), since: Time(Timestamp::from_second(0).unwrap()) }
    }

    #[test]
    fn the_platform_is_told_what_it_does_not_know_and_no_more() {
        use QueuesState::{Closed, KeptClosed, Open};
        let told = |known: Option<(QueuesState, &str)>, wanted| {
            let known = known.map(|(state, region)| status(state, region));
            next(known.as_ref(), wanted, "eu").map(|act| format!("{act:?}"))
        };
        let (close, open) = (Some("Close(\"eu\")".to_owned()), Some("Open(\"eu\")".to_owned()));
        assert_eq!(told(None, Closed), close);
        assert_eq!(told(None, Open), open, "what was before the Region was made");
        assert_eq!(told(Some((Open, "eu")), Open), None);
        assert_eq!(told(Some((Open, "eu")), Closed), close);
        assert_eq!(told(Some((Closed, "eu")), Closed), None);
        assert_eq!(told(Some((Closed, "eu")), Open), open);
        assert_eq!(told(Some((KeptClosed, "eu")), Open), None, "staff open it");
        assert_eq!(told(Some((KeptClosed, "eu")), Closed), close);
        assert_eq!(told(Some((Closed, "asia")), Open), Some("Open(\"asia\")".to_owned()), "under its old name first");
        assert_eq!(told(Some((Open, "asia")), Open), open);
    }

    #[test]
    fn who_forgets_the_platform_is_told_what_stays_closed() {
        let closed = status(QueuesState::Closed, "eu");
        assert!(forgotten(Some(&closed), QueuesState::Open).is_some_and(|trouble| trouble.contains("eu are closed")));
        assert_eq!(forgotten(Some(&closed), QueuesState::Closed), None);
        assert_eq!(forgotten(None, QueuesState::Open), None);
    }
}
