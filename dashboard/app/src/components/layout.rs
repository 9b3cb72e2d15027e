//! The frame of every page behind the sign-in: navigation, connection, who is signed in.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    components::{A, Outlet},
    hooks::{use_location, use_navigate},
};

use super::{Brand, ConnectionState, Icon};
use crate::{
    ApiError, api,
    live::{self, Connection},
    pages::sign_in_path,
    payload::resource,
};

/// Reconnects that fail before the session itself is looked at.
const DOUBT_AFTER: u32 = 2;

/// Navigation beside the page.
#[component]
pub(crate) fn Layout() -> impl IntoView {
    let connection = live::connect();
    leave_when_signed_out(connection);
    focus_main_on_navigation();
    view! {
        <a class="skip" href="#main" rel="external">"Skip to content"</a>
        <div class="frame">
            <header class="side">
                <a class="brand" href="/">
                    <Brand/>
                    <span>"Muster"</span>
                </a>
                <nav aria-label="Main">
                    <ul>
                        <li><A href="/" exact=true>{Icon::Overview.draw()}<span>"Overview"</span></A></li>
                        <li><A href="/matches">{Icon::Matches.draw()}<span>"Matches"</span></A></li>
                    </ul>
                </nav>
                <div class="side-foot">
                    <ConnectionState connection/>
                    <Who/>
                </div>
            </header>
            <main id="main" tabindex="-1">
                <Outlet/>
            </main>
        </div>
    }
    .into_any()
}

/// Who is signed in, and the way out: a real form, since nothing of the session shall stay in the page.
#[component]
fn Who() -> impl IntoView {
    let staff = resource(|| (), |()| api::fetch_me());
    view! {
        <div class="who">
            <Suspense fallback=|| view! { <p class="who-name bone" aria-hidden="true"></p> }>
                {move || Suspend::new(async move {
                    staff.await.ok().map(|staff| view! {
                        <p class="who-name" title=staff.email>
                            <strong>{staff.display_name}</strong>
                            <span>{staff.role.label()}</span>
                        </p>
                    })
                })}
            </Suspense>
            <form method="post" action="/api/sign-out">
                <button type="submit" class="button button-quiet">"Sign out"</button>
            </form>
        </div>
    }
    .into_any()
}

/// A socket that cannot come back may be refused rather than cut off; the browser is not told which. So ask.
fn leave_when_signed_out(connection: ReadSignal<Connection>) {
    let navigate = use_navigate();
    let here = use_location().pathname;
    Effect::new(move |_| {
        match connection.get() {
            Connection::Reconnecting { attempt, refused } if refused || attempt >= DOUBT_AFTER => {}
            _ => return,
        }
        let navigate = navigate.clone();
        spawn_local(async move {
            if api::fetch_me().await == Err(ApiError::SignedOut) {
                let path = here.try_get_untracked().unwrap_or_default();
                navigate(&sign_in_path(&path), NavigateOptions { replace: true, ..Default::default() });
            }
        });
    });
}

/// After a change of page within the browser, reading and tabbing start at the new page, as after a real load.
fn focus_main_on_navigation() {
    use wasm_bindgen::JsCast;

    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let path = path.get();
        if before.is_some_and(|before| before != path)
            && let Some(main) = document().get_element_by_id("main")
            && let Ok(main) = main.dyn_into::<web_sys::HtmlElement>()
        {
            let _ = main.focus();
        }
        path
    });
}
