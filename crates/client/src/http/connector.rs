//! How connections are made: TCP, and TLS above it.

use core::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;

#[cfg(feature = "tls")]
pub(crate) use tls::{Connector, connector};

#[cfg(not(feature = "tls"))]
pub(crate) type Connector = HttpConnector;

#[cfg(not(feature = "tls"))]
pub(crate) fn connector() -> Connector {
    tcp()
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    // Finds a peer that is gone where the protocol has no heartbeats.
    tcp.set_keepalive(Some(Duration::from_mins(1)));
    tcp
}

#[cfg(feature = "tls")]
mod tls {
    use std::sync::{Arc, OnceLock};

    use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
    use hyper_util::client::legacy::connect::HttpConnector;
    use rustls::crypto::ring;
    use rustls::{ClientConfig, RootCertStore, version};

    pub(crate) type Connector = HttpsConnector<HttpConnector>;

    pub(crate) fn connector() -> Connector {
        let mut tcp = super::tcp();
        tcp.enforce_http(false);
        HttpsConnectorBuilder::new()
            .with_tls_config(config().clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp)
    }

    /// Read once: the system's certificates are a hundred files or more.
    fn config() -> &'static ClientConfig {
        static CONFIG: OnceLock<ClientConfig> = OnceLock::new();
        CONFIG.get_or_init(|| {
            let versions = [&version::TLS13, &version::TLS12];
            let builder = || {
                ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                    .with_protocol_versions(&versions)
                    .expect("ring speaks both versions")
            };
            // A system without certificates trusts nobody; plain HTTP works all the same.
            let builder = builder()
                .with_native_roots()
                .unwrap_or_else(|_| builder().with_root_certificates(RootCertStore::empty()));
            builder.with_no_client_auth()
        })
    }
}
