//! What the operator has closed for a Region is opened when the Region goes: nobody else would.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use super::{
    Phase, Regions,
    closures::{Access, Closures, Opened},
    duration,
    maintenance::Window,
    platform::Platform,
    queues::{self, Queues, key, whole_second},
};
use crate::{
    context::Context,
    crd::{
        Region,
        region::{DrainStatus, QueuesState, QueuesStatus},
    },
    events,
    reconcile::{Action, Error},
};

/// How long a Region that is deleted, and has stopped, waits at most for the platform to open what it closed.
const LONGEST: Duration = Duration::from_secs(60);

/// What became of the closures of a Region that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Withdrawn {
    /// There are none of its own.
    Nothing,
    /// The platform was told.
    Told(QueuesStatus),
    /// The platform could not be told.
    Failed(NotWithdrawn),
}

/// Why closures could not be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NotWithdrawn {
    /// A sentence for a person.
    why: String,
    /// It is worth another try.
    tries_again: bool,
}

/// Opens what the operator has closed for a Region that goes: nobody else would. What staff have closed stays so, and so does what
/// the operator did not close.
async fn withdraw(context: &Context, closures: &Closures, region: &Region, queues: &Queues) -> Withdrawn {
    let closed = queues.status.as_ref().filter(|told| told.state == QueuesState::Closed);
    let platform = region.spec.platform.as_ref();
    let own_name = || platform.map(|platform| platform.region.clone().unwrap_or_else(|| region.name_any()));
    // A call to close of which nobody heard the end may have closed them: then they are opened too, if that can be done at once.
    let lost = || queues.trouble.as_ref().and_then(|_| own_name());
    let Some(name) = closed.map(|closed| closed.region.clone()).or_else(lost) else { return Withdrawn::Nothing };
    let failed = |why: String, tries_again| {
        let why = format!("The queues could not be opened in {name}: {why}.");
        Withdrawn::Failed(NotWithdrawn { why, tries_again })
    };
    let Some(platform) = platform else {
        return failed("spec.platform does not say any more where".to_owned(), false);
    };
    let opened = async {
        let access = Access { url: &platform.url, key: key(context, region, platform).await? };
        closures.open(&access, &name).await
    };
    let state = match opened.await {
        Ok(Opened::Open) => QueuesState::Open,
        Ok(Opened::KeptClosed) => QueuesState::KeptClosed,
        Err(why) => {
            events::queues_untold(&why);
            return failed(why, closed.is_some());
        }
    };
    Withdrawn::Told(QueuesStatus { state, region: name, since: whole_second(context.clock.now()) })
}

/// Until when the platform is asked: as long after the Region was deleted and has stopped as it may wait for matches, but no longer
/// than [`LONGEST`].
fn until(region: &Region, drain: Option<&DrainStatus>) -> Option<Timestamp> {
    let stopped_at = drain?.stopped_at.as_ref()?.0;
    let deleted_at = region.metadata.deletion_timestamp.as_ref().map_or(stopped_at, |at| at.0);
    let within = duration::parse(&region.spec.drain.match_timeout).min(LONGEST);
    stopped_at.max(deleted_at).checked_add(within).ok()
}

impl<P: Platform> Regions<P> {
    /// A deleted Region has stopped: its closures are taken back, for as long as the platform is waited for, and it goes.
    pub(super) async fn let_go(
        &self,
        region: &Region,
        drain: Option<DrainStatus>,
        mut queues: Queues,
    ) -> Result<Action, Error> {
        let withdrawn = match withdraw(&self.context, &self.closures, region, &queues).await {
            Withdrawn::Nothing => return Ok(Action::await_change()),
            Withdrawn::Told(told) => {
                self.tell_turn_of_queues(region, &told).await;
                return Ok(Action::await_change());
            }
            Withdrawn::Failed(failed) => failed,
        };
        let until = until(region, drain.as_ref());
        if !withdrawn.tries_again || until.is_none_or(|until| self.context.clock.now() >= until) {
            events::queues_left_closed(&withdrawn.why);
            let note = format!(
                "{} The Region goes all the same, and what it closed stays closed: an Active Region of that name opens it, or staff do.",
                withdrawn.why
            );
            self.context.notices.warning(region, "QueuesLeftClosed", "Delete", note).await;
            return Ok(Action::await_change());
        }
        let last = until.map(|until| format!(" until {until}")).unwrap_or_default();
        queues.trouble = Some(format!("{} It is tried again{last}; then the Region goes.", withdrawn.why));
        let again = queues::again(&self.context, region, until);
        // First of all, since when it has stopped: where nothing can be made any more, as in a namespace that goes, the wait ends too.
        self.tell(region, Phase::Stopped, drain, queues, None, 0).await?;
        self.make_so(region, Phase::Stopped, Window::Open).await?;
        let message = "The region is deleted when its queues are open again.".to_owned();
        Err(Error::Waiting { message, again })
    }
}
