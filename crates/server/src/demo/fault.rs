//! What can go wrong between a publisher and its reader, done to a sequence of frames.

use bytes::Bytes;
use core::str::FromStr;

/// A fault on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The connection breaks in the middle of an event.
    Cut,
    /// The newest transactions are sent once more, byte for byte.
    Replay,
    /// The next transaction comes after the one that follows it.
    Reorder,
    /// Each of the next transactions comes twice.
    Duplicate,
    /// The publisher begins another life, and all streams break.
    Restart,
    /// Nothing comes for a while, although the connection stays open.
    Stall,
    /// An event comes whose JSON breaks off.
    Garbage,
}

impl Fault {
    pub(super) const ALL: [(&str, Self); 7] = [
        ("cut", Self::Cut),
        ("replay", Self::Replay),
        ("reorder", Self::Reorder),
        ("duplicate", Self::Duplicate),
        ("restart", Self::Restart),
        ("stall", Self::Stall),
        ("garbage", Self::Garbage),
    ];
}

impl FromStr for Fault {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|&(_, fault)| fault).ok_or(())
    }
}

/// Passes transactions on, apart from what it was told to do to them.
#[derive(Debug, Default)]
pub(super) struct Disturbance {
    twice: usize,
    hold: bool,
    held: Option<Bytes>,
}

impl Disturbance {
    /// Each of the next transactions comes twice.
    pub(super) fn duplicate(&mut self) {
        self.twice = DUPLICATED;
    }

    /// The next transaction comes after the one that follows it.
    pub(super) fn reorder(&mut self) {
        self.hold = true;
    }

    /// What to send instead of these transactions.
    pub(super) fn pass(&mut self, transactions: Vec<Bytes>) -> Vec<Bytes> {
        let mut out = Vec::with_capacity(transactions.len());
        for frame in transactions {
            if core::mem::take(&mut self.hold) {
                out.extend(self.held.replace(frame));
                continue;
            }
            if self.twice > 0 {
                self.twice -= 1;
                out.push(frame.clone());
            }
            out.push(frame);
            out.extend(self.held.take());
        }
        out
    }
}

/// What is left of a frame when the connection breaks in the middle of its last event: all of the
/// transaction but its end.
pub(super) fn torn(frame: &Bytes) -> Bytes {
    let before = frame.len().saturating_sub(2);
    let last = frame[..before].windows(2).rposition(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
    frame.slice(..last.midpoint(frame.len()))
}

/// How many transactions a replay sends.
pub(super) const REPLAYED: usize = 20;

/// How many transactions are doubled.
const DUPLICATED: usize = 5;

/// An event whose JSON breaks off within the object.
pub(super) const GARBAGE: &[u8] =
    b"event: put-object\ndata: {\"kind\":\"process\",\"key\":\"garbage\",\"version\":1,\"object\":{\"pid\":\n\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(disturb: impl Fn(&mut Disturbance), batches: &[&str], expect: &str) {
        let mut disturbance = Disturbance::default();
        disturb(&mut disturbance);
        let mut out = String::new();
        for batch in batches {
            let frames = batch.chars().map(|c| Bytes::from(c.to_string())).collect();
            for frame in disturbance.pass(frames) {
                out.push_str(core::str::from_utf8(&frame).unwrap());
            }
            out.push(' ');
        }
        assert_eq!(out.trim_end(), expect);
    }

    #[test]
    fn without_a_fault_frames_pass() {
        check(|_| {}, &["ab", "c"], "ab c");
    }

    #[test]
    fn reorder_swaps_two_transactions() {
        check(Disturbance::reorder, &["abc", "d"], "bac d");
        check(Disturbance::reorder, &["a", "b", "c"], " ba c");
    }

    #[test]
    fn reorder_again_while_one_is_held_loses_nothing() {
        let mut disturbance = Disturbance::default();
        disturbance.reorder();
        assert!(disturbance.pass(vec!["a".into()]).is_empty());
        disturbance.reorder();
        assert_eq!(disturbance.pass(vec!["b".into(), "c".into()]), ["a", "c", "b"]);
    }

    #[test]
    fn duplicate_doubles_five_transactions() {
        check(Disturbance::duplicate, &["ab", "cd", "efg"], "aabb ccdd eefg");
    }

    #[test]
    fn both_at_once() {
        check(|d| (d.duplicate(), d.reorder()).0, &["abc"], "bbacc");
    }

    #[test]
    fn a_torn_frame_ends_within_its_last_event() {
        let torn = |frame: &'static str| torn(&Bytes::from_static(frame.as_bytes()));
        assert_eq!(torn("event: a\n\nevent: b\n\n"), "event: a\n\nevent");
        assert_eq!(torn("event: b\n\n"), "event");
        assert_eq!(torn(""), "");
    }

    #[test]
    fn names_are_read_back() {
        for (name, fault) in Fault::ALL {
            assert_eq!(name.parse(), Ok(fault));
        }
        assert_eq!("Cut".parse::<Fault>(), Err(()));
    }
}
