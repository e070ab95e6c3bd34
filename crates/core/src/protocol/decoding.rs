//! One event while it is decoded: what is read of it, and where its messages go.

use alloc::vec::Vec;
use core::str;

use crate::json::{JsonError, Raw, Reader, unescape};
use crate::message::{Message, Transfer, Version};

/// An event's data, read by the names of members, and turned into messages.
///
/// Faults are sticky, in the data as in its order: after the first nothing more is told.
pub(crate) struct Decoding<'a> {
    json: Reader<'a>,
    data: &'a [u8],
    /// Strings whose escapes were undone, one behind the other.
    unescaped: Vec<u8>,
    order: Option<&'static str>,
    take: &'a mut dyn FnMut(Message<'_>),
}

/// A text that messages are made of.
#[derive(Clone, Copy)]
pub(super) enum Word {
    Known(&'static str),
    /// The content of a string without escapes.
    Plain(Raw),
    /// From here to there of the texts whose escapes were undone.
    Unescaped(usize, usize),
}

/// Why an event could not be decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Its data is not what the protocol says.
    Data(JsonError),
    /// It may not stand where it stands.
    Order(&'static str),
}

impl<'a> Decoding<'a> {
    pub(super) fn new(data: &'a [u8], take: &'a mut dyn FnMut(Message<'_>)) -> Self {
        Self { json: Reader::new(data), data, unescaped: Vec::new(), order: None, take }
    }

    /// What was at fault, if anything was.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.json.fault().map(Fault::Data).or(self.order.map(Fault::Order))
    }

    pub(super) const fn data(&self) -> &'a [u8] {
        self.data
    }

    pub(super) const fn json(&mut self) -> &mut Reader<'a> {
        &mut self.json
    }

    /// Reads all of the data as an object.
    pub(super) fn whole<const N: usize>(&mut self, names: [&str; N]) -> [Raw; N] {
        let found = self.fields_here(names);
        self.json.end();
        found
    }

    /// The same; `null` counts as an object without members.
    pub(super) fn whole_or_null<const N: usize>(&mut self, names: [&str; N]) -> [Raw; N] {
        if self.json.peek() != b'n' {
            return self.whole(names);
        }
        self.json.value();
        self.json.end();
        [Raw::NONE; N]
    }

    /// Reads members of the object that is next.
    pub(super) fn fields_here<const N: usize>(&mut self, names: [&str; N]) -> [Raw; N] {
        let mut found = [Raw::NONE; N];
        self.json.fields(&names, &mut found);
        found
    }

    /// Reads members of the object that a value is.
    pub(super) fn fields<const N: usize>(&mut self, of: Raw, names: [&str; N]) -> [Raw; N] {
        self.json.enter(of);
        self.fields_here(names)
    }

    /// The same; `null`, and nothing, is an object without members.
    pub(super) fn fields_or_null<const N: usize>(&mut self, of: Raw, names: [&str; N]) -> [Raw; N] {
        if self.is_nothing(of) { [Raw::NONE; N] } else { self.fields(of, names) }
    }

    /// Whether there is no value, or `null`.
    pub(super) fn is_nothing(&self, raw: Raw) -> bool {
        !matches!(self.json.bytes(raw), [first, ..] if *first != b'n')
    }

    /// A member that must be there; if it is not, that is told at the end of the data.
    pub(super) fn need(&mut self, raw: Raw, what: &'static str) {
        if !raw.is_some() {
            self.json.fail_at(self.data.len(), what);
        }
    }

    /// The string that a value is.
    pub(super) fn text(&mut self, raw: Raw) -> Word {
        if self.json.first(raw) != b'"' {
            self.json.fail_at(raw.start(), "expected a string");
        }
        self.string(raw)
    }

    /// The same; `null`, and nothing, is an empty one.
    pub(super) fn text_or_null(&mut self, raw: Raw) -> Word {
        if self.is_nothing(raw) { Word::Known("") } else { self.text(raw) }
    }

    /// A string, as a member's name is one.
    pub(super) fn string(&mut self, raw: Raw) -> Word {
        let content = self.json.content(raw);
        if !content.contains(&b'\\') {
            return Word::Plain(raw);
        }
        let start = self.unescaped.len();
        unescape(content, &mut self.unescaped);
        Word::Unescaped(start, self.unescaped.len())
    }

    /// An item of a list begins, which may be of any length: words of the one before it are not
    /// needed any more.
    pub(super) fn forget_words(&mut self) {
        self.unescaped.clear();
    }

    /// A word that is put together within, by [`join`](Self::join) and
    /// [`join_text`](Self::join_text).
    pub(super) fn joining(&mut self, then: impl FnOnce(&mut Self)) -> Word {
        let start = self.unescaped.len();
        then(self);
        Word::Unescaped(start, self.unescaped.len())
    }

    pub(super) fn join(&mut self, word: &str) {
        self.join_bytes(word.as_bytes());
    }

    pub(super) fn join_bytes(&mut self, bytes: &[u8]) {
        self.unescaped.extend_from_slice(bytes);
    }

    pub(super) fn join_text(&mut self, raw: Raw) {
        unescape(self.json.content(raw), &mut self.unescaped);
    }

    /// What a word says behind this prefix, if it begins so.
    pub(super) fn behind(&mut self, word: Word, prefix: &str) -> Option<Word> {
        let length = prefix.len();
        self.say(word).starts_with(prefix).then_some(match word {
            Word::Known(word) => Word::Known(word.get(length..).unwrap_or_default()),
            Word::Plain(raw) => Word::Plain(raw.behind(length)),
            Word::Unescaped(start, end) => Word::Unescaped(start + length, end),
        })
    }

    /// Whether an item names itself as it is named, if it names itself at all.
    pub(super) fn is_same(&mut self, id: Option<Word>, key: Word) -> bool {
        let Some(id) = id else {
            return true;
        };
        self.say(id);
        self.bytes_of(id).0 == self.bytes_of(key).0
    }

    /// An integer; `null`, and nothing, is zero.
    pub(super) fn integer_or_null(&mut self, raw: Raw) -> i64 {
        if self.is_nothing(raw) { 0 } else { self.json.i64(raw) }
    }

    /// What a word says; empty after a fault, which bytes that are not UTF-8 are too.
    pub(super) fn say(&mut self, word: Word) -> &str {
        let (bytes, at) = self.bytes_of(word);
        if let Err(error) = str::from_utf8(bytes) {
            self.json.fail_at(at + error.valid_up_to(), "invalid UTF-8");
        }
        str::from_utf8(self.bytes_of(word).0).unwrap_or_default()
    }

    /// The bytes of a word, and where in the data they are.
    fn bytes_of(&self, word: Word) -> (&[u8], usize) {
        match word {
            Word::Known(word) => (word.as_bytes(), 0),
            Word::Plain(raw) => (self.json.content(raw), raw.start() + 1),
            Word::Unescaped(start, end) => (self.unescaped.get(start..end).unwrap_or_default(), 0),
        }
    }

    /// A part of the data as an event of its own, whose messages go the same way.
    pub(super) fn within(&mut self, data: &'a [u8]) -> Decoding<'_> {
        Decoding::new(data, &mut *self.take)
    }

    /// What was at fault within is at fault here.
    pub(super) fn has(&mut self, fault: Option<Fault>) {
        match fault {
            Some(Fault::Data(JsonError { at, what })) => self.json.fail_at(at, what),
            Some(Fault::Order(what)) => self.misplaced(what),
            None => {}
        }
    }

    /// Tells a message, unless there was a fault.
    pub(super) fn tell(&mut self, message: Message<'_>) {
        if self.fault().is_none() {
            (self.take)(message);
        }
    }

    /// The event may not stand here.
    pub(super) fn misplaced(&mut self, what: &'static str) {
        self.order = self.order.or(Some(what));
    }

    pub(super) fn begin(&mut self, transfer: Transfer) {
        self.tell(Message::Begin(transfer));
    }

    pub(super) fn ignore(&mut self, why: &'static str) {
        self.tell(Message::Ignored(why));
    }

    /// The end of a transfer in a protocol that has no positions.
    pub(super) fn commit(&mut self) {
        self.tell(Message::Commit { cursor: None, version: None, basis: None, ordered: false });
    }

    /// The item is there, with this value; or gone, without one.
    pub(super) fn item(&mut self, kind: Word, key: Word, version: Version, value: Option<Raw>) {
        self.words(kind, key, |kind, key, json| match value {
            Some(value) => Message::Upsert { kind, key, version, value: json.bytes(value) },
            None => Message::Delete { kind, key, version },
        });
    }

    /// The item is listed, and what is known of it stays.
    pub(super) fn keep(&mut self, kind: Word, key: Word) {
        self.words(kind, key, |kind, key, _| Message::Keep { kind, key });
    }

    /// A transaction of one item.
    pub(super) fn one(&mut self, kind: Word, key: Word, version: Version, value: Option<Raw>) {
        self.begin(Transfer::Changes);
        self.item(kind, key, version, value);
        self.commit();
    }

    /// Tells a message of two words.
    pub(super) fn words(
        &mut self,
        one: Word,
        other: Word,
        message: impl for<'m> FnOnce(&'m str, &'m str, &Reader<'m>) -> Message<'m>,
    ) {
        self.say(one);
        self.say(other);
        if self.fault().is_some() {
            return;
        }
        let Self { json, unescaped, take, .. } = self;
        let say = |word| {
            let bytes = match word {
                Word::Known(word) => return word,
                Word::Plain(raw) => json.content(raw),
                Word::Unescaped(start, end) => unescaped.get(start..end).unwrap_or_default(),
            };
            str::from_utf8(bytes).unwrap_or_default()
        };
        take(message(say(one), say(other), json));
    }
}
