use leptos::prelude::*;

/// Says why there is nothing here, and what would bring something.
#[component]
pub(crate) fn EmptyState(title: &'static str, text: &'static str) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            <p>{text}</p>
        </div>
    }
}
