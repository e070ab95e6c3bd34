//! Secrets, which nobody sees twice, and what is kept of them.

use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A token's secret. It is never printed: what is shown in its place says so.
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// 256 bits of the system's chance.
    ///
    /// Fails only where the system has no source of chance.
    pub(crate) fn fresh() -> std::io::Result<Self> {
        let mut chance = [0; 32];
        getrandom::fill(&mut chance).map_err(std::io::Error::other)?;
        Ok(Self(format!("{PREFIX}{}", hex(&chance)).into()))
    }

    /// The secret itself, for the one answer that tells it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl FromStr for Secret {
    type Err = BadSecret;

    fn from_str(text: &str) -> Result<Self, BadSecret> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        let fits = (SHORTEST..=LONGEST).contains(&text.len());
        if printable && fits { Ok(Self(text.into())) } else { Err(BadSecret::Text) }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// The SHA-256 of a secret.
///
/// That is enough for secrets of chance, which nobody can guess one after the other; it would not
/// be for passwords.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// The name that a token goes by: the beginning of its digest, which tells nothing of the secret.
    pub(crate) fn id(&self) -> String {
        hex(&self.0[..8])
    }

    /// In a time that does not depend on where they differ.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl FromStr for Digest {
    type Err = BadSecret;

    fn from_str(text: &str) -> Result<Self, BadSecret> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        let bytes: Option<Vec<u8>> = digits
            .filter(|digits| digits.len() == 64)
            .map(|digits| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect());
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(BadSecret::Digest)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({}…)", self.id())
    }
}

/// A text that is no secret, or no digest of one. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadSecret {
    /// Too short to be safe, too long for a header, or not printable.
    Text,
    /// Not a SHA-256 in hexadecimal digits.
    Digest,
}

impl fmt::Display for BadSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => write!(
                f,
                "a secret has from {SHORTEST} to {LONGEST} printable ASCII characters, none of them a space"
            ),
            Self::Digest => f.write_str("a sha256 has 64 hexadecimal digits"),
        }
    }
}

impl core::error::Error for BadSecret {}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(digit).collect()
}

/// By which scanners of code and logs find tokens that should not be there.
const PREFIX: &str = "hw_";

/// Fewer can be guessed.
const SHORTEST: usize = 16;

const LONGEST: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_sha256_and_is_read_back() {
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let digest = Digest::of("abc");
        assert!(digest.is(&text.parse().unwrap()) && !digest.is(&Digest::of("abd")));
        assert_eq!(digest.id(), text[..16]);
        for bad in ["", "ba", &text.replace('b', "x"), &text[1..], &format!("{text}00")] {
            assert_eq!(bad.parse::<Digest>().unwrap_err(), BadSecret::Digest, "{bad}");
        }
    }

    #[test]
    fn secrets_differ_and_are_not_shown() {
        let [one, two] = [Secret::fresh().unwrap(), Secret::fresh().unwrap()];
        assert!(!one.digest().is(&two.digest()));
        assert!(one.reveal().parse::<Secret>().is_ok() && one.reveal().len() == 67);
        assert!(!format!("{one:?}{:?}", one.digest()).contains(&one.reveal()[3..]));
        for bad in ["", "short", "with a space in it", "sixteen-letters\n", &"x".repeat(513)] {
            assert!(bad.parse::<Secret>().is_err(), "{bad:?}");
        }
    }
}
