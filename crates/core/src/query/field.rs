//! What a query looks at in an item.

use alloc::vec::Vec;

use super::value;
use crate::item::Item;
use crate::json::{Path, Reader};

/// What a condition or an order is about.
pub(super) enum Field {
    Key,
    Kind,
    /// Named by a JSON pointer into the value.
    At(Path),
}

impl Field {
    /// The field of this name, or why it is none.
    pub(super) fn parse(name: &str) -> Result<Self, &'static str> {
        match name {
            "key" => return Ok(Self::Key),
            "kind" => return Ok(Self::Kind),
            _ if name.is_empty() || name.starts_with('/') => {}
            _ => return Err("expected a JSON pointer (it begins with /), key or kind"),
        }
        let mut bytes = name.bytes();
        while let Some(byte) = bytes.next() {
            if byte == b'~' && !matches!(bytes.next(), Some(b'0' | b'1')) {
                return Err("in a pointer, ~ is written ~0, and / in a name ~1");
            }
        }
        Ok(Self::At(Path::new(name)))
    }

    /// Its JSON text in an item; nothing for the key and the kind. What comes after it in the value
    /// is not looked at.
    pub(super) fn text<'i>(&self, item: &Item<'i>) -> Option<&'i [u8]> {
        let Self::At(path) = self else {
            return None;
        };
        let mut reader = Reader::new(item.value);
        let raw = if path.is_whole() {
            reader.value()
        } else {
            let all = reader.rest();
            path.find(&mut reader, all)
        };
        (reader.fault().is_none() && raw.is_some()).then(|| reader.bytes(raw))
    }

    /// Its value in an item, encoded; [`value::MISSING`] where it is missing.
    pub(super) fn read(&self, item: &Item<'_>, out: &mut Vec<u8>) {
        out.clear();
        match self {
            Self::Key => value::encode_text(item.key, out),
            Self::Kind => value::encode_text(item.kind, out),
            Self::At(_) => {
                if let Some(text) = self.text(item) {
                    value::encode(text, out);
                }
            }
        }
    }
}
