//! The files that `cargo xtask wasm` makes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::{OriginalUri, Request, State},
    middleware::{self, Next},
    response::Response,
};
use http::{HeaderValue, header};
use muster_dashboard_app::Assets;
use sha2::{Digest, Sha256};
use tower_http::services::ServeDir;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_FIRST: HeaderValue = HeaderValue::from_static("no-cache");

/// The site is not built.
#[derive(Debug, thiserror::Error)]
#[error("the dashboard's file {path} cannot be read ({reason}): run `cargo xtask wasm`, or set site.root to the folder that holds pkg/", path = .path.display())]
pub struct SiteError {
    path: PathBuf,
    reason: std::io::ErrorKind,
}

/// The built files and the addresses under which browsers may keep them.
#[derive(Debug, Clone)]
pub struct Site {
    root: PathBuf,
    assets: Assets,
}

impl Site {
    /// Looks at the files under `root`.
    ///
    /// # Errors
    /// When one that every page needs is not there.
    pub fn open(root: &Path) -> Result<Self, SiteError> {
        let address = |name: &str| {
            let path = root.join("pkg").join(name);
            let content = fs::read(&path).map_err(|error| SiteError { path, reason: error.kind() })?;
            let hash = hex::encode(Sha256::digest(content));
            Ok(format!("/pkg/{name}?v={}", &hash[..16]))
        };
        let assets = Assets {
            js: address("muster.js")?,
            wasm: address("muster_bg.wasm")?,
            css: address("muster.css")?,
            icon: address("icon.svg")?,
        };
        Ok(Self { root: root.to_owned(), assets })
    }

    pub(crate) fn assets(&self) -> Assets {
        self.assets.clone()
    }

    /// Serves `pkg/`: brotli where the browser takes it, for ever where the address has the content's hash.
    pub(crate) fn files(&self) -> Router {
        let Assets { js, wasm, css, icon } = self.assets();
        let hashed: Arc<[String]> = Arc::new([js, wasm, css, icon]);
        Router::new()
            .fallback_service(ServeDir::new(self.root.join("pkg")).precompressed_br())
            .layer(middleware::from_fn_with_state(hashed, cache))
    }
}

async fn cache(
    State(hashed): State<Arc<[String]>>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let for_ever = uri.path_and_query().is_some_and(|address| hashed.iter().any(|known| known == address.as_str()));
    let mut response = next.run(request).await;
    let policy = if for_ever && response.status().is_success() { FOR_EVER } else { ASK_FIRST };
    response.headers_mut().insert(header::CACHE_CONTROL, policy);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_site_says_what_to_run() {
        let error = Site::open(Path::new("/nonexistent/site")).expect_err("there is none");
        let text = error.to_string();
        assert!(text.contains("/nonexistent/site/pkg/muster.js") && text.contains("cargo xtask wasm"), "{text}");
    }
}
