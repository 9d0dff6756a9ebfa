//! One request to whoever is told: a new connection, no redirects, and a failure in the log once. Addresses are never logged: in
//! many of them stands a secret.

use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use crate::config::settings::Web;
use crate::domain::Private;
use crate::host::said::Said;
use crate::host::web::{Afterwards, client};

pub(super) struct Post {
    client: Client,
    token: Option<Private<String>>,
    said: Said,
}

impl Post {
    /// Nothing where the certificates can't be read; the log says so.
    pub(super) fn new(settings: &Web, whom: &'static str) -> Option<Post> {
        match client(settings, Afterwards::Closed) {
            Ok(client) => Some(Post { client, token: settings.token.clone(), said: Said::of(whom) }),
            Err(error) => {
                tracing::error!(error = %error.without_url(), "failed to set up {whom}; mend their certificates");
                None
            }
        }
    }

    /// Whether it was taken.
    pub(super) async fn json(&mut self, url: &str, id: &str, body: &Value) -> bool {
        let request = self.client.post(url).header("Content-Type", "application/json");
        let request = request.header("Idempotency-Key", format!("\"{id}\"")).body(body.to_string());
        self.send(request).await
    }

    pub(super) async fn ask(&mut self, url: &str) -> bool {
        let request = self.client.get(url);
        self.send(request).await
    }

    async fn send(&mut self, request: RequestBuilder) -> bool {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        };
        let sent = match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("the answer is {}", answer.status().as_u16())),
            Err(error) => Err(error.without_url().to_string()),
        };
        self.said.came_to(sent)
    }
}
