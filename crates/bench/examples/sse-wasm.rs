//! The same decoders and streams as a module for Node: see `sse-wasm.mjs` beside this file.
//!
//! Times are taken outside, for the module has no clock.

use core::cell::RefCell;

use highwater_bench::sse::{SUBJECTS, WORKLOADS, Workload};

thread_local! {
    static STREAM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Makes a workload's stream the one to decode; its length, or 0 if there is no such workload.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(workload: usize) -> usize {
    let stream = WORKLOADS.get(workload).map(Workload::stream).unwrap_or_default();
    let length = stream.len();
    STREAM.set(stream);
    length
}

/// Decodes the stream with a subject; the bytes of data that came out.
#[unsafe(no_mangle)]
pub extern "C" fn decode(subject: usize) -> usize {
    STREAM.with_borrow(|stream| SUBJECTS.get(subject).map_or(0, |it| (it.decode)(stream).data))
}

/// The address of a name; `length_of_name` is its length. Past the last, both are 0.
#[unsafe(no_mangle)]
pub extern "C" fn name(workloads: bool, index: usize) -> usize {
    named(workloads, index).map_or(0, |name| name.as_ptr() as usize)
}

/// The length of that name.
#[unsafe(no_mangle)]
pub extern "C" fn length_of_name(workloads: bool, index: usize) -> usize {
    named(workloads, index).map_or(0, str::len)
}

fn named(workloads: bool, index: usize) -> Option<&'static str> {
    if workloads {
        WORKLOADS.get(index).map(|workload| workload.name)
    } else {
        SUBJECTS.get(index).map(|subject| subject.name)
    }
}
