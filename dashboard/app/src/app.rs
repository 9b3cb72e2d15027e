//! The routes.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::{
    components::{Layout, provide_clock},
    pages::{MatchPage, MatchesPage, NotFoundPage, OverviewPage, SignInPage},
};

/// The dashboard. Every page is rendered whole on the server (`SsrMode::Async`), so that its status is right and its
/// content is there before any script runs.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_clock();
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Muster".to_owned() } else { format!("{title} · Muster") }/>
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("sign-in") view=SignInPage ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=Layout ssr=SsrMode::Async>
                    <Route path=path!("") view=OverviewPage ssr=SsrMode::Async/>
                    <Route path=path!("matches") view=MatchesPage ssr=SsrMode::Async/>
                    <Route path=path!("matches/:id") view=MatchPage ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
