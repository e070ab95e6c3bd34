//! What tells messages apart: a number and a time in every payload, found by a subscriber wherever
//! the bytes of a read begin and end.

use memchr::memchr;

/// A message as a subscriber saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// From 1.
    pub(crate) number: u64,
    /// When it was due, in nanoseconds of the run.
    pub(crate) due: u64,
}

impl Mark {
    /// A JSON object of about so many bytes that carries the mark.
    pub(crate) fn payload(self, bytes: usize) -> String {
        let Self { number, due } = self;
        let mark = format!("{{\"mark\":\"@{number:010}:{due:014}\",\"text\":\"");
        let text = "x".repeat(bytes.saturating_sub(mark.len() + 2));
        format!("{mark}{text}\"}}")
    }
}

/// Finds marks in pieces of a stream.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    /// The end of the last piece, if a mark may have begun there.
    left: Vec<u8>,
}

impl Finder {
    pub(crate) fn feed(&mut self, piece: &[u8], mut found: impl FnMut(Mark)) {
        let mut piece = piece;
        if !self.left.is_empty() {
            let missing = LENGTH - self.left.len();
            if piece.len() < missing {
                self.left.extend_from_slice(piece);
                return;
            }
            self.left.extend_from_slice(&piece[..missing]);
            piece = &piece[missing..];
            parse(&self.left).into_iter().for_each(&mut found);
            self.left.clear();
        }
        while let Some(at) = memchr(b'@', piece) {
            let Some(mark) = piece.get(at..at + LENGTH) else {
                self.left.extend_from_slice(&piece[at..]);
                return;
            };
            parse(mark).into_iter().for_each(&mut found);
            piece = &piece[at + LENGTH..];
        }
    }
}

fn parse(mark: &[u8]) -> Option<Mark> {
    let text = core::str::from_utf8(mark.get(1..)?).ok()?;
    let (number, due) = text.split_once(':')?;
    Some(Mark { number: number.parse().ok()?, due: due.parse().ok()? })
}

/// `@`, ten digits, `:`, fourteen digits.
const LENGTH: usize = 26;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_wherever_a_piece_ends() {
        let marks = [(1, 2), (3, 99_999_999_999_999), (4, 0)];
        let marks = marks.map(|(number, due)| Mark { number, due });
        let text: String = marks.iter().map(|mark| mark.payload(200) + "\n").collect();
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [200; 3]);
        for size in 1..text.len() {
            let (mut finder, mut found) = (Finder::default(), Vec::new());
            text.as_bytes().chunks(size).for_each(|piece| finder.feed(piece, |m| found.push(m)));
            assert_eq!(found, marks, "{size}");
        }
    }
}
