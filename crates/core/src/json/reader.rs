use memchr::memchr2;

use super::{JsonError, Raw, Result, Text};

/// Walks one text front to back.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The members still to come of an object that [`Reader::object`] opened.
pub(crate) struct Members {
    first: bool,
}

/// The elements still to come of an array that [`Reader::array`] opened.
pub(crate) struct Elements {
    first: bool,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// A reader that begins inside a text; what it says of places is said of the whole.
    pub(super) const fn from(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Enters an object.
    pub(crate) fn object(&mut self) -> Result<Members> {
        self.expect(b'{', "expected an object")?;
        Ok(Members { first: true })
    }

    /// Enters an array.
    pub(crate) fn array(&mut self) -> Result<Elements> {
        self.expect(b'[', "expected an array")?;
        Ok(Elements { first: true })
    }

    /// Reads a string.
    pub(crate) fn text(&mut self) -> Result<Text<'a>> {
        if self.peek()? != b'"' {
            return Err(self.error("expected a string"));
        }
        self.string()
    }

    /// Reads an integer that fits: no fraction, no exponent.
    pub(crate) fn i64(&mut self) -> Result<i64> {
        let digits = self.integer()?;
        let minus = digits.first() == Some(&b'-');
        let size = whole_number(digits.get(usize::from(minus)..).unwrap_or_default());
        let number = size.and_then(|size| {
            let number = if minus { 0i64.wrapping_sub_unsigned(size) } else { size.cast_signed() };
            (size == 0 || minus == (number < 0)).then_some(number)
        });
        number.ok_or_else(|| self.error("the integer does not fit in 64 bits"))
    }

    /// Reads an unsigned integer, as a number or as a string of digits (proto JSON writes both).
    pub(crate) fn u64(&mut self) -> Result<u64> {
        let quoted = self.peek()? == b'"';
        let start = self.at;
        let digits = if quoted { self.string()?.raw } else { self.integer()? };
        whole_number(digits)
            .ok_or(JsonError { at: start, what: "expected an unsigned 64-bit integer" })
    }

    /// Reads `true` or `false`.
    pub(crate) fn bool(&mut self) -> Result<bool> {
        match self.peek()? {
            b't' => self.word(b"true").map(|()| true),
            b'f' => self.word(b"false").map(|()| false),
            _ => Err(self.error("expected true or false")),
        }
    }

    /// Reads over a `null`, if one is next.
    pub(crate) fn null(&mut self) -> Result<bool> {
        if self.peek()? == b'n' { self.word(b"null").map(|()| true) } else { Ok(false) }
    }

    /// Reads over one value of any type and returns its text.
    pub(crate) fn value(&mut self) -> Result<&'a [u8]> {
        self.peek()?;
        let start = self.at;
        let mut nesting = Nesting::default();
        loop {
            match self.peek()? {
                b'{' => {
                    self.at += 1;
                    if self.peek()? == b'}' {
                        self.at += 1;
                    } else {
                        nesting.push(true).ok_or_else(|| self.error("nested too deeply"))?;
                        self.name()?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    if self.peek()? == b']' {
                        self.at += 1;
                    } else {
                        nesting.push(false).ok_or_else(|| self.error("nested too deeply"))?;
                        continue;
                    }
                }
                b'"' => drop(self.string()?),
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                b'-' | b'0'..=b'9' => self.number()?,
                _ => return Err(self.error("expected a value")),
            }
            // A value ended: close what ends with it, or go on to the next one beside it.
            loop {
                let Some(in_object) = nesting.top() else {
                    return Ok(&self.bytes[start..self.at]);
                };
                match (self.peek()?, in_object) {
                    (b',', true) => {
                        self.at += 1;
                        self.name()?;
                        break;
                    }
                    (b',', false) => {
                        self.at += 1;
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        nesting.pop();
                    }
                    (_, true) => return Err(self.error("expected , or }")),
                    (_, false) => return Err(self.error("expected , or ]")),
                }
            }
        }
    }

    /// Reads over one value of any type.
    pub(crate) fn raw(&mut self) -> Result<Raw<'a>> {
        let at = self.mark();
        self.value()?;
        Ok(Raw::new(&self.bytes[..self.at], at))
    }

    /// Reads an object, and finds the values of these members in it; of several with one name, the
    /// last.
    pub(crate) fn fields(&mut self, names: &[&str], found: &mut [Option<Raw<'a>>]) -> Result<()> {
        let mut members = self.object()?;
        while let Some(name) = members.next(self)? {
            let raw = self.raw()?;
            let wanted = names.iter().zip(&mut *found).find(|(wanted, _)| name.is(wanted));
            if let Some((_, found)) = wanted {
                *found = Some(raw);
            }
        }
        Ok(())
    }

    /// Makes sure that nothing but white space is left.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.white();
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.error("bytes after the value")) }
    }

    /// The offset of the next byte, and with [`Reader::since`] the text of what was read.
    pub(crate) fn mark(&mut self) -> usize {
        self.white();
        self.at
    }

    /// The text read since `mark`.
    pub(crate) fn since(&self, mark: usize) -> &'a [u8] {
        &self.bytes[mark..self.at]
    }

    /// An error at the next byte.
    pub(crate) fn error(&self, what: &'static str) -> JsonError {
        JsonError { at: self.at, what }
    }

    /// The next byte that is not white space; it stays unread.
    pub(crate) fn peek(&mut self) -> Result<u8> {
        self.white();
        self.bytes.get(self.at).copied().ok_or_else(|| self.error("the text ends early"))
    }

    fn white(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<()> {
        if self.peek()? != byte {
            return Err(self.error(what));
        }
        self.at += 1;
        Ok(())
    }

    fn name(&mut self) -> Result<Text<'a>> {
        if self.peek()? != b'"' {
            return Err(self.error("expected a member's name"));
        }
        let name = self.string()?;
        self.expect(b':', "expected :")?;
        Ok(name)
    }

    fn word(&mut self, word: &'static [u8]) -> Result<()> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.error("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads a string whose opening quote is the next byte.
    fn string(&mut self) -> Result<Text<'a>> {
        let start = self.at + 1;
        let mut escaped = false;
        let mut at = start;
        loop {
            let Some(found) = memchr2(b'"', b'\\', &self.bytes[at..]) else {
                self.at = self.bytes.len();
                return Err(self.error("the string has no end"));
            };
            at += found;
            if self.bytes[at] == b'"' {
                break;
            }
            escaped = true;
            at = self.escape(at)?;
        }
        let raw = &self.bytes[start..at];
        if let Some(control) = control(raw) {
            return Err(JsonError { at: start + control, what: "a control character in a string" });
        }
        self.at = at + 1;
        Ok(Text { raw, at: start, escaped })
    }

    /// Checks the escape that begins at `at` and returns the offset behind it.
    fn escape(&mut self, at: usize) -> Result<usize> {
        match self.bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u')
                if self.bytes.len() >= at + 6
                    && self.bytes[at + 2..at + 6].iter().all(u8::is_ascii_hexdigit) =>
            {
                Ok(at + 6)
            }
            _ => Err(JsonError { at, what: "not an escape" }),
        }
    }

    fn integer(&mut self) -> Result<&'a [u8]> {
        if !matches!(self.peek()?, b'-' | b'0'..=b'9') {
            return Err(self.error("expected an integer"));
        }
        let start = self.at;
        self.number()?;
        let text = &self.bytes[start..self.at];
        if text.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) {
            return Err(JsonError { at: start, what: "expected an integer" });
        }
        Ok(text)
    }

    fn number(&mut self) -> Result<()> {
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.error("expected a digit")),
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(())
    }

    fn some_digits(&mut self) -> Result<()> {
        let start = self.at;
        self.digits();
        if self.at == start { Err(self.error("expected a digit")) } else { Ok(()) }
    }

    fn digits(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }
}

impl Members {
    /// The next member's name; its value is next in `reader` and must be read before the member
    /// after it is asked for. `None`: the object has ended.
    pub(crate) fn next<'a>(&mut self, reader: &mut Reader<'a>) -> Result<Option<Text<'a>>> {
        let first = core::mem::replace(&mut self.first, false);
        match reader.peek()? {
            b'}' => {
                reader.at += 1;
                Ok(None)
            }
            b',' if !first => {
                reader.at += 1;
                reader.name().map(Some)
            }
            b'"' if first => reader.name().map(Some),
            _ if first => Err(reader.error("expected a member's name or }")),
            _ => Err(reader.error("expected , or }")),
        }
    }
}

impl Elements {
    /// Whether another element is next in `reader`.
    pub(crate) fn next(&mut self, reader: &mut Reader<'_>) -> Result<bool> {
        let first = core::mem::replace(&mut self.first, false);
        match reader.peek()? {
            b']' => {
                reader.at += 1;
                Ok(false)
            }
            b',' if !first => {
                reader.at += 1;
                reader.peek().map(|_| true)
            }
            _ if first => Ok(true),
            _ => Err(reader.error("expected , or ]")),
        }
    }
}

/// The number that these decimal digits are, if it fits and they are nothing else.
pub(crate) fn whole_number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Where the first control character stands. No early exit, so that it runs many bytes at a time.
fn control(raw: &[u8]) -> Option<usize> {
    let any = raw.iter().fold(0, |any, &byte| any | u8::from(byte < 0x20));
    if any != 0 { raw.iter().position(|&byte| byte < 0x20) } else { None }
}

/// Which brackets are open: one bit each, set for an object.
#[derive(Default)]
struct Nesting {
    bits: [u64; 8],
    depth: usize,
}

impl Nesting {
    fn push(&mut self, object: bool) -> Option<()> {
        let word = self.bits.get_mut(self.depth / 64)?;
        let bit = 1 << (self.depth % 64);
        *word = if object { *word | bit } else { *word & !bit };
        self.depth += 1;
        Some(())
    }

    fn top(&self) -> Option<bool> {
        let at = self.depth.checked_sub(1)?;
        Some(self.bits[at / 64] & (1 << (at % 64)) != 0)
    }

    fn pop(&mut self) {
        self.depth -= 1;
    }
}
