//! The memory that the decoder takes from streams that mean it ill.
//!
//! One test to the file, for memory is counted for the whole process.

use highwater_core::{SseDecoder, SseItem};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Feeds chunks, and says how many bytes of memory were in use beyond those at the start.
fn peak(limit: usize, chunks: impl Iterator<Item = Vec<u8>>) -> (usize, Vec<String>) {
    let chunks: Vec<_> = chunks.collect();
    let mut said = Vec::with_capacity(64);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let mut decoder = SseDecoder::with_limit(limit);
    for chunk in &chunks {
        let mut rest = &chunk[..];
        while let Some(item) = decoder.next(&mut rest) {
            said.push(match item {
                SseItem::Comment => continue,
                SseItem::Event(event) => format!("event of {}", event.data.len()),
                SseItem::TooLarge { limit, offset } => format!("over {limit} at {offset}"),
                other => format!("{other:?}"),
            });
        }
    }
    (MEMORY.peak_usage() - before, said)
}

/// `line` begun, then so many chunks of 1 KiB, then its end and an event.
fn flood<'a>(
    line: &'a [u8],
    filling: &'a [u8],
    chunks: usize,
) -> impl Iterator<Item = Vec<u8>> + 'a {
    let body = filling.repeat(1024 / filling.len());
    [line.to_vec()]
        .into_iter()
        .chain(core::iter::repeat_n(body, chunks))
        .chain([b"\n\ndata:ok\n\n".to_vec()])
}

#[test]
fn memory_is_bounded_by_the_limit_whatever_comes() {
    const LIMIT: usize = 64 << 10;
    const SMALL: usize = 4 << 10;
    let over = format!("over {LIMIT} at 0");
    let check = |line: &[u8], filling: &[u8], most: usize, expect: &[&str]| {
        let (peak, said) = peak(LIMIT, flood(line, filling, 4096));
        let name = line.escape_ascii();
        assert!(peak <= most, "{name}: {peak} bytes");
        assert_eq!(said, expect, "{name}");
    };
    // Nobody wants these: not buffered at all.
    check(b":", b"x", SMALL, &["event of 2"]);
    check(b"unknown: ", b"x", SMALL, &["event of 2"]);
    check(b"unknown", b"x", SMALL, &["event of 2"]);
    check(b":", b"\n:", SMALL, &["event of 2"]);
    check(b"retry:", b"9", SMALL, &["Retry(18446744073709551615)", "event of 2"]);
    // These are, up to the limit; growing a buffer holds the old half and the new whole.
    check(b"data:", b"x", LIMIT * 3 / 2 + SMALL, &[&over, "event of 2"]);
    check(b"data", b"\ndata:", LIMIT * 3 / 2 + SMALL, &[&over, "event of 2"]);
    check(b"event:", b"x", LIMIT * 3 / 2 + SMALL, &[&over, "event of 2"]);
    check(b"id:", b"x", LIMIT * 3 / 2 + SMALL, &[&over, "event of 2"]);
    check(b"event:x", b"\nevent:x", SMALL, &[&over, "event of 2"]);
}
