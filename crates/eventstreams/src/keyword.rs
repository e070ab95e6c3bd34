//! Words that stand for one of a few choices.

use core::fmt;
use serde::{Deserialize, Deserializer, Serialize};

/// A word as a user wrote it, in lower case: whether it is one of the choices is asked when the
/// stream is validated, so that the answer can name the field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Keyword(Box<str>);

impl Keyword {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Keyword {
    fn from(word: &str) -> Self {
        Self(word.to_lowercase().into())
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<str> for Keyword {
    fn eq(&self, word: &str) -> bool {
        *self.0 == *word
    }
}

impl<'de> Deserialize<'de> for Keyword {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|word| Self::from(&*word))
    }
}
