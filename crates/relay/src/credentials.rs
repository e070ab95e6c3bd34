//! What SDKs show to say which environment they are of.
//!
//! Keys are secrets (R6): whatever writes them for people shows their last four characters alone. An
//! environment's id is none, it is in every page that a browser's SDK runs in.

mod rotator;

pub use rotator::{Rotation, Rotator};

use core::fmt;
use std::sync::Arc;

/// Makes a key: a text that comes out whole in one place alone.
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The key that this text is; an empty one is none.
            pub fn new(text: impl Into<Arc<str>>) -> Option<Self> {
                let text = text.into();
                (!text.is_empty()).then_some(Self(text))
            }

            /// The whole key, for the wire and not for a log.
            pub fn reveal(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                masked(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                masked(&self.0, f)
            }
        }
    };
}

secret! {
    /// What a server-side SDK shows.
    SdkKey
}

secret! {
    /// What a mobile SDK shows.
    MobileKey
}

secret! {
    /// What a relay shows to be told its environments.
    AutoConfigKey
}

/// An environment's id, which is also what a browser's SDK shows. It may be empty, as any text from
/// the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvironmentId(Arc<str>);

impl EnvironmentId {
    /// The id that this text is.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EnvironmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Any of them.
///
/// ```
/// use highwater_relay::{Credential, SdkKey};
/// let key = Credential::Sdk(SdkKey::new("sdk-0123456789").unwrap());
/// assert_eq!(format!("{key} {key:?}"), "SDK key …6789 Sdk(…6789)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Credential {
    /// Of server-side SDKs.
    Sdk(SdkKey),
    /// Of mobile SDKs.
    Mobile(MobileKey),
    /// Of SDKs in browsers.
    Environment(EnvironmentId),
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sdk(key) => write!(f, "SDK key {key}"),
            Self::Mobile(key) => write!(f, "mobile key {key}"),
            Self::Environment(id) => write!(f, "environment {id}"),
        }
    }
}

/// The end of a key, of which most stays unsaid.
fn masked(key: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let shown = key.chars().count().saturating_sub(SHOWN).min(SHOWN);
    let start = key.char_indices().rev().nth(shown.saturating_sub(1)).map_or(0, |(at, _)| at);
    write!(f, "…{}", if shown == 0 { "" } else { &key[start..] })
}

/// So many characters of a key are shown, and at least as many are not.
const SHOWN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown_whole() {
        for (text, shown) in
            [("sdk-abcd-éfgh", "…éfgh"), ("123456", "…56"), ("1234", "…"), ("x", "…")]
        {
            let key = MobileKey::new(text).unwrap();
            assert_eq!((format!("{key}"), format!("{key:?}")), (shown.into(), shown.into()));
        }
        assert_eq!(SdkKey::new(""), None);
    }
}
