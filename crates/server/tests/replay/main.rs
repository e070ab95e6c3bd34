//! `highwater replay`, the program itself, on recorded streams.
#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod common;
mod input;
mod recorded;
mod session;
