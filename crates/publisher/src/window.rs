//! Frames that many sockets are sent, each at its own pace and without a queue of its own.

use bytes::Bytes;
use std::collections::VecDeque;
use std::io::IoSlice;

/// The newest frames of a sequence, counted from its beginning.
///
/// A [`Progress`] in it is all that a reader costs. What every reader has been sent is
/// [forgotten](Self::forget), and [`trim`](Self::trim) bounds what the slow ones hold up: whoever
/// is before the window's beginning has lapsed.
#[derive(Debug, Default)]
pub struct Window {
    /// The ordinal of the oldest frame, or of the next one.
    first: u64,
    frames: VecDeque<(u64, Bytes)>,
    bytes: usize,
}

impl Window {
    /// Adds a frame, with the index of the transaction that a reader is at who has read it.
    pub fn push(&mut self, index: u64, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back((index, frame));
    }

    /// The ordinal of the next frame.
    pub fn end(&self) -> u64 {
        self.first + self.frames.len() as u64
    }

    /// The ordinal of the first frame that is news to a reader who is at this index. The indexes
    /// of the frames must not fall.
    pub fn after(&self, index: u64) -> u64 {
        self.first + self.frames.partition_point(|&(of, _)| of <= index) as u64
    }

    /// Lets go of the frames before an ordinal.
    pub fn forget(&mut self, ordinal: u64) {
        while self.first < ordinal && self.drop_oldest() {}
    }

    /// Lets go of the oldest frames until there are at most so many, and so many bytes; the newest
    /// one stays whatever its size.
    pub fn trim(&mut self, frames: usize, bytes: usize) {
        while self.frames.len() > frames.max(1) || (self.frames.len() > 1 && self.bytes > bytes) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) -> bool {
        let Some((_, frame)) = self.frames.pop_front() else { return false };
        self.first += 1;
        self.bytes -= frame.len();
        true
    }

    fn frame(&self, ordinal: u64) -> Option<&Bytes> {
        let at = usize::try_from(ordinal.checked_sub(self.first)?).ok()?;
        self.frames.get(at).map(|(_, frame)| frame)
    }
}

/// How far into a [`Window`] a reader's socket has taken it.
#[derive(Debug, Default)]
pub struct Progress {
    /// What is left of a frame that was begun: it is finished whatever becomes of the window.
    rest: Bytes,
    next: u64,
}

impl Progress {
    /// The ordinal of the next frame to begin.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Goes on with the frame of this ordinal, perhaps of another window, after what was begun.
    pub fn go_on_at(&mut self, ordinal: u64) {
        self.next = ordinal;
    }

    /// Whether everything was written.
    pub fn is_at_end(&self, window: &Window) -> bool {
        self.rest.is_empty() && self.next == window.end()
    }

    /// Whether the window has let go of the next frame.
    pub fn has_lapsed(&self, window: &Window) -> bool {
        self.next < window.first
    }

    /// Lays out what is due, for one vectored write of at most `limit` bytes; returns how many
    /// slices and bytes it is.
    pub fn due<'a>(
        &'a self,
        window: &'a Window,
        slices: &mut [IoSlice<'a>],
        limit: usize,
    ) -> (usize, usize) {
        let (mut count, mut bytes) = (0, 0);
        let rest = Some(&self.rest).filter(|rest| !rest.is_empty());
        let frames = (self.next..window.end()).map_while(|ordinal| window.frame(ordinal));
        for (frame, slice) in rest.into_iter().chain(frames).zip(slices) {
            let part = &frame[..frame.len().min(limit - bytes)];
            *slice = IoSlice::new(part);
            count += 1;
            bytes += part.len();
            if bytes == limit {
                break;
            }
        }
        (count, bytes)
    }

    /// Moves on by the bytes that were written of what was due.
    pub fn advance(&mut self, window: &Window, mut written: usize) {
        if written < self.rest.len() {
            self.rest = self.rest.slice(written..);
            return;
        }
        written -= self.rest.len();
        self.rest = Bytes::new();
        while written > 0
            && let Some(frame) = window.frame(self.next)
        {
            self.next += 1;
            if written < frame.len() {
                self.rest = frame.slice(written..);
                return;
            }
            written -= frame.len();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(frames: &[&'static str]) -> Window {
        let mut window = Window::default();
        for (frame, index) in frames.iter().zip(1..) {
            window.push(index, Bytes::from_static(frame.as_bytes()));
        }
        window
    }

    /// What a socket gets that takes so many bytes a write.
    fn read(progress: &mut Progress, window: &Window, most: usize, slices: usize) -> String {
        let mut out = Vec::new();
        while !progress.is_at_end(window) {
            let mut due = vec![IoSlice::new(&[]); slices];
            let (count, bytes) = progress.due(window, &mut due, 7);
            assert_eq!(due[..count].iter().map(|slice| slice.len()).sum::<usize>(), bytes);
            assert!((1..=7).contains(&bytes));
            let all: Vec<u8> =
                due[..count].iter().flat_map(|slice| slice.iter().copied()).collect();
            let taken = &all[..all.len().min(most)];
            out.extend_from_slice(taken);
            progress.advance(window, taken.len());
        }
        String::from_utf8(out).expect("frames here are ASCII")
    }

    #[test]
    fn a_place_lapses_with_its_frame_and_ends_what_it_began() {
        let mut window = window(&["one", "two", "three"]);
        let mut progress = Progress::default();
        progress.advance(&window, 1);
        window.trim(1, usize::MAX);
        assert!(progress.has_lapsed(&window));
        progress.go_on_at(window.end());
        assert!(!progress.is_at_end(&window));
        assert_eq!(read(&mut progress, &window, 9, 9), "ne");
    }

    #[test]
    fn who_comes_goes_on_after_its_index() {
        let mut window = window(&["a", "b", "c"]);
        window.push(3, Bytes::from_static(b"heartbeat"));
        assert_eq!([0, 1, 2, 3, 9].map(|index| window.after(index)), [0, 1, 2, 4, 4]);
        window.forget(2);
        assert_eq!([0, 2, 3].map(|index| window.after(index)), [2, 2, 4]);
        window.forget(99);
        assert_eq!((window.end(), window.bytes), (4, 0));
    }

    #[test]
    fn bounds_leave_the_newest() {
        let mut window = window(&["one", "two", "three"]);
        window.trim(9, 8);
        assert_eq!(window.first, 1);
        window.trim(0, 0);
        assert_eq!((window.first, window.bytes), (2, 5));
    }

    proptest! {
        #[test]
        fn every_socket_gets_every_byte_once(
            most in prop::collection::vec((1..12usize, 1..4usize), 1..4),
            frames in prop::collection::vec(1..20usize, 0..20),
        ) {
            let mut window = Window::default();
            let mut places: Vec<_> = most.iter().map(|_| (Progress::default(), String::new())).collect();
            let mut all = String::new();
            for (length, index) in frames.iter().zip(1..) {
                let frame: String = ('a'..='z').cycle().skip(index as usize).take(*length).collect();
                all += &frame;
                window.push(index, frame.into());
                // Each reads at its own pace: the first every time, the second every other time.
                for (every, ((progress, out), &(most, slices))) in (1..).zip(places.iter_mut().zip(&most)) {
                    if index % every == 0 {
                        *out += &read(progress, &window, most, slices);
                    }
                }
                window.forget(places.iter().map(|(progress, _)| progress.next()).min().unwrap());
            }
            for ((mut progress, mut out), (most, slices)) in places.into_iter().zip(most) {
                out += &read(&mut progress, &window, most, slices);
                prop_assert_eq!(&out, &all);
            }
        }
    }
}
