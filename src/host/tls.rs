//! The one TLS provider of the process.

/// Chooses ring for everything that speaks TLS. Call it before anything else.
pub fn install_provider() {
    // An error means that it was installed before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
