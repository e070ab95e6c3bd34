use alloc::borrow::Cow;

use super::{Reader, Result};

/// A value as it stands in a text, known to be JSON.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a> {
    /// The text, up to the end of the value.
    text: &'a [u8],
    at: usize,
}

impl<'a> Raw<'a> {
    pub(super) const fn new(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }

    /// The value's own text.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Reads into the value. Errors are told with their place in the whole text.
    pub(crate) const fn reader(&self) -> Reader<'a> {
        Reader::from(self.text, self.at)
    }

    /// The string that the value is.
    pub(crate) fn text(&self) -> Result<Cow<'a, str>> {
        self.reader().text()?.decode()
    }

    /// The integer that the value is.
    pub(crate) fn i64(&self) -> Result<i64> {
        self.reader().i64()
    }

    pub(crate) fn is_text(&self) -> bool {
        self.bytes().first() == Some(&b'"')
    }

    pub(crate) fn is_object(&self) -> bool {
        self.bytes().first() == Some(&b'{')
    }

    pub(crate) fn is_null(&self) -> bool {
        self.bytes() == b"null"
    }

    /// Whether the value is this string.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.reader().text().is_ok_and(|own| own.is(text))
    }

    /// Finds members of the object that the value is.
    pub(crate) fn fields<const N: usize>(&self, names: [&str; N]) -> Result<[Option<Self>; N]> {
        let mut found = [None; N];
        self.reader().fields(&names, &mut found)?;
        Ok(found)
    }
}

/// Finds members of the object that a text is.
pub(crate) fn fields<'a, const N: usize>(
    text: &'a [u8],
    names: [&str; N],
) -> Result<[Option<Raw<'a>>; N]> {
    let mut reader = Reader::new(text);
    let mut found = [None; N];
    reader.fields(&names, &mut found)?;
    reader.end()?;
    Ok(found)
}

/// The same; `null` counts as an object without members.
pub(crate) fn fields_or_null<'a, const N: usize>(
    text: &'a [u8],
    names: [&str; N],
) -> Result<[Option<Raw<'a>>; N]> {
    if text.trim_ascii() == b"null" { Ok([None; N]) } else { fields(text, names) }
}
