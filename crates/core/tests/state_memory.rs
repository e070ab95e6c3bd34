//! That a state's memory is bounded by what is in it. Alone in its program: it counts all of it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::fmt::Write;

use highwater_core::{Instant, Materializer, Protocol};

#[test]
fn memory_stays_near_what_is_live() {
    let mut store = Materializer::new(Protocol::relay());
    let mut peak = 0;
    let counter = &PEAK;
    let mut send = |text: &str| {
        store.begin();
        store.push(Instant::default(), text.as_bytes()).unwrap();
    };
    let value = "x".repeat(300);
    for round in 0..60 {
        let mut text = String::new();
        for key in 0..5_000 {
            let data = format!(
                "{{\"path\":\"/flags/k{key}\",\"data\":{{\"version\":{round},\"v\":\"{value}\"}}}}"
            );
            write!(text, "event: patch\ndata: {data}\n\n").unwrap();
            if key % 50 == 49 {
                send(&text);
                text.clear();
                peak = peak.max(counter.current_usage());
            }
        }
    }
    let live = 5_000 * 330;
    assert!(peak < live * 3 / 2 + (3 << 20), "{peak} for {live}");
}

#[global_allocator]
static PEAK: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;
