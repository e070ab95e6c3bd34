//! How things are called in NATS.

use core::fmt::Write as _;
use highwater_publisher::Id;

/// The subjects of one stream: `PREFIX.TOPIC.log`, `.mark` and `.item.KIND.KEY`.
#[derive(Clone, Debug)]
pub(super) struct Subjects {
    prefix: String,
}

impl Subjects {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Everything that is ours.
    pub(super) fn all(&self) -> String {
        format!("{}.>", self.prefix)
    }

    /// The transactions of all topics.
    pub(super) fn logs(&self) -> String {
        format!("{}.*.log", self.prefix)
    }

    pub(super) fn log(&self, topic: &str) -> String {
        format!("{}.{}.log", self.prefix, token(topic))
    }

    pub(super) fn mark(&self, topic: &str) -> String {
        format!("{}.{}.mark", self.prefix, token(topic))
    }

    pub(super) fn items(&self, topic: &str) -> String {
        format!("{}.{}.item.>", self.prefix, token(topic))
    }

    pub(super) fn item(&self, topic: &str, id: &Id) -> String {
        let (topic, kind, key) = (token(topic), token(id.kind()), token(id.key()));
        format!("{}.{topic}.item.{kind}.{key}", self.prefix)
    }
}

/// A name as a part of a subject, or a key: as it is if it is plain, else `=` and its bytes in base 64.
pub(super) fn token(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !name.is_empty() && name.bytes().all(plain) {
        return name.to_owned();
    }
    let mut out = String::from("=");
    for three in name.as_bytes().chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, &byte| (bits << 8) | u32::from(byte));
        let bits = bits << (8 * (3 - three.len()));
        for digit in 0..=three.len() {
            let digit = (bits >> (18 - 6 * digit)) & 63;
            let _ = out.write_char(char::from(DIGITS[digit as usize]));
        }
    }
    out
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn tokens_hold_nothing_that_means_something_to_nats() {
        let check = |name: &str, expect: &str| assert_eq!(token(name), expect);
        check("dark-mode_2", "dark-mode_2");
        check("", "=");
        check("*", "=Kg");
        check("a.b", "=YS5i");
        check("=YS5i", "=PVlTNWk");
        check("ключ", "=0LrQu9GO0Yc");
    }
}
