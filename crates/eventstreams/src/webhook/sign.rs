//! Who a request is from, and which delivery it is, as Standard Webhooks has it.

use crate::error::Error;
use crate::event::Batch;
use crate::timestamp::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use core::fmt;
use ring::{digest, hmac};

/// A secret that requests are signed with.
pub(super) struct Secret(hmac::Key);

impl Secret {
    /// Reads `whsec_` and base64 of 24 to 64 bytes.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let encoded = text.strip_prefix("whsec_");
        let bytes = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
        match bytes {
            Some(bytes) if (24..=64).contains(&bytes.len()) => {
                Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
            }
            // What it was is nobody's business.
            _ => Err(Error::value("…", "webhook.signingSecret")),
        }
    }

    /// What `webhook-signature` says.
    pub(super) fn signature(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{id}.{}.", seconds(at)).as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What `webhook-timestamp` says.
pub(super) fn seconds(at: Timestamp) -> i64 {
    at.as_nanos() / 1_000_000_000
}

/// What `webhook-id` says: the same for every attempt at a batch, also after a restart.
pub(super) fn delivery(stream: &str, batch: &Batch) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(stream.as_bytes());
    for event in batch.events() {
        context.update(&[0]);
        context.update(event.sequence_id().as_bytes());
    }
    format!("msg_{}", URL_SAFE_NO_PAD.encode(&context.finish().as_ref()[..18]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    #[test]
    fn it_is_signed_as_the_standard_signs() {
        // The example that implementations of the standard test with.
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Timestamp::from_nanos(1_614_265_330_000_000_000);
        assert_eq!(
            secret.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert!(!format!("{secret:?}").contains("MfK"));
    }

    #[test]
    fn a_secret_has_a_form() {
        for wrong in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", "whsec_?"]
        {
            let error = Secret::parse(wrong).unwrap_err();
            assert_eq!((error.code(), error.status()), ("FF00234", 400), "{wrong}");
        }
    }

    #[test]
    fn a_delivery_is_known_by_its_stream_and_its_events() {
        let batch = |ids: &[&str]| {
            Batch::new(ids.iter().map(|id| Event::new("t", id, "{}").unwrap()).collect::<Vec<_>>())
        };
        let id = delivery("s", &batch(&["1", "2"]));
        assert_eq!(id, delivery("s", &batch(&["1", "2"])));
        assert_ne!(id, delivery("s", &batch(&["1"])));
        assert_ne!(id, delivery("s", &batch(&["12"])));
        assert_ne!(id, delivery("t", &batch(&["1", "2"])));
    }
}
