//! What a query looks at in an item.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::value;
use crate::item::Item;
use crate::json;

/// `key`, `kind`, or a JSON pointer into the value.
#[derive(Default)]
pub(super) struct Field(Box<str>);

impl Field {
    /// The field of this name, or why it is none.
    pub(super) fn parse(name: &str) -> Result<Self, &'static str> {
        if !name.is_empty() && !name.starts_with('/') && !matches!(name, "key" | "kind") {
            return Err("expected a JSON pointer (it begins with /), key or kind");
        }
        let mut bytes = name.bytes();
        while let Some(byte) = bytes.next() {
            if byte == b'~' && !matches!(bytes.next(), Some(b'0' | b'1')) {
                return Err("in a pointer, ~ is written ~0, and / in a name ~1");
            }
        }
        Ok(Self(name.into()))
    }

    /// Its JSON text in an item; nothing for the key and the kind. What comes after it in the value
    /// is not looked at.
    pub(super) fn text<'i>(&self, item: &Item<'i>) -> Option<&'i [u8]> {
        json::pointer(item.value, &self.0).ok().flatten()
    }

    /// Its value in an item, encoded; [`value::MISSING`] where it is missing.
    pub(super) fn read(&self, item: &Item<'_>, out: &mut Vec<u8>) {
        out.clear();
        match &*self.0 {
            "key" => value::encode_text(item.key, out),
            "kind" => value::encode_text(item.kind, out),
            _ => {
                if let Some(text) = self.text(item)
                    && value::encode(text, out).is_err()
                {
                    out.clear(); // a string that is not UTF-8
                }
            }
        }
    }
}
