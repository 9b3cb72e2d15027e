//! Relative times that keep up.

use std::time::Duration;

use chrono::{DateTime, Utc};
use leptos::{leptos_dom::helpers::set_interval_with_handle, prelude::*};

use crate::format;

/// The browser's clock; empty while the page is as the server wrote it.
#[derive(Clone, Copy)]
struct Clock(RwSignal<Option<DateTime<Utc>>>);

/// Makes the clock that every [`Ago`] reads. Call once, at the root.
pub(crate) fn provide_clock() {
    let now = RwSignal::new(None);
    provide_context(Clock(now));
    // Effects run after hydration and in the browser only, so the first text is the server's on both sides.
    Effect::new(move |_| {
        let tick = move || now.set(DateTime::from_timestamp_millis(js_sys::Date::now() as i64));
        tick();
        let _ = set_interval_with_handle(tick, Duration::from_secs(5));
    });
}

/// "5 min ago", with the moment itself in its title. `rendered_at` is when the answer was made that it stands in.
#[component]
pub(crate) fn Ago(at: DateTime<Utc>, rendered_at: DateTime<Utc>) -> impl IntoView {
    let clock = expect_context::<Clock>().0;
    view! {
        <time datetime=format::machine(at) title=format::moment(at)>
            {move || format::ago(at, clock.get().unwrap_or(rendered_at))}
        </time>
    }
}
