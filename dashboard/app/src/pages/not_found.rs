use leptos::prelude::*;
use leptos_meta::Title;

use crate::{components::Brand, respond};

/// There is no such address.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    respond::status(404);
    view! {
        <Title text="Not found"/>
        <main id="main" class="alone">
            <Brand/>
            <h1>"There is no such page"</h1>
            <p>"The address may be mistyped, or the page has moved."</p>
            <p><a class="button" href="/" rel="external">"Go to the overview"</a></p>
        </main>
    }
}
