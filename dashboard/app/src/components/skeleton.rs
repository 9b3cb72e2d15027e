//! Grey shapes of what is coming, as large as what is coming, so that nothing jumps.

use leptos::prelude::*;

/// Tiles and charts.
#[component]
pub(crate) fn SkeletonOverview() -> impl IntoView {
    view! {
        <div class="loading" role="status">
            <span class="visually-hidden">"Loading the overview"</span>
            <div class="tiles" aria-hidden="true">
                {(0..6).map(|_| view! { <div class="tile bone"></div> }).collect_view()}
            </div>
            <div class="charts" aria-hidden="true">
                <div class="card bone bone-chart"></div>
                <div class="card bone bone-chart"></div>
            </div>
        </div>
    }
}

/// Rows of a table.
#[component]
pub(crate) fn SkeletonRows() -> impl IntoView {
    view! {
        <div class="card loading" role="status">
            <span class="visually-hidden">"Loading matches"</span>
            <div aria-hidden="true">{(0..10).map(|_| view! { <div class="bone bone-row"></div> }).collect_view()}</div>
        </div>
    }
}

/// A scoreboard and a log.
#[component]
pub(crate) fn SkeletonMatch() -> impl IntoView {
    view! {
        <div class="loading" role="status">
            <span class="visually-hidden">"Loading the match"</span>
            <div class="card bone bone-board" aria-hidden="true"></div>
            <div class="card" aria-hidden="true">{(0..8).map(|_| view! { <div class="bone bone-row"></div> }).collect_view()}</div>
        </div>
    }
}
