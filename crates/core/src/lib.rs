//! Stream in, state out: the core of the Highwater client materializer.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod cursor;

pub use cursor::Position;
