//! The one way to make a client for a web server: no redirects, no silent retries, no proxy, the site's certificates and time
//! limit. It asks nothing itself.

use std::time::Duration;

use reqwest::{Certificate, Client, Identity, redirect, retry};

use crate::config::settings::Web;

/// What becomes of a connection after its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    Closed,
    /// It is kept so long for the next request.
    Kept(Duration),
}

/// A client as the site has it. It doesn't connect.
///
/// # Errors
/// Where the certificates can't be used.
pub fn client(web: &Web, afterwards: Afterwards) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .timeout(web.timeout)
        .user_agent(concat!("labwire/", env!("CARGO_PKG_VERSION")));
    let mut builder = match afterwards {
        Afterwards::Closed => builder.pool_max_idle_per_host(0),
        Afterwards::Kept(idle) => builder.pool_idle_timeout(idle),
    };
    if let Some(pem) = &web.ca_pem {
        builder = builder.tls_certs_only(Certificate::from_pem_bundle(pem)?);
    }
    if let Some(pem) = &web.identity_pem {
        builder = builder.identity(Identity::from_pem(pem.reveal())?);
    }
    builder.build()
}
