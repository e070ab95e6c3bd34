//! The demo's page, from the folder that the front end was built into.

use crate::app::{App, unknown_path};
use axum::Router;
use axum::handler::Handler as _;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use std::path::Path;
use tower_http::services::ServeDir;

/// Serves the folder at `/`, or says there what to do when the page has not been built.
pub(super) fn serve(router: Router<App>, www: &Path) -> Router<App> {
    if www.join("index.html").is_file() {
        let files = ServeDir::new(www).call_fallback_on_method_not_allowed(true);
        return router.fallback_service(files.fallback(unknown_path.with_state(())));
    }
    let message = format!(
        "There is no page in {}: build it with `npm run build`, or name its folder with --www.\n\
         The stream is at /v1/topics/machine/stream.\n",
        www.display()
    );
    tracing::warn!(folder = %www.display(), "no page there: build it with `npm run build`, or name its folder with --www");
    router.route("/", get(async move || missing(message.clone())))
}

fn missing(message: String) -> impl IntoResponse {
    (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "text/plain; charset=utf-8")], message)
}
