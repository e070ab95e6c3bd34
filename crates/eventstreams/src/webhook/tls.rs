//! TLS towards receivers: from version 1.2 on, with the system's roots unless told others.

mod subject;

use crate::config::{Tls, TlsConfig};
use crate::error::Error;
use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme,
    WantsVerifier,
};
use std::fs;
use std::sync::Arc;
use subject::Subject;

/// What a stream has that names no configuration.
pub(super) fn system() -> Result<ClientConfig, Error> {
    let builder = with_roots(system_roots()).map_err(|why| Error::BadTls(why.into()))?;
    Ok(builder.with_no_client_auth())
}

/// A configuration of the operator's, which has to be whole.
pub(super) fn named(config: &TlsConfig) -> Result<ClientConfig, Error> {
    let TlsConfig { name, tls } = config;
    let failed = |why: String| Error::BadTls(format!("TLS configuration '{name}': {why}").into());
    if name.is_empty() {
        return Err(Error::BadTls("a TLS configuration has no name".into()));
    }
    if !tls.enabled {
        return system();
    }
    load(tls).map_err(failed)
}

/// `clientAuth` has no part in it: that is for servers, which ask their callers who they are.
fn load(tls: &Tls) -> Result<ClientConfig, String> {
    let required = &tls.required_dn_attributes;
    if tls.insecure_skip_host_verify && !required.is_empty() {
        return Err(
            "requiredDNAttributes of a certificate that insecureSkipHostVerify has nobody verify"
                .into(),
        );
    }
    let builder = if tls.insecure_skip_host_verify {
        with_verifier(None)?
    } else {
        let roots = match text("ca", tls.ca_file.as_ref(), tls.ca.as_ref())? {
            None => system_roots(),
            Some(pem) => roots(&certificates("ca", &pem)?)?,
        };
        if required.is_empty() {
            with_roots(roots)?
        } else {
            let subject = Subject::new(roots, Arc::new(ring::default_provider()), required)?;
            with_verifier(Some(subject))?
        }
    };
    let certificate = text("cert", tls.cert_file.as_ref(), tls.cert.as_ref())?;
    let key = text("key", tls.key_file.as_ref(), tls.key.as_ref())?;
    match (certificate, key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(certificate), Some(key)) => {
            let chain = certificates("cert", &certificate)?;
            let key = PrivateKeyDer::from_pem_slice(&key)
                .map_err(|error| format!("key: no private key in PEM: {error}"))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| format!("cert and key do not go together: {error}"))
        }
        (Some(_), None) => Err("cert without a key".into()),
        (None, Some(_)) => Err("key without a cert".into()),
    }
}

/// What is in the file, if one is named, or else what was given as it is.
fn text(
    what: &str,
    file: Option<&String>,
    inline: Option<&String>,
) -> Result<Option<Vec<u8>>, String> {
    let given = |text: &&String| !text.is_empty();
    match (file.filter(given), inline.filter(given)) {
        (Some(file), _) => match fs::read(file) {
            Ok(text) => Ok(Some(text)),
            Err(error) => Err(format!("{what}File {file}: {error}")),
        },
        (None, inline) => Ok(inline.map(|text| text.clone().into_bytes())),
    }
}

fn certificates(what: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|error| format!("{what}: {error}"))?;
    if read.is_empty() { Err(format!("{what}: no certificate in PEM")) } else { Ok(read) }
}

fn roots(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).map_err(|error| format!("ca: {error}"))?;
    }
    Ok(roots)
}

/// One that cannot be read is not there; a receiver whose it was is then told apart by its error.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn with_roots(
    roots: RootCertStore,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    Ok(builder()?.with_root_certificates(roots))
}

fn with_verifier(
    subject: Option<Subject>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let verifier = Verifier { provider: ring::default_provider(), subject };
    Ok(builder()?.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())
}

/// Takes a certificate whose subject is as required; where nothing is, every one, as the operator asked
/// for by `insecureSkipHostVerify`.
#[derive(Debug)]
struct Verifier {
    provider: CryptoProvider,
    subject: Option<Subject>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.subject {
            None => Ok(ServerCertVerified::assertion()),
            Some(subject) => subject.verify(certificate, between, name, ocsp, now),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
