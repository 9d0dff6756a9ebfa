//! A question to a LIMS on the web: no redirects, a bounded answer, nothing of the address in an error. It reads nothing
//! of what comes back.

use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{Client, Url};

use crate::config::settings::Web;
use crate::domain::Private;
use crate::host::web::{Afterwards, client};

/// The most of an answer that is read, in bytes.
const LONGEST: usize = 8 * 1024 * 1024;

pub(super) struct Asker {
    client: Client,
    token: Option<Private<String>>,
}

impl Asker {
    /// Fails where the certificates can't be used. It doesn't connect.
    pub(super) fn new(web: &Web) -> Result<Asker, String> {
        let kept = Afterwards::Kept(Duration::from_secs(60));
        let client = client(web, kept).map_err(|error| why(&error))?;
        Ok(Asker { client, token: web.token.clone() })
    }

    /// The body of a 200, or why there is none.
    pub(super) async fn ask(&self, url: Url, accept: &'static str) -> Result<Vec<u8>, String> {
        let mut request = self.client.get(url).header(ACCEPT, accept);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.reveal());
        }
        let mut response = request.send().await.map_err(|error| why(&error))?;
        if response.status().as_u16() != 200 {
            return Err(format!("the LIMS answered {}", response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| why(&error))? {
            if body.len() + chunk.len() > LONGEST {
                return Err(format!("the answer is larger than {LONGEST} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The address with each value in the place of its `{name}`, escaped.
pub(super) fn filled(template: &str, values: &[(&str, &str)]) -> Result<Url, String> {
    let filled = values.iter().fold(template.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), &escaped(value))
    });
    Url::parse(&filled).map_err(|_| "the url is none".to_owned())
}

/// The address of the page behind this one: of the same server alone, for it gets our token.
pub(super) fn next_page(url: &Url, next: &str) -> Result<Url, String> {
    let next = url.join(next).map_err(|_| "the address of its next page is none".to_owned())?;
    if next.origin() != url.origin() {
        return Err("its next page lies at another server".to_owned());
    }
    Ok(next)
}

fn escaped(value: &str) -> String {
    let sign = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    value.bytes().map(sign).collect()
}

/// The innermost cause: the outer ones quote the address, in which a label may stand.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "the time limit ran out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let outermost = std::ptr::addr_eq(cause, error);
    if outermost { "the request failed".to_owned() } else { cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_can_not_change_what_is_asked() {
        let template = "https://lims.example/o?specimen={specimen}&x={x}";
        let url = filled(template, &[("specimen", "T1&x=2/../ü#{x}"), ("x", "1")]).unwrap();
        assert_eq!(url.as_str(), "https://lims.example/o?specimen=T1%26x%3D2%2F..%2F%C3%BC%23%7Bx%7D&x=1");
    }
}
