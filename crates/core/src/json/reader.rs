use memchr::memchr2;

use super::{JsonError, Raw, whole_number};

/// Walks one text front to back.
///
/// The first fault is kept, and ends everything: from then on there is nothing more to read. So
/// whoever reads need not look at each step whether it went well; it asks once, at the end.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    fault: Option<JsonError>,
}

impl<'a> Reader<'a> {
    /// A reader of a text of less than 4 GiB.
    pub(crate) const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, fault: None }
    }

    /// What went wrong, if anything did.
    pub(crate) const fn fault(&self) -> Option<JsonError> {
        self.fault
    }

    /// Something is wrong at the next byte.
    #[cold]
    pub(crate) fn fail(&mut self, what: &'static str) {
        let early = self.at >= self.text.len();
        self.fail_at(self.at, if early { "the text ends early" } else { what });
    }

    /// Something is wrong at this byte.
    #[cold]
    pub(crate) fn fail_at(&mut self, at: usize, what: &'static str) {
        if self.fault.is_none() {
            self.fault = Some(JsonError { at, what });
        }
        self.at = self.text.len();
    }

    /// The next byte that is not white space, which stays unread; 0 where there is none.
    pub(crate) fn peek(&mut self) -> u8 {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(&byte) => return byte,
                None => return 0,
            }
        }
    }

    /// Where the next value begins; with [`since`](Self::since), the value.
    pub(crate) fn mark(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// What was read since that mark.
    pub(crate) fn since(&self, mark: usize) -> Raw {
        Raw::new(mark, self.at)
    }

    /// From the next value to the end of the text.
    pub(crate) fn rest(&mut self) -> Raw {
        Raw::new(self.mark(), self.text.len())
    }

    /// Goes on where a value begins.
    pub(crate) fn enter(&mut self, raw: Raw) {
        if self.fault.is_none() {
            self.at = raw.start();
        }
    }

    /// Enters an object or an array, by its bracket.
    pub(crate) fn open(&mut self, bracket: u8) {
        if self.peek() == bracket {
            self.at += 1;
        } else {
            self.fail(if bracket == b'{' { "expected an object" } else { "expected an array" });
        }
    }

    /// Whether another member or element is next in what was opened; if not, it was closed.
    pub(crate) fn more(&mut self, first: &mut bool, bracket: u8) -> bool {
        let next = self.peek();
        if next == bracket + 2 {
            self.at += 1;
            return false;
        }
        if core::mem::replace(first, false) {
            return self.fault.is_none();
        }
        self.comma(next, bracket);
        self.fault.is_none()
    }

    /// Reads a member's name and the colon behind it.
    pub(crate) fn name(&mut self) -> Raw {
        if self.peek() != b'"' {
            self.fail("expected a member's name");
            return Raw::NONE;
        }
        let name = self.string();
        if self.peek() == b':' {
            self.at += 1;
        } else {
            self.fail("expected :");
        }
        name
    }

    /// Reads an object, and finds the values of these members in it; of several with one name, the
    /// last.
    pub(crate) fn fields(&mut self, names: &[&str], found: &mut [Raw]) {
        let mut first = true;
        self.open(b'{');
        while self.more(&mut first, b'{') {
            let name = self.name();
            let value = self.value();
            for (wanted, found) in names.iter().zip(&mut *found) {
                if self.is(name, wanted) {
                    *found = value;
                }
            }
        }
    }

    /// Reads over one value of any type.
    pub(crate) fn value(&mut self) -> Raw {
        self.peek();
        let start = self.at;
        let mut nesting = Nesting::default();
        loop {
            match self.peek() {
                bracket @ (b'{' | b'[') => {
                    self.at += 1;
                    if self.peek() == bracket + 2 {
                        self.at += 1;
                    } else {
                        if !nesting.push(bracket == b'{') {
                            self.fail_at(self.at, "nested too deeply");
                        }
                        if bracket == b'{' {
                            self.name();
                        }
                        continue;
                    }
                }
                b'"' => drop(self.string()),
                b't' => self.word(b"true"),
                b'f' => self.word(b"false"),
                b'n' => self.word(b"null"),
                b'-' | b'0'..=b'9' => self.number(),
                _ => self.fail("expected a value"),
            }
            // A value ended: close what ends with it, or go on to the next one beside it.
            loop {
                if self.fault.is_some() {
                    return Raw::NONE;
                }
                let Some(in_object) = nesting.top() else {
                    return Raw::new(start, self.at);
                };
                let bracket = if in_object { b'{' } else { b'[' };
                let next = self.peek();
                if next == bracket + 2 {
                    self.at += 1;
                    nesting.pop();
                    continue;
                }
                self.comma(next, bracket);
                if in_object {
                    self.name();
                }
                break;
            }
        }
    }

    /// Makes sure that nothing but white space is left.
    pub(crate) fn end(&mut self) {
        self.peek();
        if self.at < self.text.len() {
            self.fail("bytes after the value");
        }
    }

    /// A value's own text.
    pub(crate) fn bytes(&self, raw: Raw) -> &'a [u8] {
        self.text.get(raw.start()..raw.end()).unwrap_or_default()
    }

    /// The first byte of a value; 0 for none.
    pub(crate) fn first(&self, raw: Raw) -> u8 {
        self.bytes(raw).first().copied().unwrap_or_default()
    }

    /// Whether a string, read as it stands in the text, is this word.
    pub(crate) fn is(&self, string: Raw, word: &str) -> bool {
        let raw = self.content(string);
        raw == word.as_bytes()
            || raw.contains(&b'\\') && {
                let mut plain = alloc::vec::Vec::new();
                super::text::unescape(raw, &mut plain);
                plain == word.as_bytes()
            }
    }

    /// What is between the quotes of a string.
    pub(crate) fn content(&self, string: Raw) -> &'a [u8] {
        let bytes = self.bytes(string);
        bytes.get(1..bytes.len().wrapping_sub(1)).unwrap_or_default()
    }

    /// The integer that a value is, which fits, without fraction or exponent.
    pub(crate) fn i64(&mut self, raw: Raw) -> i64 {
        let digits = self.bytes(raw);
        let minus = digits.first() == Some(&b'-');
        let digits = digits.get(usize::from(minus)..).unwrap_or_default();
        if !digits.iter().all(u8::is_ascii_digit) || digits.is_empty() {
            self.fail_at(raw.start(), "expected an integer");
        }
        let size = whole_number(digits);
        let number = size.and_then(|size| {
            if minus { 0i64.checked_sub_unsigned(size) } else { i64::try_from(size).ok() }
        });
        number.unwrap_or_else(|| {
            self.fail_at(raw.start(), "the integer does not fit in 64 bits");
            0
        })
    }

    /// The unsigned integer that a value is, as a number or as a string of digits (proto JSON
    /// writes both).
    pub(crate) fn u64(&mut self, raw: Raw) -> u64 {
        let quoted = self.first(raw) == b'"';
        let digits = if quoted { self.content(raw) } else { self.bytes(raw) };
        whole_number(digits).unwrap_or_else(|| {
            self.fail_at(raw.start(), "expected an unsigned 64-bit integer");
            0
        })
    }

    /// The truth that a value is.
    pub(crate) fn bool(&mut self, raw: Raw) -> bool {
        match self.bytes(raw) {
            b"true" => true,
            b"false" => false,
            _ => {
                self.fail_at(raw.start(), "expected true or false");
                false
            }
        }
    }

    fn comma(&mut self, next: u8, bracket: u8) {
        if next == b',' {
            self.at += 1;
        } else {
            self.fail(if bracket == b'{' { "expected , or }" } else { "expected , or ]" });
        }
    }

    fn word(&mut self, word: &'static [u8]) {
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
        } else {
            self.fail_at(self.at, "expected a value");
        }
    }

    /// Reads a string whose opening quote is the next byte.
    fn string(&mut self) -> Raw {
        let start = self.at;
        let mut at = start + 1;
        loop {
            let rest = self.text.get(at..).unwrap_or_default();
            let Some(found) = memchr2(b'"', b'\\', rest) else {
                self.fail_at(self.text.len(), "the string has no end");
                return Raw::NONE;
            };
            at += found;
            if rest.get(found) == Some(&b'"') {
                break;
            }
            at += match rest.get(found + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                Some(b'u')
                    if rest
                        .get(found + 2..found + 6)
                        .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) =>
                {
                    6
                }
                _ => {
                    self.fail_at(at, "not an escape");
                    return Raw::NONE;
                }
            };
        }
        let string = Raw::new(start, at + 1);
        if let Some(control) = control(self.content(string)) {
            self.fail_at(start + 1 + control, "a control character in a string");
            return Raw::NONE;
        }
        self.at = at + 1;
        string
    }

    fn number(&mut self) {
        self.skip(b'-', b'-');
        // No digit may follow a leading zero.
        if !self.skip(b'0', b'0') {
            self.digits();
        }
        if self.skip(b'.', b'.') {
            self.digits();
        }
        if self.skip(b'e', b'E') {
            self.skip(b'+', b'-');
            self.digits();
        }
    }

    fn digits(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 {
            self.fail("expected a digit");
        }
    }

    fn skip(&mut self, one: u8, other: u8) -> bool {
        let next = self.text.get(self.at);
        let skips = next == Some(&one) || next == Some(&other);
        self.at += usize::from(skips);
        skips
    }
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
    /// False if there are too many.
    fn push(&mut self, object: bool) -> bool {
        let Some(word) = self.bits.get_mut(self.depth / 64) else {
            return false;
        };
        let bit = 1 << (self.depth % 64);
        *word = if object { *word | bit } else { *word & !bit };
        self.depth += 1;
        true
    }

    fn top(&self) -> Option<bool> {
        let at = self.depth.checked_sub(1)?;
        Some(self.bits.get(at / 64)? & (1 << (at % 64)) != 0)
    }

    fn pop(&mut self) {
        self.depth -= 1;
    }
}
