//! Stylesheet, script and icon, compiled in.

use axum::{
    extract::Path,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};

const ASSETS: &[(&str, &str, &[u8])] = &[
    (
        "cutover.css",
        "text/css; charset=utf-8",
        include_bytes!("../../assets/cutover.css"),
    ),
    (
        "live.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/live.js"),
    ),
    (
        "cutover.svg",
        "image/svg+xml",
        include_bytes!("../../assets/cutover.svg"),
    ),
];

pub(crate) async fn serve(Path(name): Path<String>) -> Response {
    const HEADERS: HeaderName = header::CONTENT_TYPE;
    match ASSETS.iter().find(|(known, ..)| *known == name) {
        Some((_, content_type, bytes)) => {
            ([(HEADERS, *content_type), (header::CACHE_CONTROL, "no-cache")], *bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
