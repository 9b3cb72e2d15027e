//! The brand mark and the icons of the navigation; decoration, hidden from screen readers.

use leptos::prelude::*;

/// Two dice that overlap.
#[component]
pub(crate) fn Brand() -> impl IntoView {
    view! {
        <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
            <rect class="brand-back" x="11" y="3" width="18" height="18" rx="5"></rect>
            <rect class="brand-front" x="3" y="11" width="18" height="18" rx="5"></rect>
            <circle cx="8" cy="16" r="1.9"></circle>
            <circle cx="12" cy="20" r="1.9"></circle>
            <circle cx="16" cy="24" r="1.9"></circle>
        </svg>
    }
}

/// A line icon.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Icon {
    Overview,
    Matches,
}

impl Icon {
    pub(crate) fn draw(self) -> impl IntoView + use<> {
        let path = match self {
            Self::Overview => "M3 12h4l2.5-7 4 14 2.5-7H21",
            Self::Matches => "M4 6h16M4 12h16M4 18h10",
        };
        view! {
            <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                <path d=path></path>
            </svg>
        }
    }
}
