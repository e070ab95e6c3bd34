//! For whom flags are evaluated, as SDKs of clients say it.

use core::fmt;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, Mac as _};
use launchdarkly_server_sdk_evaluation::Context;
use sha2::Sha256;

use crate::credentials::SdkKey;

/// Whom a client asks for: a context, or a user as older SDKs say it.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationContext(Context);

impl EvaluationContext {
    /// Reads JSON.
    pub fn parse(json: &[u8]) -> Result<Self, ContextError> {
        serde_json::from_slice(json).map(Self).map_err(ContextError::NoContext)
    }

    /// Reads a segment of a path: JSON in base64, with whichever of the two alphabets, padded or not.
    ///
    /// ```
    /// use highwater_relay::EvaluationContext;
    /// let bob = EvaluationContext::from_path("eyJraW5kIjoidXNlciIsImtleSI6ImJvYiJ9")?;
    /// assert_eq!(bob, EvaluationContext::parse(br#"{"key":"bob"}"#)?);
    /// # Ok::<(), highwater_relay::ContextError>(())
    /// ```
    pub fn from_path(segment: &str) -> Result<Self, ContextError> {
        let engine = if segment.contains(['+', '/']) { &OF_OLD } else { &OF_ADDRESSES };
        let json = engine.decode(segment).map_err(|_| ContextError::NotBase64)?;
        Self::parse(&json)
    }

    /// Whether a page that asks for this context has been told to by who holds the SDK key: then it
    /// knows the HMAC-SHA256 of the context's canonical key, in hexadecimal digits.
    pub fn is_proven(&self, hash: &str, key: &SdkKey) -> bool {
        let Some(given) = unhex(hash) else { return false };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.reveal().as_bytes()) else {
            return false;
        };
        mac.update(self.0.canonical_key().as_bytes());
        mac.verify_slice(&given).is_ok() // in a time that does not tell how much of it is right
    }

    pub(crate) fn as_context(&self) -> &Context {
        &self.0
    }
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = digits.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}

/// Why nobody can be evaluated for.
#[derive(Debug)]
#[non_exhaustive]
pub enum ContextError {
    /// The path's segment is no base64.
    NotBase64,
    /// It is not the JSON of a context; the error says what is wrong.
    NoContext(serde_json::Error),
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBase64 => f.write_str("the context is not in base64"),
            Self::NoContext(error) => write!(f, "not a context: {error}"),
        }
    }
}

impl core::error::Error for ContextError {}

const PADDED_OR_NOT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const OF_ADDRESSES: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, PADDED_OR_NOT);
const OF_OLD: GeneralPurpose = GeneralPurpose::new(&STANDARD, PADDED_OR_NOT);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_come_in_either_alphabet_padded_or_not() {
        let context = EvaluationContext::parse(r#"{"key":"??>>é"}"#.as_bytes()).unwrap();
        for segment in [
            "eyJrZXkiOiI_Pz4-w6kifQ",
            "eyJrZXkiOiI_Pz4-w6kifQ==",
            "eyJrZXkiOiI/Pz4+w6kifQ",
            "eyJrZXkiOiI/Pz4+w6kifQ==",
        ] {
            assert_eq!(EvaluationContext::from_path(segment).unwrap(), context, "{segment}");
        }
    }

    #[test]
    fn what_is_no_context_is_refused() {
        for segment in ["", "*", "e30", "bnVsbA", "eyJrZXkiOiIi"] {
            assert!(EvaluationContext::from_path(segment).is_err(), "{segment:?}");
        }
        for json in [r#"{"kind":"kind","key":"a"}"#, r#"{"kind":"multi"}"#, r#"{"kind":"org"}"#] {
            assert!(EvaluationContext::parse(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn only_who_holds_the_key_can_prove() {
        let key = SdkKey::new("secret").unwrap();
        let user = EvaluationContext::parse(br#"{"key":"Message"}"#).unwrap();
        let hash = "aa747c502a898200f9e4fa21bac68136f886a0e27aec70ba06daf2e2a5cb5597";
        assert!(user.is_proven(hash, &key) && user.is_proven(&hash.to_uppercase(), &key));
        assert!(!user.is_proven(hash, &SdkKey::new("another").unwrap()));
        let org = EvaluationContext::parse(br#"{"kind":"org","key":"Message"}"#).unwrap();
        for (who, hash) in [(&org, hash), (&user, ""), (&user, "aa"), (&user, "é"), (&user, "a")] {
            assert!(!who.is_proven(hash, &key), "{hash}");
        }
    }
}
