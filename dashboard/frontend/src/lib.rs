//! The WebAssembly's only door: takes over the page that the server rendered.
#![recursion_limit = "256"] // the pages' types are deep

use leptos::mount::hydrate_body;
use muster_dashboard_app::App;
use wasm_bindgen::prelude::wasm_bindgen;

/// Makes the server's HTML live. The page's script calls it once, after the module has loaded.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    hydrate_body(App);
}
