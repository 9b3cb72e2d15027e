//! The HTML document around the pages.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;

use crate::App;

/// Addresses of the built files, each with a hash of its content, so that browsers may keep them for ever.
#[derive(Debug, Clone)]
pub struct Assets {
    /// The JavaScript that loads the WebAssembly.
    pub js: String,
    /// The WebAssembly.
    pub wasm: String,
    /// The style sheet.
    pub css: String,
    /// The icon.
    pub icon: String,
}

/// The whole document. [`Assets`] must be in the context.
pub fn shell() -> impl IntoView {
    let assets = expect_context::<Assets>();
    let nonce = use_nonce();
    // Not leptos' own HydrationScripts: those name the files without their hashes.
    let start = format!(
        "import start, {{ hydrate }} from {js:?}; start({{ module_or_path: {wasm:?} }}).then(hydrate);",
        js = assets.js,
        wasm = assets.wasm
    );
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="robots" content="noindex"/>
                <link rel="stylesheet" href=assets.css/>
                <link rel="icon" type="image/svg+xml" href=assets.icon/>
                <link rel="modulepreload" href=assets.js/>
                <link rel="preload" href=assets.wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
                <script type="module" nonce=nonce inner_html=start></script>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}
