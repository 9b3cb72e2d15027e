use leptos::prelude::*;

use crate::model::MatchState;

/// Running or finished, in colour and in words.
#[component]
pub(crate) fn StateBadge(state: MatchState) -> impl IntoView {
    let class = match state {
        MatchState::Running => "badge badge-live",
        MatchState::Finished => "badge",
    };
    view! { <span class=class>{state.label()}</span> }
}
