//! The server as its clients see it: real sockets, port 0, one behaviour a test.
#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod common;

mod cors;
mod demo;
mod errors;
mod faults;
mod items;
mod process;
mod query;
mod slow;
mod stream;
mod transactions;
