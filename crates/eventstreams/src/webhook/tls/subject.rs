//! What the subject of a receiver's certificate has to say, where that is required.

use crate::topic_filter::TopicFilter;
use core::fmt;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier as _};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, OtherError, RootCertStore};
use std::collections::BTreeMap;
use std::sync::Arc;
use webpki::EndEntityCert;

/// Believes a certificate that is believed otherwise, if its subject has every attribute that is
/// required, with a value that matches.
#[derive(Debug)]
pub(super) struct Subject {
    usual: Arc<WebPkiServerVerifier>,
    required: Vec<Attribute>,
}

#[derive(Debug)]
struct Attribute {
    name: &'static str,
    /// The last part of its object identifier, 2.5.4.x.
    part: u8,
    value: TopicFilter,
}

impl Subject {
    /// Attributes by name, each with a regular expression for all of a value.
    pub(super) fn new(
        roots: RootCertStore,
        provider: Arc<CryptoProvider>,
        required: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let usual = WebPkiServerVerifier::builder_with_provider(roots.into(), provider);
        let usual = usual.build().map_err(|error| format!("ca: {error}"))?;
        let required = required.iter().map(|(name, value)| {
            let of_name = |(known, _): &&(&str, _)| known.eq_ignore_ascii_case(name);
            let (name, part) = KNOWN
                .iter()
                .find(of_name)
                .ok_or_else(|| format!("requiredDNAttributes: there is no attribute '{name}'"))?;
            let value = TopicFilter::new(value)
                .map_err(|error| format!("requiredDNAttributes.{name}: {error}"))?;
            Ok::<_, String>(Attribute { name, part: *part, value })
        });
        Ok(Self { usual, required: required.collect::<Result<_, _>>()? })
    }

    /// Believes it, or says why not.
    pub(super) fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let believed = self.usual.verify_server_cert(certificate, between, name, ocsp, now)?;
        self.check(certificate).map(|()| believed)
    }

    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let certificate =
            EndEntityCert::try_from(certificate).map_err(|_| CertificateError::BadEncoding)?;
        let attributes: Vec<_> = attributes(certificate.subject()).collect();
        for Attribute { name, part, value } in &self.required {
            let is_met = |(found, text): &(u8, &str)| found == part && value.matches(text);
            if !attributes.iter().any(is_met) {
                let unmet = OtherError(Arc::new(Unmet(name)));
                return Err(CertificateError::Other(unmet).into());
            }
        }
        Ok(())
    }
}

/// The attributes of a subject that are text, each by the last part of its object identifier. The
/// encoding is known to be good: what reads otherwise is not there.
fn attributes(subject: &[u8]) -> impl Iterator<Item = (u8, &str)> {
    let attributes = elements(subject).flat_map(|(_, set)| elements(set));
    attributes.filter_map(|(_, attribute)| {
        let mut parts = elements(attribute);
        let ((OBJECT_IDENTIFIER, [0x55, 0x04, part]), (tag, text)) = (parts.next()?, parts.next()?)
        else {
            return None;
        };
        let text = str::from_utf8(text).ok().filter(|_| TEXTS.contains(&tag));
        Some((*part, text?))
    })
}

/// The elements of DER that follow each other: tag, and contents.
fn elements(mut der: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    core::iter::from_fn(move || {
        let (&[tag, first], mut rest) = der.split_first_chunk()?;
        let mut length = usize::from(first);
        if first > 0x80 {
            let (bytes, after) =
                rest.split_at_checked(length - 0x80).filter(|(b, _)| b.len() <= 4)?;
            length = bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
            rest = after;
        }
        let (contents, after) = rest.split_at_checked(length)?;
        der = after;
        Some((tag, contents))
    })
}

/// The attribute that is not as required.
struct Unmet(&'static str);

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate's subject has no {} as requiredDNAttributes wants it", self.0)
    }
}

/// An error of rustls shows what it is about in this form only.
impl fmt::Debug for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Unmet {}

/// The attributes that FireFly knows.
const KNOWN: [(&str, u8); 9] = [
    ("CN", 3),
    ("SERIALNUMBER", 5),
    ("C", 6),
    ("L", 7),
    ("ST", 8),
    ("STREET", 9),
    ("O", 10),
    ("OU", 11),
    ("POSTALCODE", 17),
];
const OBJECT_IDENTIFIER: u8 = 0x06;
/// Tags of strings of UTF-8, or of some of its characters.
const TEXTS: [u8; 4] = [0x0c, 0x12, 0x13, 0x16];
