//! Random streams from a nasty alphabet, cut at random, against a decoder too plain to be wrong.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

use highwater_core::{SseDecoder, SseItem};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Event { kind: String, data: String, id: String, end: usize },
    Retry(u64),
    TooLarge { began: u64 },
}

/// The oracle: line by line, everything copied, as the standard's text has it.
#[derive(Default)]
struct Plain {
    limit: usize,
    began: usize,
    size: usize,
    skipping: bool,
    data: Vec<Vec<u8>>,
    kind: Vec<u8>,
    id: Option<String>,
    last_event_id: String,
    said: Vec<Said>,
}

impl Plain {
    fn decode(&mut self, stream: &[u8]) {
        let mut at = if stream.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut line = Vec::new();
        (self.began, self.size, self.skipping) = (0, 0, false);
        (self.data, self.kind, self.id) = Default::default();
        while at < stream.len() {
            let byte = stream[at];
            at += 1;
            if byte != b'\n' && byte != b'\r' {
                line.push(byte);
                continue;
            }
            self.line(&line, at, true);
            let crlf = byte == b'\r' && stream.get(at) == Some(&b'\n');
            at += usize::from(crlf);
            if line.is_empty() {
                self.began = at;
            }
            line.clear();
        }
        self.line(&line, at, false);
    }

    /// A line without its end; of one that the stream's end cuts only the size matters.
    fn line(&mut self, line: &[u8], end: usize, whole: bool) {
        if line.is_empty() {
            if whole {
                self.blank(end);
            }
            return;
        }
        let colon = line.iter().position(|&byte| byte == b':');
        if colon.is_none() && !whole {
            return;
        }
        let name = &line[..colon.unwrap_or(line.len())];
        let value = &line[colon.map_or(line.len(), |colon| colon + 1)..];
        let value = value.strip_prefix(b" ").unwrap_or(value);
        if matches!(name, b"data" | b"event" | b"id") {
            if self.skipping {
                return;
            }
            self.size += value.len() + usize::from(name == b"data" && !self.data.is_empty());
            if self.size > self.limit {
                return self.too_large();
            }
        }
        if !whole {
            return;
        }
        match name {
            b"data" => self.data.push(value.to_vec()),
            b"event" => self.kind = value.to_vec(),
            b"id" if !value.contains(&0) => {
                let id = String::from_utf8_lossy(value).into_owned();
                self.size += id.len() - value.len();
                if self.size > self.limit {
                    return self.too_large();
                }
                self.id = Some(id);
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let digits = core::str::from_utf8(value).unwrap();
                self.said.push(Said::Retry(digits.parse().unwrap_or(u64::MAX)));
            }
            _ => {}
        }
    }

    fn too_large(&mut self) {
        self.said.push(Said::TooLarge { began: self.began as u64 });
        self.skipping = true;
        (self.data, self.kind, self.id) = Default::default();
    }

    fn blank(&mut self, end: usize) {
        if let Some(id) = self.id.take() {
            self.last_event_id = id;
        }
        if !self.data.is_empty() {
            let kind = if self.kind.is_empty() { b"message" } else { &*self.kind };
            self.said.push(Said::Event {
                kind: String::from_utf8_lossy(kind).into_owned(),
                data: String::from_utf8_lossy(&self.data.join(&b'\n')).into_owned(),
                id: self.last_event_id.clone(),
                end,
            });
        }
        self.data.clear();
        self.kind.clear();
        self.size = 0;
        self.skipping = false;
    }
}

/// Feeds chunks of random sizes up to `most`; events must come with the chunk that ends them.
fn cut(decoder: &mut SseDecoder, stream: &[u8], most: usize, random: &mut Random) -> Vec<Said> {
    let mut said = Vec::new();
    let mut fed = 0;
    while fed < stream.len() {
        let start = fed;
        fed = (fed + random.below(most + 1)).min(stream.len());
        let mut rest = &stream[start..fed];
        while let Some(item) = decoder.next(&mut rest) {
            match item {
                SseItem::Event(event) => {
                    let (kind, data) = (event.kind_text().into(), event.data_text().into());
                    said.push(Said::Event { kind, data, id: event.id.into(), end: 0 });
                    let end = usize::try_from(decoder.offset()).unwrap();
                    assert!(end > start && end <= fed);
                    // A LF that belongs to the CR is read along if it is there.
                    let extra = stream[..end].ends_with(b"\r\n");
                    let Some(Said::Event { end: place, .. }) = said.last_mut() else { panic!() };
                    *place = end - usize::from(extra);
                }
                SseItem::Retry(delay) => said.push(Said::Retry(delay)),
                SseItem::TooLarge { offset, .. } => said.push(Said::TooLarge { began: offset }),
                SseItem::Comment => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(rest.is_empty());
    }
    assert_eq!(decoder.offset(), stream.len() as u64);
    said
}

#[test]
fn agrees_with_the_plain_decoder_however_cut() {
    for seed in 1..=SEEDS {
        let mut random = Random(seed);
        let limit = [12, 40, 1 << 20][random.below(3)];
        let mut plain = Plain { limit, ..Plain::default() };
        let mut decoders: Vec<_> = CHUNKS.map(|_| SseDecoder::with_limit(limit)).into();
        for _connection in 0..2 {
            let stream = random.stream();
            plain.said.clear();
            plain.decode(&stream);
            for (decoder, most) in decoders.iter_mut().zip(CHUNKS) {
                let said = cut(decoder, &stream, most, &mut random);
                let shown = stream.escape_ascii();
                assert_eq!(said, plain.said, "seed {seed}, chunks to {most}, {limit}: {shown}");
                assert_eq!(decoder.last_event_id(), plain.last_event_id, "seed {seed}: {shown}");
                decoder.finish();
            }
        }
    }
}

/// The same numbers every run: a failing seed fails again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn stream(&mut self) -> Vec<u8> {
        let mut stream = Vec::new();
        if self.below(8) == 0 {
            stream.extend_from_slice(b"\xef\xbb\xbf");
        }
        for _ in 0..self.below(60) {
            stream.extend_from_slice(PIECES[self.below(PIECES.len())]);
        }
        stream
    }
}

const SEEDS: u64 = 10_000;
const CHUNKS: [usize; 5] = [1, 2, 7, 40, 4096];
const PIECES: [&[u8]; 40] = [
    b"\n",
    b"\n",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\r\r",
    b"\r\n\r\n",
    b"\n\r",
    b":",
    b": ",
    b" ",
    b"data",
    b"data:",
    b"data: ",
    b"data: hello\n",
    b"data:a\n\n",
    b"\ndata: ",
    b"data:x\ndata:y\n",
    b"event:",
    b"event: put\n",
    b"event",
    b"\nid:",
    b"id",
    b"id: 7\n",
    b"retry:",
    b"\nretry: 15\n",
    b"18446744073709551616",
    b"0",
    b":c\n",
    b"dat",
    b"datax",
    b"even",
    b"retryx",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xef\xbb",
    b"\xe2\x82",
    b"\xff",
    "\u{e9}\u{20ac}".as_bytes(),
];
