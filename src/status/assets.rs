//! The style, the script and the icon, compiled in. Nothing is ever fetched from elsewhere.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::failure::Failure;

#[derive(RustEmbed)]
#[folder = "src/status/assets"]
struct Assets;

pub(super) async fn show(Path(name): Path<String>) -> Result<Response, Failure> {
    let kind = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => return Err(Failure::NotFound("There is no such file.")),
    };
    let file = Assets::get(&name).ok_or(Failure::NotFound("There is no such file."))?;
    Ok(([(header::CONTENT_TYPE, kind)], file.data.into_owned()).into_response())
}
