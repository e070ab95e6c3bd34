//! Data that are written already as they go on the wire: one look at them instead of taking them apart.

/// Where members of the event's own belong among those of its data, as offsets of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) sequence_id: usize,
    pub(super) topic: usize,
    /// Where the object's last brace is.
    pub(super) end: usize,
}

/// The places, if the text is a JSON object that would be written just as it stands: members by name,
/// each once and none of them the event's own, nothing between tokens, nothing that has or needs an
/// escape. Of other text there is nothing to be said here, not even that it is none.
pub(super) fn places(data: &str) -> Option<Places> {
    let mut reader = Reader { data, at: 0 };
    let (mut sequence_id, mut topic) = (None, None);
    let end = reader.object(DEPTH, |at, name| {
        for (place, ours) in [(&mut sequence_id, "sequenceId"), (&mut topic, "topic")] {
            if name == ours {
                return None;
            }
            if place.is_none() && name > ours {
                *place = Some(at);
            }
        }
        Some(())
    })?;
    (reader.at == data.len()).then(|| Places {
        sequence_id: sequence_id.unwrap_or(end),
        topic: topic.unwrap_or(end),
        end,
    })
}

/// Reads on as long as all is well.
struct Reader<'d> {
    data: &'d str,
    at: usize,
}

impl<'d> Reader<'d> {
    fn value(&mut self, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' => self.object(depth, |_, _| Some(())).map(drop),
            b'[' => self.array(depth),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number(),
        }
    }

    /// Tells of each member where it begins, and its name. Where the last brace is.
    fn object(
        &mut self,
        depth: usize,
        mut member: impl FnMut(usize, &'d str) -> Option<()>,
    ) -> Option<usize> {
        self.take(b'{')?;
        let mut before = None;
        while before.is_some() || self.peek()? != b'}' {
            let at = self.at;
            let name = self.string()?;
            if before.is_some_and(|before| before >= name) {
                return None;
            }
            member(at, name)?;
            self.take(b':')?;
            self.value(depth)?;
            if self.peek()? == b'}' {
                break;
            }
            self.take(b',')?;
            before = Some(name);
        }
        self.take(b'}')?;
        Some(self.at - 1)
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.take(b'[')?;
        if self.peek()? != b']' {
            self.value(depth)?;
            while self.peek()? != b']' {
                self.take(b',')?;
                self.value(depth)?;
            }
        }
        self.take(b']')
    }

    fn string(&mut self) -> Option<&'d str> {
        self.take(b'"')?;
        let rest = &self.data.as_bytes()[self.at..];
        let length = rest.iter().position(|byte| !PLAIN[usize::from(*byte)])?;
        let text = &self.data[self.at..self.at + length];
        self.at += length;
        self.take(b'"').map(|()| text)
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if self.take(b'e').or_else(|| self.take(b'E')).is_some() {
            let _ = self.take(b'+').or_else(|| self.take(b'-'));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let rest = &self.data.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }

    fn literal(&mut self, word: &str) -> Option<()> {
        self.data[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn peek(&self) -> Option<u8> {
        self.data.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }
}

/// Bytes that stand in a string as they are, whatever they are part of: some that begin with the same
/// byte as U+2028 would do, too.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut control = 0;
    while control < 0x20 {
        plain[control] = false;
        control += 1;
    }
    let mut at = 0;
    while at < SPECIAL.len() {
        plain[SPECIAL[at] as usize] = false;
        at += 1;
    }
    plain
};
const SPECIAL: [u8; 6] = *b"\"\\<>&\xe2";

/// What lies deeper is left to the other way of writing.
const DEPTH: usize = 64;
