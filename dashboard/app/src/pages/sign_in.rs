//! Signing in: a plain form, which scripts only make smoother.

use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::{hooks::use_query_map, location::Url};

use crate::{api::SignIn, components::Brand};

/// The sign-in page that leads back to `path`.
pub(crate) fn sign_in_path(path: &str) -> String {
    match safe_path(path) {
        "/" => "/sign-in".to_owned(),
        path => format!("/sign-in?next={}", Url::escape(path)),
    }
}

/// `path` if it is a page of this dashboard, else the overview: nobody is led away by a crafted link.
pub(crate) fn safe_path(path: &str) -> &str {
    let own = path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let page = ["/api/", "/sign-in", "/pkg/", "/graphql/"].iter().all(|other| !path.starts_with(other));
    if own && page { path } else { "/" }
}

/// Email and password.
#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    let sign_in = ServerAction::<SignIn>::new();
    let query = use_query_map();
    let next = move || safe_path(query.read().get_str("next").unwrap_or("/")).to_owned();
    // Set by the browser's own call, or by the address when the form was sent without scripts.
    let error = move || sign_in.value().get().and_then(Result::err);
    let invalid = move || error().is_some().then_some("true");
    let pending = sign_in.pending();
    view! {
        <Title text="Sign in"/>
        <main id="main" class="alone">
            <Brand/>
            <h1>"Sign in to Muster"</h1>
            <p class="lead">"The live-ops console. Accounts are made by an admin."</p>
            <ActionForm action=sign_in>
                <div id="sign-in-error" role="alert">
                    {move || error().map(|error| view! {
                        <div class="alert">
                            <strong>{error.title()}</strong>
                            <span>{error.advice()}</span>
                        </div>
                    })}
                </div>
                <input type="hidden" name="next" value=next/>
                <div class="field">
                    <label for="email">"Email"</label>
                    <input
                        id="email" name="email" type="email" autocomplete="username" required=true
                        aria-invalid=invalid aria-describedby="sign-in-error"
                    />
                </div>
                <div class="field">
                    <label for="password">"Password"</label>
                    <input
                        id="password" name="password" type="password" autocomplete="current-password" required=true
                        aria-invalid=invalid aria-describedby="sign-in-error"
                    />
                </div>
                <button type="submit" class="button button-main" aria-busy=move || pending.get().then_some("true")>
                    {move || if pending.get() { "Signing in" } else { "Sign in" }}
                </button>
            </ActionForm>
        </main>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_pages_are_led_back_to() {
        assert_eq!(safe_path("/matches?state=running"), "/matches?state=running");
        for foreign in
            ["https://evil.example", "//evil.example", "/\\evil.example", "/api/me", "/sign-in?next=/", "", "/a\nb"]
        {
            assert_eq!(safe_path(foreign), "/", "{foreign:?}");
        }
    }
}
