//! Webhooks to receivers whose certificates nobody has signed but themselves.
#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

mod receiver;

use core::time::Duration;
use highwater_eventstreams::{
    Attempt, Batch, Configuration, DispatcherFactory as _, Event, EventStreamSpec, Outcome,
    WebhookFactory,
};
use rcgen::{
    CertificateParams, CertifiedKey, DistinguishedName, DnType, KeyPair,
    generate_simple_self_signed,
};
use receiver::Receiver;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// A certificate and its key, in PEM.
struct Identity {
    certificate: String,
    key: String,
}

impl Identity {
    fn of(name: &str) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([name.to_owned()]).unwrap();
        Self { certificate: cert.pem(), key: signing_key.serialize_pem() }
    }

    fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()
    }
}

/// A receiver that is this, and that asks its callers for a certificate of `client`'s, if of any.
async fn receiver(server: &Identity, client: Option<&Identity>) -> Receiver {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = match client {
        None => config.with_no_client_auth(),
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client.der()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap();
    let config = config.with_single_cert(vec![server.der()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let wrap = move |socket| {
        let acceptor = acceptor.clone();
        async move { acceptor.accept(socket).await.ok() }
    };
    let answer = "HTTP/1.1 204 Taken\r\n\r\n".to_owned();
    Receiver::listen(wrap, Arc::new(move |_| answer.clone())).await
}

/// What an attempt at this receiver comes to, with a TLS configuration if there is one.
async fn attempted(to: &Receiver, tls: Value) -> Outcome {
    let named = !tls.is_null();
    let configs = if named { json!([{ "name": "own", "tls": tls }]) } else { json!([]) };
    let configuration: Configuration =
        serde_json::from_value(json!({ "tlsConfigs": configs })).unwrap();
    let factory = WebhookFactory::new(&configuration).unwrap();
    let url = format!("https://localhost:{}/", to.port());
    let webhook = json!({ "url": url, "tlsConfigName": named.then_some("own") });
    let mut spec: EventStreamSpec = serde_json::from_value(json!({ "webhook": webhook })).unwrap();
    factory.validate(&spec).unwrap();
    factory.fill_in(&mut spec);
    let batch = Batch::new(vec![Event::new("t", "1", "{}").unwrap()]);
    let attempt = Attempt { number: 0, batch, cancel: CancellationToken::new() };
    let dispatcher = factory.dispatcher(&spec).unwrap();
    timeout(Duration::from_mins(1), dispatcher.attempt(attempt)).await.unwrap()
}

fn is_refused(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(failure) if failure.error.code() == "FF00219")
}

#[tokio::test]
async fn a_receiver_that_signed_itself_is_believed_where_it_is_named() {
    let (localhost, other) = (Identity::of("localhost"), Identity::of("localhost"));
    let receiver = receiver(&localhost, None).await;
    let told = attempted(&receiver, Value::Null).await;
    assert!(is_refused(&told), "{told:?}");
    let ca = json!({ "ca": localhost.certificate });
    assert_eq!(attempted(&receiver, ca).await, Outcome::Delivered);
    assert!(is_refused(&attempted(&receiver, json!({ "ca": other.certificate })).await));

    // A file wins over text.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &localhost.certificate).unwrap();
    let both = json!({ "caFile": file, "ca": other.certificate });
    assert_eq!(attempted(&receiver, both).await, Outcome::Delivered);
    let off = json!({ "enabled": false, "ca": localhost.certificate });
    assert!(is_refused(&attempted(&receiver, off).await));
}

#[tokio::test]
async fn a_name_has_to_be_right_unless_the_operator_says_otherwise() {
    let elsewhere = Identity::of("elsewhere.example");
    let receiver = receiver(&elsewhere, None).await;
    assert!(is_refused(&attempted(&receiver, json!({ "ca": elsewhere.certificate })).await));
    let anyone = json!({ "insecureSkipHostVerify": true });
    assert_eq!(attempted(&receiver, anyone).await, Outcome::Delivered);
}

#[tokio::test]
async fn a_receiver_may_ask_who_calls() {
    let (localhost, client) = (Identity::of("localhost"), Identity::of("client"));
    let receiver = receiver(&localhost, Some(&client)).await;
    let nameless = json!({ "ca": localhost.certificate });
    assert!(is_refused(&attempted(&receiver, nameless).await));
    let known =
        json!({ "ca": localhost.certificate, "cert": client.certificate, "key": client.key });
    assert_eq!(attempted(&receiver, known).await, Outcome::Delivered);
    let other = Identity::of("client");
    let stranger =
        json!({ "ca": localhost.certificate, "cert": other.certificate, "key": other.key });
    assert!(is_refused(&attempted(&receiver, stranger).await));
}

#[tokio::test]
async fn a_receivers_certificate_has_to_be_about_whom_it_should() {
    let receiver_of = async |subject: &[(DnType, &str)]| {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        for (attribute, value) in subject {
            params.distinguished_name.push(attribute.clone(), *value);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        let identity = Identity { certificate, key: key.serialize_pem() };
        (receiver(&identity, None).await, identity.certificate)
    };
    let acme = [(DnType::OrganizationName, "Acme, Inc."), (DnType::CommonName, "hook-7")];
    let (acme, its_ca) = receiver_of(&acme).await;
    let (nobody, nobodys_ca) = receiver_of(&[]).await;
    let wanted =
        |ca: &str, attributes: Value| json!({ "ca": ca, "requiredDNAttributes": attributes });
    for good in [json!({ "cn": r"hook-\d+" }), json!({ "O": "Acme, .*|Other", "CN": ".*7" })] {
        assert_eq!(attempted(&acme, wanted(&its_ca, good)).await, Outcome::Delivered);
    }
    for (receiver, ca, bad) in [
        (&acme, &its_ca, json!({ "CN": "hook" })), // the whole of it
        (&acme, &its_ca, json!({ "CN": "hook-7", "OU": ".*" })),
        (&nobody, &nobodys_ca, json!({ "CN": ".*" })),
    ] {
        let told = attempted(receiver, wanted(ca, bad.clone())).await;
        assert!(
            is_refused(&told) && format!("{told:?}").contains("requiredDNAttributes"),
            "{bad}: {told:?}"
        );
    }
}

#[test]
fn what_cannot_be_required_is_told_when_the_server_starts() {
    let ca = Identity::of("localhost").certificate;
    for (tls, why) in [
        (json!({ "requiredDNAttributes": { "XY": "a" } }), "no attribute 'XY'"),
        (json!({ "requiredDNAttributes": { "CN": "(" } }), "requiredDNAttributes.CN"),
        (
            json!({ "requiredDNAttributes": { "CN": "a" }, "insecureSkipHostVerify": true }),
            "insecureSkipHostVerify",
        ),
    ] {
        let mut tls = tls;
        tls["ca"] = ca.clone().into();
        let configs = json!({ "tlsConfigs": [{ "name": "own", "tls": tls }] });
        let error = WebhookFactory::new(&serde_json::from_value(configs).unwrap()).unwrap_err();
        assert_eq!(error.code(), "FF00153");
        assert!(error.to_string().contains(why), "{error}");
    }
    let misspelt = json!({ "tlsConfigs": [{ "name": "own", "tls": { "caflie": "ca.pem" } }] });
    let error = serde_json::from_value::<Configuration>(misspelt).unwrap_err().to_string();
    assert!(error.contains("caflie"), "{error}");
}
