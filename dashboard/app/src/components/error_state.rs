//! What a page shows when it has no answer.

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
};

use crate::{ApiError, pages::sign_in_path};

/// What went wrong and what to do. Where only signing in helps, the browser goes there by itself.
#[component]
pub(crate) fn ErrorState(error: ApiError) -> impl IntoView {
    let location = use_location();
    let here = move || format!("{}{}", location.pathname.get(), with_mark(&location.search.get()));
    let sign_in = Signal::derive(move || sign_in_path(&here()));
    if error == ApiError::SignedOut {
        let navigate = use_navigate();
        Effect::new(move |_| {
            navigate(&sign_in.get_untracked(), NavigateOptions { replace: true, ..Default::default() })
        });
    }
    // A real load (`external`), so that it works without scripts and starts everything afresh.
    let (way_out, href) = match error {
        ApiError::SignedOut => ("Sign in", sign_in),
        ApiError::BadInput => ("First page", location.pathname.into()),
        _ => ("Try again", Signal::derive(here)),
    };
    view! {
        <section class="alert alert-page" role="alert">
            <h2>{error.title()}</h2>
            <p>{error.advice()}</p>
            <a class="button" href=href rel="external">
                {way_out}
            </a>
        </section>
    }
}

fn with_mark(search: &str) -> String {
    if search.is_empty() { String::new() } else { format!("?{}", search.trim_start_matches('?')) }
}
